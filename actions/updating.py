"""Words to audiences: each its own, in its channels and by mail, with what keeps them back checked first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from actions.base import Kit
from actions.checks import awake, released
from actions.delivery import Sent, claim_words, deliver, outcome
from actions.overtaken import overtaken
from actions.promises import keep_promises
from actions.steps import each_reader_once, mail_steps, slack_steps
from integration import plan
from integration.audiences import channel_of
from integration.errors import BadInput
from integration.guards import Words
from integration.models.audience import Audience
from integration.models.base import Json
from integration.models.incident import Incident, WarRoom
from integration.models.run import Command, Outcome
from integration.times import iso, now


@dataclass(frozen=True)
class Voice:
    """What one audience is told. `details`: what the record keeps beside the text; `draft`: whose words."""

    audience: Audience
    text: str
    subject: str = ""
    details: Json = field(default_factory=dict)
    draft: str = ""


async def words_for(kit: Kit, audiences: Sequence[Audience]) -> tuple[Words, tuple[str, ...]]:
    """What the leak check needs to know, and what of it could not be read; nothing where all may know all."""
    if all(one.knows == "technical" for one in audiences):
        return Words(), ()
    return await kit.guard_words.words()


async def send(
    command: Command,
    kit: Kit,
    incident: Incident,
    room: WarRoom | None,
    voices: Sequence[Voice],
    *,
    what: str,
    problems: Sequence[str] = (),
    again: bool = False,
    by_mail_only: bool = False,
) -> Outcome:
    """Send each audience its words. One that is blocked, asleep or reads nowhere is told, and holds no
    other up; so does a channel that has no ID."""
    told = list(problems)
    words, unread = await words_for(kit, [voice.audience for voice in voices])
    purpose = "mail" if by_mail_only else "update"
    update = command.run or iso(now())
    once = each_reader_once([voice.audience for voice in voices])
    steps = []
    for voice, audience in zip(voices, once, strict=True):
        try:
            awake(command, audience, incident, now())
            details = {"update": update, **voice.details, **released(command, audience, voice.text, words)}
        except BadInput as problem:
            told.append(f"{audience.identifier}: {problem}")
            continue
        if by_mail_only:
            steps += mail_steps(command, incident, audience, voice.subject, voice.text, "mail", details)
            continue
        fine, wrong = _channels(audience)
        told += wrong
        steps += slack_steps(command, incident, fine, voice.text, details)
        steps += mail_steps(command, incident, fine, voice.subject, voice.text, purpose, details)
    results: list[Sent] = []
    if steps:
        claims = await claim_words(kit, plan.owned(steps, incident, kit.settings), command, again)
        late = await overtaken(kit, command, incident, claims)
        results = await deliver(kit, claims, room, command.run, late)
        await kit.performer.flush()
        heard = {one.step.audience for one in results if not one.problem}
        sent = [voice.draft for voice in voices if voice.draft and voice.audience.identifier in heard]
        await kit.audiences.settle_drafts(dict.fromkeys(sent, "sent"))
        await keep_promises(kit, incident, room, claims, [voice.audience for voice in voices])
    ended = outcome(f"{what} {incident.identifier}", results, told)
    return ended.model_copy(update={"log": (*ended.log, *unread)}) if unread else ended


def nowhere(audiences: Sequence[Audience], *, by_mail_only: bool = False) -> list[str]:
    """Which of these audiences nothing can reach."""
    if by_mail_only:
        return [f"audience {one.identifier} has no address" for one in audiences if not one.emails]
    return [
        f"audience {one.identifier} has neither a Slack channel nor an address"
        for one in audiences
        if not (one.slack_channels or one.emails)
    ]


def _channels(audience: Audience) -> tuple[Audience, list[str]]:
    """The audience with its channels by ID, and what is wrong with the others."""
    found: list[str] = []
    wrong: list[str] = []
    for channel in audience.slack_channels:
        try:
            found.append(channel_of(channel))
        except BadInput as problem:
            wrong.append(f"{audience.identifier}: {problem}")
    return audience.model_copy(update={"slack_channels": tuple(dict.fromkeys(found))}), wrong
