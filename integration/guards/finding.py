"""What a guard reports, and how much weight each rule has by the customer's settings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from integration.guard_rules import ALWAYS, WEIGHTS, GuardRule, Weight
from integration.guards.leak import Leak
from integration.models.base import Value


class Finding(Value):
    """One reason why a text should not go out as it is: a sentence for its author."""

    rule: GuardRule
    blocking: bool
    reason: str
    lifted: bool = True  # whether a named override may let it pass


def finding(rule: GuardRule, reason: str, weights: Mapping[GuardRule, Weight] = WEIGHTS) -> Finding | None:
    """The finding at its weight; None where the rule is off."""
    weight = "block" if rule in ALWAYS else weights.get(rule, WEIGHTS[rule])
    if weight == "off":
        return None
    return Finding(rule=rule, blocking=weight == "block", reason=reason, lifted=rule not in ALWAYS)


def leak_findings(
    leaks: Sequence[Leak], weights: Mapping[GuardRule, Weight] = WEIGHTS
) -> tuple[Finding, ...]:
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
