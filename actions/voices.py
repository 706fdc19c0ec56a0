"""What is known of an incident, and the draft that each audience gets of it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from datetime import datetime

from actions.base import Kit, latest_room
from actions.checks import blocked_by
from integration import audiences as rules
from integration import cadence, drafts, guards, plan, timeline
from integration.audience_catalog import Drafted
from integration.draft_opinion import BY_TEMPLATE
from integration.drafts import Draft, Facts
from integration.errors import BadInput
from integration.guards import Words
from integration.models.audience import Audience, Knows
from integration.models.base import Json, Value
from integration.models.communication import Communication
from integration.models.incident import Incident, WarRoom
from integration.timeline import NoteFacts
from integration.times import now, when


class Situation(Value):
    """An incident as it stands, with what was noted and what was told. Port's search lags by seconds."""

    incident: Incident
    entity: Json
    room: WarRoom | None
    services: tuple[str, ...]
    notes: tuple[NoteFacts, ...]
    record: tuple[Communication, ...]
    words: Words
    unread: tuple[str, ...]  # lists of the leak check that could not be read
    over: bool


class Proposal(Value):
    """A draft for one audience, and what keeps it from being sent as it is. `cleaned`: without that.
    `facts`: what it is made of; None for the public's. `how`: whether Port AI has worded it, or why not."""

    audience: Audience
    draft: Draft
    facts: Facts | None = None
    how: str = BY_TEMPLATE
    blocked: tuple[str, ...] = ()
    cleaned: str = ""

    @property
    def problems(self) -> list[str]:
        return [*([self.draft.problem] if self.draft.problem else []), *self.blocked]


async def look(kit: Kit, identifier: str) -> Situation:
    """Everything a draft needs. Raises BadInput when Port knows no such incident."""
    entity = await kit.catalog.incident_entity(identifier)
    if entity is None:
        raise BadInput("incident", kit.catalog.unknown_incident(identifier))
    incident = kit.catalog.reader.read(entity)
    room, services, record, (words, unread) = await asyncio.gather(
        latest_room(kit, identifier),
        kit.audiences.service_titles(incident),
        kit.catalog.communications(identifier),
        kit.guard_words.words(),
    )
    facts: list[NoteFacts] = []
    if room is not None:
        # What was noted a moment ago is known here before Port's search shows it.
        notes = [*await kit.catalog.notes_of_room(room), *kit.mirror.notes_of(room)]
        known = {str(note["identifier"]): note for note in notes}
        facts = [found for note in known.values() if (found := timeline.note_facts(note)) is not None]
    return Situation(
        incident=incident,
        entity=entity,
        room=room,
        services=tuple(services),
        notes=tuple(facts),
        record=tuple(record),
        words=words,
        unread=unread,
        over=plan.is_closed(incident, kit.settings),
    )


async def propose(situation: Situation, audience: Audience, at: datetime | None = None) -> Proposal:
    """The draft for one audience, and whether its readers may have it.

    Sentences of notes that the leak check stops are left out; what it still finds comes from the title or
    from a template of the audience's own. Raises BadInput naming the audience whose promise can't be read.
    """
    begun = at or now()
    following = None
    if not situation.over:
        following = cadence.due(audience, situation.incident.severity, begun)
    incident, services = _named(situation, audience.knows)
    facts = drafts.gather(
        audience,
        incident,
        situation.entity,
        services,
        situation.notes,
        since=told_until(situation.record, audience.identifier),
        next_update=following,
        may_say=lambda text: not guards.leaks(text, knows=audience.knows, words=situation.words),
    )
    draft = await drafts.draft(audience, facts, over=situation.over)
    return checked(situation, audience, draft).model_copy(update={"facts": facts})


def checked(situation: Situation, audience: Audience, draft: Draft) -> Proposal:
    """What keeps a draft from these readers, whoever has worded it."""
    found = guards.leaks(draft.text, knows=audience.knows, words=situation.words)
    made_up = [f"made up: {one}" for one in draft.untraced]
    blocked = (*blocked_by(audience.identifier, found), *made_up)
    clean = guards.cleaned(draft.text, found) if found else ""
    return Proposal(audience=audience, draft=draft, blocked=blocked, cleaned=clean)


def propose_page(situation: Situation, language: str = "en") -> Proposal:
    """A text for the status page, of what customers may know, from the same notes."""
    public = Audience(identifier="", knows="customer-safe", language=language)
    incident, services = _named(situation, "customer-safe")
    facts = drafts.gather(
        public,
        incident,
        situation.entity,
        services,
        situation.notes,
        may_say=lambda text: not guards.leaks(text, knows="customer-safe", words=situation.words),
    )
    draft = drafts.status_page(facts, language)
    found = guards.leaks(draft.text, knows="customer-safe", words=situation.words)
    blocked = (*blocked_by("the status page", found), *(f"made up: {one}" for one in draft.untraced))
    return Proposal(
        audience=public,
        draft=draft,
        blocked=blocked,
        cleaned=guards.cleaned(draft.text, found) if found else "",
    )


def _named(situation: Situation, knows: Knows) -> tuple[Incident, list[str]]:
    """The incident and its services by names that these readers may know."""

    def clean(text: str) -> str:
        return guards.cleaned(text, guards.leaks(text, knows=knows, words=situation.words))

    title = clean(situation.incident.title)
    return situation.incident.model_copy(update={"title": title}), [clean(one) for one in situation.services]


def told_until(record: Sequence[Communication], audience: str) -> datetime | None:
    """Up to when an audience has been told what was noted; None when it never was."""
    told: datetime | None = None
    for one in record:
        if one.step.audience == audience and one.state == "sent" and one.step.purpose in cadence.PURPOSES:
            until = when(one.step.details.get("notesUntil")) or one.intended_at
            told = max(until, told) if told else until
    return told


def reached(situation: Situation, every: Sequence[Audience]) -> tuple[list[Audience], list[str]]:
    """The audiences that the incident concerns and that read somewhere, and whose rules can't be read."""
    found: list[Audience] = []
    problems: list[str] = []
    for audience in every:
        try:
            concerned = rules.reach(audience, situation.incident, situation.entity).reached
        except BadInput as problem:
            problems.append(str(problem))
            continue
        if concerned and (audience.slack_channels or audience.emails or audience.teams):
            found.append(audience)
    return found, problems


def current(found: Sequence[Drafted], situation: Situation, audience: str) -> Drafted | None:
    """The newest draft for an audience that was not sent and is not older than what it was told last."""
    told = told_until(situation.record, audience)
    for one in found:
        if one.audience == audience and one.state == "ready" and (told is None or one.drafted_at > told):
            return one
    return None
