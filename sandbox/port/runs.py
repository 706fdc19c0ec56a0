"""Action runs: their life from pressed to finished, and how the API shows them.

IN_PROGRESS ──▶ SUCCESS | FAILURE          reported by the backend, or by the HTTP status if synchronous
WAITING_FOR_APPROVAL ──▶ IN_PROGRESS | DECLINED          (FAILURE when the request is withdrawn)
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.copies import copied
from sandbox.port.auth import Principal
from sandbox.port.wire import PortError, invalid, not_found
from sandbox.world import Json, World, iso

Status = Literal["IN_PROGRESS", "WAITING_FOR_APPROVAL", "DECLINED", "SUCCESS", "FAILURE"]
Source = Literal["UI", "API", "AUTOMATION"]

FINAL: frozenset[str] = frozenset({"SUCCESS", "FAILURE", "DECLINED"})

Changed = Callable[["Run", Json | None], None]
"""Told of a run and of how it looked before; None when it is new. Logs and claims are no changes."""


@dataclass
class Run:
    """One execution of an action or automation. Times are seconds since the epoch, Port's clock."""

    id: str
    action: Json  # as it stood when the run began: later edits of the action don't reach it
    source: Source
    who: Principal  # on whose behalf
    at: float
    context: Json  # what templates see, without secrets
    blueprint: Json | None = None  # {"identifier", "title", "icon"}
    entity: Json | None = None  # {"identifier", "title", "icon"}
    properties: Json = field(default_factory=dict)  # inputs with defaults, entities as identifiers
    given: Json = field(default_factory=dict)  # inputs as they were sent
    impersonated_by: str | None = None  # client id behind `run_as`
    chain: tuple[str, ...] = ()  # automations that led here, oldest first, this one included
    status: Status = "IN_PROGRESS"
    status_label: str | None = None
    link: str | list[str] | None = None
    summary: str | None = None
    external_run_id: str | None = None
    payload: Json | None = None  # the rendered invocation; secrets are masked
    response: Any = None
    approval: Json | None = None
    approvals: dict[str, Json] = field(default_factory=dict)  # user id -> {"userId", "state", "description"}
    pending: bool = False  # waits to be claimed and acknowledged
    installation: str | None = None
    claimed_until: float | None = None
    updated_by: str = ""
    updated_at: float = 0.0
    ended_at: float | None = None
    terminated: bool = False  # a log with terminationStatus was sent
    logs: list[Json] = field(default_factory=list)

    @property
    def final(self) -> bool:
        return self.status in FINAL

    @property
    def identifier(self) -> str:
        """The action's identifier."""
        return str(self.action["identifier"])

    def public(self) -> Json:
        """The run as the API shows it (v2). What is not there yet is left out, not null."""
        shown: Json = {
            "id": self.id,
            "status": self.status,
            "statusLabel": self.status_label,
            "action": _named(self.action),
            "properties": self.properties,
            "rawProperties": self.given,
            "requiredApproval": self.action.get("requiredApproval") or False,
            "source": self.source,
            "approval": self.approval,
            "payload": self.payload,
            "pendingExecution": self.pending,
            "createdBy": self.who.name,
            "updatedBy": self.updated_by or self.who.name,
            "createdAt": iso(self.at),
            "updatedAt": iso(self.updated_at or self.at),
        }
        present = {
            "blueprint": self.blueprint,
            "entity": self.entity,
            "link": self.link,
            "summary": self.summary,
            "externalRunId": self.external_run_id,
            "response": self.response,
            "installationId": self.installation,
            "impersonatedBy": self.impersonated_by,
            "claimedUntil": None if self.claimed_until is None else iso(self.claimed_until),
            "endedAt": None if self.ended_at is None else iso(self.ended_at),
        }
        shown.update({name: value for name, value in present.items() if value is not None})
        return copied(shown)


def _named(thing: Json) -> Json:
    return {name: thing.get(name) for name in ("identifier", "title", "icon")}


def named(thing: Json | None) -> Json | None:
    """A blueprint, entity or action reduced to what a run shows of it."""
    return None if thing is None else _named(thing)


class Runs:
    """All runs of the organisation, newest last, and the rules for changing one."""

    def __init__(self, world: World, changed: Changed) -> None:
        self.world = world
        self._changed = changed
        self._runs: dict[str, Run] = {}

    def clear(self) -> None:
        self._runs.clear()

    def __iter__(self) -> Iterator[Run]:
        return iter(list(self._runs.values()))

    def new_id(self) -> str:
        return "r_" + self.world.ids.mixed(16)

    def now(self) -> float:
        return self.world.clock.now("port")

    def get(self, run_id: str) -> Run:
        """Raises PortError 404."""
        run = self._runs.get(run_id)
        if run is None:
            raise not_found("Action run", run_id)
        return run

    def find(self, run_id: str) -> Run | None:
        return self._runs.get(run_id)

    def add(self, run: Run, *, quiet: bool = False) -> None:
        """`quiet`: no RUN_CREATED, for a run that only records that a loop was cut."""
        self._runs[run.id] = run
        if not quiet:
            self._changed(run, None)

    def check_in_progress(self, run_id: str) -> None:
        """Entities may be tied only to a run that is in progress. Raises PortError 404 or 422."""
        if self.get(run_id).status != "IN_PROGRESS":
            raise invalid(f'Action run "{run_id}" is not in progress, entities can not be tied to it')

    # --- changes ---------------------------------------------------------------------------------

    def change(self, run: Run, by: str, **values: Any) -> None:
        """Set fields of the run as one update, which RUN_UPDATED automations see. Ends it if told so."""
        before = run.public()
        for name, value in values.items():
            setattr(run, name, value)
        run.updated_at, run.updated_by = self.now(), by
        if run.final and run.ended_at is None:
            run.ended_at, run.pending = run.updated_at, False
        self._changed(run, before)

    def patch(self, run: Run, body: Json, by: str) -> None:
        """PATCH of a run by its backend: each key overwrites. Raises PortError 422."""
        values = _patch_values(body)
        status = values.get("status")
        if run.final and self.world.hostility.final_run_locked:
            raise invalid(f'Action run "{run.id}" has already ended with status {run.status}')
        if status == "SUCCESS" and run.status == "WAITING_FOR_APPROVAL":
            raise invalid(f'Action run "{run.id}" waits for approval and can not succeed')
        self.change(run, by, **values)

    def log(self, run: Run, body: Json, by: str) -> Json:
        """Add a log entry; `terminationStatus` ends the run, once. Not an update for automations."""
        _fields(body, {"message": str, "terminationStatus": str, "statusLabel": str})
        if "message" not in body:
            raise invalid("body must have required property 'message'")
        ends = body.get("terminationStatus")
        if ends not in (None, "SUCCESS", "FAILURE"):
            raise invalid(
                "body/terminationStatus must be equal to one of the allowed values: SUCCESS, FAILURE"
            )
        if ends and (run.terminated or (run.final and self.world.hostility.final_run_locked)):
            raise invalid(f'Action run "{run.id}" has already ended with status {run.status}')
        now = self.now()
        if ends:
            run.terminated, run.status, run.ended_at, run.pending = True, ends, now, False
        if "statusLabel" in body and (ends or not run.final):
            run.status_label = body["statusLabel"]
        return self.note(run, body["message"], by)

    def note(self, run: Run, message: str, by: str) -> Json:
        """A log entry that changes nothing else."""
        entry: Json = {
            "id": "rl_" + self.world.ids.mixed(16),
            "runId": run.id,
            "message": message,
            "createdBy": by,
            "createdAt": iso(self.now()),
        }
        run.logs.append(entry)
        return entry

    def fail(self, run: Run, reason: str, **values: Any) -> None:
        """The engine itself ends a run: a log that says why, then FAILURE."""
        self.note(run, reason, "port")
        self.change(run, "port", status="FAILURE", **values)

    # --- claiming --------------------------------------------------------------------------------

    def claim(self, installation: str, limit: int, visibility: float, exclude: list[str]) -> list[Run]:
        """Pending runs of an installation, oldest first, hidden from others for `visibility` seconds."""
        now = self.now()
        free = [
            run
            for run in self
            if run.pending
            and run.status == "IN_PROGRESS"
            and run.installation == installation
            and (run.claimed_until is None or run.claimed_until <= now)
            and run.identifier not in exclude
        ][:limit]
        for run in free:
            run.claimed_until = now + visibility
        return free

    def acknowledge(self, run_id: str) -> Run:
        """From now on the run is never handed out again. Raises PortError 404, or 409 when it is taken."""
        run = self.get(run_id)
        if not run.pending or run.status != "IN_PROGRESS":
            raise PortError(409, "conflict", f'Action run "{run_id}" was already acknowledged')
        run.pending = False
        return run


def _patch_values(body: Json) -> dict[str, Any]:
    """Field values of a PATCH body. Port's schema is closed. Raises PortError 422."""
    kinds: dict[str, Any] = {
        "status": str,
        "statusLabel": str,
        "link": str | list,
        "summary": str,
        "externalRunId": str,
        "message": dict,  # deprecated: accepted, shown nowhere
    }
    _fields(body, kinds)
    if body.get("status", "SUCCESS") not in ("SUCCESS", "FAILURE"):
        raise invalid("body/status must be equal to one of the allowed values: SUCCESS, FAILURE")
    link = body.get("link")
    if isinstance(link, list) and not all(isinstance(item, str) for item in link):
        raise invalid("body/link must be an array of strings")
    names = {"statusLabel": "status_label", "externalRunId": "external_run_id"}
    return {names.get(name, name): value for name, value in body.items() if name != "message"}


def _fields(body: Json, kinds: dict[str, Any]) -> None:
    for name, value in body.items():
        if name not in kinds:
            raise invalid(f'body must NOT have additional properties: "{name}"')
        if not isinstance(value, kinds[name]):
            raise invalid(f"body/{name} must be {_WORDS.get(kinds[name], 'string or array')}")


_WORDS: dict[Any, str] = {str: "string", dict: "object"}
