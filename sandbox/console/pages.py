"""The console's pages. Each is drawn whole, or with `?fragment=1` its inside alone, for the refresh."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, select_autoescape
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from sandbox.console.catalog import DOCUMENTS, Catalog, Incident
from sandbox.console.public import Public, words
from sandbox.console.record import Row, rows
from sandbox.console.room import Rooms
from sandbox.mail.service import Mailbox
from sandbox.port.engine import Engine
from sandbox.port.service import Port
from sandbox.slack.state import Store as SlackStore
from sandbox.statuspage.service import Statuspage
from sandbox.world import World, iso
from sandbox.zoom.service import Zoom

Json = dict[str, Any]

_TAIL = 60  # journal entries under a page
_WHOLE = 1_000
_LISTED = 100  # incidents in the list
_POLICY = (
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'self'; connect-src 'self'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'"
)
_MAIL_POLICY = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src data:"


class Console:
    """Reads what the emulators hold; changes nothing and is in no journal."""

    def __init__(
        self,
        world: World,
        slack: SlackStore,
        zoom: Zoom,
        port: Port,
        engine: Engine,
        statuspage: Statuspage,
        mail: Mailbox,
    ) -> None:
        self.world, self.zoom = world, zoom
        self.public = Public(statuspage, mail)
        self.rooms = Rooms(slack)
        self.catalog = Catalog(port, engine)
        self.templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=select_autoescape(default=True, default_for_string=True),
            trim_blocks=True,
        )
        self.templates.filters |= {
            "clock": _clock,
            "web": _web,
            "meeting_id": _spaced,
            "words": words,
            "stamp": iso,
        }

    def routes(self) -> list[Route]:
        get = ["GET"]
        return [
            Route("/", _home, methods=get),
            Route("/console", self.index, methods=get),
            Route("/console/console.js", self.script, methods=get),
            Route("/console/incident/{id:path}", self.incident, methods=get),
            Route("/console/channels", self.channels, methods=get),
            Route("/console/channel/{id}", self.channel, methods=get),
            Route("/console/meeting/{id}", self.meeting, methods=get),
            Route("/console/record/{id:path}", self.record, methods=get),
            Route("/console/pages", self.status_pages, methods=get),
            Route("/console/page/{id}", self.status_page, methods=get),
            Route("/console/mail", self.mail, methods=get),
            Route("/console/mail/{id:int}/html", self.mail_html, methods=get),
            Route("/console/journal", self.journal, methods=get),
            # What a short link of the sandbox's Statuspage opens.
            Route("/stspg/{code}", self.short_link, methods=get),
            # What a join link of the sandbox's Zoom opens.
            Route("/zoom/j/{id}", self.meeting, methods=get),
        ]

    async def index(self, request: Request) -> Response:
        incidents = self.catalog.incidents()
        return self._page(
            request,
            "incidents.html",
            "Incidents",
            incidents=incidents[:_LISTED],
            more=max(0, len(incidents) - _LISTED),
            runs=self.catalog.runs()[:20],
            channels=self.rooms.all(),
            pages=self.public.pages(),
            addresses=self.public.addresses(),
            meetings=self._meetings()[:5],
            journal=self._tail(_TAIL),
        )

    async def incident(self, request: Request) -> Response:
        found = self.catalog.incident(request.path_params["id"])
        if found is None:
            return self._missing(request, f"No incident {request.path_params['id']!r} in the catalogue.")
        views = [self.rooms.view(key) for key in found.channels()]
        wanted = set(found.meetings())
        return self._page(
            request,
            "incident.html",
            found.title,
            incident=found,
            fields=self.catalog.fields(found.entity),
            rooms=[(room, self.catalog.fields(room, without=DOCUMENTS)) for room in found.rooms],
            documents=found.documents(),
            record=self._record(found),
            others=[(other, self.catalog.fields(other)) for other in found.others],
            runs=self.catalog.runs(found.id),
            channels=[view for view in views if view is not None],
            meetings=[m for m in self._meetings() if str(m["id"]) in wanted],
            journal=self._tail(_TAIL),
        )

    async def record(self, request: Request) -> Response:
        found = self.catalog.incident(request.path_params["id"])
        if found is None:
            return self._missing(request, f"No incident {request.path_params['id']!r} in the catalogue.")
        title = f"Record of {found.id}"
        return self._page(request, "record.html", title, incident=found, record=self._record(found))

    async def channels(self, request: Request) -> Response:
        views = [self.rooms.view(channel.id) for channel in self.rooms.all()]
        return self._page(request, "channels.html", "Channels", views=views)

    async def channel(self, request: Request) -> Response:
        view = self.rooms.view(request.path_params["id"])
        if view is None:
            return self._missing(request, f"No channel {request.path_params['id']!r}.")
        return self._page(request, "channel.html", f"#{view.name}", view=view)

    async def meeting(self, request: Request) -> Response:
        wanted = request.path_params["id"]
        one = next((m for m in self._meetings() if str(m["id"]) == wanted), None)
        if one is None:
            return self._missing(request, f"No meeting {wanted!r}.")
        return self._page(request, "meeting.html", str(one["topic"]), one=one)

    async def status_pages(self, request: Request) -> Response:
        seen = [self.public.page(page["id"]) for page in self.public.pages()]
        return self._page(request, "pages.html", "Status page", pages=[one for one in seen if one])

    async def status_page(self, request: Request) -> Response:
        seen = self.public.page(request.path_params["id"])
        if seen is None:
            return self._missing(request, f"No status page {request.path_params['id']!r}.")
        return self._page(request, "page.html", seen["page"]["name"], seen=seen)

    async def short_link(self, request: Request) -> Response:
        page = self.public.page_of(request.path_params["code"])
        if page is None:
            return self._missing(request, f"No public incident {request.path_params['code']!r}.")
        return RedirectResponse(f"/console/page/{page}")

    async def mail(self, request: Request) -> Response:
        """Mails, newest first; ?address= shows one person's."""
        address = request.query_params.get("address", "")
        box = self.public.mail
        return self._page(
            request,
            "mail.html",
            f"Mail of {address}" if address else "Mail",
            address=address,
            mails=self.public.mails(address or None)[:_LISTED],
            addresses=self.public.addresses(),
            count=len(box.messages),
            **{name: value for name, value in box.state().items() if name != "messages"},
        )

    async def mail_html(self, request: Request) -> Response:
        """A mail's HTML as it came. Nothing in it runs, and nothing is fetched for it."""
        found = self.public.html(request.path_params["id"])
        if found is None:
            return self._missing(request, f"No HTML in mail {request.path_params['id']}.")
        headers = {"content-security-policy": _MAIL_POLICY, "cache-control": "no-store"}
        return Response(found, headers=headers, media_type="text/html; charset=utf-8")

    async def journal(self, request: Request) -> Response:
        return self._page(request, "journal.html", "Journal", journal=self._tail(_WHOLE))

    async def script(self, request: Request) -> Response:
        source = self.templates.get_template("console.js").render()
        return Response(source, media_type="text/javascript; charset=utf-8")

    def _record(self, incident: Incident) -> list[Row]:
        return rows(incident.communications, self.catalog.person, self._place)

    def _place(self, key: str) -> str:
        """A channel or status page by its name; an address as it is."""
        name = self.rooms.name(key)
        return f"#{name}" if name != key else self.public.page_name(key) or key

    def _meetings(self) -> list[Json]:
        """Newest first."""
        found: list[Json] = self.zoom.state()["meetings"]
        return found[::-1]

    def _tail(self, count: int) -> list[Json]:
        """The newest entries of the journal, newest first."""
        return [entry.brief() for entry in reversed(self.world.journal[-count:])]

    def _missing(self, request: Request, what: str) -> Response:
        return self._page(request, "missing.html", "Not here", status=404, what=what)

    def _page(self, request: Request, page: str, title: str, status: int = 200, **shown: Any) -> Response:
        template = page if request.query_params.get("fragment") else "base.html"
        drawn = self.templates.get_template(template).render(page=page, title=title, **shown)
        headers = {"content-security-policy": _POLICY, "cache-control": "no-store"}
        return Response(drawn, status, headers, "text/html; charset=utf-8")


async def _home(request: Request) -> Response:
    return RedirectResponse("/console")


def _clock(text: str) -> str:
    """HH:MM:SS of an RFC 3339 time, UTC; the text itself when it is none."""
    try:
        return datetime.fromisoformat(str(text)).astimezone(UTC).strftime("%H:%M:%S")
    except ValueError:
        return str(text)


def _web(url: object) -> str:
    """A web address, or "#" for what must not become a link."""
    text = str(url or "")
    return text if text.lower().startswith(("http://", "https://")) else "#"


def _spaced(number: str) -> str:
    return re.sub(r"^(\d{3})(\d{4})(\d{4})$", r"\1 \2 \3", number)
