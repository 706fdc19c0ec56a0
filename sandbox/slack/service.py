"""The Slack emulator put together: Web API, Events API, and the human side."""

from __future__ import annotations

from starlette.routing import BaseRoute

from sandbox.credentials import SLACK_BOT_TOKEN
from sandbox.deliver import Deliverer
from sandbox.slack import scopes, screen, state, webapi
from sandbox.slack.changes import Changes
from sandbox.slack.clicks import Clicks
from sandbox.slack.errors import HumanError
from sandbox.slack.events import Events
from sandbox.slack.human import People
from sandbox.slack.limits import Limits
from sandbox.slack.marks import Marks
from sandbox.slack.methods import Workspace
from sandbox.slack.responses import Responses
from sandbox.slack.socket import Socket
from sandbox.slack.state import App, Store, User
from sandbox.world import Json, World


class Slack(People):
    """One workspace with one installed app. `deliverer` sends its events; `limits` counts its calls."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.deliverer = Deliverer(world)
        self.limits = Limits()
        store = Store(world)
        self.socket = Socket(world)
        self.events = Events(store, self.deliverer, self.socket)
        super().__init__(store, Changes(store, self.events), Marks(store, self.events))
        self.responses = Responses(world, self.changes)
        self.clicks = Clicks(self, self.events, self.deliverer, self.responses)
        self._space = Workspace(store, self.changes, self.marks, self.limits)
        self.clear()
        world.on_reset(self.clear)

    def clear(self) -> None:
        """An empty workspace: its founder, Slackbot, our bot, another app's bot, and #general."""
        store = self.store
        store.clear()
        self.events.clear()
        self.socket.clear()
        self.responses.clear()
        self.clicks.clear()
        self.limits.clear()
        for user in (
            User(state.FOUNDER, "founder", "founder@example.com", "Workspace Founder"),
            User(state.SLACKBOT, "slackbot", None, "Slackbot"),
            User(state.BOT_USER, "incidents", None, "Incidents", state.BOT_ID, state.APP_ID),
            User(state.OTHER_BOT_USER, "alerts", None, "Alerts", state.OTHER_BOT_ID, state.OTHER_APP_ID),
        ):
            store.users[user.id] = user
        bot = (state.APP_ID, state.BOT_ID, state.BOT_USER, "Incidents")
        store.apps[state.APP_ID] = App(*bot, scopes=set(scopes.DEFAULT), token=SLACK_BOT_TOKEN)
        other = (state.OTHER_APP_ID, state.OTHER_BOT_ID, state.OTHER_BOT_USER, "Alerts")
        store.apps[state.OTHER_APP_ID] = App(*other, scopes={"chat:write"})
        general = store.new_channel("public", "general", state.FOUNDER, [state.FOUNDER])
        general.is_general = True

    async def close(self) -> None:
        await self.deliverer.close()

    def seed(self, values: Json) -> None:
        """Add what is named, all of it optional; raises HumanError naming what is wrong.

        {"users": [{"email", "name"?, "deleted"?}], "usergroups": [{"handle", "name"?, "users"?: [email]}],
        "channels": [{"name", "private"?, "members"?: [email or id], "creator"?}], "scopes"?: [...],
        "rate_limits"?: bool, "subscriptions"?: [event type]}
        """
        known = {"users", "usergroups", "channels", "scopes", "rate_limits", "subscriptions"}
        if unknown := sorted(set(values) - known):
            raise HumanError(f"{unknown[0]}: not a thing to seed; known: {', '.join(sorted(known))}")
        for one in _rows(values, "users"):
            self.add_user(_needed(one, "users", "email"), one.get("name", ""), bool(one.get("deleted")))
        for one in _rows(values, "usergroups"):
            self.add_usergroup(
                _needed(one, "usergroups", "handle"), one.get("name", ""), tuple(one.get("users", ()))
            )
        for one in _rows(values, "channels"):
            creator = one.get("creator", state.FOUNDER)
            members = tuple(one.get("members", ()))
            name = _needed(one, "channels", "name")
            self.create_channel(name, creator, bool(one.get("private")), members)
        if "scopes" in values:
            self.store.apps[state.APP_ID].scopes = set(values["scopes"])
        if "rate_limits" in values:
            self.limits.enabled = bool(values["rate_limits"])
        if "subscriptions" in values:
            self.events.only = set(values["subscriptions"])

    async def set_events_url(self, url: str | None) -> str | None:
        """Set the request URL after its handshake; None switches events off.

        Returns None when it is set, otherwise the reason for a person; the old URL then stays.
        """
        if url is not None and (problem := await self.events.handshake(url)) is not None:
            return problem
        self.events.url = url
        return None

    def view(self, channel: str, since: float = 0.0) -> Json:
        """Everything a person sees in a channel; the shape is told in `screen.channel`."""
        return screen.channel(self.store, self.find(channel), since)

    def channels(self) -> list[Json]:
        """All conversations in one line each, oldest first."""
        return [screen.brief(self.store, channel) for channel in self.store.channels.values()]

    def state(self) -> Json:
        """For the control API: channels, users, request URL and the bot's scopes."""
        return {
            "channels": self.channels(),
            "users": [
                {"id": one.id, "name": one.real_name, "email": one.email, "bot": one.bot_id is not None}
                for one in self.store.users.values()
            ],
            "events_url": self.events.url,
            "scopes": sorted(self.store.apps[state.APP_ID].scopes),
            "rate_limits": self.limits.enabled,
        }

    def routes(self) -> list[BaseRoute]:
        """/slack/api/<method> for GET and POST, Socket Mode, response URLs; all else is unknown_method."""
        return [
            *self.socket.routes(webapi.fault_reply),
            *self.responses.routes(webapi.fault_reply),
            *webapi.routes(self.world, self._space),
        ]


def _rows(values: Json, where: str) -> list[Json]:
    rows = values.get(where, [])
    if not isinstance(rows, list) or not all(isinstance(one, dict) for one in rows):
        raise HumanError(f"{where}: must be a list of objects")
    return rows


def _needed(one: Json, where: str, field: str) -> str:
    value = one.get(field)
    if not isinstance(value, str) or not value:
        raise HumanError(f"{where}: {field} is missing in {one}")
    return value
