"""The timeline and the RCA document on the war room, from what stands in Port."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from loguru import logger

from actions.base import Kit
from actions.public_consent import PREVIEW
from integration import plan, rca, timeline
from integration.entities import NOTE
from integration.errors import IncidentCommsError
from integration.models.communication import Communication
from integration.models.incident import Incident, WarRoom

SEARCH_SETTLES_SECONDS = 5.0
DRAFTS = ("draft", PREVIEW)


async def write_documents(
    kit: Kit, incident: Incident, room: WarRoom, latest: Sequence[Communication] = ()
) -> None:
    """Write both anew. `latest` are communications that Port's search may not show yet.

    Nothing is written about what stays in Slack.
    """
    if plan.hidden(room.private or incident.private, kit.settings):
        return
    entities, record, calls = await asyncio.gather(
        kit.catalog.notes_of_room(room),
        kit.catalog.communications(incident.identifier),
        kit.catalog.bridge_events(incident.identifier),
    )
    notes_there = {str(note["identifier"]): note for note in [*entities, *kit.mirror.notes_of(room)]}
    page = kit.catalog.reader.page
    notes = [
        # A note by a button was said in Port.
        facts if facts.permalink else facts.model_copy(update={"permalink": page(NOTE, facts.identifier)})
        for entity in notes_there.values()
        if (facts := timeline.note_facts(entity)) is not None
    ]
    known = {one.step.key: one for one in [*record, *latest]}.values()
    communications = [one for one in known if not _only_drafted(one)]
    happened = timeline.events(incident, room, notes, communications, calls, page)
    await kit.catalog.patch_room(
        room.identifier,
        {
            "timeline": timeline.markdown(happened),
            "rca": rca.document(incident, room, notes, communications, calls, page),
            "postmortemDraft": rca.postmortem(incident, room, notes, communications),
        },
    )


def _only_drafted(one: Communication) -> bool:
    """Whether it tells nothing that others don't: a draft that waits, or whose words were said."""
    return one.step.purpose in DRAFTS and one.state in ("draft", "superseded")


def again_soon(kit: Kit, room: WarRoom) -> None:
    """Write them once more when Port's search shows what was written a moment ago."""

    async def again() -> None:
        await asyncio.sleep(SEARCH_SETTLES_SECONDS)
        try:
            await write_documents(kit, await kit.catalog.incident(room.incident), room)
        except IncidentCommsError as problem:
            logger.warning(f"{room.incident}: its documents may lack the last moments: {problem}")

    kit.later([asyncio.create_task(again())])
