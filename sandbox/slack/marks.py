"""Reactions and pins as changes of the workspace, with their events."""

from __future__ import annotations

from sandbox.slack import render, state
from sandbox.slack.events import Events
from sandbox.slack.state import Channel, Store
from sandbox.world import Json


class Marks:
    def __init__(self, store: Store, events: Events) -> None:
        self.store = store
        self.events = events

    def react(self, channel: Channel, ts: str, user: str, name: str) -> bool:
        """Add a reaction; False when this user had it on the message already."""
        message = channel.message(ts) or {}
        reactions: list[Json] = message.get("reactions", [])
        mine = next((one for one in reactions if one["name"] == name), None)
        if mine is None:
            mine = {"name": name, "users": [], "count": 0}
            reactions.append(mine)
        if user in mine["users"]:
            return False
        mine["users"].append(user)
        mine["count"] = len(mine["users"])
        channel.put(ts, {**message, "reactions": reactions})
        self._reaction_event("reaction_added", channel, message, user, name)
        return True

    def unreact(self, channel: Channel, ts: str, user: str, name: str) -> bool:
        """Take a reaction back; False when there was none of this user."""
        message = channel.message(ts) or {}
        reactions: list[Json] = message.get("reactions", [])
        mine = next((one for one in reactions if one["name"] == name), None)
        if mine is None or user not in mine["users"]:
            return False
        mine["users"].remove(user)
        mine["count"] = len(mine["users"])
        left = [one for one in reactions if one["count"]]
        message.pop("reactions", None)
        channel.put(ts, {**message, "reactions": left} if left else message)
        self._reaction_event("reaction_removed", channel, message, user, name)
        return True

    def _reaction_event(self, kind: str, channel: Channel, message: Json, user: str, name: str) -> None:
        event = {
            "type": kind,
            "user": user,
            "reaction": name,
            "item": {"type": "message", "channel": channel.id, "ts": message.get("ts", "")},
            "item_user": message.get("user", state.BOT_USER),
            "event_ts": self.store.next_ts(),
        }
        self.events.emit(event, channel)

    def pin(self, channel: Channel, ts: str, user: str) -> bool:
        """Pin a message to its channel; False when it was pinned already."""
        message = channel.message(ts) or {}
        if message.get("pinned_to"):
            return False
        info = {"channel": channel.id, "pinned_by": user, "pinned_ts": int(self.store.now())}
        message |= {"pinned_to": [channel.id], "pinned_info": info}
        channel.put(ts, message)
        self._pin_event("pin_added", channel, message, user, info)
        return True

    def unpin(self, channel: Channel, ts: str, user: str) -> bool:
        """Take the pin away; False when there was none."""
        message = channel.message(ts) or {}
        if not message.get("pinned_to"):
            return False
        del message["pinned_to"]
        info = message.pop("pinned_info")
        channel.put(ts, message)
        self._pin_event("pin_removed", channel, message, user, info)
        return True

    def _pin_event(self, kind: str, channel: Channel, message: Json, user: str, info: Json) -> None:
        pins = len(pinned(channel))
        event = {
            "type": kind,
            "user": user,
            "channel_id": channel.id,
            "item": {
                "type": "message",
                "channel": channel.id,
                "message": {
                    **render.event_message(message),
                    "permalink": render.permalink(channel, message["ts"], message.get("thread_ts")),
                },
                "created": info["pinned_ts"],
                "created_by": info["pinned_by"],
            },
            "item_user": message.get("user", state.BOT_USER),
            "pin_count": pins,
            "pinned_info": info,
            "event_ts": self.store.next_ts(),
        }
        if kind == "pin_removed":
            event["has_pins"] = pins > 0
        self.events.emit(event, channel)


def pinned(channel: Channel) -> list[Json]:
    """The messages pinned now, newest pin first."""
    alive = [versions.now for versions in channel.messages.values()]
    found = [message for message in alive if message and message.get("pinned_to")]
    return sorted(found, key=lambda m: int(m["pinned_info"]["pinned_ts"]), reverse=True)
