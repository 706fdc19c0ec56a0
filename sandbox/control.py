"""The control API under /_sandbox: what a rehearsal or a test does to the world. No client of a vendor's
API ever calls it, it needs no credentials, and it is in no journal.

Answers are JSON. A refusal is `{"error": sentence, "field": name}` with 400, 404 or 409.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import asdict

from starlette.requests import Request
from starlette.routing import Route

from sandbox.control_input import Bad, Json, body, nothing, read, route
from sandbox.control_mail import MailControl
from sandbox.control_port import PortControl
from sandbox.control_several import Several
from sandbox.control_slack import SlackControl
from sandbox.control_slack_clicks import SlackClicksControl
from sandbox.control_statuspage import StatuspageControl
from sandbox.control_zoom import ZoomControl
from sandbox.mail.service import Mailbox
from sandbox.port.engine import Engine
from sandbox.port.service import Port
from sandbox.port.wire import PortError
from sandbox.slack.service import Slack
from sandbox.statuspage.service import Statuspage
from sandbox.world import Fault, World
from sandbox.zoom.service import Zoom

_SERVICES = ("mail", "port", "slack", "statuspage", "zoom")
_DROPS = (None, "before", "after", "half")
_HOLDS = (None, "before", "after")
_NUMBERS = ("times", "skip", "delay", "answer_delay", "effect_delay")
_TEXTS = ("service", "operation", "path", "caller", "error", "retry_after")


class Control:
    def __init__(
        self,
        world: World,
        slack: Slack,
        zoom: Zoom,
        port: Port,
        engine: Engine,
        statuspage: Statuspage,
        mail: Mailbox,
    ) -> None:
        self.world, self.slack, self.zoom, self.port, self.engine = world, slack, zoom, port, engine
        self.statuspage, self.mail = statuspage, mail

    def routes(self) -> list[Route]:
        own = self._own()
        missing = route(["GET", "POST", "PUT", "PATCH", "DELETE"], "/{rest:path}", nothing)
        return [*own, *Several([*own, missing]).routes(), missing]

    def _own(self) -> list[Route]:
        return [
            route("POST", "/reset", self._reset),
            route("POST", "/seed", self._seed),
            route("GET", "/state", self._state),
            route("GET", "/journal", self._journal),
            route("DELETE", "/journal", self._forget),
            route("POST", "/faults", self._add_faults),
            route("GET", "/faults", self._faults),
            route("DELETE", "/faults", self._clear_faults),
            route("DELETE", "/faults/{id}", self._forget_fault),
            route("GET", "/held", self._held),
            route("POST", "/held/{n}/release", self._release),
            route("GET", "/hostility", self._hostility),
            route("PATCH", "/hostility", self._change_hostility),
            route("PATCH", "/clock", self._shift_clock),
            *SlackControl(self.slack).routes(),
            *SlackClicksControl(self.slack).routes(),
            *ZoomControl(self.zoom).routes(),
            *PortControl(self.port, self.engine).routes(),
            *StatuspageControl(self.statuspage).routes(),
            *MailControl(self.mail).routes(),
        ]

    async def _reset(self, request: Request) -> Json:
        """Back to the start situation: state, journal, faults, hostility, clocks."""
        await self.world.reset()
        return {"ok": True}

    async def _seed(self, request: Request) -> Json:
        """{"port"?, "slack"?, "zoom"?, "statuspage"?, "mail"?}: added to what is there; nobody is told.

        Each is an object; see the `seed` of the services. Mail: {"refuse"?: {address: code}}.
        """
        given = await body(request)
        seeds = {
            "port": self.port.seed,
            "slack": self.slack.seed,
            "zoom": self.zoom.seed,
            "statuspage": self.statuspage.seed,
            "mail": self._seed_mail,
        }
        parts = {name: given.object(name, {}) for name in seeds}
        given.done()
        for name, values in parts.items():
            try:
                seeds[name](values)
            except PortError as refused:
                raise Bad(name, refused.message) from refused
            except KeyError as missing:
                raise Bad(name, f"something lacks its field {missing}") from missing
            except (ValueError, TypeError, AttributeError) as wrong:
                raise Bad(name, str(wrong)) from wrong
        return {"ok": True}

    def _seed_mail(self, given: Json) -> None:
        for name in given:
            if name != "refuse":
                raise ValueError(f"unknown seed {name!r}; known: refuse")
        for address, code in given.get("refuse", {}).items():
            self.mail.refuse(address, code)

    async def _state(self, request: Request) -> Json:
        """Everything there is, service by service."""
        return {
            "slack": self.slack.state(),
            "zoom": self.zoom.state(),
            "port": {**self.port.snapshot(), "runs": self.engine.snapshot()},
            "statuspage": self.statuspage.state(),
            "mail": self.mail.state(),
            "hostility": asdict(self.world.hostility),
            "faults": self.world.faults.waiting(),
            "held": self._waiting(),
            "clock": dict(self.world.clock.shift),
        }

    async def _journal(self, request: Request) -> list[Json]:
        """Every call to an emulator and every delivery by one, oldest first.

        ?since=n leaves out entries up to n; ?service= and ?operation= narrow down; ?full=true adds
        requests and answers.
        """
        asked = request.query_params
        since = _whole(asked.get("since", "0"), "since")
        full = asked.get("full", "").lower() in ("true", "1", "yes")
        return [
            entry.full() if full else entry.brief()
            for entry in self.world.journal
            if entry.n > since
            and asked.get("service", entry.service) == entry.service
            and asked.get("operation", entry.operation) == entry.operation
        ]

    async def _forget(self, request: Request) -> Json:
        """Empty the journal and leave everything else."""
        self.world.journal.clear()
        return {"ok": True}

    async def _add_faults(self, request: Request) -> list[Json]:
        """One fault or a list, all or none; see sandbox.world.Fault for the fields."""
        given = await read(request)
        wanted = given if isinstance(given, list) else [given]
        for one in wanted:
            _check_fault(one)
        return [asdict(self.world.faults.add(one)) for one in wanted]

    async def _faults(self, request: Request) -> list[Json]:
        return self.world.faults.waiting()

    async def _clear_faults(self, request: Request) -> Json:
        """Forget the plan and release what is held."""
        self.world.faults.clear()
        return {"ok": True}

    async def _forget_fault(self, request: Request) -> Json:
        """Forget one; the calls that it holds stay held."""
        fault = _whole(request.path_params["id"], "id")
        if not self.world.faults.forget(fault):
            raise Bad("id", f"no fault {fault} waits", 404)
        return {"ok": True}

    def _waiting(self) -> list[Json]:
        return list(self.world.faults.held.values())

    async def _held(self, request: Request) -> list[Json]:
        """Calls that wait; `n` names one. ?wait=seconds (at most 30) waits until there is one."""
        patience = min(_whole(request.query_params.get("wait", "0"), "wait"), 30)
        for _ in range(patience * 50):
            if self.world.faults.held:
                break
            await asyncio.sleep(0.02)
        return self._waiting()

    async def _release(self, request: Request) -> Json:
        call = _whole(request.path_params["n"], "n")
        if not self.world.faults.release(call):
            raise Bad("n", f"no call {call} is held", 404)
        return {"ok": True}

    async def _hostility(self, request: Request) -> Json:
        return asdict(self.world.hostility)

    async def _change_hostility(self, request: Request) -> Json:
        """{habit: value, ...} -> all habits"""
        given = await body(request)
        known = asdict(self.world.hostility)
        for name, value in given.values.items():
            if name not in known:
                raise Bad(name, f"unknown habit; known: {', '.join(sorted(known))}")
            if isinstance(known[name], bool) != isinstance(value, bool):
                needed = "true or false" if isinstance(known[name], bool) else "a number"
                raise Bad(name, f"{needed} is needed")
            if not isinstance(value, int | float) or value < 0:
                raise Bad(name, "a number from 0 is needed")
        self.world.hostility.change(given.values)
        return asdict(self.world.hostility)

    async def _shift_clock(self, request: Request) -> Json:
        """{service: seconds, ...}: how far that provider's clock is ahead; 0 puts it right."""
        given = await body(request)
        for service, seconds in given.values.items():
            if service not in _SERVICES:
                raise Bad(service, f"unknown service; known: {', '.join(_SERVICES)}")
            if isinstance(seconds, bool) or not isinstance(seconds, int | float):
                raise Bad(service, "a number of seconds is needed")
        self.world.clock.shift.update({k: float(v) for k, v in given.values.items()})
        return dict(self.world.clock.shift)


def _whole(text: str, field: str) -> int:
    if not text.isdecimal():
        raise Bad(field, "a whole number is needed")
    return int(text)


def _check_fault(given: object) -> None:
    """Refuse what the plan could not carry out, before anything is added to it."""
    if not isinstance(given, dict):
        raise Bad("", "a fault is a JSON object")
    known = set(asdict(Fault())) - {"id"}
    for name, value in given.items():
        if name not in known:
            raise Bad(name, f"unknown fault field; known: {', '.join(sorted(known))}")
        if name in _NUMBERS and (isinstance(value, bool) or not isinstance(value, int | float) or value < 0):
            raise Bad(name, "a number from 0 is needed")
        if name in ("times", "skip") and not isinstance(value, int):
            raise Bad(name, "a whole number is needed")
        if name in _TEXTS and value is not None and not isinstance(value, str):
            raise Bad(name, "a string is needed")
    try:
        re.compile(given.get("path") or "")
    except re.error as wrong:
        raise Bad("path", f"no regular expression: {wrong}") from wrong
    status = given.get("status")
    if status is not None and not (isinstance(status, int) and 100 <= status <= 599):
        raise Bad("status", "an HTTP status is needed")
    if given.get("drop") not in _DROPS:
        raise Bad("drop", "before, after or half is needed")
    if given.get("hold") not in _HOLDS:
        raise Bad("hold", "before or after is needed")
