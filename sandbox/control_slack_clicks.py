"""Slack as a human who presses buttons, chooses shortcuts, types commands and fills in forms."""

from __future__ import annotations

from starlette.requests import Request
from starlette.routing import Route

from sandbox.control_input import Bad, Json, body, route
from sandbox.slack.service import Slack


class SlackClicksControl:
    def __init__(self, slack: Slack) -> None:
        self.slack = slack

    def routes(self) -> list[Route]:
        return [
            route("POST", "/slack/press", self._press),
            route("POST", "/slack/shortcut", self._shortcut),
            route("POST", "/slack/command", self._command),
            route("POST", "/slack/submit", self._submit),
            route("POST", "/slack/close", self._close),
            route("GET", "/slack/views", self._views),
            route("POST", "/slack/interactivity-url", self._interactivity_url),
            route("POST", "/slack/commands-url", self._commands_url),
            route("POST", "/slack/socket-mode", self._socket_mode),
            route("POST", "/slack/socket-mode/disconnect", self._disconnect),
        ]

    async def _press(self, request: Request) -> Json:
        """{channel, ts, action_id, user} -> {status, problem, answer}"""
        given = await body(request)
        where = (given.text("channel"), given.text("ts"), given.text("action_id"), given.text("user"))
        given.done()
        return await self.slack.clicks.press(*where)

    async def _shortcut(self, request: Request) -> Json:
        """{channel, ts, callback_id, user} -> {status, problem, answer}"""
        given = await body(request)
        where = (given.text("channel"), given.text("ts"), given.text("callback_id"), given.text("user"))
        given.done()
        return await self.slack.clicks.shortcut(*where)

    async def _command(self, request: Request) -> Json:
        """{channel, user, command, text?} -> {status, problem, answer}"""
        given = await body(request)
        channel, user, command = given.text("channel"), given.text("user"), given.text("command")
        text = given.text("text") if given.values.get("text") else ""
        given.taken.add("text")
        given.done()
        return await self.slack.clicks.command(channel, user, command, text)

    async def _submit(self, request: Request) -> Json:
        """{view, user, values: {block: text, option, [options] or true}} -> {status, problem, answer}"""
        given = await body(request)
        view, user, values = given.text("view"), given.text("user"), given.values.get("values", {})
        given.taken.add("values")
        given.done()
        if not isinstance(values, dict):
            raise Bad("values", "an object is needed: what is entered, by block")
        return await self.slack.clicks.submit(view, user, values)

    async def _close(self, request: Request) -> Json:
        """{view, user} -> {status, problem, answer}; status null where the app asked not to be told"""
        given = await body(request)
        view, user = given.text("view"), given.text("user")
        given.done()
        return await self.slack.clicks.close(view, user)

    async def _views(self, request: Request) -> list[Json]:
        """Every form that is shown, with `user`, oldest first."""
        return [dict(view) for view in self.slack.store.views.values()]

    async def _interactivity_url(self, request: Request) -> Json:
        self.slack.clicks.interactivity_url = url = await _url(request)
        return {"ok": True, "url": url}

    async def _commands_url(self, request: Request) -> Json:
        self.slack.clicks.commands_url = url = await _url(request)
        return {"ok": True, "url": url}

    async def _socket_mode(self, request: Request) -> Json:
        """{enabled} -> {enabled, connections}: the switch in the app's settings."""
        given = await body(request)
        self.slack.socket.enabled = given.flag("enabled")
        given.done()
        return {"enabled": self.slack.socket.enabled, "connections": self.slack.socket.connections}

    async def _disconnect(self, request: Request) -> Json:
        """Slack asks every connection to come back."""
        (await body(request)).done()
        await self.slack.socket.disconnect()
        return {"connections": self.slack.socket.connections}


async def _url(request: Request) -> str | None:
    """{url}; null takes it away."""
    given = await body(request)
    url = given.maybe("url")
    given.done()
    if "url" not in given.values:
        raise Bad("url", "missing; null takes it away")
    return url
