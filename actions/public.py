"""What the status page actions share: the page, the public incident that is meant, and the telling after."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime

from actions.base import Kit, latest_room, need_incident, text_input
from actions.delivery import identifiers
from actions.overtaken import overtaken, resumed
from actions.public_consent import Consent
from integration import communicator, messages, plan
from integration.claim import Claim
from integration.effects_public import marker
from integration.errors import BadInput, IncidentCommsError
from integration.models.base import Json
from integration.models.communication import BY_HAND, PUBLIC_OPERATIONS, Communication, Operation, Receipt
from integration.models.incident import Incident
from integration.models.run import Command, Outcome
from integration.models.statuspage import PublicIncident
from integration.services.statuspage import StatuspageService
from integration.settings import variable

NAME_LIMIT = 255  # Statuspage: an incident's name
BODY_LIMIT = 25_000  # Statuspage: an update's body
REALTIME = ("investigating", "identified", "monitoring")
MOST_WINDOWS = 5  # of one incident that are looked at, the newest
MARKUP = re.compile(r"</?[a-z][a-z0-9]*(?:\s[^<>]*)?/?>|<!--|&(?:#\d+|#x[0-9a-f]+|[a-z]+);", re.IGNORECASE)


@dataclass(frozen=True)
class Published:
    """A public incident that stands for one of ours, as its page shows it now."""

    page: str
    key: str  # of the communication that published it
    at: datetime  # when that was
    shown: PublicIncident


def page_service(kit: Kit) -> StatuspageService:
    if kit.statuspage is None:
        raise BadInput(variable("statuspage_api_key"), "is not set: this integration has no status page")
    return kit.statuspage


def chosen_page(kit: Kit, command: Command) -> str:
    """The one page that the input names. Raises BadInput for none, several, and for one not to be used."""
    pages = identifiers(command, "page")
    if len(pages) != 1:
        raise BadInput("page", "choose the status page")
    allowed = kit.settings.statuspage_pages
    if allowed and pages[0] not in allowed:
        raise BadInput("page", f"{pages[0]!r} is not among the pages this integration may write to")
    return pages[0]


async def known_page(kit: Kit, page: str) -> None:
    """Raises BadInput for a page that neither Port nor Statuspage knows; asks the latter only if need be."""
    if page not in await kit.page_catalog.pages() and await page_service(kit).page(page) is None:
        raise BadInput("page", f"Statuspage knows no page {page!r}, or not for this API key")


def public_body(command: Command) -> str:
    """The words for the page, as the input `body` has them. Raises BadInput for none, for too many, and for
    HTML: subscribers would read it as it stands, in mails and text messages."""
    return plain("body", messages.checked_text("body", command.inputs.get("body"), BODY_LIMIT))


def public_name(command: Command) -> str:
    """The title customers see. Raises BadInput for none, for one that is too long or several lines, and for
    HTML."""
    name = plain("name", text_input(command, "name", NAME_LIMIT))
    if not name:
        raise BadInput("name", "is missing: the title customers see")
    if len(name.splitlines()) > 1:
        raise BadInput("name", "is more than one line")
    return name


def plain(field: str, text: str) -> str:
    """`text` where it is plain. Raises BadInput naming the first markup in it."""
    found = MARKUP.search(text)
    if found:
        raise BadInput(field, f"has HTML in it ({found[0][:40]}); a status page's words are plain text")
    return text


def refuse_private(incident: Incident) -> None:
    if incident.private:
        raise BadInput("incident", f"{incident.identifier} is private: nothing of it goes on a public page")


async def spoken_of(
    kit: Kit,
    command: Command,
    consenting: Awaitable[Consent],
    opened_by: Operation = "publish_incident",
) -> tuple[Incident, Consent, Published, list[Communication]]:
    """What words about a public incident that stands begin with: ours, who approves, and what `published`
    gives. Call it with the incident's lock held."""
    identifier = need_incident(command)
    incident, consent = await asyncio.gather(kit.catalog.incident(identifier), consenting)
    refuse_private(incident)
    target, record = await published(kit, command, identifier, consent, opened_by)
    return incident, consent, target, record


async def published(
    kit: Kit,
    command: Command,
    incident: str,
    consent: Consent,
    opened_by: Operation = "publish_incident",
) -> tuple[Published, list[Communication]]:
    """The public incident that this run is about, and what we have said on the pages for ours.

    Without an input that names it, it is the only one that is not over, else the one published last.
    `opened_by` says whether it is an incident or a maintenance. Raises BadInput when nothing was published,
    when `consent` is for another one, and naming the input when several are not over.
    """
    chosen = identifiers(command, "page")
    if len(chosen) > 1:
        raise BadInput("page", "choose one status page")
    record = await _said_in_public(kit, incident, opened_by)
    said = [one for one in record if one.step.operation == opened_by and one.state == "sent" and one.receipt]
    if not said and opened_by == "schedule_maintenance":
        raise BadInput("incident", f"no maintenance of {incident} is announced; schedule one first")
    if not said:
        raise BadInput("incident", f"nothing of {incident} is on a status page; publish it first")
    where = ", ".join(sorted({one.step.destination for one in said}))
    if chosen:
        said = [one for one in said if one.step.destination == chosen[0]]
        if not said:
            raise BadInput("page", f"nothing of {incident} is on page {chosen[0]!r}, only on {where}")
    named = identifiers(command, "maintenance")
    targets = [one for one in await asyncio.gather(*(_shown(kit, one) for one in _latest(said))) if one]
    if named:
        targets = [one for one in targets if one.shown.id == named[0]]
    if not targets:
        raise BadInput("incident", f"its public incident is no longer on page {where}; publish a new one")
    target = _meant(command, incident, targets, record)
    consent.check(target.shown.id, target.shown.status, resumed=resumed(command))
    return target, record


async def refuse_twice(kit: Kit, incident: str, page: str) -> None:
    """Raises BadInput where the incident is open on that page already: what is said then is an update."""
    record = await _said_in_public(kit, incident, "publish_incident")
    said = [one for one in record if one.state == "sent" and one.step.operation == "publish_incident"]
    said = [one for one in said if one.step.destination == page and one.receipt]
    standing = await _shown(kit, max(said, key=lambda one: one.intended_at)) if said else None
    if standing is not None and not standing.shown.over:
        raise BadInput("incident", already_public(incident, page, standing.shown.shortlink))


def already_public(incident: str, page: str, link: str) -> str:
    return f"{incident} is on page {page} already: {link}. These words are not; post them as an update"


def _latest(said: Sequence[Communication]) -> list[Communication]:
    """The last public incident of each page, and of maintenance, of which several may stand, the last few."""
    ordered = sorted(said, key=lambda one: one.intended_at)
    if ordered[0].step.operation == "schedule_maintenance":
        return ordered[-MOST_WINDOWS:]
    return list({one.step.destination: one for one in ordered}.values())


async def _said_in_public(kit: Kit, incident: str, opened_by: Operation) -> list[Communication]:
    """Every communication of ours on the pages. Port's search lags by seconds, so what was published is read
    by identifier."""
    found, listed = await asyncio.gather(kit.catalog.communications(incident), kit.page_catalog.pages())
    record = {
        one.step.key: one
        for one in found
        if one.step.operation in PUBLIC_OPERATIONS and one.step.purpose != BY_HAND
    }
    spoken_on = {one.step.destination for one in record.values()}
    for posts in await asyncio.gather(
        *(_published_on(kit, incident, page, opened_by) for page in {*listed, *spoken_on})
    ):
        record |= {one.step.key: one for one in posts}
    return list(record.values())


async def _published_on(kit: Kit, incident: str, page: str, opened_by: Operation) -> list[Communication]:
    key = maintenance_key if opened_by == "schedule_maintenance" else publish_key
    found: list[Communication] = []
    while (one := await kit.catalog.communication(key(incident, page, len(found) + 1))) is not None:
        found.append(one)
    return found


async def _shown(kit: Kit, publication: Communication) -> Published | None:
    """What that publication is now; None when it was deleted on its page."""
    data: Json = publication.receipt.data if publication.receipt else {}
    page = str(data.get("page") or publication.step.destination)
    shown = await page_service(kit).incident(page, str(data.get("incident")))
    return Published(page, publication.step.key, publication.intended_at, shown) if shown else None


def _meant(
    command: Command, incident: str, targets: Sequence[Published], record: Sequence[Communication]
) -> Published:
    """Which of several public incidents a run is about."""
    # Taken up again it stays with what it was about, whatever has become of the others meanwhile.
    own = {
        str(one.step.details.get("public"))
        for one in record
        if command.run and one.step.run == command.run and one.step.details.get("public")
    }
    open_ones = [one for one in targets if one.shown.id in own] or [
        one for one in targets if not one.shown.over
    ]
    if len(open_ones) > 1:
        pages = sorted({one.page for one in open_ones})
        if len(pages) > 1:
            raise BadInput("page", f"{incident} is public on several pages ({', '.join(pages)}); choose one")
        names = ", ".join(f"{one.shown.name} ({one.shown.id})" for one in open_ones)
        raise BadInput("maintenance", f"several are not over: {names}; choose one")
    return open_ones[0] if open_ones else max(targets, key=lambda one: one.at)


def publish_key(incident: str, page: str, number: int) -> str:
    """One public incident per page while it is unresolved; the next one gets the next number."""
    return f"{incident}:publish:{page}" + (f":{number}" if number > 1 else "")


def maintenance_key(incident: str, page: str, number: int) -> str:
    """The n-th maintenance of an incident on a page."""
    return f"{incident}:maintenance:{page}:{number}"


def last_word(target: Published, public: PublicIncident, key: str) -> str:
    """Key of what we have said last of a public incident, which the words under `key` follow upon."""
    said = marker(public).get("operation") or target.key
    return said if isinstance(said, str) and said != key else ""


async def left_unsaid(
    kit: Kit, command: Command, incident: Incident, claim: Claim, said: Sequence[datetime | None] = ()
) -> Outcome | None:
    """How a run ends whose public words were overtaken after it was cut off; None where they are to be said.

    `said`: when the page said something. What the cut off attempt has said itself is found first.
    """
    reason = (await overtaken(kit, command, incident, [claim])).get(claim.step.key, "")
    if not reason and resumed(command) and command.asked_at:
        newer = [at for at in said if at and at > command.asked_at]
        reason = "overtaken: the page has said something newer" if newer else ""
    if not reason or claim.done:
        return None
    await kit.performer.abandon([claim], reason, "superseded")
    await kit.performer.flush()
    if claim.done:
        return None
    return Outcome(
        ok=False,
        summary=f"Not said in public, {reason}. Run the action again if it holds.",
        label="Overtaken",
    )


async def tell(
    kit: Kit,
    command: Command,
    incident: Incident,
    what: str,
    receipt: Receipt,
    status: str,
    words: str = "",
) -> str:
    """After a public post: the incident shows it, the room hears it. Gives what could not be done.

    `status` is what the incident's public status is now; empty where it is about a maintenance.
    """
    problems: list[str] = []

    async def show() -> None:
        link = receipt.data.get("shortlink") or receipt.permalink
        properties: Json = {"publicStatus": status, "publicIncident": link, "lastPublicWords": words}
        if receipt.at is not None:
            properties["lastPublicUpdateAt"] = receipt.at.isoformat()
        if status:
            await kit.catalog.patch_incident(
                incident.identifier, {name: value for name, value in properties.items() if value}
            )

    text = communicator.public_post(what, status or what, receipt.permalink)
    heard = room_hears(kit, command, "public notice", text)
    for answer in await asyncio.gather(show(), heard, return_exceptions=True):
        if isinstance(answer, IncidentCommsError):
            problems.append(str(answer))
        elif isinstance(answer, BaseException):
            raise answer
    await kit.performer.flush()
    if kit.pages is not None:
        # Only now: what the page says is held against the record.
        kit.pages.written(str(receipt.data.get("page")), str(receipt.data.get("incident")))
    return " ".join(problems)


async def room_hears(kit: Kit, command: Command, purpose: str, text: str) -> None:
    """Say something of this run in the incident's room, where one is open."""
    room = await latest_room(kit, command.incident)
    if room is None or room.state != "open":
        return
    step = plan.message(
        room, purpose, text, about=command.run, requested_by=command.requested_by, run=command.run
    )
    (claim,) = await kit.performer.intend([step])
    await kit.performer.perform(claim)
    kit.performer.relate([claim], room.identifier)
