"""What a Statuspage account holds: pages with components, incidents, subscribers and templates."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from sandbox.credentials import STATUSPAGE_API_KEY
from sandbox.statuspage import errors
from sandbox.world import World

Json = dict[str, Any]

API_KEY = STATUSPAGE_API_KEY
"""The key the sandbox accepts unless it is seeded with others."""


@dataclass
class Page:
    """`more` holds the settings that the API shows and nothing here depends on."""

    id: str
    name: str
    created: float
    updated: float
    time_zone: str = "UTC"
    more: Json = field(default_factory=dict)
    embed: Json = field(default_factory=dict)  # of status_embed_config


@dataclass
class Component:
    """`history` is every (time, status) since it was made; the last one is now."""

    id: str
    page_id: str
    name: str
    created: float
    updated: float
    position: int
    status: str = "operational"
    description: str | None = None
    group_id: str | None = None
    showcase: bool = True
    only_show_if_degraded: bool = False
    start_date: str | None = None
    history: list[tuple[float, str]] = field(default_factory=list)


@dataclass
class Group:
    id: str
    page_id: str
    name: str
    created: float
    updated: float
    position: int
    description: str | None = None


@dataclass
class Update:
    """One thing said about an incident. `notified` counts who was told, by kind of subscriber."""

    id: str
    incident_id: str
    status: str
    body: str
    created: float
    updated: float
    display: float
    deliver: bool
    affected: list[Json] | None = None  # {code, name, old_status, new_status}
    wants_twitter: bool = False
    notified: dict[str, int] = field(default_factory=dict)


@dataclass
class Postmortem:
    preview_key: str
    created: float
    updated: float
    draft: str | None = None
    draft_updated: float | None = None
    body: str | None = None
    body_updated: float | None = None
    published: float | None = None
    notify_subscribers: bool = False
    notify_twitter: bool = False
    custom_tweet: str | None = None


@dataclass
class Subscriber:
    """Somebody who is told. `component_ids` None means the whole page; state active, unconfirmed or
    quarantined; `incident_id` set for those of one incident only."""

    id: str
    page_id: str
    mode: str  # email | sms | webhook | slack | teams | integration_partner
    created: float
    email: str | None = None
    endpoint: str | None = None
    phone_number: str | None = None
    phone_country: str | None = None
    channel: str | None = None
    workspace: str | None = None
    component_ids: list[str] | None = None
    state: str = "active"
    skip_confirmation: bool = False
    quarantined: float | None = None
    unsubscribed: float | None = None
    incident_id: str | None = None

    @property
    def primary(self) -> str:
        """What identifies it among those of its kind."""
        return self.email or self.endpoint or self.phone_number or self.channel or self.id


@dataclass
class Incident:
    """`worst` is the highest impact its components had; `flags` are the switches of scheduled maintenance."""

    id: str
    page_id: str
    code: str  # of the short link
    name: str
    status: str
    created: float
    updated: float
    worst: str = "none"
    impact_override: str | None = None
    component_ids: list[str] = field(default_factory=list)
    updates: list[Update] = field(default_factory=list)
    metadata: Json = field(default_factory=dict)
    monitoring_at: float | None = None
    resolved_at: float | None = None
    scheduled_for: float | None = None
    scheduled_until: float | None = None
    reminded: float | None = None
    reminder_intervals: str | None = None
    flags: dict[str, bool] = field(default_factory=dict)
    backfilled: bool = False
    postmortem: Postmortem | None = None

    @property
    def impact(self) -> str:
        return self.impact_override or self.worst

    @property
    def scheduled(self) -> bool:
        """Whether it is a maintenance, with the statuses of one."""
        return self.scheduled_for is not None

    @property
    def open(self) -> bool:
        return self.status not in ("resolved", "completed", "postmortem")

    def newest_first(self) -> list[Update]:
        order = {update.id: n for n, update in enumerate(self.updates)}
        return sorted(self.updates, key=lambda u: (u.display, order[u.id]), reverse=True)


@dataclass
class Template:
    id: str
    page_id: str
    name: str
    title: str
    body: str
    group_id: str | None = None
    update_status: str | None = None
    should_tweet: bool = False
    should_send_notifications: bool = False
    component_ids: list[str] = field(default_factory=list)


class Store:
    """The account's state. Identifiers come from the world, so a seed plays the same story again."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.web = "https://stspg.example.com"  # where short links point; the running sandbox sets its own
        self.clear()

    def clear(self) -> None:
        self.keys: set[str] = {API_KEY}
        self.live_groups = False  # see views.group
        self.pages: dict[str, Page] = {}
        self.components: dict[str, Component] = {}
        self.groups: dict[str, Group] = {}
        self.incidents: dict[str, Incident] = {}
        self.subscribers: dict[str, Subscriber] = {}
        self.templates: dict[str, Template] = {}

    def now(self) -> float:
        return self.world.clock.now("statuspage")

    def new_id(self, length: int = 12) -> str:
        """Twelve small letters and digits, as p31zjtct2jer."""
        letters = "bcdfghjklmnpqrstvwxyz0123456789"
        return "".join(self.world.ids.random.choice(letters) for _ in range(length))

    def page(self, key: str) -> Page:
        found = self.pages.get(key)
        if found is None:
            raise errors.not_found()
        return found

    def owned[T: (Component, Group, Incident, Template, Subscriber)](
        self, kind: dict[str, T], page: Page, key: str
    ) -> T:
        """One thing of this page. Raises StatuspageError 404, for a thing of another page too."""
        found = kind.get(key)
        if found is None or found.page_id != page.id:
            raise errors.not_found()
        return found

    def of[T: (Component, Group, Incident, Template, Subscriber)](
        self, kind: dict[str, T], page_id: str
    ) -> list[T]:
        return [one for one in kind.values() if one.page_id == page_id]

    def ordered(self, page_id: str) -> list[Component]:
        return sorted(self.of(self.components, page_id), key=lambda c: c.position)

    def members(self, group: Group) -> list[Component]:
        return [c for c in self.ordered(group.page_id) if c.group_id == group.id]

    def incidents_of(self, page_id: str) -> list[Incident]:
        """Newest first. A backfilled one stands where its date puts it."""
        order = {key: n for n, key in enumerate(self.incidents)}
        found = self.of(self.incidents, page_id)
        return sorted(found, key=lambda i: (i.created, order[i.id]), reverse=True)
