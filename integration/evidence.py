"""What Slack and Statuspage say now of what the record says was sent.

Reads only: joins no channel, writes nothing.
"""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import Literal
from urllib.parse import parse_qs, urlsplit

from integration.credentials import mask
from integration.effects import METADATA_EVENT
from integration.entities import text_hash
from integration.errors import Refused, ServiceError
from integration.models.base import Json, Value
from integration.models.communication import BY_HAND, PUBLIC_OPERATIONS
from integration.models.slack import Bot, Message
from integration.models.statuspage import PublicIncident
from integration.record_check import same_words
from integration.services.slack import SlackService
from integration.services.statuspage import StatuspageService
from integration.slack_payload import TOMBSTONE, is_ts
from integration.times import now

Outcome = Literal[
    "as sent", "amended", "edited", "deleted", "doubled", "unreadable", "unverified", "not kept"
]
"""as sent     it stands as it was sent                amended     we changed it ourselves, as we do
edited      it says something else now              deleted     it is gone where it would still be shown
doubled     it stands there more than once          unreadable  nobody lets us read it any more: archived,
unverified  the provider failed or is not set up                retention, out of the channel
not kept    nothing there to read back: mail, calls
"""
DRIFT: frozenset[Outcome] = frozenset({"edited", "deleted", "doubled"})

LAG_SECONDS = 30.0  # history may not show at once what was just posted
RETENTION_SECONDS = 86_400.0  # Slack's shortest retention: what is younger was deleted by somebody
_OUT_OF_REACH = frozenset({"not_in_channel", "channel_not_found", "is_archived", "access_denied"})
_NOT_KEPT = {"send_email": "a mail can't be read back", "open_bridge": "a call leaves nothing to read"}


class Sent(Value):
    """What was sent, by its link; by the communication itself where it has no sound link (number 0).

    `text` is empty where the record's text is not the one that was linked.
    """

    key: str
    number: int = 0
    operation: str
    purpose: str = ""
    destination: str = ""
    permalink: str = ""
    receipt: Json
    text: str = ""

    @property
    def ts(self) -> str:
        return str(self.receipt.get("ts") or "")

    @property
    def channel(self) -> str:
        return str(self.receipt.get("channel") or "")

    @property
    def thread(self) -> str:
        return next(iter(parse_qs(urlsplit(self.permalink).query).get("thread_ts", [])), "")


class Evidence(Value):
    """What became of one message at its provider. `shown`: its text as it stands, where it could be read."""

    key: str
    number: int = 0
    purpose: str = ""
    destination: str = ""
    outcome: Outcome
    detail: str = ""
    permalink: str = ""
    shown: str = ""


class Stray(Value):
    """A message that bears our mark and is on no record."""

    key: str
    permalink: str


def _said(sent: Sent, outcome: Outcome, detail: str = "", shown: str = "") -> Evidence:
    return Evidence(
        key=sent.key,
        number=sent.number,
        purpose=sent.purpose,
        destination=sent.destination,
        outcome=outcome,
        detail=detail,
        permalink=sent.permalink,
        shown=shown,
    )


def kept_nowhere(sent: Iterable[Sent]) -> list[Evidence]:
    return [_said(one, "not kept", _NOT_KEPT[one.operation]) for one in sent if one.operation in _NOT_KEPT]


# --- Slack -----------------------------------------------------------------------------------------


class SlackEvidence:
    """Reads the channels of one incident's record.

    `on_record`: the identifiers of all its communications; `bridges`: links of its bridges, which a
    briefing gets when they come late; `settle`: seconds in which Slack shows what was just posted.
    """

    def __init__(
        self,
        slack: SlackService,
        incident: str,
        on_record: Iterable[str],
        bridges: Iterable[str],
        settle: float,
    ) -> None:
        self._slack = slack
        self._incident = incident
        self._on_record = frozenset(on_record)
        self._bridges = tuple(bridges)
        self._settle = settle
        self.strays: list[Stray] = []

    async def read(self, sent: Sequence[Sent]) -> list[Evidence]:
        """What became of every post and channel among `sent`."""
        rooms = {one.channel for one in sent if one.operation == "open_channel"}
        posts: defaultdict[str, list[Sent]] = defaultdict(list)
        nowhere: list[Evidence] = []
        for one in sent:
            if one.operation == "post_message" and is_ts(one.ts):
                posts[one.channel].append(one)
            elif one.operation == "post_message":
                nowhere.append(_said(one, "unverified", "its receipt names no message"))
        opened = [one for one in sent if one.operation == "open_channel"]
        work = [self._channel(channel, some, channel in rooms) for channel, some in posts.items()]
        found = await asyncio.gather(*work, *(self._opened(one) for one in opened))
        return nowhere + [one for some in found for one in some]

    async def _opened(self, sent: Sent) -> list[Evidence]:
        try:
            channel = await self._slack.channel(sent.channel)
        except ServiceError as problem:
            return [_said(sent, "unverified", str(problem))]
        if channel is None:
            return [
                _said(sent, "unreadable", "Slack shows us no such channel: deleted, or private without us")
            ]
        return [_said(sent, "as sent", "archived" if channel.archived else "")]

    async def _channel(self, channel: str, sent: Sequence[Sent], whole: bool) -> list[Evidence]:
        """`whole`: read all of it, since it is a room of ours; else the time of the messages."""
        try:
            bot = await self._slack.me()
            messages = await self._messages(channel, sent, whole)
            youngest = max((float(one.ts) for one in sent if one.ts not in messages), default=0.0)
            if now().timestamp() - youngest < LAG_SECONDS:
                await asyncio.sleep(self._settle)
                messages = await self._messages(channel, sent, whole)
            found = [await self._one(one, messages.get(one.ts), bot) for one in sent]
            return found + await self._others(channel, sent, messages, bot)
        except Refused as refusal:
            if refusal.code in _OUT_OF_REACH:
                why = await self._why_out_of_reach(channel, refusal)
                return [_said(one, "unreadable", why) for one in sent]
            return [_said(one, "unverified", str(refusal)) for one in sent]
        except ServiceError as problem:
            return [_said(one, "unverified", str(problem)) for one in sent]

    async def _messages(self, channel: str, sent: Sequence[Sent], whole: bool) -> dict[str, Message]:
        times = [one.ts for one in sent]
        oldest, latest = (None, None) if whole else (min(times), max(times))
        found: dict[str, Message] = {}
        async for page in self._slack.history(channel, oldest=oldest, latest=latest):
            found |= {message.ts: message for message in page}
        for thread in {one.thread for one in sent if one.thread}:
            found |= {message.ts: message for message in await self._slack.replies(channel, thread)}
        return found

    async def _one(self, sent: Sent, message: Message | None, bot: Bot) -> Evidence:
        if message is None or message.subtype == TOMBSTONE:
            age = now().timestamp() - float(sent.ts)
            if message is None and age > RETENTION_SECONDS and not await self._anything_older(sent):
                why = "Slack shows nothing as old as this any more: its retention, or somebody deleted it"
                return _said(sent, "unreadable", why)
            return _said(sent, "deleted", "it is no longer in the channel")
        if sent.purpose == BY_HAND:  # as it was read, without secrets
            kept = not sent.text or same_words(mask(message.text or message.blocks_text), sent.text)
            return _said(sent, "as sent" if kept else "edited", "not ours", message.text)
        same = bool(sent.text) and same_words(message.text, sent.text)
        if sent.text and not same and self._with_bridge(sent, message.text):
            return _said(sent, "amended", "we put the bridge's link into it when it came", message.text)
        if message.edited_ts and same and sent.purpose == "briefing":
            return _said(sent, "amended", "we wrote it again when the bridge was known", message.text)
        if message.edited_ts and same and sent.purpose == "status notice":
            return _said(sent, "amended", "we changed it when what it told was taken back", message.text)
        if message.edited_ts or (sent.text and not same):
            when = f" at ts {message.edited_ts}" if message.edited_ts else ""
            return _said(sent, "edited", f"edited in Slack{when}", message.text)
        if message.bot_id and message.bot_id != bot.bot_id:
            return _said(sent, "edited", f"it is by another bot ({message.bot_id})", message.text)
        unsure = "" if sent.text else "never edited; the record's own text is not what was linked"
        return _said(sent, "as sent", unsure, message.text)

    def _with_bridge(self, sent: Sent, shown: str) -> bool:
        if sent.purpose != "briefing":
            return False
        return any(same_words(shown, f"{sent.text} Bridge: {bridge}") for bridge in self._bridges)

    async def _anything_older(self, sent: Sent) -> bool:
        async for page in self._slack.history(sent.channel, latest=sent.ts, limit=1):
            return bool(page)
        return False

    async def _others(
        self, channel: str, sent: Sequence[Sent], messages: dict[str, Message], bot: Bot
    ) -> list[Evidence]:
        """Messages of ours for this incident that are no receipt's: second ones, and those on no record."""
        receipts = {(one.key, one.ts) for one in sent}
        by_key = {one.key: one for one in sent}
        found: list[Evidence] = []
        for ts, message in sorted(messages.items()):
            key = _key(message)
            if (
                not key.startswith(f"{self._incident}:")
                or message.bot_id != bot.bot_id
                or (key, ts) in receipts
            ):
                continue
            permalink = await self._slack.permalink(channel, ts)
            if key in by_key:
                found.append(_said(by_key[key], "doubled", f"it stands a second time: {permalink}"))
            elif key not in self._on_record:
                self.strays.append(Stray(key=key, permalink=permalink))
        return found

    async def _why_out_of_reach(self, channel: str, refusal: Refused) -> str:
        try:
            there = await self._slack.channel(channel)
        except ServiceError:
            there = None
        if there is not None and there.archived:
            return "the channel is archived, and Slack takes bots out of archived channels"
        if there is not None and not there.member:
            return "our bot is no longer in the channel"
        return f"Slack does not show us the channel ({refusal.code})"


def _key(message: Message) -> str:
    metadata = message.metadata or {}
    payload = metadata.get("event_payload") if metadata.get("event_type") == METADATA_EVENT else None
    key = payload.get("key") if isinstance(payload, dict) else None
    return key if isinstance(key, str) else ""


# --- Statuspage ------------------------------------------------------------------------------------


async def page_evidence(statuspage: StatuspageService, sent: Sequence[Sent]) -> list[Evidence]:
    """What became of every public text among `sent`: one request for each public incident."""
    by_incident: defaultdict[tuple[str, str], list[Sent]] = defaultdict(list)
    for one in sent:
        if one.operation in PUBLIC_OPERATIONS:
            by_incident[str(one.receipt.get("page")), str(one.receipt.get("incident"))].append(one)
    found: list[Evidence] = []
    for (page, incident), some in by_incident.items():
        try:
            public = await statuspage.incident(page, incident)
        except ServiceError as problem:
            found += [_said(one, "unverified", str(problem)) for one in some]
        else:
            found += [_public(one, public) for one in some]
    return found


def _public(sent: Sent, public: PublicIncident | None) -> Evidence:
    if public is None:
        return _said(sent, "deleted", "the status page has no such incident any more")
    after = sent.operation == "publish_postmortem"  # which is answered without the update that it becomes
    update = next(
        (
            one
            for one in public.updates
            if (one.status == "postmortem" if after else one.id == sent.receipt.get("update"))
        ),
        None,
    )
    if update is None:
        return _said(sent, "deleted", "the status page has no such update any more")
    answered = sent.receipt.get("textHash")
    if answered and text_hash(update.body) != answered:
        return _said(sent, "edited", "edited on the status page", update.body)
    if sent.text and update.body.split() != sent.text.split():
        return _said(sent, "edited", "the status page has other words than were sent", update.body)
    return _said(sent, "as sent", shown=update.body)


def not_set_up(sent: Sequence[Sent], operations: Sequence[str], why: str) -> list[Evidence]:
    """For a provider that the settings do not name."""
    return [_said(one, "unverified", why) for one in sent if one.operation in operations]
