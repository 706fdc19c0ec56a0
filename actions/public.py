"""What the three status page actions share: approval, the page, its components, and the telling after."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from actions.base import Kit, latest_room
from actions.delivery import identifiers
from actions.overtaken import overtaken, resumed, withdraw
from integration import communicator, messages, plan
from integration.errors import BadInput, IncidentCommsError
from integration.models import Command, Communication, Incident, Json, Outcome, PublicIncident, Receipt
from integration.perform import Claim
from integration.services.statuspage import StatuspageService
from integration.settings import variable

NAME_LIMIT = 255  # Statuspage: an incident's name
BODY_LIMIT = 25_000  # Statuspage: an update's body
REALTIME = ("investigating", "identified", "monitoring")
COMPONENT_STATES = (
    "operational",
    "degraded_performance",
    "partial_outage",
    "major_outage",
    "under_maintenance",
)


PUBLIC_OPERATIONS = ("publish_incident", "update_incident", "resolve_incident")


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


async def approved(kit: Kit, command: Command) -> str:
    """Who approved this run. A public text goes out only with the approval of somebody else than its author.

    Raises BadInput when nobody has, or the author has.
    """
    approval = await kit.catalog.approval(command.run)
    if approval is None or not approval.approver:
        await withdraw(kit, command, "withdrawn: nobody approves it any more")
        raise BadInput(
            "approval",
            "a public text needs approval: run this action in Port, where it waits for an approver; "
            "an automation can't give one",
        )
    if approval.approver in (approval.author, command.requested_by):
        raise BadInput("approval", f"{approval.approver} wrote this text and can't approve it as well")
    return approval.approver


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


def public_body(command: Command) -> str:
    return messages.checked_text("body", command.inputs.get("body"), BODY_LIMIT)


def refuse_private(incident: Incident) -> None:
    if incident.private:
        raise BadInput("incident", f"{incident.identifier} is private: nothing of it goes on a public page")


async def chosen_components(kit: Kit, command: Command, page: str) -> dict[str, str]:
    """Component id to the state it is to have. Raises BadInput for one that is not on this page."""
    wanted = identifiers(command, "components")
    state = command.inputs.get("componentStatus") or ""
    if not wanted:
        if state:
            raise BadInput("components", "choose the components that are to become " + str(state))
        return {}
    if state not in COMPONENT_STATES:
        raise BadInput("componentStatus", f"{state!r} is none of {', '.join(COMPONENT_STATES)}")
    known = {component.id: component for component in await page_service(kit).components(page)}
    for identifier in wanted:
        if identifier not in known:
            raise BadInput("components", f"{identifier!r} is no component of page {page!r}")
        if known[identifier].is_group:
            raise BadInput("components", f"{known[identifier].name} is a group; choose its components")
    return dict.fromkeys(wanted, str(state))


async def published(kit: Kit, command: Command, incident: str) -> tuple[Published, list[Communication]]:
    """The public incident that this run is about, and what we have said on the pages for ours.

    Without an input `page` it is the only one that is not over, else the one published last. Raises
    BadInput when nothing was published, and naming `page` when several are not over.
    """
    chosen = identifiers(command, "page")
    if len(chosen) > 1:
        raise BadInput("page", "choose one status page")
    record = await _said_in_public(kit, incident)
    latest: dict[str, Communication] = {}
    for one in record:
        if one.step.operation == "publish_incident" and one.state == "sent" and one.receipt:
            before = latest.get(one.step.destination)
            if before is None or before.intended_at <= one.intended_at:
                latest[one.step.destination] = one
    if not latest:
        raise BadInput("incident", f"nothing of {incident} is on a status page; publish it first")
    if chosen:
        if chosen[0] not in latest:
            where = ", ".join(sorted(latest))
            raise BadInput("page", f"nothing of {incident} is on page {chosen[0]!r}, only on {where}")
        latest = {chosen[0]: latest[chosen[0]]}
    targets = [one for one in await asyncio.gather(*(_shown(kit, one) for one in latest.values())) if one]
    if not targets:
        where = ", ".join(sorted(latest))
        raise BadInput("incident", f"its public incident is no longer on page {where}; publish a new one")
    return _meant(command, incident, targets, record), record


async def _said_in_public(kit: Kit, incident: str) -> list[Communication]:
    """Every communication of ours on the pages. Port's search lags by seconds, so what was published is read
    by identifier."""
    pages = list(kit.settings.statuspage_pages)

    async def known() -> list[str]:
        return pages or [page.id for page in await page_service(kit).pages()]

    found, listed = await asyncio.gather(kit.catalog.communications(incident), known())
    record = {one.step.key: one for one in found if one.step.operation in PUBLIC_OPERATIONS}
    spoken_on = {one.step.destination for one in record.values()}
    for posts in await asyncio.gather(
        *(_published_on(kit, incident, page) for page in {*listed, *spoken_on})
    ):
        record |= {one.step.key: one for one in posts}
    return list(record.values())


async def _published_on(kit: Kit, incident: str, page: str) -> list[Communication]:
    found: list[Communication] = []
    while (one := await kit.catalog.communication(publish_key(incident, page, len(found) + 1))) is not None:
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
        one.step.destination
        for one in record
        if one.step.run == command.run and one.step.operation != "publish_incident"
    }
    open_ones = [one for one in targets if one.page in own] or [one for one in targets if not one.shown.over]
    if len(open_ones) > 1:
        where = ", ".join(sorted(one.page for one in open_ones))
        raise BadInput("page", f"{incident} is public on several pages ({where}); choose one")
    return open_ones[0] if open_ones else max(targets, key=lambda one: one.at)


def publish_key(incident: str, page: str, number: int) -> str:
    """One public incident per page while it is unresolved; the next one gets the next number."""
    return f"{incident}:publish:{page}" + (f":{number}" if number > 1 else "")


def changed_components(record: Sequence[Communication], public: str) -> dict[str, str]:
    """The components whose state this incident changed on the page, and to what it set them last."""
    found: dict[str, str] = {}
    for one in sorted(record, key=lambda one: one.intended_at):
        if one.state == "sent" and one.receipt and one.receipt.data.get("incident") == public:
            found.update(one.step.details.get("components") or {})
    return {identifier: state for identifier, state in found.items() if state != "operational"}


async def tell(
    kit: Kit, command: Command, incident: Incident, what: str, receipt: Receipt, status: str
) -> str:
    """After a public post: the incident shows it, the room hears it. Gives what could not be done."""
    problems: list[str] = []

    async def show() -> None:
        link = receipt.data.get("shortlink") or receipt.permalink
        properties: Json = {"publicStatus": status, "publicIncident": link}
        if receipt.at is not None:
            properties["lastPublicUpdateAt"] = receipt.at.isoformat()
        await kit.catalog.patch_incident(
            incident.identifier, {name: value for name, value in properties.items() if value}
        )

    async def say() -> None:
        room = await latest_room(kit, incident.identifier)
        if room is None or room.state != "open":
            return
        text = communicator.public_post(what, status, receipt.permalink)
        step = plan.message(
            room,
            "public notice",
            text,
            about=command.run,
            requested_by=command.requested_by,
            run=command.run,
        )
        (claim,) = await kit.performer.intend([step])
        await kit.performer.perform(claim)
        kit.performer.relate([claim], room.identifier)

    for answer in await asyncio.gather(show(), say(), return_exceptions=True):
        if isinstance(answer, IncidentCommsError):
            problems.append(str(answer))
        elif isinstance(answer, BaseException):
            raise answer
    if kit.pages is not None:
        kit.pages.observe(str(receipt.data.get("page")), str(receipt.data.get("incident")))
    await kit.performer.flush()
    return " ".join(problems)
