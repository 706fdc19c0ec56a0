"""The Web API over HTTP: arguments, token, rate limit, scopes, handler, answer."""

from __future__ import annotations

from starlette.routing import Route

from sandbox.slack import (
    args,
    conversations,
    decorations,
    membership,
    messages,
    people,
    reading,
    scheduled,
    views,
)
from sandbox.slack.errors import SlackError
from sandbox.slack.methods import Context, Limited, Method, Workspace
from sandbox.slack.state import App
from sandbox.wire import Call, Reply, operation_route
from sandbox.world import Fault, Json, World

METHODS: dict[str, Method] = {
    method.name: method
    for family in (conversations, membership, reading, messages, scheduled, decorations, people, views)
    for method in family.METHODS
}


_VERBS = ["GET", "POST"]


def routes(world: World, space: Workspace) -> list[Route]:
    """/slack/api/<method> for every method, and a last route that calls all others unknown_method."""
    made = [
        operation_route(
            world, "slack", name, f"/slack/api/{name}", _Endpoint(space, method), fault_reply, _VERBS
        )
        for name, method in METHODS.items()
    ]
    rest = "/slack/api/{method:rest}"
    return [*made, operation_route(world, "slack", "unknown_method", rest, _unknown, fault_reply, _VERBS)]


class _Endpoint:
    """One method behind HTTP: arguments, token, rate limit, scopes, handler, answer."""

    def __init__(self, space: Workspace, method: Method) -> None:
        self.space, self.method = space, method

    async def __call__(self, call: Call) -> Reply:
        app: App | None = None
        try:
            given = args.read(call, self.method.json)
            app = self._app(call, given)
            wait = self.space.limits.take(app.id, self.method.name, self.method.tier)
            if wait is not None:
                raise Limited(wait)
            context = Context(self.space, app, given, self.method, warnings=given.warnings)
            context.allow(*self.method.scope_alternatives())
            body: Json = {"ok": True, **await self.method.handler(context)}
        except SlackError as problem:
            return refusal(problem, self._headers(app))
        if context.warnings:
            body["warning"] = ",".join(context.warnings)
            body["response_metadata"] = {**body.get("response_metadata", {}), "warnings": context.warnings}
        return Reply(body, headers=self._headers(app), effect=context.effect)

    def _app(self, call: Call, given: args.Args) -> App:
        token = call.bearer()
        if not token and call.request.method == "POST":
            token = given.text("token")
        if self.method.open and not token:
            return App("", "", "", "nobody", set())
        if not token:
            raise SlackError("not_authed")
        app = self.space.store.app_with(token)
        if app is None:
            raise SlackError("invalid_auth")
        return app

    def _headers(self, app: App | None) -> dict[str, str]:
        if app is None:
            return {}
        found = {"x-oauth-scopes": ",".join(sorted(app.scopes))}
        if needed := self.method.scope_alternatives():
            found["x-accepted-oauth-scopes"] = ",".join(needed)
        return found


async def _unknown(call: Call) -> Reply:
    return refusal(SlackError("unknown_method", req_method=call.path["method"]), {})


def refusal(problem: SlackError, headers: dict[str, str]) -> Reply:
    """`ok: false` with HTTP 200, or 429 with `Retry-After` for a rate limit."""
    body = {"ok": False, "error": problem.code, **problem.more}
    if isinstance(problem, Limited):
        headers = {**headers, "retry-after": str(problem.retry_after)}
        return Reply(body, 429, headers, error=problem.code)
    return Reply(body, headers=headers, error=problem.code)


def fault_reply(fault: Fault) -> Reply:
    """A planned fault in Slack's words: 429 carries Retry-After, an error alone comes with HTTP 200."""
    status = fault.status or 200
    error = fault.error or ("ratelimited" if status == 429 else "service_unavailable")
    headers = {}
    if status == 429 or fault.retry_after is not None:
        headers["retry-after"] = fault.retry_after or "30"
    body = {"ok": False, "error": error} if fault.body is None else fault.body
    return Reply(body, status, headers, error=error)
