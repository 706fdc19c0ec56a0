"""The timeline and the RCA document on the war room, from what stands in Port."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from actions.base import Kit
from integration import plan, rca, timeline
from integration.entities import NOTE
from integration.models import Communication, Incident, WarRoom


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
    page = kit.catalog.reader.page
    notes = [
        # A note by a button was said in Port.
        facts if facts.permalink else facts.model_copy(update={"permalink": page(NOTE, facts.identifier)})
        for entity in entities
        if (facts := timeline.note_facts(entity)) is not None
    ]
    communications = list({one.step.key: one for one in [*record, *latest]}.values())
    happened = timeline.events(incident, room, notes, communications, calls, page)
    await kit.catalog.patch_room(
        room.identifier,
        {
            "timeline": timeline.markdown(happened),
            "rca": rca.document(incident, room, notes, communications, calls, page),
            "postmortemDraft": rca.postmortem(incident, room, notes, communications),
        },
    )
