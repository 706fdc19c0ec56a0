"""Slack as a human: what people say and do in the client, told to the emulator."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.requests import Request
from starlette.routing import Route

from sandbox.control_input import Answer, Bad, Json, body, route
from sandbox.slack.service import Slack


class SlackControl:
    def __init__(self, slack: Slack) -> None:
        self.slack = slack

    def routes(self) -> list[Route]:
        s = self.slack
        return [
            route("POST", "/slack/say", self._say),
            route("POST", "/slack/bot-say", self._bot_say),
            route("POST", "/slack/edit", _done(s.edit, "channel", "ts", "text", "user?")),
            route("POST", "/slack/delete", _done(s.delete, "channel", "ts", "user?")),
            route("POST", "/slack/react", _done(s.react, "channel", "ts", "name", "user")),
            route("POST", "/slack/unreact", _done(s.unreact, "channel", "ts", "name", "user")),
            route("POST", "/slack/pin", _done(s.pin, "channel", "ts", "user")),
            route("POST", "/slack/unpin", _done(s.unpin, "channel", "ts", "user")),
            route("POST", "/slack/join", _done(s.join, "channel", "user")),
            route("POST", "/slack/leave", _done(s.leave, "channel", "user")),
            route("POST", "/slack/invite", _done(s.invite, "channel", "user", "by?")),
            route("POST", "/slack/archive", _done(s.archive, "channel", "user?")),
            route("POST", "/slack/unarchive", _done(s.unarchive, "channel", "user?")),
            route("POST", "/slack/rename", _done(s.rename, "channel", "name", "user?")),
            route("POST", "/slack/channels", self._create),
            route("GET", "/slack/channels", self._channels),
            route("GET", "/slack/channels/{channel}", self._channel),
            route("POST", "/slack/events-url", self._events_url),
        ]

    async def _say(self, request: Request) -> Json:
        """{channel, user, text, thread_ts?, ts?} -> {ts}"""
        given = await body(request)
        channel, user, text = given.text("channel"), given.text("user"), given.text("text")
        thread_ts, ts = given.maybe("thread_ts"), given.maybe("ts")
        given.done()
        return {"ts": self.slack.say(channel, user, text, thread_ts, ts)}

    async def _bot_say(self, request: Request) -> Json:
        """{channel, text, thread_ts?} -> {ts}: another app, not ours."""
        given = await body(request)
        channel, text, thread_ts = given.text("channel"), given.text("text"), given.maybe("thread_ts")
        given.done()
        return {"ts": self.slack.bot_say(channel, text, thread_ts)}

    async def _create(self, request: Request) -> Json:
        """{name, user, private?, members?: [email or id]} -> the channel"""
        given = await body(request)
        name, user, private = given.text("name"), given.text("user"), given.flag("private", False)
        members = given.values.get("members", [])
        given.taken.add("members")
        if not isinstance(members, list) or not all(isinstance(m, str) for m in members):
            raise Bad("members", "a list of e-mail addresses or ids is needed")
        given.done()
        return self.slack.create_channel(name, user, private, tuple(members))

    async def _channels(self, request: Request) -> list[Json]:
        return self.slack.channels()

    async def _channel(self, request: Request) -> Json:
        """What a person sees in it; ?since=ts leaves out what is older."""
        try:
            since = float(request.query_params.get("since", "0"))
        except ValueError as wrong:
            raise Bad("since", "a ts is needed") from wrong
        return self.slack.view(request.path_params["channel"], since)

    async def _events_url(self, request: Request) -> Json:
        """{url}: set after the url_verification handshake; null switches events off."""
        given = await body(request)
        url = given.maybe("url")
        given.done()
        if "url" not in given.values:
            raise Bad("url", "missing; null switches events off")
        problem = await self.slack.set_events_url(url)
        if problem is not None:
            raise Bad("url", problem)
        return {"ok": True, "url": url}


def _done(act: Callable[..., Any], *fields: str) -> Answer:
    """Have `act` done with these fields of the body, in their order; one with a `?` may be left out."""

    async def answer(request: Request) -> Json:
        given = await body(request)
        values = [
            given.maybe(field.removesuffix("?")) if field.endswith("?") else given.text(field)
            for field in fields
        ]
        given.done()
        act(*values)
        return {"ok": True}

    return answer
