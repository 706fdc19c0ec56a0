"""What a check found."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from integration.errors import IncidentCommsError

Verdict = Literal["ok", "warning", "failed", "unknown", "off"]
MARKS: dict[Verdict, str] = {"ok": "✓", "warning": "!", "failed": "✗", "unknown": "?", "off": "–"}


@dataclass(frozen=True)
class Finding:
    """`check` names it, such as slack.scopes. `said`: what is so. `step`: what to do next, if anything.

    unknown: nobody can tell from here; off: not set up, and that is fine.
    """

    check: str
    verdict: Verdict
    said: str
    step: str = ""

    @property
    def line(self) -> str:
        step = f"\n      → {self.step}" if self.step else ""
        return f"{MARKS[self.verdict]} {self.check}: {self.said}{step}"

    def as_json(self) -> dict[str, str]:
        found = {"check": self.check, "verdict": self.verdict, "said": self.said}
        return found | ({"step": self.step} if self.step else {})


def ok(check: str, said: str) -> Finding:
    return Finding(check, "ok", said)


def failed(check: str, said: str, step: str) -> Finding:
    return Finding(check, "failed", said, step)


def warning(check: str, said: str, step: str) -> Finding:
    return Finding(check, "warning", said, step)


def unknown(check: str, said: str, step: str = "") -> Finding:
    return Finding(check, "unknown", said, step)


def off(check: str, said: str) -> Finding:
    return Finding(check, "off", said)


Check = Callable[[], Awaitable[Sequence[Finding]]]


async def asked(name: str, check: Check, seconds: float = 60.0) -> list[Finding]:
    """What the check found; that it could not be made is a finding, too."""
    try:
        async with asyncio.timeout(seconds):
            return list(await check())
    except IncidentCommsError as problem:
        return [failed(name, str(problem), "Mend this first, then run `make doctor` again.")]
    except TimeoutError:
        return [failed(name, f"no answer within {seconds:g} s", "Check the network between here and there.")]
