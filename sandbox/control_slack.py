"""Slack as a human: what people say and do in the client, told to the emulator."""

from __future__ import annotations

from collections.abc import Callable

from starlette.requests import Request
from starlette.routing import Route

from sandbox.control_input import Answer, Bad, Json, body, route
from sandbox.slack.service import Slack

OK: Json = {"ok": True}


class SlackControl:
    def __init__(self, slack: Slack) -> None:
        self.slack = slack

    def routes(self) -> list[Route]:
        s = self.slack
        return [
            route("POST", "/slack/say", self._say),
            route("POST", "/slack/bot-say", self._bot_say),
            route("POST", "/slack/edit", self._edit),
            route("POST", "/slack/delete", self._delete),
            route("POST", "/slack/react", self._mark(s.react)),
            route("POST", "/slack/unreact", self._mark(s.unreact)),
            route("POST", "/slack/pin", self._pin(s.pin)),
            route("POST", "/slack/unpin", self._pin(s.unpin)),
            route("POST", "/slack/join", self._walk(s.join)),
            route("POST", "/slack/leave", self._walk(s.leave)),
            route("POST", "/slack/invite", self._invite),
            route("POST", "/slack/archive", self._close(s.archive)),
            route("POST", "/slack/unarchive", self._close(s.unarchive)),
            route("POST", "/slack/rename", self._rename),
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

    async def _edit(self, request: Request) -> Json:
        given = await body(request)
        channel, ts, text, user = (
            given.text("channel"),
            given.text("ts"),
            given.text("text"),
            given.maybe("user"),
        )
        given.done()
        self.slack.edit(channel, ts, text, user)
        return OK

    async def _delete(self, request: Request) -> Json:
        given = await body(request)
        channel, ts, user = given.text("channel"), given.text("ts"), given.maybe("user")
        given.done()
        self.slack.delete(channel, ts, user)
        return OK

    def _mark(self, act: Callable[[str, str, str, str], None]) -> Answer:
        async def answer(request: Request) -> Json:
            given = await body(request)
            where = (given.text("channel"), given.text("ts"), given.text("name"), given.text("user"))
            given.done()
            act(*where)
            return OK

        return answer

    def _pin(self, act: Callable[[str, str, str], None]) -> Answer:
        async def answer(request: Request) -> Json:
            given = await body(request)
            where = (given.text("channel"), given.text("ts"), given.text("user"))
            given.done()
            act(*where)
            return OK

        return answer

    def _walk(self, act: Callable[[str, str], None]) -> Answer:
        async def answer(request: Request) -> Json:
            given = await body(request)
            channel, user = given.text("channel"), given.text("user")
            given.done()
            act(channel, user)
            return OK

        return answer

    def _close(self, act: Callable[[str, str | None], None]) -> Answer:
        async def answer(request: Request) -> Json:
            given = await body(request)
            channel, user = given.text("channel"), given.maybe("user")
            given.done()
            act(channel, user)
            return OK

        return answer

    async def _invite(self, request: Request) -> Json:
        given = await body(request)
        channel, user, by = given.text("channel"), given.text("user"), given.maybe("by")
        given.done()
        self.slack.invite(channel, user, by)
        return OK

    async def _rename(self, request: Request) -> Json:
        given = await body(request)
        channel, name, user = given.text("channel"), given.text("name"), given.maybe("user")
        given.done()
        self.slack.rename(channel, name, user)
        return OK

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
