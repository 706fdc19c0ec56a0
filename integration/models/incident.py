"""The incident as Port has it, and its war room."""

from __future__ import annotations

from datetime import datetime
from typing import Literal, get_args

from integration.models.base import Value


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


RoomState = Literal["open", "closed", "archived"]
ROOM_STATES: tuple[RoomState, ...] = get_args(RoomState)
BridgeKind = Literal["zoom", "static", "none"]
BRIDGE_KINDS: tuple[BridgeKind, ...] = get_args(BridgeKind)
MirrorState = Literal["fresh", "unreadable", "off"]
MIRROR_STATES: tuple[MirrorState, ...] = get_args(MirrorState)


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
