"""Workspace objects as the Web API prints them (the field sets of today's answers, without decoration)."""

from __future__ import annotations

from sandbox.slack import state
from sandbox.slack.state import Channel, Store, User
from sandbox.world import Json

PRIVATE_FIELDS = ("metadata",)
"""What a message shows only on request (`include_all_metadata`)."""


def user(one: User) -> Json:
    parts = one.real_name.split(" ", 1)
    profile: Json = {
        "title": "",
        "phone": "",
        "skype": "",
        "real_name": one.real_name,
        "real_name_normalized": one.real_name,
        "display_name": one.name,
        "display_name_normalized": one.name,
        "first_name": parts[0],
        "last_name": parts[1] if len(parts) > 1 else "",
        "status_text": "",
        "status_emoji": "",
        "status_expiration": 0,
        "avatar_hash": "g0000000000",
        "team": state.TEAM_ID,
    }
    if one.bot_id:
        profile |= {"api_app_id": one.app_id or "", "bot_id": one.bot_id, "always_active": True}
    elif one.email:
        profile["email"] = one.email
    found: Json = {
        "id": one.id,
        "team_id": state.TEAM_ID,
        "name": one.name,
        "deleted": one.deleted,
        "profile": profile,
        "is_bot": one.bot_id is not None,
        "is_app_user": False,
        "updated": one.updated,
    }
    if one.deleted:
        return found
    return found | {
        "color": "9f69e7",
        "real_name": one.real_name,
        "tz": "Etc/UTC",
        "tz_label": "Coordinated Universal Time",
        "tz_offset": 0,
        "is_admin": one.id == state.FOUNDER,
        "is_owner": one.id == state.FOUNDER,
        "is_primary_owner": one.id == state.FOUNDER,
        "is_restricted": False,
        "is_ultra_restricted": False,
        "is_email_confirmed": True,
        "who_can_share_contact_card": "EVERYONE",
    }


def channel(one: Channel, info: Json, viewer: str, *, brief: bool = False, count: bool = False) -> Json:
    """A conversation with state `info` as `viewer` (a user id) sees it.

    `brief` leaves out what users.conversations does not tell; `count` adds `num_members`.
    """
    if one.kind == "im":
        other = next((m for m in info["members"] if m != viewer), viewer)
        return {
            "id": one.id,
            "created": one.created,
            "is_archived": info["is_archived"],
            "is_im": True,
            "is_org_shared": False,
            "context_team_id": state.TEAM_ID,
            "updated": info["updated"],
            "user": other,
            "is_user_deleted": False,
            "priority": 0,
            "is_open": True,
        }
    found: Json = {
        "id": one.id,
        "name": info["name"],
        "is_channel": one.kind in ("public", "private"),
        "is_group": False,
        "is_im": False,
        "is_mpim": one.kind == "mpim",
        "is_private": one.private,
        "created": one.created,
        "is_archived": info["is_archived"],
        "is_general": one.is_general,
        "unlinked": 0,
        "name_normalized": info["name"],
        "is_shared": False,
        "is_org_shared": False,
        "is_pending_ext_shared": False,
        "pending_shared": [],
        "context_team_id": state.TEAM_ID,
        "updated": info["updated"],
        "parent_conversation": None,
        "creator": one.creator,
        "is_ext_shared": False,
        "shared_team_ids": [state.TEAM_ID],
        "pending_connected_team_ids": [],
        "topic": info["topic"],
        "purpose": info["purpose"],
        "previous_names": info["previous_names"],
    }
    if not brief:
        found["is_member"] = viewer in info["members"]
    if one.kind == "private" and brief is False and found["is_member"]:
        found["is_open"] = True
        found["last_read"] = "0000000000.000000"
    if count:
        found["num_members"] = len(info["members"])
    return found


def message(stored: Json, *, metadata: bool = False) -> Json:
    """A message as history shows it; `metadata` only when asked for."""
    hidden = () if metadata else PRIVATE_FIELDS
    return {key: value for key, value in stored.items() if key not in hidden}


def event_message(stored: Json) -> Json:
    """A message as it travels in an event: what people added to it later stays behind."""
    away = (*PRIVATE_FIELDS, "reactions", "pinned_to", "pinned_info")
    return {key: value for key, value in stored.items() if key not in away}


def bot_profile(store: Store, app: state.App) -> Json:
    return {
        "id": app.bot_id,
        "app_id": app.id,
        "user_id": app.user,
        "name": app.name,
        "icons": {},
        "deleted": False,
        "updated": 0,
        "team_id": state.TEAM_ID,
    }


def permalink(one: Channel, ts: str, thread_ts: str | None = None) -> str:
    link = f"https://{state.TEAM_DOMAIN}.slack.com/archives/{one.id}/p{ts.replace('.', '')}"
    return f"{link}?thread_ts={thread_ts}&cid={one.id}" if thread_ts and thread_ts != ts else link
