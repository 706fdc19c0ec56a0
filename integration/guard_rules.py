"""The rules by which texts are judged before they go out, and how much each weighs unless set otherwise."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

GuardRule = Literal[
    "leak",
    "private",
    "resolved early",
    "resolved late",
    "status ahead",
    "components",
    "impact",
    "claim",
    "start",
    "limits",
]

Weight = Literal["block", "warn", "off"]

WEIGHTS: Mapping[GuardRule, Weight] = {
    "leak": "block",
    "private": "block",
    "resolved early": "block",
    "resolved late": "warn",
    "status ahead": "warn",
    "components": "block",
    "impact": "warn",
    "claim": "block",
    "start": "warn",
    "limits": "block",
}
"""How much each rule weighs where no setting says otherwise."""

ALWAYS: frozenset[GuardRule] = frozenset({"private", "limits"})
"""Rules that no setting and no override lifts: a private incident stays off public pages, and a text that
the page refuses does not get better by insisting."""
