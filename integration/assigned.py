"""Who is to do an action, by what was said. Pure.

Whoever is mentioned in it; else its author where he speaks of himself ("I'll restart it"); else nobody.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from integration.models.slack import Message

_MENTION = re.compile(r"<@([A-Z0-9]+)(?:\|[^>]*)?>")
_MYSELF = re.compile(
    r"(?:^|[\s,.:;(*_])(?:i'?ll|i will|i am|i'm|i can|i could|i(?:'m| am) going to|let me|i take|i've got|"
    r"taking (?:this|it|that)|on me)\b",
    re.I,
)


def assignees(message: Message, names: Mapping[str, str], ours: Collection[str] = ()) -> list[str]:
    """Names of who is to do what `message` says, in the order of mention."""
    mentioned = [user for user in dict.fromkeys(_MENTION.findall(message.text)) if user not in ours]
    if mentioned:
        return [names.get(user, user) for user in mentioned]
    if message.user and _MYSELF.search(message.text.replace("’", "'")):
        return [names.get(message.user, message.user)]
    return []
