"""The world the emulators share: clock, identifiers, journal, faults and hostile habits."""

from __future__ import annotations

import asyncio
import random
import re
import time
import uuid
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import asdict, dataclass, field, fields
from datetime import UTC, datetime
from typing import Any, Literal

Json = dict[str, Any]


class Clock:
    """Wall time, shifted per service so that a provider's clock can be wrong on purpose (seconds)."""

    def __init__(self) -> None:
        self.shift: dict[str, float] = {}

    def now(self, service: str = "") -> float:
        """Seconds since the epoch as `service` sees them."""
        return time.time() + self.shift.get(service, 0.0)

    def iso(self, service: str = "") -> str:
        return iso(self.now(service))


def iso(seconds: float) -> str:
    """RFC 3339 in UTC with milliseconds, as Port, Zoom and Statuspage print times."""
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


class Ids:
    """Identifiers that are reproducible from a seed, so that a failing run can be played again."""

    ALPHABET = "ABCDEFGHJKLMNPQRSTUVWXYZ0123456789"

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self._counter = 0

    def count(self) -> int:
        self._counter += 1
        return self._counter

    def upper(self, prefix: str, length: int = 10) -> str:
        """Slack's form: a prefix letter and capitals (C0123ABCDEF)."""
        return prefix + "".join(self.random.choice(self.ALPHABET) for _ in range(length))

    def mixed(self, length: int = 16) -> str:
        """Port's form for runs and organisations: letters of both cases and digits."""
        letters = "abcdefghijkmnopqrstuvwxyz" + self.ALPHABET
        return "".join(self.random.choice(letters) for _ in range(length))

    def uuid(self) -> str:
        """Lower case, with hyphens (Slack's client_msg_id and envelope_id)."""
        return str(uuid.UUID(int=self.random.getrandbits(128), version=4))

    def digits(self, length: int) -> str:
        return str(self.random.randrange(10 ** (length - 1), 10**length))


@dataclass
class Hostility:
    """Vendor habits that break naive clients. All are on by default; each can be switched off.

    Shapes: seconds for `*_seconds`, probability 0..1 for `*_share`, otherwise a switch.
    """

    history_lag_seconds: float = 2.0  # conversations.history, .replies, users.conversations show the past
    search_lag_seconds: float = 2.0  # Port's search routes show the past; GET by identifier does not
    twin_creates: bool = True  # concurrent creates of one channel name may both succeed
    archived_bot_out: bool = True  # a bot is removed on archive and can't unarchive
    unlisted_meetings: bool = True  # instant and expired meetings are not in a host's list
    final_run_locked: bool = True  # PATCH on a finished run is refused
    event_delay_seconds: float = 0.4  # events arrive up to this late, hence out of order
    event_duplicate_share: float = 0.1  # share of events that arrive twice

    def change(self, values: Json) -> None:
        """Set the named habits; raises ValueError naming an unknown one."""
        known = {f.name for f in fields(self)}
        for name, value in values.items():
            if name not in known:
                raise ValueError(f"unknown habit {name!r}; known: {', '.join(sorted(known))}")
            setattr(self, name, type(getattr(self, name))(value))

    @classmethod
    def none(cls) -> Hostility:
        return cls(0.0, 0.0, False, False, False, False, 0.0, 0.0)


@dataclass
class Fault:
    """What to do with the next `times` calls of an operation, after letting `skip` pass.

    `service` and `operation` match exactly or by "*"; `path`, a regular expression, must match the whole
    path, and the caller's User-Agent begin with `caller`. Calls that don't match are not counted either.
    Exactly one way of failing is expected, with `delay` (seconds before anything) allowed beside each:
      status/error    answer this instead; `after_effect` runs the operation first
      drop            "before" or "after" the effect: the connection is reset without an answer;
                      "half": the effect happens and the answer is cut in the middle
      malformed       the effect happens and the answer is not JSON
      answer_delay    the effect happens at once, the answer comes that many seconds later
      effect_delay    the answer is a 504 now, the effect lands that many seconds later
      hold            "before" or "after" the effect: the call waits until released by the control API
    """

    service: str = "*"
    operation: str = "*"
    path: str = ""
    caller: str = ""
    times: int = 1
    skip: int = 0
    status: int | None = None
    error: str | None = None
    retry_after: str | None = None
    body: Any = None
    after_effect: bool = False
    drop: Literal["before", "after", "half"] | None = None
    malformed: bool = False
    delay: float = 0.0
    answer_delay: float = 0.0
    effect_delay: float = 0.0
    hold: Literal["before", "after"] | None = None
    id: int = 0

    def matches(self, service: str, operation: str, path: str, caller: str) -> bool:
        if self.service not in ("*", service) or self.operation not in ("*", operation):
            return False
        return caller.startswith(self.caller) and (not self.path or re.fullmatch(self.path, path) is not None)


class FaultPlan:
    """The faults that wait for their call, first come first served, and the calls held now."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._serial = 0
        self.held: dict[int, Json] = {}
        self._released: dict[int, asyncio.Event] = {}

    def add(self, values: Json) -> Fault:
        known = {f.name for f in fields(Fault)} - {"id"}
        unknown = set(values) - known
        if unknown:
            raise ValueError(f"unknown fault field {sorted(unknown)[0]!r}; known: {', '.join(sorted(known))}")
        self._serial += 1
        fault = Fault(**values, id=self._serial)
        self._faults.append(fault)
        return fault

    def take(self, service: str, operation: str, path: str = "", caller: str = "") -> Fault | None:
        for fault in self._faults:
            if not fault.matches(service, operation, path, caller):
                continue
            if fault.skip > 0:
                fault.skip -= 1
                continue
            fault.times -= 1
            if fault.times <= 0:
                self._faults.remove(fault)
            return fault
        return None

    def waiting(self) -> list[Json]:
        return [asdict(fault) for fault in self._faults]

    def forget(self, fault: int) -> bool:
        """Take one out of the plan; whether it was there."""
        before = len(self._faults)
        self._faults = [one for one in self._faults if one.id != fault]
        return len(self._faults) < before

    def clear(self) -> None:
        self._faults.clear()
        for call in list(self.held):
            self.release(call)

    async def hold(self, call: int, about: Json) -> None:
        released = self._released.setdefault(call, asyncio.Event())
        self.held[call] = about
        try:
            await released.wait()
        finally:
            self.held.pop(call, None)
            self._released.pop(call, None)

    def release(self, call: int) -> bool:
        event = self._released.get(call)
        if event is None:
            return False
        event.set()
        return True


@dataclass
class Entry:
    """One call to an emulator, or one delivery by it (`direction` "out")."""

    n: int
    service: str
    operation: str
    direction: Literal["in", "out"]
    method: str
    path: str
    at: str
    started: float
    seconds: float = 0.0
    status: int | None = None  # None: no answer was given, or none has been given yet
    error: str | None = None  # the vendor's error code, e.g. name_taken
    effect: str | None = None  # what the call changed, in words; None when nothing
    fault: int | None = None
    caller: str = ""  # User-Agent
    request: Json = field(default_factory=dict)  # query, headers (no credentials), body
    answer: Json = field(default_factory=dict)  # headers, body

    def answered(self, status: int | None, error: str | None, body: str, headers: Json | None = None) -> None:
        """What came of a delivery."""
        self.seconds = round(time.time() - self.started, 6)
        self.status, self.error = status, error
        self.answer = {"headers": headers or {}, "body": body}

    def full(self) -> Json:
        """All of it, to be read at once: nothing is copied, for a journal is long and often asked for."""
        return dict(vars(self))

    def brief(self) -> Json:
        """As `full`, without what was asked and answered."""
        return {name: value for name, value in vars(self).items() if name not in ("request", "answer")}


class World:
    """Everything the emulators share. One instance a process; `reset` starts the story over."""

    def __init__(self, seed: int = 1) -> None:
        self.seed = seed
        self.clock = Clock()
        self.ids = Ids(seed)
        self.journal: list[Entry] = []
        self.faults = FaultPlan()
        self.hostility = Hostility()
        self._tasks: set[asyncio.Task[Any]] = set()
        self._resets: list[Callable[[], None]] = []

    def on_reset(self, clear: Callable[[], None]) -> None:
        """Called by each service to say how its own state is emptied."""
        self._resets.append(clear)

    async def reset(self) -> None:
        """Empty everything; tasks under way are cancelled."""
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self.faults.clear()
        self.journal.clear()
        self.ids = Ids(self.seed)
        self.clock = Clock()
        self.hostility = Hostility()
        for clear in self._resets:
            clear()

    def background(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        """Run `work` beside the answer; kept referenced, cancelled on reset."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def record(self, entry: Entry) -> None:
        self.journal.append(entry)

    def sends(
        self, service: str, operation: str, method: str, path: str, body: str, headers: Json | None = None
    ) -> Entry:
        """A delivery that leaves now, journalled; the entry is told when it is `answered`."""
        started = time.time()
        entry = Entry(
            n=self.ids.count(),
            service=service,
            operation=operation,
            direction="out",
            method=method,
            path=path,
            at=iso(started),
            started=started,
            request={"query": [], "headers": headers or {}, "body": body},
        )
        self.record(entry)
        return entry


Listener = Callable[[Json], Awaitable[None] | None]
