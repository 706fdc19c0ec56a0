"""Slack, Zoom, Statuspage and mail: what their apps may do, and whether what the settings name is there."""

from __future__ import annotations

import time
from dataclasses import dataclass

from integration import vendor_apps
from integration.clients import mail_client
from integration.cluster import server_version
from integration.doctor.finding import Finding, failed, off, ok, warning
from integration.doctor.port_checks import skew
from integration.errors import CredentialsRefused, Refused, ServiceError
from integration.services.port import PortService
from integration.services.slack import SlackService
from integration.services.slack_socket import refusal
from integration.services.statuspage import StatuspageService
from integration.services.zoom import ZoomService
from integration.settings import Settings, variable

OLDEST_REDIS = (5, 0)  # older ones refuse a script that asks the time and then writes
_APP = "at api.slack.com/apps > your app"


@dataclass
class SlackChecks:
    slack: SlackService
    settings: Settings
    port: PortService

    async def token(self) -> list[Finding]:
        before = time.time()
        try:
            headers = await self.slack.headers()
            me = await self.slack.me()
        except CredentialsRefused as refusal:
            where = f"{_APP} > OAuth & Permissions"
            step = f"Copy the Bot User OAuth Token ({where}) to {variable('slack_bot_token')}."
            return [failed("slack.token", str(refusal), step)]
        return [
            ok("slack.token", f"accepted; the bot is {me.user_id} of {me.team_url}"),
            skew("slack.clock", headers.get("date", ""), (before + time.time()) / 2),
            self._scopes(headers.get("x-oauth-scopes", "")),
        ]

    def _scopes(self, said: str) -> Finding:
        granted = {scope.strip() for scope in said.split(",") if scope.strip()}
        missing = [scope for scope in vendor_apps.slack_scopes() if scope not in granted]
        if not granted:
            return warning("slack.scopes", "Slack does not say what the token may do", "Compare with slack/.")
        if missing == ["commands"]:
            step = f"Import slack/manifest.json ({_APP} > App Manifest) and install the app again."
            return warning("slack.scopes", "/incident and the shortcuts are not there (scope commands)", step)
        if missing:
            step = (
                f"Add them {_APP} > OAuth & Permissions > Bot Token Scopes (or import slack/manifest.json),"
                " then install the app again."
            )
            return failed("slack.scopes", f"missing: {', '.join(missing)}", step)
        more = sorted(granted - set(vendor_apps.slack_scopes()))
        extra = f"; not needed: {', '.join(more)}" if more else ""
        return ok("slack.scopes", f"all {len(vendor_apps.slack_scopes())} granted{extra}")

    async def socket_mode(self) -> list[Finding]:
        """Whether the app-level token opens connections; none is opened."""
        check, token = "slack.socket_mode", self.settings.slack_app_token
        if not token:
            return [off(check, "not used: Slack calls our address")]
        code = await refusal(self.settings.slack_api_url, token, self.settings.effect_timeout_seconds)
        if not code:
            return [ok(check, "Slack hands out connections")]
        if code == "socket_mode_not_enabled":
            step = f"Switch it on {_APP} > Socket Mode (or import slack/manifest.socket.json)."
            return [failed(check, "Socket Mode is switched off in the app", step)]
        step = (
            f"Make a token with the scope connections:write {_APP} > Basic Information > App-Level Tokens,"
            f" and copy it to {variable('slack_app_token')}."
        )
        return [failed(check, f"the app-level token is refused: {code}", step)]

    async def channels(self) -> list[Finding]:
        """The channels that audiences read in: a public one is joined by itself, a private one not."""
        try:
            audiences = await self.port.search("commsAudience", [])
        except Refused:
            return [off("slack.channels", "there are no audiences yet")]
        named: dict[str, list[str]] = {}
        for audience in audiences:
            for channel in (audience.get("properties") or {}).get("slackChannels") or []:
                named.setdefault(str(channel), []).append(str(audience.get("identifier")))
        if not named:
            return [off("slack.channels", "no audience has a Slack channel")]
        found = [finding for name, who in named.items() if (finding := await self._channel(name, who))]
        return found or [ok("slack.channels", f"all {len(named)} channels of audiences can be posted in")]

    async def _channel(self, name: str, audiences: list[str]) -> Finding | None:
        whose = f"of audience {', '.join(audiences)}"
        identifier = name.rstrip("/").rsplit("/", 1)[-1]
        there = await self.slack.channel(identifier)
        if there is None:
            step = "Correct the audience in Port; for a private channel, say /invite @Incident Comms in it."
            return failed("slack.channels", f"{name} {whose} is not known to the bot", step)
        if there.archived:
            step = "Unarchive it in Slack, or give the audience another channel in Port."
            return failed("slack.channels", f"#{there.name} {whose} is archived", step)
        if there.private and not there.member:
            step = f"Say /invite @Incident Comms in #{there.name}."
            return failed("slack.channels", f"the bot is not in private #{there.name} {whose}", step)
        return None


@dataclass
class ZoomChecks:
    zoom: ZoomService
    settings: Settings

    async def app(self) -> list[Finding]:
        try:
            await self.zoom.warm()
        except CredentialsRefused as refusal:
            step = "Activate the Server-to-Server OAuth app at marketplace.zoom.us and copy its three values."
            return [failed("zoom.token", str(refusal), step)]
        found = [ok("zoom.token", "accepted")]
        missing = vendor_apps.zoom_missing(self.zoom.granted)
        if self.settings.zoom_webhook_secret:
            missing.pop("past_meetings.get", None)  # asked only where Zoom does not tell
        if missing:
            step = "Add them at marketplace.zoom.us > your app > Scopes, and activate it again."
            said = f"missing: {', '.join(f'{scope} ({what})' for what, scope in missing.items())}"
            found.append(failed("zoom.scopes", said, step))
        else:
            found.append(ok("zoom.scopes", f"enough for all {len(vendor_apps.ZOOM_OPERATIONS)} operations"))
        if "users.get" not in missing:
            found += await self._hosts()
        return found

    async def _hosts(self) -> list[Finding]:
        found: list[Finding] = []
        step = f"Correct {variable('zoom_hosts')}, or the user at zoom.us > User Management."
        for host in self.settings.zoom_hosts:
            try:
                user = await self.zoom.user(host)
            except ServiceError as problem:
                found.append(failed("zoom.hosts", f"{host}: {problem}", step))
                continue
            if user is None:
                found.append(failed("zoom.hosts", f"the account has no user {host}", step))
            elif not user.active:
                found.append(failed("zoom.hosts", f"{host} is not active", step))
            elif not user.licensed:
                said = f"{host} has no licence: its meetings end after 40 minutes"
                found.append(warning("zoom.hosts", said, step))
        return found or [ok("zoom.hosts", f"all {len(self.settings.zoom_hosts)} are active and licensed")]


@dataclass
class StatuspageChecks:
    statuspage: StatuspageService
    settings: Settings
    address: str

    async def key(self) -> list[Finding]:
        try:
            pages = await self.statuspage.pages()
        except CredentialsRefused as refusal:
            step = f"Copy an API key (your name > API info) to {variable('statuspage_api_key')}."
            return [failed("statuspage.key", str(refusal), step)]
        found = [ok("statuspage.key", f"accepted; pages: {', '.join(page.id for page in pages) or 'none'}")]
        known = {page.id for page in pages}
        missing = [page for page in self.settings.statuspage_pages if page not in known]
        if missing:
            step = f"Correct {variable('statuspage_pages')}, or give the key's owner access to them."
            found.append(failed("statuspage.pages", f"not seen by this key: {', '.join(missing)}", step))
        for page in pages if not self.settings.statuspage_pages else self.settings.statuspage_pages:
            identifier = page if isinstance(page, str) else page.id
            if identifier in known:
                found.append(await self._hook(identifier))
        return found

    async def _hook(self, page: str) -> Finding:
        """The secret is in the address, which is why it is not named."""
        check, secret = "statuspage.webhook", self.settings.statuspage_webhook_secret
        if not secret or not self.address:
            said = f"{page}: changes by hand are found by looking, within the sweep's interval"
            return off(check, said)
        wanted = f"{self.address}/integration/statuspage/{secret}/events"
        hooks = await self.statuspage.hooks(page)
        ours = [hook for hook in hooks if hook.endpoint.rstrip("/") == wanted]
        shown = f"{self.address}/integration/statuspage/<the secret>/events"
        step = f"Add a webhook subscriber to the page: {shown}."
        if not ours:
            return warning(check, f"{page}: no subscriber with our address", step)
        if all(hook.quarantined for hook in ours):
            said = f"{page}: Statuspage has given up on our address"
            return failed(check, said, "Mend the address, then remove the subscriber and add it again.")
        return ok(check, f"{page}: a subscriber has our address")


async def redis(settings: Settings) -> list[Finding]:
    """Whether the Redis that several processes share is there, lets us in and runs our scripts."""
    try:
        version = await server_version(settings.redis_url)
    except ServiceError as problem:
        step = f"Correct {variable('redis_url')} (rediss:// for TLS), or let this machine reach it."
        return [failed("redis", f"not usable: {problem.code}; each process works alone until then", step)]
    oldest = ".".join(map(str, OLDEST_REDIS))
    numbers = tuple(int(part) for part in version.split(".")[:2] if part.isdigit())
    if numbers and numbers < OLDEST_REDIS:
        return [failed("redis", f"version {version} is too old", f"Use Redis {oldest} or later.")]
    return [ok("redis", f"reachable, version {version or 'not told'}")]


async def mail(settings: Settings) -> list[Finding]:
    """Connect, encrypt and log in; nothing is sent."""
    mailer = mail_client(settings)
    if mailer is None:
        return [off("mail.login", "mail is not set up")]
    where = f"{settings.smtp_host}:{settings.smtp_port}"
    try:
        await mailer.check()
    except CredentialsRefused as refusal:
        step = f"Correct {variable('smtp_user')} and {variable('smtp_password')}."
        return [failed("mail.login", str(refusal), step)]
    except ServiceError as problem:
        step = f"Check {variable('smtp_host')}, {variable('smtp_port')} and {variable('smtp_tls')}."
        return [failed("mail.login", str(problem), step)]
    how = f"logged in as {settings.smtp_user}" if settings.smtp_user else "no login asked for"
    return [ok("mail.login", f"{where}: {settings.smtp_tls}, {how}")]
