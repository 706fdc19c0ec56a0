"""Atlassian Statuspage as far as an incident needs it: read pages, say something in public.

Facts used here: one request a second for each key, measured on a rolling minute; 420 or 429 beyond that,
with no Retry-After documented. Updates are made by changing the incident, so one PATCH carries status,
words and component states. There are no idempotency keys: a lost answer to a write is Ambiguous.
`component_ids` lists what is affected, `components` changes states, and resolving resets none of them.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Final

from integration.budget import Budget, Priority
from integration.errors import BadInput, Refused
from integration.models.base import Json
from integration.models.statuspage import (
    MaintenanceWindow,
    PageComponent,
    PageHook,
    PageTemplate,
    PublicIncident,
    PublicPostmortem,
    StatusPage,
)
from integration.services.http import Patience
from integration.services.statuspage_shapes import (
    component_of,
    counts_of,
    hook_of,
    incident_of,
    page_of,
    postmortem_of,
    template_of,
    window_fields,
)
from integration.services.statuspage_wire import (
    NOT_FOUND,
    PAGE,
    PER_MINUTE,
    SERVICE,
    StatuspageWire,
    path_of,
)

__all__ = ["BODY_LIMIT", "NAME_LIMIT", "NOT_FOUND", "SERVICE", "StatuspageService"]

NAME_LIMIT: Final = 255  # characters of an incident's name
BODY_LIMIT: Final = 25_000  # characters of one update


class StatuspageService:
    """Our own client. Methods raise the errors of `integration.errors`; codes are HTTP's, or NOT_FOUND.

    api_url   e.g. https://api.statuspage.io/v1
    api_key   of a person or an integration that may manage the pages
    timeout   seconds for one request
    patience  75 s of waiting for the rate limit, by default: the rolling minute and some
    per_minute  requests that Statuspage takes of this key

    Writes and the reads that belong to them go first (Priority.PUBLIC), lists for a resync last.
    """

    def __init__(
        self,
        api_url: str,
        api_key: str,
        budget: Budget,
        timeout: float = 10.0,
        patience: Patience | None = None,
        per_minute: int = PER_MINUTE,
    ) -> None:
        self._wire = StatuspageWire(api_url, api_key, budget, timeout, patience, per_minute)
        self._on_written: Callable[[Json], None] | None = None

    def on_written(self, tell: Callable[[Json], None]) -> None:
        """Have `tell` called with every incident that an answer to a write of ours shows, as it stands
        there: nobody need read it again. With its `id` alone where the answer does not show it."""
        self._on_written = tell

    async def aclose(self) -> None:
        await self._wire.aclose()

    # -- as the page has it: raw objects, for mappings ---------------------------------------------------

    async def raw_pages(self, *, priority: Priority = Priority.MIRROR) -> list[Json]:
        """Every page of this key; the vendor does not page this list."""
        return await self._wire.many("pages.list", "/pages", {}, priority)

    async def raw_page(self, page: str, *, priority: Priority = Priority.MIRROR) -> Json | None:
        return await self._wire.one("pages.get", path_of(page), priority)

    def raw_components(self, page: str, *, priority: Priority = Priority.MIRROR) -> AsyncIterator[list[Json]]:
        """Lists of up to 100. Groups are among them, with `group` true."""
        return self._wire.pages("components.list", path_of(page, "components"), priority)

    def raw_groups(self, page: str, *, priority: Priority = Priority.MIRROR) -> AsyncIterator[list[Json]]:
        return self._wire.pages("component_groups.list", path_of(page, "component-groups"), priority)

    def incidents(
        self, page: str, limit: int = PAGE, *, priority: Priority = Priority.MIRROR
    ) -> AsyncIterator[list[Json]]:
        """Every incident and maintenance, newest first, in lists of up to `limit`, updates inside them.

        Raises when a list cannot be read: what came before is then not the whole.
        """
        return self._wire.pages(
            "incidents.list", path_of(page, "incidents"), priority, sized_by="limit", size=limit
        )

    async def raw_incident(
        self, page: str, incident: str, *, priority: Priority = Priority.PUBLIC
    ) -> Json | None:
        return await self._wire.one("incidents.get", path_of(page, "incidents", incident), priority)

    # -- as our values -------------------------------------------------------------------------------

    async def pages(self, *, priority: Priority = Priority.PUBLIC) -> list[StatusPage]:
        found = await self.raw_pages(priority=priority)
        return [self._value("pages.list", page_of, item) for item in found]

    async def page(self, page: str, *, priority: Priority = Priority.PUBLIC) -> StatusPage | None:
        """None when there is no such page for this key."""
        found = await self.raw_page(page, priority=priority)
        return None if found is None else self._value("pages.get", page_of, found)

    async def components(self, page: str, *, priority: Priority = Priority.PUBLIC) -> list[PageComponent]:
        """Components and groups (`is_group`) of a page with their present states, all lists."""
        lists = self.raw_components(page, priority=priority)
        return [self._value("components.list", component_of, item) async for found in lists for item in found]

    async def incident(
        self, page: str, incident: str, *, priority: Priority = Priority.PUBLIC
    ) -> PublicIncident | None:
        """None when the page has no such incident."""
        found = await self.raw_incident(page, incident, priority=priority)
        return None if found is None else self._value("incidents.get", incident_of, found)

    async def unresolved(self, page: str, *, priority: Priority = Priority.PUBLIC) -> list[PublicIncident]:
        """Incidents that are not over, without maintenance; all lists."""
        operation, path = "incidents.unresolved", path_of(page, "incidents", "unresolved")
        lists = self._wire.pages(operation, path, priority)
        return [self._value(operation, incident_of, item) async for found in lists for item in found]

    async def active_maintenance(
        self, page: str, *, priority: Priority = Priority.PUBLIC
    ) -> list[PublicIncident]:
        """Maintenance that is under way (in progress or verifying); all lists."""
        operation, path = "incidents.active_maintenance", path_of(page, "incidents", "active_maintenance")
        lists = self._wire.pages(operation, path, priority)
        return [self._value(operation, incident_of, item) async for found in lists for item in found]

    async def templates(self, page: str, *, priority: Priority = Priority.PUBLIC) -> list[PageTemplate]:
        """The page's incident templates; all lists."""
        operation, path = "incident_templates.list", path_of(page, "incident_templates")
        lists = self._wire.pages(operation, path, priority)
        return [self._value(operation, template_of, item) async for found in lists for item in found]

    async def postmortem(
        self, page: str, incident: str, *, priority: Priority = Priority.PUBLIC
    ) -> PublicPostmortem | None:
        """None when nobody has written one."""
        path = path_of(page, "incidents", incident, "postmortem")
        found = await self._wire.object("postmortem.get", path, priority)
        return None if found is None else postmortem_of(found)

    async def subscriber_counts(
        self, page: str, *, priority: Priority = Priority.DECORATION
    ) -> dict[str, int]:
        """How many are told of what the page says, by medium (email, sms, webhook, ...)."""
        found = await self._wire.object("subscribers.count", path_of(page, "subscribers", "count"), priority)
        return counts_of(found or {})

    async def uptime(
        self, page: str, component: str, *, priority: Priority = Priority.DECORATION
    ) -> float | None:
        """Per cent of the range that Statuspage takes by itself; None where it tells none, as of a
        component whose uptime the page does not show. Refused (NOT_FOUND) where there is no such one."""
        path = path_of(page, "components", component, "uptime")
        found = await self._wire.object("components.uptime", path, priority, {"skip_related_events": "true"})
        if found is None:
            raise Refused(SERVICE, "components.uptime", NOT_FOUND, f"no component {component} on page {page}")
        percentage = found.get("uptime_percentage")
        return float(percentage) if isinstance(percentage, int | float) else None

    async def newest(self, page: str, *, priority: Priority = Priority.PUBLIC) -> list[PublicIncident]:
        """The newest 100, whatever their status: one call, for finding what may have been created."""
        query = {"limit": str(PAGE), "page": "1"}
        found = await self._wire.many("incidents.list", path_of(page, "incidents"), query, priority)
        return [self._value("incidents.list", incident_of, item) for item in found]

    # -- saying something ----------------------------------------------------------------------------

    async def create_incident(
        self,
        page: str,
        *,
        name: str,
        status: str,
        body: str,
        deliver_notifications: bool,
        components: Mapping[str, str] | None = None,
        component_ids: Sequence[str] | None = None,
        impact_override: str | None = None,
        window: MaintenanceWindow | None = None,
        metadata: Json | None = None,
        priority: Priority = Priority.PUBLIC,
    ) -> PublicIncident:
        """Publish, in one write. Never repeated: a lost answer is Ambiguous.

        components     component id -> the state it is to get
        component_ids  listed as affected; those of `components` unless given
        window         makes it a maintenance, with the statuses of one
        metadata       top level values must be objects; not shown on the page

        Raises BadInput for a name or a text that is empty or too long, Refused with Statuspage's words
        for what it finds wrong, e.g. a component of another page; nothing is then published.
        """
        _check("name", name, NAME_LIMIT)
        _check("body", body, BODY_LIMIT)
        if component_ids is None and components:
            component_ids = list(components)
        incident = _given(
            name=name,
            status=status,
            body=body,
            deliver_notifications=deliver_notifications,
            components=dict(components) if components else None,
            component_ids=list(component_ids) if component_ids else None,
            impact_override=impact_override,
            **(window_fields(window) if window else {}),
            metadata=metadata,
        )
        return await self._write("incidents.create", "POST", path_of(page, "incidents"), incident, priority)

    async def update_incident(
        self,
        page: str,
        incident: str,
        *,
        deliver_notifications: bool,
        name: str | None = None,
        status: str | None = None,
        body: str | None = None,
        components: Mapping[str, str] | None = None,
        component_ids: Sequence[str] | None = None,
        impact_override: str | None = None,
        metadata: Json | None = None,
        priority: Priority = Priority.PUBLIC,
    ) -> PublicIncident:
        """Change what is given and leave the rest, in one write; `status` or `body` make a public update.

        `component_ids` replaces the list of what is affected; without it the list stays. `metadata` may
        replace the whole: hand back what was there with it. Never repeated: a lost answer is Ambiguous.
        Raises BadInput like `create_incident`, Refused with code NOT_FOUND for an unknown incident.
        """
        if name is not None:
            _check("name", name, NAME_LIMIT)
        if body is not None:
            _check("body", body, BODY_LIMIT)
        change = _given(
            name=name,
            status=status,
            body=body,
            deliver_notifications=deliver_notifications,
            components=dict(components) if components else None,
            component_ids=None if component_ids is None else list(component_ids),
            impact_override=impact_override,
            metadata=metadata,
        )
        return await self._write(
            "incidents.update", "PATCH", path_of(page, "incidents", incident), change, priority
        )

    async def draft_postmortem(
        self, page: str, incident: str, body: str, *, priority: Priority = Priority.PUBLIC
    ) -> None:
        """Write the postmortem's draft, which the public does not see; the same again changes nothing."""
        _check("body", body, BODY_LIMIT)
        path = path_of(page, "incidents", incident, "postmortem")
        given = {"postmortem": {"body_draft": body}}
        await self._wire.write("postmortem.put", "PUT", path, given, priority)

    async def publish_postmortem(
        self, page: str, incident: str, *, deliver_notifications: bool, priority: Priority = Priority.PUBLIC
    ) -> PublicPostmortem:
        """Make the draft public. Never repeated: a lost answer is Ambiguous."""
        path = path_of(page, "incidents", incident, "postmortem", "publish")
        given = {"postmortem": {"notify_subscribers": deliver_notifications, "notify_twitter": False}}
        found = postmortem_of(await self._wire.write("postmortem.publish", "PUT", path, given, priority))
        if self._on_written is not None:
            self._on_written({"id": incident})  # what an earlier answer showed of it is old
        return found

    # -- being told ----------------------------------------------------------------------------------

    async def hooks(self, page: str, *, priority: Priority = Priority.MIRROR) -> list[PageHook]:
        """Webhook subscribers in any state, all lists. This list alone counts its pages from 0."""
        path, only = path_of(page, "subscribers"), {"type": "webhook", "state": "all"}
        lists = self._wire.pages("subscribers.list", path, priority, sized_by="limit", first=0, only=only)
        return [hook async for found in lists for item in found if (hook := hook_of(item))]

    async def _write(
        self, operation: str, method: str, path: str, incident: Json, priority: Priority
    ) -> PublicIncident:
        found = await self._wire.write(operation, method, path, {"incident": incident}, priority)
        value = self._value(operation, incident_of, found)
        if self._on_written is not None:
            self._on_written(found)
        return value

    def _value[T](self, operation: str, shape: Callable[[Json], T | None], found: Json) -> T:
        value = shape(found)
        if value is None:
            raise self._wire.unreadable(operation, "an object without id or status")
        return value


def _given(**fields: object) -> Json:
    return {name: value for name, value in fields.items() if value is not None}


def _check(field: str, value: str, limit: int) -> None:
    if not value.strip():
        raise BadInput(field, "is empty")
    if len(value) > limit:
        raise BadInput(field, f"has {len(value):,} characters; a status page takes {limit:,}")
