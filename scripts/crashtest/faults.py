"""Every fault at every call: what can be mended is, what can't is told, and the rest happens all the same."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sandbox.stage import Json
from scripts.crashtest.calls import OURS, Call, ours, standing
from scripts.crashtest.operation import Operation, Played
from scripts.crashtest.points import Playable, Verdict, judged, prepared, problems_of
from scripts.crashtest.site import Site
from scripts.crashtest.truth import FINAL, Problem, Truth

HTTP = ("port", "slack", "zoom", "statuspage")
DOWN_SECONDS = 10.0  # as short as everything else is made
MINUTE_SECONDS = 60.0
STRIKE_SECONDS, OVER_SECONDS = 8.0, 3.0


@dataclass(frozen=True)
class Fault:
    """One way for a call to fail.

    mends  the integration is expected to make everything right by itself
    only   at these operations; empty: at all of the services
    reads  also worth trying at calls that change nothing
    lasts  seconds for which the whole service fails so from that call on; 0: that call alone
    """

    name: str
    services: tuple[str, ...]
    plan: Json = field(hash=False)
    mends: bool = True
    only: tuple[str, ...] = ()
    reads: bool = False
    lasts: float = 0.0

    def fits(self, call: Call) -> bool:
        if call.service not in self.services or (self.only and call.operation not in self.only):
            return False
        return self.reads or call.changes

    @property
    def code(self) -> str:
        return str(self.plan.get("error", ""))

    def planned(self, call: Call, incident: str) -> Json:
        if self.lasts:
            every = {"service": call.service, "caller": OURS, "skip": call.before, "times": 1_000_000}
            return {**every, **self.plan}
        return {**call.planned(incident), "skip": call.ordinal, **self.plan}


_IN_CHANNEL = (
    *("chat.postMessage", "conversations.invite", "conversations.setTopic", "bookmarks.add"),
    *("bookmarks.list", "conversations.info", "conversations.join"),
)


_OUT = "not_in_channel"
_DAILY: Json = {"status": 429, "error": "daily"}
_NOT_WRITTEN: Json = {
    "ok": True,
    "entities": [],
    "errors": [{"index": 0, "statusCode": 500, "error": "internal_error", "message": "not written"}],
}
"""Of a bulk write the first item is refused, and nothing is said of the others."""


def faults(timeout: float, down: float = DOWN_SECONDS) -> list[Fault]:
    """All of them. `timeout` is how many seconds the integration waits for an answer, `down` for how long a
    service is away.

    At a call that changes nothing, what differs in its effect alone is one and the same.
    """
    late = timeout + 0.7
    found = [
        Fault("429 Retry-After", HTTP, {"status": 429, "retry_after": "1"}, reads=True),
        Fault("429", HTTP, {"status": 429}, reads=True),
        Fault("500", HTTP, {"status": 500}, reads=True),
        Fault("503 after the effect", HTTP, {"status": 503, "after_effect": True}),
        Fault("504, the effect later", HTTP, {"effect_delay": 1.0}),
        Fault("time-out, the effect later", HTTP, {"delay": late}, reads=True),
        Fault("time-out after the effect", HTTP, {"answer_delay": late}),
        Fault("reset", HTTP, {"drop": "before"}, reads=True),
        Fault("reset after the effect", HTTP, {"drop": "after"}),
        Fault("half an answer", HTTP, {"drop": "half"}, reads=True),
        Fault("malformed", HTTP, {"malformed": True}, reads=True),
        Fault("420", ("statuspage",), {"status": 420}),
        Fault("422", ("statuspage",), {"status": 422, "error": "Name is too long"}, mends=False),
        Fault("401", ("port",), {"status": 401}, reads=True),
        Fault("422", ("port",), {"status": 422, "error": "invalid_request"}, mends=False),
        Fault("207", ("port",), {"status": 207, "body": _NOT_WRITTEN}, mends=False, only=("entities.bulk",)),
        Fault("down", ("port",), {"drop": "before"}, mends=False, lasts=down),
        Fault("token refused", ("zoom",), {"status": 401}, reads=True),
        Fault("token refused for good", ("zoom",), {"status": 401}, mends=False, lasts=down),
        Fault("daily limit", ("zoom",), _DAILY, only=("meetings.create",)),
        Fault("daily limit of all", ("zoom",), _DAILY, mends=False, only=("meetings.create",), lasts=down),
        Fault("dead", ("zoom",), {"status": 500}, mends=False, lasts=down),
        Fault("ratelimited", ("slack",), {"error": "ratelimited", "retry_after": "1"}),
        Fault("missing_scope", ("slack",), {"error": "missing_scope"}, mends=False),
        # Foreign channels, standing or archived: the next name is tried.
        Fault("name_taken", ("slack",), {"error": "name_taken"}, only=("conversations.create",)),
        Fault("not_in_channel", ("slack",), {"error": _OUT}, only=("chat.postMessage",)),
        Fault("421", ("mail",), {"status": 421}, mends=False, only=("smtp.connect",), reads=True),
        Fault("450", ("mail",), {"status": 450}, mends=False, only=("smtp.rcpt",), reads=True),
        Fault("550", ("mail",), {"status": 550}, mends=False, only=("smtp.rcpt",), reads=True),
        Fault("reset", ("mail",), {"drop": "before"}, reads=True),
        Fault("451", ("mail",), {"status": 451}, mends=False, only=("smtp.data",)),
        Fault("reset after the effect", ("mail",), {"drop": "after"}, only=("smtp.data",)),
        Fault("half an answer", ("mail",), {"drop": "half"}, only=("smtp.data",)),
        Fault("no answer", ("mail",), {"answer_delay": 3 * late}, only=("smtp.data",)),
    ]
    for code in ("channel_not_found", "is_archived"):
        found.append(Fault(code, ("slack",), {"error": code}, mends=False, only=_IN_CHANNEL))
    found.append(
        Fault("msg_too_long", ("slack",), {"error": "msg_too_long"}, mends=False, only=("chat.postMessage",))
    )
    return found


_EXCUSED: dict[str, str] = {
    # What may be missing when this call is refused for good; everything else must be there.
    "conversations.create": r"(?!meeting$).*",
    "conversations.invite": r"invitation|war room's invited",
    "conversations.setTopic": r"topic",
    "conversations.info": r"topic|invitation",
    "bookmarks.add": r"bookmarks",
    "bookmarks.list": r"bookmarks",
    "users.lookupByEmail": r"invitation",
    "meetings.create": r".*[bB]ridge.*|meeting|bookmarks|run of .*",
    "meetings.status": r"meeting",
    "chat.postMessage": r"(?!channel|meeting|invitation|bookmarks|topic).*",
    "conversations.join": r"(update|status notice) to .*|run of .*",
}
_MAIL = r"(update|status notice) to .*|run of .*"


@dataclass(frozen=True)
class FaultPoint:
    operation: Operation
    call: Call
    fault: Fault

    @property
    def name(self) -> str:
        return f"{self.operation.name} {self.call.name} {self.fault.name}"

    @property
    def alone(self) -> Sequence[Playable]:
        return [self]

    def verdict(self) -> Verdict:
        return Verdict(self.name, self.operation.name, self.call.about)

    def excused(self, problem: Problem) -> bool:
        """Whether this may be missing after the fault: it is what was refused, or follows from it."""
        if self.fault.mends or problem.kind != "loss":
            return False
        if self.call.service in ("port", "statuspage"):
            return True  # without it nothing goes on; what was done must still be on the record
        allowed = _MAIL if self.call.service == "mail" else _EXCUSED.get(self.call.operation, "")
        return re.fullmatch(allowed, problem.about) is not None

    async def play(self, site: Site, patience: float) -> list[Verdict]:
        return await played_with([self], site, patience)


async def played_with(points: Sequence[FaultPoint], site: Site, patience: float) -> list[Verdict]:
    """Plan their faults, let the operation run into them, judge what it came to: a verdict for each."""
    operation = points[0].operation
    verdicts = [point.verdict() for point in points]
    played = await prepared(site, operation)
    since = await site.mark()
    plan = [point.fault.planned(point.call, played.incident) for point in points]
    planned = [one["id"] for one in await site.ask("POST", "/faults", plan)]
    began = time.monotonic()
    await operation.begin(played)
    if lasts := points[0].fault.lasts:
        # Nobody reads Port meanwhile, we neither.
        await asyncio.sleep(lasts)
        await site.ask("DELETE", "/faults")
    else:
        await _strikes(operation, played, planned)

    def unexcused(found: list[Problem], truth: Truth) -> list[Problem]:
        left = [one for one in found if not any(point.excused(one) for point in points)]
        if len(left) < len(found) and not _told(truth):
            left.append(Problem("untrue", "runs", "something is missing, and no run says so"))
        return left

    problems, calm_at, truth = await judged(operation, played, began, patience + lasts, unexcused)
    struck = await _struck(site, since)
    for point, verdict, fault in zip(points, verdicts, planned, strict=True):
        verdict.problems = problems
        verdict.seconds = round(max(0.0, calm_at - began - lasts), 1)  # since it is over
        verdict.unknown = len(truth.unknown())
        verdict.together = len(points)
        verdict.reached = any(_its(one, fault, point.call) for one in struck)
    await site.ask("DELETE", "/faults")
    await site.retire(played.incident)
    return verdicts


def fault_points(
    operation: Operation, calls: Sequence[Call], timeout: float, down: float = DOWN_SECONDS
) -> list[FaultPoint]:
    """Every fault at every call. Of calls about the same that are under way at once it is tried at the first:
    which of them that is, is chance. From the first write on Port is down for a whole minute, too."""
    joins = any(call.operation == "conversations.join" for call in calls)
    written = next((call for call in calls if call.service == "port" and call.changes), None)
    minute = Fault("down for a minute", ("port",), {"drop": "before"}, mends=False, lasts=MINUTE_SECONDS)
    whole = [FaultPoint(operation, written, minute)] if written and down < MINUTE_SECONDS else []
    return whole + [
        # Who is told that he is not in a channel which he has just joined can only say so.
        FaultPoint(operation, call, replace(fault, mends=False) if joins and fault.code == _OUT else fault)
        for call in calls
        if not call.twin
        for fault in faults(timeout, down)
        if fault.fits(call)
    ]


async def _strikes(operation: Operation, played: Played, faults: list[int]) -> None:
    """Wait until all have struck, or will not any more. Until then nothing of ours may run into them."""
    site, began = played.site, time.monotonic()
    mark = await site.mark()
    while time.monotonic() - began < STRIKE_SECONDS * (1 + len(faults) / 2):
        waiting = [one["id"] for one in await site.ask("GET", "/faults")]
        if not set(faults) & set(waiting):
            return
        await asyncio.sleep(0.1)
        if time.monotonic() - began < OVER_SECONDS or problems_of(operation, await played.truth()):
            continue
        # All is there: what does not come within the operation's trail will not come.
        await site.quiet(mark, operation.trail + 1.0)
        break
    await site.ask("DELETE", "/faults")


def _told(truth: Truth) -> bool:
    """Whether a run that has ended says what could not be done."""
    ended = [run for run in truth.runs if run["status"] in FINAL]
    return any(run["status"] == "FAILURE" or run["logs"] for run in ended)


async def _struck(site: Site, since: int) -> list[Json]:
    """Our calls that a fault struck, in full."""
    entries = await site.journal(since=since, full="true")
    return [one for one in entries if one["fault"] and ours(one)]


def _its(entry: Json, fault: int, call: Call) -> bool:
    """Whether this fault struck a call of the operation there, not one that goes on anyway."""
    return entry["fault"] == fault and not standing(entry, polls=call.operation != "incidents.unresolved")
