"""Slack's conversations, messages and people, as far as we use them."""

from __future__ import annotations

from integration.models.base import Json, Value


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
    deleted: bool = False


class Bot(Value):
    """Who we are in Slack (auth.test)."""

    user_id: str
    bot_id: str
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


class Reaction(Value):
    name: str  # without colons
    users: tuple[str, ...]


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
