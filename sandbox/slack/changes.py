"""What can happen in a workspace, whoever does it: each change with its system message and its events.

No permissions here: the Web API's rules and the human side check first.
"""

from __future__ import annotations

from typing import Any

from sandbox.slack import render, richtext, state
from sandbox.slack.events import Events
from sandbox.slack.state import App, Channel, Store
from sandbox.world import Json


class Changes:
    def __init__(self, store: Store, events: Events) -> None:
        self.store = store
        self.events = events

    # Channels

    def create(self, name: str, creator: str, private: bool = False) -> Channel:
        channel = self.store.new_channel("private" if private else "public", name, creator, [creator])
        about = {"id": channel.id, "name": name, "created": channel.created, "creator": creator}
        if not private:
            event = {"type": "channel_created", "channel": {**about, "is_channel": True}}
            self.events.emit({**event, "event_ts": self.store.next_ts()}, channel, members_only=False)
        self._joined(channel, creator, None)
        return channel

    def join(self, channel: Channel, user: str, inviter: str | None = None) -> None:
        channel.change(members=[*channel.members, user])
        self._joined(channel, user, inviter)

    def _joined(self, channel: Channel, user: str, inviter: str | None) -> None:
        invited = {"inviter": inviter} if inviter else {}
        self._system(channel, user, "channel_join", f"<@{user}> has joined the channel", **invited)
        self.events.emit(self._moved("member_joined_channel", channel, user, **invited), channel)

    def _moved(self, kind: str, channel: Channel, user: str, **more: str) -> Json:
        return {
            "type": kind,
            "user": user,
            "channel": channel.id,
            "channel_type": "C" if channel.kind == "public" else "G",
            "team": state.TEAM_ID,
            **more,
            "event_ts": self.store.next_ts(),
        }

    def leave(self, channel: Channel, user: str) -> None:
        self._system(channel, user, "channel_leave", f"<@{user}> has left the channel")
        event = self._moved("member_left_channel", channel, user)
        if user == state.BOT_USER:
            kind = "group_left" if channel.private else "channel_left"
            event = {"type": kind, "channel": channel.id, "actor_id": user, "event_ts": event["event_ts"]}
        self.events.emit(event, channel)
        channel.change(members=[member for member in channel.members if member != user])

    def rename(self, channel: Channel, user: str, name: str) -> None:
        old = channel.name
        channel.change(name=name, previous_names=[old, *channel.info["previous_names"]])
        text = f'has renamed the channel from "{old}" to "{name}"'
        self._system(channel, user, "channel_name", text, old_name=old, name=name)
        about = {"id": channel.id, "name": name, "name_normalized": name, "created": channel.created}
        self._channel_event(channel, "rename", {"channel": about})

    def describe(self, channel: Channel, user: str, field: str, value: str) -> None:
        """Set `topic` or `purpose`."""
        told = {"value": value, "creator": user, "last_set": int(self.store.now())}
        channel.change(**{field: told})
        text = f"set the channel {field}: {value}" if value else f"cleared the channel {field}"
        self._system(channel, user, f"channel_{field}", text, **{field: value})

    def archive(self, channel: Channel, user: str) -> None:
        """Archive; with the habit on, bots are out of the channel from then on, people stay."""
        channel.change(is_archived=True)
        self._system(channel, user, "channel_archive", f"<@{user}> archived the channel")
        self._channel_event(channel, "archive", {"channel": channel.id, "user": user})
        if self.store.world.hostility.archived_bot_out:
            people = [m for m in channel.members if not self.store.users[m].bot_id]
            channel.change(members=people)

    def unarchive(self, channel: Channel, user: str) -> None:
        channel.change(is_archived=False)
        self._system(channel, user, "channel_unarchive", f"<@{user}> un-archived the channel")
        self._channel_event(channel, "unarchive", {"channel": channel.id, "user": user})

    def _channel_event(self, channel: Channel, what: str, more: Json) -> None:
        kind = ("group_" if channel.private else "channel_") + what
        event = {"type": kind, **more, "event_ts": self.store.next_ts()}
        self.events.emit(event, channel, members_only=False)

    def _system(self, channel: Channel, user: str, subtype: str, text: str, **more: Any) -> None:
        if channel.kind in ("im", "mpim"):
            return
        ts = self.store.next_ts()
        message = {"type": "message", "subtype": subtype, "user": user, "text": text, "ts": ts, **more}
        channel.put(ts, message)
        self._message_event(channel, message)

    # Messages

    def post(
        self,
        channel: Channel,
        user: str,
        text: str,
        *,
        app: App | None = None,
        ts: str | None = None,
        thread_ts: str | None = None,
        broadcast: bool = False,
        **more: Any,
    ) -> Json:
        """Post and return the message as stored. `more`: blocks, attachments, metadata, username, icons."""
        ts = ts or self.store.next_ts()
        message: Json = {"type": "message", "user": user, "text": text, "ts": ts, "team": state.TEAM_ID}
        if app is None:
            message["client_msg_id"] = self.store.world.ids.uuid()
            message["blocks"] = richtext.rich_text(self.store.world.ids.mixed(5), text)
        else:
            profile = render.bot_profile(self.store, app)
            message |= {"bot_id": app.bot_id, "app_id": app.id, "bot_profile": profile}
        given = {name: value for name, value in more.items() if value is not None}
        if "username" in given:
            # A message under another name carries the subtype of old and no user.
            message |= {"subtype": "bot_message"}
            del message["user"]
        message |= given
        if thread_ts and thread_ts != ts:
            parent = channel.message(thread_ts) or {}
            message |= {"thread_ts": thread_ts, "parent_user_id": parent.get("user", "")}
            if not message["parent_user_id"]:
                del message["parent_user_id"]
            if broadcast:
                root = {"type": "message", "ts": thread_ts, "text": parent.get("text", "")}
                message |= {"subtype": "thread_broadcast", "root": root}
        channel.put(ts, message)
        if "thread_ts" in message:
            self._count_replies(channel, thread_ts or "")
        self._message_event(channel, message)
        ours = app is not None and app.id == state.APP_ID  # an app's own words don't call it
        if channel.kind in ("public", "private") and not ours and richtext.mentions(text, state.BOT_USER):
            self._mentioned(channel, message)
        return message

    def _mentioned(self, channel: Channel, message: Json) -> None:
        """`app_mention`: the same words again, for apps that listen to nothing else of a channel."""
        kept = (
            "user",
            "bot_id",
            "text",
            "ts",
            "team",
            "client_msg_id",
            "blocks",
            "thread_ts",
            "parent_user_id",
        )
        said = {key: value for key, value in message.items() if key in kept}
        where = {"channel": channel.id, "event_ts": message["ts"]}
        self.events.emit({"type": "app_mention", **said, **where}, channel)

    def edit(self, channel: Channel, ts: str, values: Json, editor: str | None) -> Json:
        """Put `values` over the message (None removes a field); `editor` sets the edited mark."""
        before = channel.message(ts) or {}
        after = {key: value for key, value in {**before, **values}.items() if value is not None}
        moment = self.store.next_ts()
        if editor:
            after["edited"] = {"user": editor, "ts": moment}
        channel.put(ts, after)
        self._changed(channel, after, before, moment)
        return after

    def delete(self, channel: Channel, ts: str) -> None:
        """Take a message away. A parent with replies leaves a tombstone, as in Slack."""
        before = channel.message(ts) or {}
        moment = self.store.next_ts()
        if before.get("reply_count"):
            kept = (
                "type",
                "ts",
                "thread_ts",
                "reply_count",
                "reply_users_count",
                "latest_reply",
                "reply_users",
            )
            grave = {key: before[key] for key in kept} | {
                "subtype": "tombstone",
                "user": state.SLACKBOT,
                "hidden": True,
                "text": "This message was deleted.",
            }
            channel.put(ts, grave)
            self._changed(channel, grave, before, moment)
            return
        channel.put(ts, None)
        event = {
            "type": "message",
            "subtype": "message_deleted",
            "hidden": True,
            "previous_message": render.event_message(before),
            "channel": channel.id,
            "channel_type": channel.type_word,
            "deleted_ts": ts,
            "ts": moment,
            "event_ts": moment,
        }
        self.events.emit(event, channel)
        if before.get("thread_ts", ts) != ts:
            self._count_replies(channel, before["thread_ts"])

    def _changed(self, channel: Channel, after: Json, before: Json, moment: str) -> None:
        event = {
            "type": "message",
            "subtype": "message_changed",
            "hidden": True,
            "message": render.event_message(after),
            "previous_message": render.event_message(before),
            "channel": channel.id,
            "channel_type": channel.type_word,
            "ts": moment,
            "event_ts": moment,
        }
        self.events.emit(event, channel)

    def _message_event(self, channel: Channel, message: Json) -> None:
        event = render.event_message(message)
        where = {"channel": channel.id, "event_ts": message["ts"], "channel_type": channel.type_word}
        self.events.emit({**event, **where}, channel)

    def _count_replies(self, channel: Channel, parent_ts: str) -> None:
        parent = channel.message(parent_ts)
        if parent is None:
            return
        latest = (versions.now for versions in channel.messages.values())
        replies = [m for m in latest if m and m.get("thread_ts") == parent_ts and m["ts"] != parent_ts]
        if not replies:
            for key in ("thread_ts", "reply_count", "reply_users_count", "latest_reply", "reply_users"):
                parent.pop(key, None)
            # The grave of a thread without replies is not shown any longer.
            channel.put(parent_ts, None if parent.get("subtype") == "tombstone" else parent)
            return
        replies.sort(key=lambda m: float(m["ts"]))
        users = list(dict.fromkeys(m["user"] for m in replies if "user" in m))
        parent |= {
            "thread_ts": parent_ts,
            "reply_count": len(replies),
            "reply_users_count": len(users),
            "latest_reply": replies[-1]["ts"],
            "reply_users": users,
        }
        channel.put(parent_ts, parent | {"is_locked": False, "subscribed": False})
