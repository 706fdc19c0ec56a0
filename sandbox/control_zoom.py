"""Zoom as a human: joining, leaving, ending; and where its events go."""

from __future__ import annotations

from starlette.requests import Request
from starlette.routing import Route

from sandbox.control_input import Bad, Json, body, route
from sandbox.zoom import views
from sandbox.zoom.service import Zoom
from sandbox.zoom.state import Meeting


class ZoomControl:
    def __init__(self, zoom: Zoom) -> None:
        self.zoom = zoom

    def routes(self) -> list[Route]:
        return [
            route("POST", "/zoom/join", self._join),
            route("POST", "/zoom/leave", self._leave),
            route("POST", "/zoom/end", self._end),
            route("POST", "/zoom/delete", self._delete),
            route("POST", "/zoom/webhook-url", self._webhook_url),
            route("POST", "/zoom/revoke-tokens", self._revoke),
            route("GET", "/zoom/meetings", self._meetings),
        ]

    def _meeting(self, key: object) -> Meeting:
        """A meeting that stands, by number (also as a JSON number) or UUID."""
        if isinstance(key, bool) or not isinstance(key, str | int):
            raise Bad("meeting", "a meeting number or UUID is needed")
        found = self.zoom.find(key)
        if found is None or found.deleted or found.expired(self.zoom.store.now()):
            raise Bad("meeting", f"no meeting {key!r}", 404)
        return found

    async def _join(self, request: Request) -> Json:
        """{meeting, user: e-mail, name?} -> the participant"""
        given = await body(request)
        meeting, user, name = self._meeting(given.any("meeting")), given.text("user"), given.text("name", "")
        given.done()
        if "@" not in user:
            raise Bad("user", "an e-mail address is needed")
        person = self.zoom.life.join(meeting, user, name)
        return views.participant(person, self.zoom.store.now())

    async def _leave(self, request: Request) -> Json:
        """{meeting, user}; the meeting ends with the last one."""
        given = await body(request)
        meeting, user = self._meeting(given.any("meeting")), given.text("user")
        given.done()
        self.zoom.life.leave(meeting, user)
        return {"ok": True}

    async def _end(self, request: Request) -> Json:
        """{meeting, summary?: Markdown that AI Companion wrote, transcript?: [{at: seconds, speaker, text}]}
        -> {ended}: false when none was under way. A call with a transcript was recorded."""
        given = await body(request)
        meeting, summary = self._meeting(given.any("meeting")), given.text("summary", "")
        turns = _turns(given.any("transcript")) if "transcript" in given.values else []
        given.done()
        return {"ended": self.zoom.life.end(meeting, summary, turns)}

    async def _delete(self, request: Request) -> Json:
        """{meeting, what: "summary" | "recording"}: the last one, by a person, for good -> {deleted}"""
        given = await body(request)
        meeting, what = self._meeting(given.any("meeting")), given.text("what")
        given.done()
        if what == "summary":
            return {"deleted": self.zoom.life.delete_summary(meeting)}
        if what != "recording":
            raise Bad("what", "summary or recording")
        past = [one for one in meeting.past if one.uuid in self.zoom.recordings.by_uuid]
        return {"deleted": bool(past) and self.zoom.recordings.delete(meeting, past[-1])}

    async def _webhook_url(self, request: Request) -> Json:
        """{url}: set after the endpoint.url_validation handshake; null switches events off."""
        given = await body(request)
        url = given.maybe("url")
        given.done()
        if "url" not in given.values:
            raise Bad("url", "missing; null switches events off")
        if url is None:
            self.zoom.hooks.url = ""
            return {"ok": True, "url": None}
        problem = await self.zoom.hooks.subscribe(url)
        if problem:
            raise Bad("url", problem)
        return {"ok": True, "url": url}

    async def _revoke(self, request: Request) -> Json:
        """Make every token that is out invalid."""
        self.zoom.oauth.revoke_all()
        return {"ok": True}

    async def _meetings(self, request: Request) -> list[Json]:
        found: list[Json] = self.zoom.state()["meetings"]
        return found


def _turns(given: object) -> list[tuple[float, str, str]]:
    """What people said: second of the recording, name, words."""
    wanted = Bad("transcript", "a list of {at: seconds, speaker, text} is needed")
    if not isinstance(given, list):
        raise wanted
    turns = []
    for one in given:
        found = one if isinstance(one, dict) else {}
        at, speaker, text = found.get("at"), found.get("speaker"), found.get("text")
        if not isinstance(at, int | float) or isinstance(at, bool) or at < 0:
            raise wanted
        if not isinstance(speaker, str) or not isinstance(text, str):
            raise wanted
        turns.append((float(at), speaker, text))
    return turns
