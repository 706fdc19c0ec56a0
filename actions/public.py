"""What the three status page actions share: approval, the page, its components, and the telling after."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

from actions.base import Kit, latest_room
from actions.delivery import identifiers
from integration import communicator, messages, plan
from integration.errors import BadInput, IncidentCommsError
from integration.models import Command, Communication, Incident, Json, Receipt
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


@dataclass(frozen=True)
class Published:
    """The public incident that stands for one of ours, as our record knows it."""

    page: str
    public: str  # Statuspage's id
    key: str  # of the communication that published it


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
        raise BadInput(
            "approval",
            "a public text needs approval: run this action in Port, where it waits for an approver; "
            "an automation can't give one",
        )
    if approval.approver in (approval.author, command.requested_by):
        raise BadInput("approval", f"{approval.approver} wrote this text and can't approve it as well")
    return approval.approver


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


async def published(kit: Kit, incident: str) -> tuple[Published, list[Communication]]:
    """The public incident of ours that stands, and what was said on the page for it.

    Raises BadInput when nothing was published.
    """
    record = [
        one
        for one in await kit.catalog.communications(incident)
        if one.step.operation in ("publish_incident", "update_incident", "resolve_incident")
    ]
    ours = [one for one in record if one.step.operation == "publish_incident" and one.state == "sent"]
    if not ours:
        # Port's search lags by seconds; what was published a moment ago is found by its identifier.
        pages = kit.settings.statuspage_pages or [page.id for page in await page_service(kit).pages()]
        found = await asyncio.gather(
            *(kit.catalog.communication(publish_key(incident, page, 1)) for page in pages)
        )
        ours = [one for one in found if one is not None and one.state == "sent"]
        record = [*record, *ours]
    if not ours:
        raise BadInput("incident", f"nothing of {incident} is on a status page; publish it first")
    latest = max(ours, key=lambda one: one.intended_at)
    data: Json = latest.receipt.data if latest.receipt else {}
    return Published(str(data.get("page")), str(data.get("incident")), latest.step.key), record


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
