"""Slack's published rate tiers for the methods we call, and which calls may be repeated.

Tiers count per method, per workspace and per app: T1 1+, T2 20+, T3 50+, T4 100+ a minute, "with some
burst" (docs.slack.dev/apis/web-api/rate-limits). Posting is special: about one message a second and
channel, with short bursts.
"""

from __future__ import annotations

from enum import Enum
from typing import Final, Literal

from integration.budget import Rate

Tier = Literal["T1", "T2", "T3", "T4", "special"]

PER_MINUTE: Final[dict[Tier, int]] = {"T1": 1, "T2": 20, "T3": 50, "T4": 100}


class Repeat(Enum):
    """What a call whose answer was lost may do."""

    READ = "read"  # changes nothing
    STATE = "state"  # sets a state: the second call changes nothing more
    ONCE = "once"  # a second call would do it twice


METHODS: Final[dict[str, tuple[Tier, Repeat]]] = {
    "auth.test": ("special", Repeat.READ),
    "bookmarks.add": ("T2", Repeat.ONCE),
    "bookmarks.list": ("T3", Repeat.READ),
    "chat.postEphemeral": ("T4", Repeat.ONCE),
    "chat.postMessage": ("special", Repeat.ONCE),
    "chat.update": ("T3", Repeat.STATE),
    "conversations.archive": ("T2", Repeat.STATE),
    "conversations.create": ("T2", Repeat.ONCE),
    "conversations.history": ("T3", Repeat.READ),
    "conversations.info": ("T3", Repeat.READ),
    "conversations.invite": ("T3", Repeat.STATE),
    "conversations.join": ("T3", Repeat.STATE),
    "conversations.replies": ("T3", Repeat.READ),
    # The topic is a state, but Slack tells the channel of each change.
    "conversations.setTopic": ("T2", Repeat.ONCE),
    "users.conversations": ("T3", Repeat.READ),
    "users.info": ("T4", Repeat.READ),
    "users.lookupByEmail": ("T3", Repeat.READ),
    "views.open": ("T4", Repeat.ONCE),  # a trigger is spent by its first use
}

POSTING: Final = Rate(per_minute=60, burst=4)  # per channel
SPECIAL: Final = Rate(per_minute=300, burst=30)  # "hundreds of requests per minute" for auth.test


def rate_of(method_class: str) -> Rate:
    """The rate of a class: a method's name, or `chat.postMessage:<channel>`.

    Half a minute's allowance may go at once, the rest evenly; an unknown method gets tier 1.
    """
    method = method_class.partition(":")[0]
    if method == "chat.postMessage":
        return POSTING
    tier = METHODS[method][0] if method in METHODS else "T1"
    if tier == "special":
        return SPECIAL
    per_minute = PER_MINUTE[tier]
    return Rate(per_minute=per_minute, burst=max(1, per_minute // 2))
