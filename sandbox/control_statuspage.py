"""Statuspage as a human: what people do on its own pages, who subscribes, and what a customer sees.

Pages and components are named by id or name, incidents by id, name or short code.
"""

from __future__ import annotations

from starlette.requests import Request
from starlette.routing import Route

from sandbox.control_input import Bad, Json, body, route
from sandbox.statuspage.service import Statuspage

OK: Json = {"ok": True}


class StatuspageControl:
    def __init__(self, statuspage: Statuspage) -> None:
        self.statuspage, self.people = statuspage, statuspage.people
        self._hooks: set[str] = set()  # ids of the subscribers that `webhook-url` made

    def routes(self) -> list[Route]:
        incident, component = "/statuspage/incidents/{incident}", "/statuspage/components/{component}"
        return [
            route("GET", "/statuspage/view/{page}", self._view),
            route("GET", "/statuspage/incidents", self._incidents),
            route("POST", "/statuspage/incidents", self._open),
            route("GET", incident, self._incident),
            route("POST", incident, self._say),
            route("PATCH", incident, self._edit),
            route("DELETE", incident, self._delete),
            route("PATCH", f"{incident}/updates/{{update}}", self._rewrite),
            route(["POST", "PATCH"], component, self._component),
            route("POST", "/statuspage/subscribers", self._subscribe),
            route("POST", "/statuspage/subscribers/{subscriber}/confirm", self._confirm),
            route("POST", "/statuspage/subscribers/{subscriber}/quarantine", self._quarantine),
            route("POST", "/statuspage/webhook-url", self._webhook_url),
        ]

    async def _view(self, request: Request) -> Json:
        """What a customer sees now; see `sandbox.statuspage.screen.customer_view`."""
        return self.statuspage.customer_view(request.path_params["page"])

    async def _incidents(self, request: Request) -> list[Json]:
        """All incidents as the API shows them, with `notified`: who was told of each update."""
        found: list[Json] = self.statuspage.state()["incidents"]
        return found

    async def _incident(self, request: Request) -> Json:
        wanted = self.people.incident(request.path_params["incident"])
        return next(one for one in await self._incidents(request) if one["id"] == wanted.id)

    async def _open(self, request: Request) -> Json:
        """{page, name, ...: the API's fields; components by id or name} -> the incident"""
        given = await body(request)
        page = given.text("page")
        fields = {name: value for name, value in given.values.items() if name != "page"}
        return self.people.open_incident(page, **fields)

    async def _say(self, request: Request) -> Json:
        """{body, status?, components?: {id or name: status}, deliver_notifications?} -> the update"""
        given = await body(request)
        words, status = given.text("body"), given.maybe("status")
        components, deliver = given.object("components", {}), given.flag("deliver_notifications", True)
        given.done()
        incident = request.path_params["incident"]
        return self.people.post_update(incident, words, status, components, deliver)

    async def _edit(self, request: Request) -> Json:
        """The API's fields (name, impact_override, component_ids, metadata, ...) -> the incident"""
        given = await body(request)
        if "incident" in given.values:
            raise Bad("incident", "it is named in the path; give its fields")
        return self.people.edit_incident(request.path_params["incident"], **given.values)

    async def _delete(self, request: Request) -> Json:
        self.people.delete_incident(request.path_params["incident"])
        return OK

    async def _rewrite(self, request: Request) -> Json:
        """{body} -> the update; nobody is told."""
        given = await body(request)
        words = given.text("body")
        given.done()
        where = request.path_params
        return self.people.edit_update(where["incident"], where["update"], words)

    async def _component(self, request: Request) -> Json:
        """{status, page?} -> the component"""
        given = await body(request)
        status, page = given.text("status"), given.text("page", "")
        given.done()
        return self.people.set_component(request.path_params["component"], status, page)

    async def _subscribe(self, request: Request) -> Json:
        """{page, email? or endpoint?, components?: [id or name]} -> the subscriber, confirmed"""
        given = await body(request)
        page, email, endpoint = given.text("page"), given.text("email", ""), given.text("endpoint", "")
        components = given.values.get("components")
        given.taken.add("components")
        if components is not None and not isinstance(components, list):
            raise Bad("components", "a list of ids or names is needed")
        given.done()
        return self.people.subscribe(page, endpoint, email, components)

    async def _confirm(self, request: Request) -> Json:
        return self.people.confirm(request.path_params["subscriber"])

    async def _quarantine(self, request: Request) -> Json:
        return self.people.quarantine(request.path_params["subscriber"])

    async def _webhook_url(self, request: Request) -> Json:
        """{url, page?}: subscribes the address to every page, or one, in place of the one given before; null
        takes it away. Statuspage asks the address nothing."""
        given = await body(request)
        url, wanted = given.maybe("url"), given.maybe("page")
        given.done()
        if "url" not in given.values:
            raise Bad("url", "missing; null takes the webhook away")
        if url is not None and not url.startswith(("http://", "https://")):
            raise Bad("url", "a whole http or https address is needed")
        store = self.statuspage.store
        pages = [self.people.page(wanted)] if wanted else list(store.pages.values())
        for one in store.subscribers.values():
            if one.id in self._hooks and one.page_id in {page.id for page in pages}:
                one.unsubscribed = one.unsubscribed or store.now()
        made = [self.people.subscribe(page.id, endpoint=url)["id"] for page in pages if url]
        self._hooks |= set(made)
        return {"ok": True, "url": url, "subscribers": made}
