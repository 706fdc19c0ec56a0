"""Port: credentials and their kind, what is provisioned, and what differs between organisations."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime

from integration.budget import Budget
from integration.doctor.finding import Finding, failed, off, ok, unknown, warning
from integration.errors import BadInput, CredentialsRefused, Refused, ServiceError
from integration.page_catalog import COMPONENT, PAGE
from integration.provision.plan import plan, who_reads
from integration.provision.target import Target
from integration.provision.wanted import AGENT_BLUEPRINT
from integration.services.http import Patience
from integration.services.port import PortService
from integration.services.port_setup import PortSetup
from integration.settings import variable

REGIONS: Mapping[str, str] = {
    "https://api.port.io": "https://api.us.port.io",
    "https://api.getport.io": "https://api.us.getport.io",
    "https://api.us.port.io": "https://api.port.io",
    "https://api.us.getport.io": "https://api.getport.io",
}
"""For each of Port's hosts the one of the other region."""

SKEW_WARNING, SKEW_LIMIT = 60.0, 300.0
"""Seconds. Beyond the limit every signed call is refused, silently for whoever waits for it."""

THEIR_RESYNC, OUR_RESYNC = "port-ocean/statuspage/", "port-ocean/incident-comms/"
"""With what the datasource begins of an entity that Port's own Statuspage integration keeps, or ours."""

PROBED = "incident_comms_doctor_probe"
PROVISION = "Run `make provision ARGS=--dry-run`, look at it, then `make provision`."


@dataclass
class PortChecks:
    port: PortService
    target: Target
    identifier: str
    regions: Mapping[str, str]

    async def credentials(self) -> list[Finding]:
        host = self.target.base_url.rstrip("/").removesuffix("/v1")
        try:
            await self.port.warm()
        except CredentialsRefused as refusal:
            other = self.regions.get(host)
            if other and await self._works_at(other):
                said = f"the credentials are refused by {host}; they are of the region of {other}"
                return [failed("port.credentials", said, f"Set OCEAN__PORT__BASE_URL={other}.")]
            step = "Set OCEAN__PORT__CLIENT_ID and ..._SECRET as Port shows them (... > Credentials)."
            return [failed("port.credentials", str(refusal), step)]
        found = [ok("port.credentials", f"accepted by {host}")]
        claims = await PortSetup(self.port).claims()
        if claims.get("isMachine") is True:
            found.append(ok("port.token", "of the organisation (machine)"))
        elif claims.get("isMachine") is False:
            said = "a person's own: Port hands no runs to be claimed to it, and what it does is that person's"
            step = "Use the organisation's credentials (Settings > Credentials > Organization)."
            serious = self.target.settings.door == "integration_action"
            found.append((failed if serious else warning)("port.token", said, step))
        else:
            found.append(unknown("port.token", "its kind can't be read from the token"))
        return found

    async def _works_at(self, other: str) -> bool:
        port = PortService(
            other, self.target.client_id, self.target.client_secret, Budget(), 5.0, patience=Patience(tries=1)
        )
        try:
            await port.warm()
        except ServiceError:
            return False
        finally:
            await port.aclose()
        return True

    async def clock(self) -> list[Finding]:
        before = time.time()
        stamp = await PortSetup(self.port).date()
        return [skew("port.clock", stamp, (before + time.time()) / 2)]

    async def extras(self) -> list[Finding]:
        """Pages and scorecards are not open to every credential; by reading alone."""
        setup = PortSetup(self.port)
        ours = self.target.settings.incident_blueprint
        questions = (
            ("port.pages", setup.page(PROBED)),
            ("port.scorecards", setup.scorecard(ours, PROBED)),
        )
        found = []
        for check, question in questions:
            try:
                await question
            except Refused as refusal:
                step = (
                    "Use credentials of an admin (Settings > Credentials), or ask Port to open it to yours."
                )
                found.append(failed(check, f"not open to these credentials: {refusal}", step))
            else:
                found.append(ok(check, "open to these credentials"))
        return found

    async def provisioned(self) -> list[Finding]:
        try:
            parts = await plan(self.port, self.target.settings, self.target.door)
        except BadInput as clash:
            step = f"Rename or remove what clashes, or set {variable('incident_blueprint')}."
            return [failed("port.blueprints", str(clash), step)]
        found = []
        for check, kinds, needed in (
            ("port.blueprints", ("blueprint",), True),
            ("port.actions", ("action", "automation"), True),
            ("port.permissions", ("grant",), False),
            ("port.switch", ("entity commsSwitch",), True),
            ("port.extras", ("scorecard", "page", "agent", "entity commsAudience", "secret"), False),
        ):
            ours = [part for part in parts if part.kind in kinds]
            stale = [part for part in ours if part.steps]
            missing = [part.name for part in stale if part.before is None]
            if not stale:
                found.append(ok(check, f"all {len(ours)} present and current"))
            elif missing:
                said = f"missing: {', '.join(missing)}"
                found.append((failed if needed else warning)(check, said, PROVISION))
            else:
                said = f"out of date: {', '.join(f'{part.name} ({part.said})' for part in stale)}"
                found.append(warning(check, said, PROVISION))
        lacking = [part.line for part in parts if part.said.startswith("MISSING")]
        if lacking:
            found.append(failed("port.secrets", "; ".join(lacking), "Add them in Port: Settings > Secrets."))
        if kept := [part.line for part in parts if "kept yours" in part.said]:
            found.append(ok("port.changed", f"changed by people, and left so: {'; '.join(kept)}"))
        return found

    async def installation(self) -> list[Finding]:
        setup = PortSetup(self.port)
        there = await setup.integration(self.identifier)
        if there is None:
            step = "Start it once with `make run`, or correct OCEAN__INTEGRATION__IDENTIFIER."
            said = f"Port knows no installation {self.identifier}"
            return [warning("port.installation", said, step)]
        return [ok("port.installation", f"{self.identifier} is known to Port")]

    async def status_pages(self) -> list[Finding]:
        """Whether one integration keeps the entities of the status pages, and which. Their datasource tells;
        what nobody keeps stays in Port when it is gone from its page."""
        check, settings, mirror = "port.statuspage", self.target.settings, variable("statuspage_mirror")
        others = [one for one in await PortSetup(self.port).integrations() if _kind(one) == "statuspage"]
        named = ", ".join(str(one.get("installationId") or one.get("identifier")) for one in others)
        if not settings.statuspage_enabled:
            said = f"Port's own Statuspage integration ({named}) keeps the status pages"
            return [ok(check, said)] if others else []
        theirs, ours = await self._kept_by(THEIR_RESYNC), await self._kept_by(OUR_RESYNC)
        if settings.statuspage_mirror == "whole":
            if others:
                said = f"Port's own Statuspage integration ({named}) fills the same blueprints"
                step = f"Set {mirror}=additions, so that two don't write the same objects."
                return [warning(check, f"{said}; {theirs} pages and components are its", step)]
            if theirs:
                said = f"{theirs} pages and components are of a Statuspage integration that is not installed"
                step = "Delete them in Port: our next resync makes them anew, and removes what is gone later."
                return [warning(check, said, step)]
            return [ok(check, f"we keep the status pages: {ours} pages and components")]
        if not others and not theirs:
            said = "nobody keeps the status pages: Port's own Statuspage integration is not installed"
            return [warning(check, said, f"Set {mirror}=whole, or install it from Port's data sources.")]
        if ours:
            said = f"{ours} pages and components are of our own resync, which does not run any more"
            step = "Delete them in Port, then resync Port's own Statuspage integration: it makes them anew."
            return [warning(check, said, step)]
        return [ok(check, f"Port's own Statuspage integration ({named}) keeps them, we add to them")]

    async def _kept_by(self, source: str) -> int:
        rules = [{"property": "$datasource", "operator": "contains", "value": source}]
        count = 0
        for blueprint in (PAGE, COMPONENT):
            try:
                count += len(await self.port.search(blueprint, rules, include=["$identifier"]))
            except Refused as refusal:
                if refusal.code != "404":
                    raise
        return count

    async def people(self) -> list[Finding]:
        settings = self.target.settings
        named = {team for grant in settings.who_may.values() for team in grant.teams}
        if settings.private_rooms_team:
            named.add(settings.private_rooms_team)
        missing = sorted(named - await PortSetup(self.port).teams()) if named else []
        found = []
        if missing:
            said = f"Port has no team {', '.join(missing)}"
            step = f"Make it in Port, or correct {variable('private_rooms_team')} and {variable('who_may')}."
            found.append(failed("port.teams", said, step))
        elif named:
            found.append(ok("port.teams", f"{', '.join(sorted(named))} known"))
        for line in await who_reads(self.port, settings.private_rooms_team):
            step = "Restrict reading as docs/guarantees.md says, or leave private rooms unmirrored."
            found.append(warning("port.private", line, step))
        return found

    async def questions(self) -> list[Finding]:
        """What Port's documents leave open, as far as reading can answer it."""
        setup, found = PortSetup(self.port), []
        there = await setup.blueprints()
        if AGENT_BLUEPRINT in there:
            found.append(ok("port.ai", "AI is switched on"))
        else:
            found.append(off("port.ai", "AI is not switched on; every text has a rendering without it"))
        if "_ai_invocation" in there:
            names = (
                ", ".join(sorted(there["_ai_invocation"].get("schema", {}).get("properties", {}))) or "none"
            )
            found.append(ok("port.ai_invocation", f"a blueprint here, with the properties {names}"))
        else:
            found.append(off("port.ai_invocation", "no blueprint here; nothing of ours listens to it"))
        status = await setup.response_route()
        if status in (200, 404, 422):
            found.append(ok("port.response", f"the route for a run's response answers us (HTTP {status})"))
        else:
            said = (
                f"the route for a run's response refuses us (HTTP {status}); only status and summary are told"
            )
            found.append(unknown("port.response", said))
        workflows = await setup.workflows_route()
        said = "open here" if workflows == 200 else f"not open here (HTTP {workflows})"
        found.append(ok("port.workflows", f"{said}; nothing of ours depends on them"))
        found.append(off("port.timers", "their precision is not documented; nothing of ours depends on it"))
        said = "how long Port waits for a synchronous call is not documented; ours are all asynchronous"
        found.append(off("port.sync_timeout", said))
        return found


def skew(check: str, stamp: str, ours: float) -> Finding:
    """How far our clock (seconds since the epoch) is from a `Date` header, which counts whole seconds."""
    try:
        theirs = parsedate_to_datetime(stamp).timestamp()
    except (TypeError, ValueError):
        return unknown(check, "the answer has no date to compare with")
    apart = ours - theirs
    if abs(apart) <= SKEW_WARNING:
        return ok(check, f"within {abs(apart):.0f} s of ours")
    said = f"our clock is {abs(apart):.0f} s {'ahead' if apart > 0 else 'behind'}"
    step = "Set this machine's clock by NTP (timedatectl set-ntp true); in a container, the host's."
    if abs(apart) > SKEW_LIMIT:
        return failed(check, f"{said}: every event and click is refused as stale", step)
    return warning(check, said, step)


def _kind(integration: dict[str, object]) -> str:
    return str(integration.get("installationAppType") or integration.get("integrationType") or "")
