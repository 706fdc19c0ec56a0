"""`make doctor`: what works here, what is missing, and the exact next step. It names no secret."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Mapping, Sequence

from dotenv import dotenv_values

from integration.budget import Budget
from integration.clients import slack_client, statuspage_client, zoom_client
from integration.doctor.door_checks import DoorChecks
from integration.doctor.finding import Finding, asked, failed, off, ok
from integration.doctor.port_checks import REGIONS, PortChecks
from integration.doctor.probe import Probe
from integration.doctor.provider_checks import SlackChecks, StatuspageChecks, ZoomChecks, mail, redis
from integration.errors import BadInput
from integration.provision.target import DEFAULT_IDENTIFIER, Target, read_target
from integration.services.http import Patience
from integration.services.port import PortService
from integration.settings import Settings

_FIRST, _AFTER = (3, 12), (3, 14)
AGENT = "incident-comms-doctor"
"""By this Port's audit log tells what was asked to find out from what was done."""

_SETTINGS = "Correct it in .env or the environment; `.env.example` names every setting with its meaning."


async def diagnose(
    environment: Mapping[str, str], *, probe: bool = False, regions: Mapping[str, str] = REGIONS
) -> list[Finding]:
    """Every check that these variables (any case) allow."""
    known = {name.upper(): value.strip() for name, value in environment.items() if value}
    found = [python(sys.version_info[:2])]
    try:
        target = read_target(known)
        target.settings.check_credentials()
    except BadInput as problem:
        return [*found, failed("settings", str(problem), _SETTINGS)]
    found.append(ok("settings", "complete and readable"))
    identifier = known.get("OCEAN__INTEGRATION__IDENTIFIER", DEFAULT_IDENTIFIER)
    address = known.get("OCEAN__BASE_URL", "").rstrip("/")
    patience = Patience(max_wait=20.0, tries=2)
    port = PortService(
        target.base_url,
        target.client_id,
        target.client_secret,
        Budget(),
        target.settings.effect_timeout_seconds,
        user_agent=AGENT,
        patience=patience,
    )
    try:
        found += await _port(PortChecks(port, target, identifier, regions))
        found += await _providers(target.settings, port, address, patience)
        found += await asked("doors.address", DoorChecks(target.settings, address).reachable)
        if probe:
            found += await _probe(Probe(port), target, identifier, address)
    finally:
        await port.aclose()
    return found


def python(version: Sequence[int]) -> Finding:
    named = ".".join(str(one) for one in version)
    if _FIRST <= tuple(version) < _AFTER:
        return ok("python", named)
    return failed("python", f"{named} is not supported", "Install Python 3.12 or 3.13 and run `make setup`.")


async def _port(checks: PortChecks) -> list[Finding]:
    found = await asked("port.credentials", checks.credentials)
    if any(one.verdict == "failed" and one.check == "port.credentials" for one in found):
        return found  # nothing else could be asked
    rest = (
        ("port.clock", checks.clock),
        ("port.pages", checks.extras),
        ("port.blueprints", checks.provisioned),
        ("port.installation", checks.installation),
        ("port.statuspage", checks.status_pages),
        ("port.teams", checks.people),
        ("port.questions", checks.questions),
    )
    answers = await asyncio.gather(*(asked(name, check) for name, check in rest))
    return found + [one for answer in answers for one in answer]


async def _providers(
    settings: Settings, port: PortService, address: str, patience: Patience
) -> list[Finding]:
    slack = slack_client(settings, Budget(), patience)
    checks = SlackChecks(slack, settings, port)
    try:
        found = await asked("slack.token", checks.token)
        if not any(one.check == "slack.token" and one.verdict == "failed" for one in found):
            found += await asked("slack.channels", checks.channels)
    finally:
        await slack.aclose()
    found += await asked("slack.socket_mode", checks.socket_mode)
    found += await _zoom(settings, patience)
    found += await _statuspage(settings, address)
    found += await asked("mail.login", lambda: mail(settings))
    if settings.redis_url:
        found += await asked("redis", lambda: redis(settings))
    else:
        found.append(off("redis", "not set up: one process runs alone"))
    return found


async def _zoom(settings: Settings, patience: Patience) -> list[Finding]:
    zoom = zoom_client(settings, Budget(), patience)
    if zoom is None:
        bridge = "the static bridge is used" if settings.static_bridge_url else "rooms have no call"
        return [off("zoom.token", f"Zoom is not set up; {bridge}")]
    try:
        return await asked("zoom.token", ZoomChecks(zoom, settings).app)
    finally:
        await zoom.aclose()


async def _statuspage(settings: Settings, address: str) -> list[Finding]:
    statuspage = statuspage_client(settings, Budget())
    if statuspage is None:
        return [off("statuspage.key", "Statuspage is not set up")]
    try:
        return await asked("statuspage.key", StatuspageChecks(statuspage, settings, address).key)
    finally:
        await statuspage.aclose()


async def _probe(probe: Probe, target: Target, identifier: str, address: str) -> list[Finding]:
    found = await asked("port.action_types", lambda: probe.action_types(identifier))
    found += await asked("port.create_only", probe.create_only)
    if target.settings.door == "webhook":
        found += await asked("port.delivery", lambda: probe.delivery(address))
    return found


def _arguments(given: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make doctor", description=__doc__)
    parser.add_argument("--json", action="store_true", help="say it as one JSON object")
    parser.add_argument(
        "--probe",
        action="store_true",
        help="also try what only a write can tell: an action and an entity are made in Port and deleted",
    )
    return parser.parse_args(given)


def main() -> int:
    """0 where nothing has failed, 1 otherwise."""
    given = _arguments()
    dotenv = {name: value for name, value in dotenv_values(".env").items() if value is not None}
    found = asyncio.run(diagnose({**dotenv, **os.environ}, probe=given.probe))
    bad = [one for one in found if one.verdict == "failed"]
    if given.json:
        print(json.dumps({"ok": not bad, "checks": [one.as_json() for one in found]}, ensure_ascii=False))
    else:
        for one in found:
            print(one.line)
        warned = sum(one.verdict == "warning" for one in found)
        print(f"\n{len(found)} checks: {len(bad)} failed, {warned} to look at")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
