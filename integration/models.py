"""Frozen values that pass between the parts. No I/O, nothing vendor-specific beyond ids."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Literal, get_args

from pydantic import BaseModel, ConfigDict

Json = dict[str, Any]

Knows = Literal["technical", "business", "customer-safe"]
KNOWS: tuple[Knows, ...] = ("technical", "business", "customer-safe")

NoteKind = Literal["update", "finding", "workaround", "decision", "action", "impact", "question"]
NOTE_KINDS: tuple[NoteKind, ...] = (
    "update",
    "finding",
    "workaround",
    "decision",
    "action",
    "impact",
    "question",
)


class Value(BaseModel):
    """Base of our values: immutable, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Incident(Value):
    """The Port entity that an outside tool or a person created, read through the configured jq."""

    identifier: str
    title: str = ""
    status: str = ""
    severity: str = ""
    services: tuple[str, ...] = ()  # identifiers of service entities
    people: tuple[str, ...] = ()  # e-mail addresses
    private: bool = False
    channel: str = ""  # an existing Slack channel to link: id, or link to it
    owner: str = ""  # who answers for it, as the incident names him
    started_at: datetime | None = None
    url: str = ""  # the entity's page in Port


class Channel(Value):
    """A Slack conversation."""

    id: str
    name: str
    private: bool = False
    archived: bool = False
    member: bool = False  # is our bot in it
    creator: str = ""  # user id
    created: float = 0.0  # seconds since the epoch, Slack's clock
    topic: str = ""


class SlackUser(Value):
    id: str
    email: str = ""
    name: str = ""
    bot: bool = False
    deleted: bool = False


class Bot(Value):
    """Who we are in Slack (auth.test)."""

    user_id: str
    bot_id: str
    team_id: str
    team_url: str  # https://example.slack.com/


class Post(Value):
    """Slack's receipt of a message."""

    channel: str
    ts: str
    permalink: str = ""
    metadata: Json | None = None  # {"event_type", "event_payload"}


class Bookmark(Value):
    id: str
    title: str
    link: str


class Meeting(Value):
    """A Zoom meeting. `start_url` is never kept: it lets whoever holds it act as the host."""

    id: str
    uuid: str
    host: str  # e-mail or user id it was created for
    topic: str
    agenda: str = ""
    join_url: str
    passcode: str = ""
    status: str = ""  # waiting | started | ""


class PastMeeting(Value):
    """A call that took place and is over."""

    uuid: str
    started: datetime
    ended: datetime


class ZoomUser(Value):
    """A person of the Zoom account who may be a host."""

    id: str
    email: str = ""
    licensed: bool = False  # Zoom's type 2; a basic host's meetings end after 40 minutes
    active: bool = False


class ItemOutcome(Value):
    """What Port did with one entity of a bulk write.

    `created`: this call made it. `exists`: it was there before, which is a refusal when only creating
    and an update when merging. `error`: Port's reason when the entity was not written, else empty.
    `status`: Port's status code for it.
    """

    identifier: str
    created: bool = False
    exists: bool = False
    error: str = ""
    status: int = 200

    @property
    def written(self) -> bool:
        """Does the entity now hold what was sent, because of this call."""
        return not self.error


class Message(Value):
    """One message of a channel as it stands, from an event or from a read."""

    channel: str
    ts: str  # Slack's id within the channel
    user: str = ""  # user id; empty for some bots
    bot_id: str = ""
    app_id: str = ""
    username: str = ""  # display name a bot gave itself
    subtype: str = ""
    text: str = ""
    blocks_text: str = ""  # plain text of blocks and attachments, when `text` says less
    thread_ts: str = ""  # ts of the parent; equal to ts on the parent itself
    edited_ts: str = ""
    reactions: tuple[Reaction, ...] = ()
    pinned: bool = False
    metadata: Json | None = None


class Reaction(Value):
    name: str  # without colons
    users: tuple[str, ...]


LinkType = Literal["logs", "trace", "dashboard", "ticket", "pull request", "runbook", "document", "other"]


class NoteLink(Value):
    url: str
    type: LinkType


class Note(Value):
    """One structured thing said in the room. Its identity is channel + ts, so a redelivery overwrites."""

    channel: str
    ts: str
    kind: NoteKind
    title: str
    text: str
    author: str  # Slack user id, or the bot's name
    said_at: datetime
    permalink: str = ""
    thread_ts: str = ""
    confidence: float = 1.0  # 0..1
    how: Literal["mark", "model", "rules"]
    links: tuple[NoteLink, ...] = ()
    services: tuple[str, ...] = ()  # identifiers of services in the catalogue that it names
    edited: bool = False


AUTOMATION = "automation "
"""How `requested_by` begins when no person pressed a button; no e-mail address holds a space."""


OPERATION_INPUT = "operationId"
"""A hidden input of every button: what names the asking when it did not begin in Port."""


class Command(Value):
    """What a door hands to a handler: one Port run of one action, whichever way it came."""

    action: str
    run: str
    incident: str = ""
    inputs: Json = {}
    snapshot: Json | None = None  # the incident entity as Port sent it; may be stale
    requested_by: str = ""  # e-mail of a person, or the automation and who caused it
    operation_id: str = ""  # what it was asked for by, such as a form in Slack; empty: the run itself
    # Of a run that is taken up again: when it last went on, and the incident entity as it was asked about.
    asked_at: datetime | None = None
    asked_of: Json | None = None
    door: Literal["webhook", "integration_action", "sweeper"]

    @property
    def asked_by(self) -> str:
        """What tells one asking from another. Runs of one and the same asking do the same thing, once."""
        return self.operation_id or self.run

    @property
    def automatic(self) -> bool:
        """Whether no person asked for it."""
        return self.requested_by.startswith(AUTOMATION)

    @property
    def by_person(self) -> bool:
        """Whether somebody has just asked for it: no automation, no run that is taken up again."""
        return bool(self.requested_by) and not self.automatic and self.door != "sweeper"


class Outcome(Value):
    """How a run ends."""

    ok: bool = True
    summary: str  # a sentence for a person
    label: str = ""  # at most two words
    links: tuple[str, ...] = ()
    log: tuple[str, ...] = ()


Message.model_rebuild()


Operation = Literal[
    "open_channel",
    "open_bridge",
    "post_message",
    "send_email",
    "publish_incident",
    "update_incident",
    "resolve_incident",
    "reopen_incident",
    "schedule_maintenance",
    "complete_maintenance",
    "publish_postmortem",
]
PUBLIC_OPERATIONS: tuple[Operation, ...] = (
    "publish_incident",
    "update_incident",
    "resolve_incident",
    "reopen_incident",
    "schedule_maintenance",
    "complete_maintenance",
    "publish_postmortem",
)
"""What is said on a status page."""
BY_HAND = "by hand"
"""The purpose of what others have said where we speak: on the record, and not ours."""
CommunicationState = Literal[
    "draft", "sending", "sent", "failed", "unknown", "superseded", "withdrawn", "held"
]
COMMUNICATION_STATES: tuple[CommunicationState, ...] = get_args(CommunicationState)

RoomState = Literal["open", "closed", "archived"]
ROOM_STATES: tuple[RoomState, ...] = get_args(RoomState)
BridgeKind = Literal["zoom", "static", "none"]
BRIDGE_KINDS: tuple[BridgeKind, ...] = get_args(BridgeKind)
MirrorState = Literal["fresh", "unreadable", "off"]
MIRROR_STATES: tuple[MirrorState, ...] = get_args(MirrorState)


class Step(Value):
    """One outside effect that must happen once. `key` says what it is about, not who asked for it."""

    key: str  # identifier of the incidentCommunication entity
    operation: Operation
    # channel | bridge | briefing | bridge link | reopened | closing | update | mail | status notice | note |
    # publish | public update | resolve
    purpose: str
    incident: str
    destination: str = ""  # channel id, host, or what is to be created
    text: str = ""
    audience: str = ""  # identifier of the commsAudience entity, where it is for one
    requested_by: str = ""
    approved_by: str = ""
    replaces: str = ""  # key of the words that it follows upon: the same again, or the page's last
    run: str = ""
    details: Json = {}  # what the effect and the search for its marker need, fixed at the intent
    team: str = ""  # the team in Port that may read it; everybody where there is none


class Receipt(Value):
    """What the provider answered. `data` holds ids and provider times, never secrets."""

    data: Json
    permalink: str = ""
    at: datetime | None = None  # the provider's time of the effect, where it tells
    text: str = ""  # the words that stand there, where an earlier attempt was found
    join_url: str = ""  # lets whoever has it into a meeting: handed on at once, never put on the record


class Communication(Value):
    """An incidentCommunication entity: intent, then outcome."""

    step: Step
    state: CommunicationState
    owner: str = ""
    receipt: Receipt | None = None
    reason: str = ""
    attempts: int = 0  # how often it was taken over
    intended_at: datetime


class WarRoom(Value):
    """Channel and bridge of one incident, as the incidentWarRoom entity keeps them."""

    identifier: str
    incident: str
    generation: int = 1
    state: RoomState = "open"
    channel_id: str
    channel_name: str = ""
    channel_url: str = ""
    linked: bool = False  # the channel was there before us: we never archive it
    private: bool = False  # the incident or its channel is: what is said here is for few
    team: str = ""  # the team in Port that may read it; everybody where there is none
    bridge_kind: BridgeKind = "none"
    bridge_url: str = ""
    bridge_host: str = ""
    meeting_id: str = ""
    briefing_ts: str = ""
    briefing_url: str = ""
    closures: int = 0  # how often it was closed; part of the closing message's key
    invited: tuple[str, ...] = ()  # e-mail addresses
    not_invited: tuple[str, ...] = ()  # "address: reason"
    opened_at: datetime | None = None
    reopened_at: datetime | None = None
    closed_at: datetime | None = None
    archived_at: datetime | None = None
    last_activity_at: datetime | None = None
    mirror: MirrorState = "fresh"
    read_back_to: str = ""  # ts of the oldest message read; "0": all of them


class Audience(Value):
    """A named group of readers: where they read, what concerns them, how they are spoken to.

    As the commsAudience entity has it; `integration.audiences` says what the rules, times and hours mean.
    """

    identifier: str
    title: str = ""
    slack_channels: tuple[str, ...] = ()
    emails: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()  # names of teams in Port; their people get mail
    notices: bool = False
    knows: Knows = "technical"
    reach: Json = {}  # which incidents: a query in Port's search form; empty: every one
    template: str = ""  # Jinja2; empty: ours for what they may know
    language: str = "en"
    tone: str = "plain"
    promised: Json = {}  # severity, or "*" for any other -> minutes between two updates
    quiet: Json = {}  # severity, or "*" -> "22:00-07:00"; and "timeZone"


class StatusPage(Value):
    """A public status page of the account."""

    id: str
    name: str
    subdomain: str = ""
    domain: str = ""  # the customer's own name for it, where there is one
    url: str = ""  # the company's website, not the page
    time_zone: str = ""


class PageComponent(Value):
    """What a status page shows a state for: a component, or a group of them."""

    id: str
    name: str
    status: str = ""  # operational | under_maintenance | degraded_performance | partial_outage | major_outage
    group_id: str = ""
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
    display_at: datetime | None = None  # the time shown, which a person may have changed
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
    updated_at: datetime | None = None
    resolved_at: datetime | None = None
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
    draft: str = ""
    notified: bool = False
    published_at: datetime | None = None


class PageHook(Value):
    """A webhook subscriber of a status page."""

    id: str
    endpoint: str
    email: str = ""  # where Statuspage writes to when the endpoint fails
    quarantined: bool = False  # Statuspage gave up on it


class MailReceipt(Value):
    """A mail server's word that it has taken a message over."""

    message_id: str
    response: str  # its own words, often with a queue id


class Approval(Value):
    """Who wrote a run and who approved it; no approver when nobody has.

    By e-mail address, or by Port's user id where Port does not tell the address.
    """

    author: str = ""
    approver: str = ""
    at: datetime | None = None  # when the run was last changed, which is not before it was approved
