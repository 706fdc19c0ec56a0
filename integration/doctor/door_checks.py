"""Our own doors, from outside: are they reachable, do they refuse what is unsigned, do both sides sign alike?

Nothing that is rung here has an effect: a challenge, an action that there is not, an empty hint.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
import time
from dataclasses import dataclass

from integration.doctor.finding import Finding, failed, off, ok, unknown, warning
from integration.doors import signatures
from integration.errors import ServiceError
from integration.services.doorbell import Ring, ring
from integration.settings import Settings, variable

PATH = "/integration"
_PROXY = "Start `make run`, put TLS in front of it, and route /integration/ to it."
_SAME = "Give the running process and the vendor the same secret, and restart it."


@dataclass
class DoorChecks:
    """`address` is ours as others reach it, without a slash at its end; empty: nobody has to."""

    settings: Settings
    address: str

    async def reachable(self) -> list[Finding]:
        if not self.address:
            return [
                off("doors.address", "no public address is set; nothing may need one (docs/operations.md)")
            ]
        found = []
        if not self.address.startswith("https://"):
            step = "Set OCEAN__BASE_URL to the https address that vendors reach."
            found.append(warning("doors.tls", "the address has no TLS; Slack, Zoom and Port want it", step))
        try:
            answer = await self._ring("/port/actions/doctor", b"{}", {})
        except ServiceError as problem:
            return [
                *found,
                failed("doors.address", f"{self.address} does not answer: {problem.code}", _PROXY),
            ]
        if answer.status == 401:
            found.append(ok("doors.address", f"{self.address} is ours, and refuses what is not signed"))
            return [*found, *await self._signed()]
        said = f"{self.address} answers an unsigned call with HTTP {answer.status}, ours would with 401"
        return [*found, failed("doors.address", said, _PROXY)]

    async def _signed(self) -> list[Finding]:
        asked = [self._port(), self._slack(), self._zoom(), self._statuspage()]
        found = []
        for one in asked:
            try:
                found.append(await one)
            except ServiceError as problem:
                found.append(failed("doors.signatures", str(problem), _PROXY))
        return found

    async def _port(self) -> Finding:
        if self.settings.door != "webhook":
            return off("doors.port", "runs are claimed from Port; nobody rings here")
        body, stamp = b"{}", str(int(time.time()))
        digest = hmac.new(
            self.settings.port_webhook_secret.encode(), f"{stamp}.{body.decode()}".encode(), hashlib.sha256
        )
        signature = "v1," + base64.b64encode(digest.digest()).decode()
        answer = await self._ring(
            "/port/actions/doctor", body, {"x-port-timestamp": stamp, "x-port-signature": signature}
        )
        # An action that there is not: a good signature is told that, a bad one nothing.
        return self._verdict("doors.port", answer, answer.status == 404, "port_webhook_secret")

    async def _slack(self) -> Finding:
        if self.settings.slack_app_token:
            return off("doors.slack", "Slack is listened to by Socket Mode; nobody rings here")
        challenge = secrets.token_hex(8)
        body = json.dumps({"type": "url_verification", "challenge": challenge}).encode()
        stamp = str(int(time.time()))
        signature = signatures.v0(self.settings.slack_signing_secret, stamp, body)
        answer = await self._ring(
            "/slack/events", body, {"x-slack-request-timestamp": stamp, "x-slack-signature": signature}
        )
        good = answer.status == 200 and answer.body.get("challenge") == challenge
        return self._verdict("doors.slack", answer, good, "slack_signing_secret")

    async def _zoom(self) -> Finding:
        secret = self.settings.zoom_webhook_secret
        if not secret:
            said = "no secret is set: calls are looked at instead; who joined and what was said is not told"
            return off("doors.zoom", said)
        plain, stamp = secrets.token_hex(8), str(int(time.time()))
        message = {"event": "endpoint.url_validation", "payload": {"plainToken": plain}}
        body = json.dumps(message).encode()
        signature = signatures.v0(secret, stamp, body)
        answer = await self._ring(
            "/zoom/events", body, {"x-zm-request-timestamp": stamp, "x-zm-signature": signature}
        )
        good = answer.body.get("encryptedToken") == signatures.zoom_challenge(secret, plain)
        return self._verdict("doors.zoom", answer, good, "zoom_webhook_secret")

    async def _statuspage(self) -> Finding:
        secret = self.settings.statuspage_webhook_secret
        if not secret:
            return off("doors.statuspage", "no secret is set: the page is looked at instead")
        answer = await self._ring(f"/statuspage/{secret}/events", b"{}", {})
        return self._verdict("doors.statuspage", answer, answer.status == 200, "statuspage_webhook_secret")

    async def _ring(self, path: str, body: bytes, headers: dict[str, str]) -> Ring:
        return await ring(self.address + PATH + path, {"content-type": "application/json", **headers}, body)

    @staticmethod
    def _verdict(check: str, answer: Ring, good: bool, setting: str) -> Finding:
        if good:
            return ok(check, "takes what is signed with the secret of these settings")
        if answer.status in (401, 404):
            said = f"refuses what is signed with {variable(setting)}: the running process has another"
            return failed(check, said, _SAME)
        if answer.status == 503:
            return warning(check, "it has not finished starting", "Wait a few seconds and ask again.")
        return unknown(check, f"answers HTTP {answer.status}, which is none of ours", _PROXY)
