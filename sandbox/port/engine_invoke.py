"""Does what an action's `invocationMethod` says: webhook, upsert of an entity, or a run to be claimed."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sandbox.credentials import PORT_CLIENT_ID, PORT_CLIENT_SECRET
from sandbox.port.engine_loops import caused_by
from sandbox.port.engine_webhook import Answer, Request, Webhooks, encoded, signed
from sandbox.port.runs import Run, Runs
from sandbox.port.service import Port
from sandbox.port.templates import TemplateError, render
from sandbox.port.wire import PortError
from sandbox.world import Json

AGENT_INSTALLATION = "_PORT_EXEC_AGENT"
"""What Port's execution agent claims WEBHOOK runs with `agent: true` under."""

MASK = "*****"
"""Shown in a run's payload in place of a secret."""

Upsert = Callable[[Run, str, Json], Json]
"""Create or merge an entity of a blueprint for a run. Raises PortError."""


@dataclass(frozen=True)
class Invocation:
    """A rendered `invocationMethod`, or why it could not be rendered."""

    method: Json
    problem: str | None = None


class Invoker:
    """`prepare` renders and shows the payload on the run, `start` carries it out beside the request."""

    def __init__(self, port: Port, runs: Runs, webhooks: Webhooks, upsert: Upsert) -> None:
        self.port, self.runs, self.webhooks = port, runs, webhooks
        self._upsert = upsert

    def prepare(self, run: Run) -> Invocation:
        """Render the run's invocation. Runs that are to be claimed become claimable with this."""
        method: Json = run.action["invocationMethod"]
        secrets = {name: kept["secretValue"] for name, kept in self.port.store.secrets.items()}
        if method["type"] == "INTEGRATION_ACTION":
            secrets = {}  # Port does not offer secrets to integration actions
        try:
            rendered = render(method, {**run.context, "secrets": secrets})
            shown = render(method, {**run.context, "secrets": dict.fromkeys(secrets, MASK)})
        except TemplateError as problem:
            return Invocation(method, f"Failed to render the payload: {problem}")
        run.payload = _shown(shown)
        run.installation = _installation(rendered)
        run.pending = run.installation is not None
        return Invocation(rendered)

    def start(self, run: Run, invocation: Invocation) -> None:
        """Carry out what `prepare` rendered. Needs a running loop."""
        if not run.pending or invocation.problem:
            with caused_by(run.chain):
                self.port.world.background(self._perform(run, invocation))

    async def _perform(self, run: Run, invocation: Invocation) -> None:
        kind = invocation.method["type"]
        if invocation.problem:
            self.runs.fail(run, invocation.problem)
        elif kind == "WEBHOOK":
            await self._webhook(run, invocation.method)
        elif kind == "UPSERT_ENTITY":
            self._entity(run, invocation.method)
        else:
            self.runs.fail(run, f"The sandbox has no {kind} backend to hand this run to")

    # --- webhook ---------------------------------------------------------------------------------

    async def _webhook(self, run: Run, method: Json) -> None:
        url = method.get("url")
        if not isinstance(url, str):
            self.runs.fail(run, "Invalid URL: the url of the webhook rendered to no text")
            return
        request = self._request(run, method, url)
        if _yes(method.get("synchronized")):
            self._report(run, await self.webhooks.send(request))
            return
        answers = await self._deliver(request)
        if all(answer.reason for answer in answers) and not run.final:
            self.runs.fail(run, f"Failed to invoke the webhook: {answers[0].reason}")

    def _request(self, run: Run, method: Json, url: str) -> Request:
        verb = str(method.get("method") or "POST").upper()
        body = b"" if verb == "GET" else encoded(method.get("body"))
        secret = self.port.credentials.secret_of(PORT_CLIENT_ID) or PORT_CLIENT_SECRET
        headers = {"content-type": "application/json", "accept": "application/json, text/plain, */*"}
        for name, value in (method.get("headers") or {}).items():
            if value is not None:
                headers[name.lower()] = value if isinstance(value, str) else encoded(value).decode()
        headers |= signed(secret, body, int(self.runs.now()))
        return Request(f"webhook.{run.identifier}", verb, url, headers, body)

    async def _deliver(self, request: Request) -> list[Answer]:
        """Asynchronous invocations may come late and twice, the same bytes both times."""
        hostility, random = self.port.world.hostility, self.port.world.ids.random
        copies = 1 + (random.random() < hostility.event_duplicate_share)
        late = [random.uniform(0, hostility.event_delay_seconds) for _ in range(copies)]
        return list(await asyncio.gather(*(self._late(request, seconds) for seconds in late)))

    async def _late(self, request: Request, seconds: float) -> Answer:
        if seconds:
            await asyncio.sleep(seconds)
        return await self.webhooks.send(request)

    def _report(self, run: Run, answer: Answer) -> None:
        """A synchronous answer ends the run: its status decides, its body is kept."""
        values: Json = {"response": answer.parsed()} if answer.status is not None else {}
        if run.final:
            return
        if answer.reason:
            self.runs.fail(run, f"Failed to invoke the webhook: {answer.reason}", **values)
        else:
            self.runs.change(run, "port", status="SUCCESS", **values)

    # --- entity ----------------------------------------------------------------------------------

    def _entity(self, run: Run, method: Json) -> None:
        mapping = dict(method.get("mapping") or {})
        mapping["identifier"] = _text(mapping.get("identifier")) or self.port.world.ids.mixed(16)
        entity = {name: value for name, value in mapping.items() if value is not None}
        try:
            written = self._upsert(run, str(method["blueprintIdentifier"]), entity)
        except PortError as refusal:
            self.runs.fail(run, f"Failed to upsert the entity: {refusal.message}")
            return
        self.runs.note(
            run, f"Upserted entity {written['identifier']} of {method['blueprintIdentifier']}", "port"
        )
        self.runs.change(run, "port", status="SUCCESS")


def _installation(method: Json) -> str | None:
    """Whose claims this invocation waits for; None when the engine carries it out itself."""
    if method["type"] == "INTEGRATION_ACTION":
        return _text(method.get("installationId"))
    if method["type"] == "WEBHOOK" and _yes(method.get("agent")):
        return AGENT_INSTALLATION
    return None


def _shown(method: Json) -> Json:
    """The payload as a run shows it."""
    shown = {name: value for name, value in method.items() if value is not None}
    if method["type"] == "WEBHOOK":
        shown["method"] = str(method.get("method") or "POST").upper()
        shown["agent"], shown["synchronized"] = _yes(method.get("agent")), _yes(method.get("synchronized"))
        shown.setdefault("body", {})
    return shown


def _yes(value: Any) -> bool:
    """A switch that may have been a template."""
    return value is True or value == "true"


def _text(value: Any) -> str:
    return "" if value is None else str(value)
