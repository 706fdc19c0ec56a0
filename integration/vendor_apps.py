"""What the apps at Slack and Zoom must be allowed to do, from the calls that our code makes. Pure.

The Slack app's manifest (`slack/`) is generated from it, and `make doctor` holds what a token may do to it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from integration.models.base import Json

SLACK_METHODS: Final[Mapping[str, tuple[str, ...]]] = {
    "auth.test": (),
    "bookmarks.add": ("bookmarks:write",),
    "bookmarks.list": ("bookmarks:read",),
    "chat.postEphemeral": ("chat:write",),
    "chat.postMessage": ("chat:write",),
    "chat.update": ("chat:write",),
    "conversations.archive": ("channels:manage", "groups:write"),
    "conversations.create": ("channels:manage", "groups:write"),
    "conversations.history": ("channels:history", "groups:history"),
    "conversations.info": ("channels:read", "groups:read"),
    "conversations.invite": ("channels:manage", "groups:write"),
    "conversations.join": ("channels:join",),
    "conversations.replies": ("channels:history", "groups:history"),
    "conversations.setTopic": ("channels:manage", "groups:write"),
    "users.conversations": ("channels:read", "groups:read"),
    "users.info": ("users:read",),
    # Slack gives addresses only together with the people themselves.
    "users.lookupByEmail": ("users:read.email", "users:read"),
    "views.open": (),
}
"""The bot scopes of each method we call, for public and private channels."""

SLACK_EVENTS: Final[Mapping[str, str]] = {
    "message.channels": "channels:history",
    "message.groups": "groups:history",
    "pin_added": "pins:read",
    "pin_removed": "pins:read",
    "reaction_added": "reactions:read",
    "reaction_removed": "reactions:read",
}
"""The bot events that rooms are made of, and the scope that each needs."""

COMMAND: Final = "/incident"
SHORTCUTS: Final[Mapping[str, tuple[str, str]]] = {
    "add_note": ("Add note", "Keep this message with the notes of the incident"),
    "post_update": ("Draft update", "Start an update for audiences from this message"),
    "publish_status_page": ("Publish", "Start a post on the status page from this message"),
    "close_war_room": ("Close", "Close the war room of this channel"),
}
"""Of a message, by the action that each starts: its name (24 characters at most) and what it is for."""

_CLICKS = ("commands",)
"""For the command and the shortcuts."""

PLACEHOLDER: Final = "https://incident-comms.example.com"

ZOOM_OPERATIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "meetings.create": ("meeting:write:meeting:admin", "meeting:write:admin"),
    "meetings.delete": ("meeting:delete:meeting:admin", "meeting:write:admin"),
    "meetings.get": ("meeting:read:meeting:admin", "meeting:read:admin"),
    "meetings.list": ("meeting:read:list_meetings:admin", "meeting:read:admin"),
    "meetings.status": ("meeting:update:status:admin", "meeting:write:admin"),
    "past_meetings.get": ("meeting:read:past_meeting:admin", "meeting:read:admin"),
    "users.get": ("user:read:user:admin", "user:read:admin", "user:write:admin"),
}
"""For each operation the scopes of which one is enough: the granular one first, then classic ones."""


def slack_scopes() -> tuple[str, ...]:
    """The bot scopes that the app needs, and no others."""
    found = {scope for needed in SLACK_METHODS.values() for scope in needed}
    return tuple(sorted({*found, *SLACK_EVENTS.values(), *_CLICKS}))


def zoom_missing(granted: Iterable[str]) -> dict[str, str]:
    """Operations for which nothing was granted, each with the scope to add."""
    has = set(granted)
    return {name: wanted[0] for name, wanted in ZOOM_OPERATIONS.items() if not has.intersection(wanted)}


def slack_manifest(address: str = PLACEHOLDER, *, socket_mode: bool = False) -> Json:
    """The manifest to create the app from. With Socket Mode Slack needs no address of ours."""
    base = f"{address.rstrip('/')}/integration/slack"

    def at(door: str, key: str = "request_url") -> Json:
        return {} if socket_mode else {key: f"{base}/{door}"}

    command: Json = {
        "command": COMMAND,
        "description": "Note, update, publish, close, or open the war room of an incident",
        "usage_hint": "note finding: … | update … | publish | close | open INC-42",
        "should_escape": False,
        **at("commands", "url"),
    }
    return {
        "display_information": {
            "name": "Incident Comms",
            "description": "War rooms, notes and updates of an incident, from Port",
            "background_color": "#1d2733",
        },
        "features": {
            "bot_user": {"display_name": "Incident Comms", "always_online": True},
            "slash_commands": [command],
            "shortcuts": [
                {"name": name, "type": "message", "callback_id": action, "description": description}
                for action, (name, description) in SHORTCUTS.items()
            ],
        },
        "oauth_config": {"scopes": {"bot": list(slack_scopes())}},
        "settings": {
            "event_subscriptions": {**at("events"), "bot_events": sorted(SLACK_EVENTS)},
            "interactivity": {"is_enabled": True, **at("interactions")},
            "org_deploy_enabled": False,
            "socket_mode_enabled": socket_mode,
            "token_rotation_enabled": False,
        },
    }
