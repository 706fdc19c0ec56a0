"""What a workspace holds: people, apps, channels and messages, each with its past.

Reads that lag show how things stood some seconds ago, so every change is a new version with the
moment (monotonic seconds) it was made; versions too old for any lag are dropped.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from sandbox.copies import copied
from sandbox.world import Json, World

TEAM_ID = "T0SANDBOX01"
TEAM_DOMAIN = "sandbox"
APP_ID = "A0SANDBOX01"
BOT_ID = "B0SANDBOX01"
BOT_USER = "U0SANDBOX01"
OTHER_APP_ID = "A0OTHERAPP1"
OTHER_BOT_ID = "B0OTHERBOT1"
OTHER_BOT_USER = "U0OTHERBOT1"
SLACKBOT = "USLACKBOT"
FOUNDER = "U0FOUNDER01"

KEEP_SECONDS = 600.0  # no lag is longer than this


class Versions:
    """A value with its past. `None` stands for "not there (yet, or any more)"."""

    def __init__(self) -> None:
        self._past: list[tuple[float, Json | None]] = []

    @property
    def now(self) -> Json | None:
        return self._past[-1][1] if self._past else None

    def at(self, moment: float) -> Json | None:
        """The value as it stood at that monotonic moment."""
        for since, value in reversed(self._past):
            if since <= moment:
                return value
        return None

    def put(self, value: Json | None) -> None:
        """Add a version that holds from now on. The caller doesn't change `value` afterwards."""
        now = time.monotonic()
        self._past.append((now, value))
        while len(self._past) > 1 and self._past[1][0] < now - KEEP_SECONDS:
            del self._past[0]


@dataclass
class User:
    id: str
    name: str
    email: str | None
    real_name: str
    bot_id: str | None = None
    app_id: str | None = None
    deleted: bool = False
    updated: int = 0


@dataclass
class App:
    """An installed app: its bot and what the bot may do."""

    id: str
    bot_id: str
    user: str
    name: str
    scopes: set[str]
    token: str | None = None  # None: acts through the human side only


@dataclass
class Channel:
    """One conversation. `about` holds what conversations.info tells, `members` included, as versions;
    `messages` holds by ts the versions of each message.

    `about` keys: name, topic, purpose ({value, creator, last_set}), is_archived, members (user ids in
    order of joining), previous_names, updated (ms).
    """

    id: str
    kind: str  # public, private, im, mpim
    creator: str
    created: int  # seconds since the epoch
    about: Versions = field(default_factory=Versions)
    messages: dict[str, Versions] = field(default_factory=dict)
    bookmarks: dict[str, Json] = field(default_factory=dict)
    is_general: bool = False

    @property
    def info(self) -> Json:
        found = self.about.now
        if found is None:
            raise LookupError(f"channel {self.id} has no state")
        return found

    @property
    def name(self) -> str:
        return str(self.info["name"])

    @property
    def archived(self) -> bool:
        return bool(self.info["is_archived"])

    @property
    def members(self) -> list[str]:
        return list(self.info["members"])

    @property
    def private(self) -> bool:
        return self.kind != "public"

    @property
    def type_word(self) -> str:
        """`channel_type` as events carry it."""
        return {"public": "channel", "private": "group"}.get(self.kind, self.kind)

    def change(self, **values: object) -> None:
        self.about.put({**self.info, "updated": int(time.time() * 1000), **values})

    def message(self, ts: str) -> Json | None:
        """The message as it stands now; a copy that may be changed and put back."""
        versions = self.messages.get(ts)
        return copied(versions.now) if versions else None

    def put(self, ts: str, message: Json | None) -> None:
        self.messages.setdefault(ts, Versions()).put(copied(message))

    def standing(self, moment: float) -> list[Json]:
        """All messages as they stood at a monotonic moment, oldest first; copies."""
        found = [versions.at(moment) for versions in self.messages.values()]
        alive = [copied(message) for message in found if message is not None]
        return sorted(alive, key=lambda message: float(message["ts"]))


class Store:
    """The workspace. Plain state and look-ups: rules and events live elsewhere."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.clear()

    def clear(self) -> None:
        self.users: dict[str, User] = {}
        self.apps: dict[str, App] = {}  # by app id
        self.channels: dict[str, Channel] = {}
        self.usergroups: dict[str, Json] = {}
        self.scheduled: dict[str, Json] = {}
        self.views: dict[str, Json] = {}
        self.triggers: dict[str, tuple[str, float]] = {}  # id -> user, monotonic moment it was given out
        self.used_triggers: set[str] = set()
        self._last_ts = 0

    def now(self) -> float:
        """Seconds since the epoch by Slack's clock."""
        return self.world.clock.now("slack")

    def lagging(self) -> float:
        """The monotonic moment that lagging reads show."""
        return time.monotonic() - self.world.hostility.history_lag_seconds

    def next_ts(self) -> str:
        """A message timestamp: unique in the workspace and rising, whatever the clock does."""
        self._last_ts = max(self._last_ts + 1, int(self.now() * 1_000_000))
        return f"{self._last_ts // 1_000_000}.{self._last_ts % 1_000_000:06d}"

    def new_channel(self, kind: str, name: str, creator: str, members: list[str]) -> Channel:
        prefix = {"im": "D", "mpim": "G"}.get(kind, "C")
        channel = Channel(self.world.ids.upper(prefix), kind, creator, int(self.now()))
        empty = {"value": "", "creator": "", "last_set": 0}
        channel.about.put(
            {
                "name": name,
                "topic": empty,
                "purpose": empty,
                "is_archived": False,
                "members": members,
                "previous_names": [],
                "updated": int(self.now() * 1000),
            }
        )
        self.channels[channel.id] = channel
        return channel

    def channel_named(self, name: str) -> Channel | None:
        """The channel that holds this name, archived ones too: an archive does not free it."""
        found = [c for c in self.channels.values() if c.kind in ("public", "private") and c.name == name]
        return found[0] if found else None

    def user_by_email(self, email: str) -> User | None:
        wanted = email.strip().lower()
        for user in self.users.values():
            if user.email and user.email.lower() == wanted and not user.deleted:
                return user
        return None

    def app_with(self, token: str) -> App | None:
        return next((app for app in self.apps.values() if app.token == token), None)
