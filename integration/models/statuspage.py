"""Status pages and what stands on them, as far as we use it."""

from __future__ import annotations

from datetime import datetime

from integration.models.base import Json, Value


class StatusPage(Value):
    """A public status page of the account."""

    id: str
    name: str


class PageComponent(Value):
    """What a status page shows a state for: a component, or a group of them."""

    id: str
    name: str
    status: str = ""  # operational | under_maintenance | degraded_performance | partial_outage | major_outage
    page_id: str = ""
    is_group: bool = False


class ComponentChange(Value):
    """What one public update said of one component. `before` and `after` are component statuses."""

    id: str
    name: str = ""
    before: str = ""
    after: str = ""


class PublicUpdate(Value):
    """One thing said in public about an incident."""

    id: str
    status: str
    body: str = ""
    created_at: datetime | None = None
    deliver_notifications: bool = False
    components: tuple[ComponentChange, ...] = ()


class PublicIncident(Value):
    """An incident or a maintenance as a status page has it."""

    id: str
    page_id: str
    name: str
    status: str  # investigating … resolved | scheduled … completed | postmortem
    impact: str = ""  # none | maintenance | minor | major | critical
    impact_override: str = ""
    shortlink: str = ""
    metadata: Json = {}  # top level values are objects; for machines only, the page shows none of it
    components: dict[str, str] = {}  # id of each component listed as affected -> its status now
    component_names: dict[str, str] = {}  # of the same
    updates: tuple[PublicUpdate, ...] = ()  # newest first
    created_at: datetime | None = None
    scheduled_for: datetime | None = None
    scheduled_until: datetime | None = None

    @property
    def over(self) -> bool:
        return self.status in ("resolved", "completed", "postmortem")

    @property
    def maintenance(self) -> bool:
        """Whether it was scheduled; it has other statuses then."""
        return self.scheduled_for is not None or self.status in ("scheduled", "in_progress", "verifying")


class MaintenanceWindow(Value):
    """When a scheduled maintenance is, and what Statuspage does about it by itself."""

    start: datetime
    end: datetime
    automatic: bool = True  # the page begins and ends it, with the states of its components
    remind: bool = True  # subscribers hear of it an hour before
    notify: bool = True  # and of its beginning and end


class PageTemplate(Value):
    """An incident template of a page: words and choices to begin with."""

    id: str
    name: str
    title: str = ""
    body: str = ""
    status: str = ""
    notify: bool = False
    components: tuple[str, ...] = ()


class PublicPostmortem(Value):
    """What a page says of an incident afterwards; public once it has `published_at`."""

    body: str = ""
    notified: bool = False
    published_at: datetime | None = None


class PageHook(Value):
    """A webhook subscriber of a status page."""

    id: str
    endpoint: str
    email: str = ""  # where Statuspage writes to when the endpoint fails
    quarantined: bool = False  # Statuspage gave up on it
