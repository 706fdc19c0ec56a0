"""What a guard reports, and how much weight each rule has by the customer's settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Literal, get_args

from integration.guards.leak import Leak
from integration.models import Value

Rule = Literal[
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
RULES: tuple[Rule, ...] = get_args(Rule)

Weight = Literal["block", "warn", "off"]

WEIGHTS: Mapping[Rule, Weight] = {
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

ALWAYS: frozenset[Rule] = frozenset({"private", "limits"})
"""Rules that no setting and no override lifts: a private incident stays off public pages, and a text that
the page refuses does not get better by insisting."""


class Finding(Value):
    """One reason why a text should not go out as it is: a sentence for its author."""

    rule: Rule
    blocking: bool
    reason: str
    lifted: bool = True  # whether a named override may let it pass


def finding(rule: Rule, reason: str, weights: Mapping[Rule, Weight] = WEIGHTS) -> Finding | None:
    """The finding at its weight; None where the rule is off."""
    weight = "block" if rule in ALWAYS else weights.get(rule, WEIGHTS[rule])
    if weight == "off":
        return None
    return Finding(rule=rule, blocking=weight == "block", reason=reason, lifted=rule not in ALWAYS)


def leak_findings(leaks: Sequence[Leak], weights: Mapping[Rule, Weight] = WEIGHTS) -> tuple[Finding, ...]:
    """One finding for each leak. It names the place; a secret's own text is never repeated."""
    return tuple(
        told
        for leak in leaks
        if (
            told := finding(
                "leak", f"characters {leak.start} to {leak.end}{_quoted(leak)}: {leak.reason}", weights
            )
        )
    )


def blocking(findings: Iterable[Finding]) -> tuple[Finding, ...]:
    return tuple(one for one in findings if one.blocking)


def _quoted(leak: Leak) -> str:
    if leak.kind == "secret":
        return ""
    words = " ".join(leak.text.split())
    return f" (“{words if len(words) <= 60 else words[:59] + '…'}”)"
