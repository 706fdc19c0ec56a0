"""What people (and one other app) do in Slack's own client. The control API calls these.

Channels are named by id or by name (with or without `#`), people by email or id. What is not possible
raises HumanError saying why, and changes nothing.
"""

from __future__ import annotations

import re
import time

from sandbox.slack import render, rules, state
from sandbox.slack.changes import Changes
from sandbox.slack.decorations import emoji_name
from sandbox.slack.errors import HumanError, SlackError
from sandbox.slack.marks import Marks
from sandbox.slack.richtext import rich_text
from sandbox.slack.state import Channel, Store, User
from sandbox.world import Json

_TS = re.compile(r"^\d{10}\.\d{6}$")


class People:
    """The human side of the workspace. State, changes and marks are those the Web API works on."""

    def __init__(self, store: Store, changes: Changes, marks: Marks) -> None:
        self.store, self.changes, self.marks = store, changes, marks

    # Who and where

    def person(self, who: str) -> User:
        found = self.store.users.get(who) or self.store.user_by_email(who)
        if found is None:
            raise HumanError(f"no user {who!r} in this workspace")
        return found

    def user(self, who: str) -> Json:
        """The user object of an email or id, as users.info prints it."""
        return render.user(self.person(who))

    def add_user(self, email: str, name: str = "", deleted: bool = False) -> Json:
        """A new member of the workspace; one with this email already is returned as is."""
        known = self.store.user_by_email(email)
        if known is not None:
            return render.user(known)
        handle = email.partition("@")[0].lower()
        made = User(
            id=self.store.world.ids.upper("U"),
            name=handle,
            email=email,
            real_name=name or handle.replace(".", " ").replace("-", " ").title(),
            deleted=deleted,
            updated=int(self.store.now()),
        )
        self.store.users[made.id] = made
        general = self.store.channel_named("general")
        if general is not None and not deleted:
            general.change(members=[*general.members, made.id])
        return render.user(made)

    def add_usergroup(self, handle: str, name: str = "", users: tuple[str, ...] = ()) -> Json:
        ids = [self.person(one).id for one in users]
        now = int(self.store.now())
        made: Json = {
            "id": self.store.world.ids.upper("S"),
            "team_id": state.TEAM_ID,
            "is_usergroup": True,
            "is_subteam": True,
            "name": name or handle,
            "description": "",
            "handle": handle,
            "is_external": False,
            "date_create": now,
            "date_update": now,
            "date_delete": 0,
            "auto_type": None,
            "auto_provision": False,
            "enterprise_subteam_id": "",
            "created_by": state.FOUNDER,
            "updated_by": state.FOUNDER,
            "deleted_by": None,
            "prefs": {"channels": [], "groups": []},
            "users": ids,
            "user_count": len(ids),
            "channel_count": 0,
        }
        self.store.usergroups[made["id"]] = made
        return made

    def find(self, channel: str) -> Channel:
        found = self.store.channels.get(channel) or self.store.channel_named(channel.removeprefix("#"))
        if found is None:
            raise HumanError(f"no channel {channel!r} in this workspace")
        return found

    def _may_enter(self, channel: str, user: str) -> tuple[Channel, User]:
        """The channel and the person, if the person is in it or may walk in: public ones only."""
        room, who = self.find(channel), self.person(user)
        if room.archived:
            raise HumanError(f"channel {room.name} is archived")
        if who.id not in room.members and room.private:
            raise HumanError(f"{user} is not in the private channel {room.name}")
        return room, who

    def _enter(self, room: Channel, who: User) -> None:
        if who.id not in room.members:
            self.changes.join(room, who.id)

    def _at_message(self, channel: str, ts: str, user: str) -> tuple[Channel, User]:
        """The channel of a message and the person, now in it. Nobody walks in for nothing."""
        room, who = self._may_enter(channel, user)
        self._message(room, ts)
        self._enter(room, who)
        return room, who

    def _message(self, room: Channel, ts: str) -> Json:
        message = room.message(ts)
        if message is None or message.get("subtype") == "tombstone":
            raise HumanError(f"no message {ts} in {room.name}")
        return message

    # Messages

    def say(
        self, channel: str, user: str, text: str, thread_ts: str | None = None, ts: str | None = None
    ) -> str:
        """Post as a person; returns the ts. `ts` ("1700000000.000100") is that of a replayed message."""
        if not text.strip():
            raise HumanError("text: a message must not be empty")
        if ts is not None and not _TS.match(ts):
            raise HumanError(f"ts: {ts!r} is not a Slack timestamp such as 1700000000.000100")
        room, who = self._may_enter(channel, user)
        if ts is not None and ts in room.messages:
            raise HumanError(f"ts: {room.name} has a message {ts} already")
        root = self._message(room, thread_ts).get("thread_ts", thread_ts) if thread_ts else None
        self._enter(room, who)
        message = self.changes.post(room, who.id, rules.wire_text(text), ts=ts, thread_ts=root)
        return str(message["ts"])

    def bot_say(self, channel: str, text: str, thread_ts: str | None = None) -> str:
        """Post as another app (an alerting bot, say); returns the ts."""
        room, who = self._may_enter(channel, state.OTHER_BOT_USER)
        root = self._message(room, thread_ts).get("thread_ts", thread_ts) if thread_ts else None
        self._enter(room, who)
        app = self.store.apps[state.OTHER_APP_ID]
        message = self.changes.post(
            room, state.OTHER_BOT_USER, rules.wire_text(text), app=app, thread_ts=root
        )
        return str(message["ts"])

    def edit(self, channel: str, ts: str, text: str, user: str | None = None) -> None:
        """Change a message; its author by default, and nobody else may."""
        room = self.find(channel)
        message = self._message(room, ts)
        author = str(message.get("user", ""))
        if user is not None and self.person(user).id != author:
            raise HumanError(f"{user} did not write message {ts}")
        wire = rules.wire_text(text)
        blocks = rich_text(self.store.world.ids.mixed(5), wire)
        self.changes.edit(room, ts, {"text": wire, "blocks": blocks}, author)

    def delete(self, channel: str, ts: str, user: str | None = None) -> None:
        """Delete a message; `user` is its author or an admin and only checked to exist."""
        room = self.find(channel)
        self._message(room, ts)
        if user is not None:
            self.person(user)
        self.changes.delete(room, ts)

    # Marks

    def react(self, channel: str, ts: str, name: str, user: str) -> None:
        room, who = self._at_message(channel, ts, user)
        if not self.marks.react(room, ts, who.id, _emoji(name)):
            raise HumanError(f"{user} reacted with :{name}: already")

    def unreact(self, channel: str, ts: str, name: str, user: str) -> None:
        room, who = self._at_message(channel, ts, user)
        if not self.marks.unreact(room, ts, who.id, _emoji(name)):
            raise HumanError(f"{user} has no :{name}: on {ts}")

    def pin(self, channel: str, ts: str, user: str) -> None:
        room, who = self._at_message(channel, ts, user)
        if not self.marks.pin(room, ts, who.id):
            raise HumanError(f"message {ts} is pinned already")

    def unpin(self, channel: str, ts: str, user: str) -> None:
        room, who = self._at_message(channel, ts, user)
        if not self.marks.unpin(room, ts, who.id):
            raise HumanError(f"message {ts} is not pinned")

    # Channels

    def create_channel(
        self, name: str, user: str, private: bool = False, members: tuple[str, ...] = ()
    ) -> Json:
        """A channel made by a person, with more members if named; returns it as conversations.info does."""
        creator = self.person(user)
        for member in members:
            self.person(member)
        self._check_name(name)
        room = self.changes.create(name, creator.id, private)
        for member in members:
            self.invite(room.id, member, creator.id)
        return render.channel(room, room.info, creator.id)

    def _check_name(self, name: str) -> None:
        try:
            rules.check_name(name)
        except SlackError as problem:
            raise HumanError(f"name: {name!r} is refused: {problem.code}") from None
        if self.store.channel_named(name):
            raise HumanError(f"name: {name!r} is taken")

    def invite(self, channel: str, user: str, by: str | None = None) -> None:
        """Bring somebody in: a person or a bot; nothing happens when already there."""
        room, who = self.find(channel), self.person(user)
        if room.archived:
            raise HumanError(f"channel {room.name} is archived")
        if who.id not in room.members:
            self.changes.join(room, who.id, self.person(by).id if by else room.creator)

    def join(self, channel: str, user: str) -> None:
        """Walk in; private channels need `invite`."""
        self._enter(*self._may_enter(channel, user))

    def leave(self, channel: str, user: str) -> None:
        room, who = self.find(channel), self.person(user)
        if who.id not in room.members:
            raise HumanError(f"{user} is not in {room.name}")
        self.changes.leave(room, who.id)

    def archive(self, channel: str, user: str | None = None) -> None:
        room = self.find(channel)
        if room.archived:
            raise HumanError(f"channel {room.name} is archived already")
        self.changes.archive(room, self.person(user).id if user else state.FOUNDER)

    def unarchive(self, channel: str, user: str | None = None) -> None:
        """People can; the bot that archiving put out stays out until invited."""
        room = self.find(channel)
        if not room.archived:
            raise HumanError(f"channel {room.name} is not archived")
        self.changes.unarchive(room, self.person(user).id if user else state.FOUNDER)

    def rename(self, channel: str, name: str, user: str | None = None) -> None:
        room = self.find(channel)
        self._check_name(name)
        self.changes.rename(room, self.person(user).id if user else state.FOUNDER, name)

    def trigger(self, user: str) -> str:
        """A trigger_id as a click of this person would carry it; good for 3 seconds and one use."""
        key = f"{self.store.world.ids.digits(13)}.{self.store.world.ids.mixed(32).lower()}"
        self.store.triggers[key] = (self.person(user).id, time.monotonic())
        return key


def _emoji(name: str) -> str:
    try:
        return emoji_name(name)
    except SlackError:
        raise HumanError(f"name: {name!r} is not the name of an emoji") from None
