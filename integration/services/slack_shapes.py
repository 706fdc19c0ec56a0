"""Slack's objects as our values. Pure; what lacks its id gives None."""

from __future__ import annotations

from typing import Any

from integration.models.base import Json
from integration.models.slack import Bookmark, Channel, SlackUser
from integration.services.slack_errors import IN_ALREADY, REASONS


def channel_of(found: Any, member: bool = False) -> Channel | None:
    """`member` is for lists of the bot's own channels, which do not say `is_member`."""
    if not isinstance(found, dict) or not string(found.get("id")):
        return None
    archived = bool(found.get("is_archived"))
    created, topic = found.get("created"), found.get("topic")
    return Channel(
        id=found["id"],
        name=string(found.get("name")),
        private=bool(found.get("is_private")),
        archived=archived,
        member=bool(found.get("is_member", member and not archived)),
        creator=string(found.get("creator")),
        created=float(created) if isinstance(created, int | float) else 0.0,
        topic=string(topic.get("value")) if isinstance(topic, dict) else "",
    )


def user_of(found: Any) -> SlackUser | None:
    if not isinstance(found, dict) or not string(found.get("id")):
        return None
    profile = found["profile"] if isinstance(found.get("profile"), dict) else {}
    names = (profile.get("display_name"), profile.get("real_name"), found.get("real_name"), found.get("name"))
    return SlackUser(
        id=found["id"],
        email=string(profile.get("email")),
        name=next((name for name in names if isinstance(name, str) and name), ""),
        deleted=bool(found.get("deleted")),
    )


def bookmark_of(found: Any) -> Bookmark | None:
    if not isinstance(found, dict) or not string(found.get("id")):
        return None
    return Bookmark(id=found["id"], title=string(found.get("title")), link=string(found.get("link")))


def missed_of(errors: Any) -> dict[str, str]:
    """Whom Slack's `errors` of an invitation name as not invited, and why, in words."""
    return {
        string(item.get("user")): reason_of(string(item.get("error")))
        for item in objects(errors)
        if string(item.get("user")) and item.get("error") not in IN_ALREADY
    }


def reason_of(code: str) -> str:
    return REASONS.get(code, code or "Slack gives no reason")


def objects(value: Any) -> list[Json]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list | tuple) else []


def string(value: Any) -> str:
    return value if isinstance(value, str) else ""
