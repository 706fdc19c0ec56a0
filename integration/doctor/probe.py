"""What only a write can tell. Everything that is made here is named so, and taken away again."""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import time
from typing import Any

from integration.doctor.finding import Finding, failed, ok, unknown, warning
from integration.errors import Refused, ServiceError
from integration.models.base import Json
from integration.portjson import ACTION_PATH
from integration.provision.memory import BLUEPRINT
from integration.services.port import FINAL, PortService
from integration.services.port_setup import PortSetup
from integration.settings import variable

RUN_SECONDS = 30.0


class Probe:
    """Asks Port by doing, with an action and an entity of this name."""

    NAME = "incident_comms_doctor_probe"

    def __init__(self, port: PortService) -> None:
        self._port, self._setup = port, PortSetup(port)

    async def action_types(self, installation: str) -> list[Finding]:
        """Whether Port takes our own action types, and what it does with a key that it does not know."""
        call = {
            "type": "INTEGRATION_ACTION",
            "installationId": installation,
            "integrationActionType": "post_update",
            "integrationActionExecutionProperties": {},
        }
        name = "port.action_types"
        refusal = await self._tried({"invocationMethod": call})
        if refusal is None:
            first = ok(name, "accepted: both doors work on this organisation")
        elif refusal.code == "422":
            first = ok(name, "refused: the webhook door is the one to use (the default)")
        else:
            first = unknown(name, str(refusal))
        webhook = {"type": "WEBHOOK", "url": "https://incident-comms.example.com", "synchronized": False}
        refusal = await self._tried({"invocationMethod": webhook, "unknownToPort": True})
        said = "refused (422)" if refusal is not None else "taken, or dropped without a word"
        return [first, ok("port.unknown_keys", f"keys that Port does not know are {said}")]

    def _action(self, **more: Any) -> Json:
        return {
            "identifier": self.NAME,
            "title": "Probe of make doctor",
            "trigger": {
                "type": "self-service",
                "operation": "CREATE",
                "userInputs": {"properties": {}, "required": [], "order": []},
            },
            **more,
        }

    async def _tried(self, rest: Json) -> Refused | None:
        try:
            await self._port.create_action(self._action(publish=False, **rest))
        except Refused as refusal:
            return refusal
        finally:
            await self._port.delete_action(self.NAME)
        return None

    async def create_only(self) -> list[Finding]:
        """Of five who create the same entity at once, exactly one may: everything rests on that."""
        name = f"{self.NAME}:{secrets.token_hex(4)}"
        entity = {"identifier": name, "title": "Probe of make doctor", "properties": {}}
        try:
            outcomes = await asyncio.gather(
                *(self._port.create_entities(BLUEPRINT, [entity]) for _ in range(5)), return_exceptions=True
            )
        finally:
            with contextlib.suppress(ServiceError):
                await self._setup.delete_entity(BLUEPRINT, name)
        made = [one for one in outcomes if not isinstance(one, BaseException) and one[0].created]
        lost = [one for one in outcomes if isinstance(one, BaseException)]
        check = "port.create_only"
        if len(made) == 1 and not lost:
            return [ok(check, "of five at once, one created it and four were refused")]
        if len(made) > 1:
            said = f"{len(made)} of five were told that they created the same entity"
            return [
                failed(check, said, "Don't rely on exactly once here; tell Port's support, with this line.")
            ]
        return [unknown(check, f"{len(made)} created it, {len(lost)} got no answer", "Ask again.")]

    async def delivery(self, address: str) -> list[Finding]:
        """Port itself rings at our door, for an action that there is not: does it come, and who signs?"""
        check = "port.delivery"
        invocation = {
            "type": "WEBHOOK",
            "url": f"{address}{ACTION_PATH}doctor",
            "method": "POST",
            "synchronized": True,
            "body": {"action": "doctor", "run": "{{ .run.id }}"},
        }
        await self._port.create_action(self._action(publish=True, invocationMethod=invocation))
        began = time.monotonic()
        try:
            run = await self._port.create_run(self.NAME, {})
            while run.get("status") not in FINAL and time.monotonic() - began < RUN_SECONDS:
                await asyncio.sleep(0.2)
                run = await self._port.run(str(run["id"])) or run
        finally:
            await self._port.delete_action(self.NAME)
        said = str(run.get("response") or run.get("summary") or run.get("statusLabel") or "")
        took = f"{time.monotonic() - began:.1f} s"
        if "unknown action" in said:
            return [ok(check, f"Port reaches our door, and its signature is good ({took})")]
        if "x-port-signature" in said:
            step = (
                "Port signs with the secret of other credentials, the organisation's oldest as a rule."
                f" Set {variable('port_webhook_secret')} to that client secret."
            )
            return [failed(check, "Port reaches our door, which finds its signature wrong", step)]
        if run.get("status") not in FINAL:
            return [warning(check, f"no word within {RUN_SECONDS:g} s", "Look at the audit log in Port.")]
        return [
            failed(check, f"Port does not reach our door: {said[:200]}", "Check the address and firewalls.")
        ]
