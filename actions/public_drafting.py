"""What would go out on a status page, to be read before it does: page, words, what changes, who is told, and
the hash that an approval of it is bound to. The same for drafts and for runs that wait for Port's approval.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from actions.base import Kit, need_incident
from actions.delivery import choice, flag
from actions.public import (
    REALTIME,
    Published,
    chosen_page,
    known_page,
    page_service,
    public_body,
    public_name,
    published,
    refuse_private,
    refuse_twice,
)
from actions.public_components import (
    changed_components,
    chosen_components,
    going_back,
    in_states,
    listed_components,
)
from actions.public_consent import Consent
from actions.public_guards import judge
from actions.public_operations import Spoken
from actions.public_proposal import Proposal, propose
from actions.public_states import refuse_unfit
from actions.publish_status_page import chosen_impact
from actions.schedule_maintenance import window_of
from integration import page_words
from integration.errors import BadInput
from integration.models.base import Json
from integration.models.communication import Communication, Operation
from integration.models.run import Command
from integration.models.statuspage import ComponentChange

NOBODY = Consent(by="")  # a draft needs no approval
STATUS: Mapping[Operation, str] = {
    "resolve_incident": "resolved",
    "schedule_maintenance": "scheduled",
    "complete_maintenance": "verifying",  # its end says nothing of the incident, which may go on
    "publish_postmortem": "postmortem",
}
"""What the public incident becomes, where nobody chooses."""
SETS_STATES: tuple[Operation, ...] = ("publish_incident", "update_incident", "reopen_incident")
"""Their author says which components get which state."""
_TAKEN_BY: Mapping[str, tuple[Operation, ...]] = {
    "name": ("publish_incident", "schedule_maintenance"),
    "status": SETS_STATES,
    "components": (*SETS_STATES, "schedule_maintenance"),
    "componentStatus": SETS_STATES,
    "impact": ("publish_incident",),
    "scheduledFor": ("schedule_maintenance",),
    "scheduledUntil": ("schedule_maintenance",),
    "automatic": ("schedule_maintenance",),
    "maintenance": ("complete_maintenance",),
}
"""Inputs of a draft's form that are of some operations alone: a form may send what it hides."""


@dataclass(frozen=True)
class Drafted:
    """inputs   all that decides what goes out, as the operation's own action takes it
    content  what goes out as plain values; `digest` is its hash
    changes  of components
    where    the page as people know it
    public   title of the public incident that it is about; empty where it opens one
    notes    what was proposed and why, what stays, and what the guards found, a sentence each
    """

    what: Spoken
    inputs: Json
    content: Json
    digest: str
    changes: Sequence[ComponentChange]
    where: str
    public: str
    notes: tuple[str, ...]

    @property
    def page(self) -> str:
        return str(self.inputs["page"])

    def preview(self, author: str, expires: datetime) -> str:
        """Markdown for the approver."""
        return page_words.preview(
            what=self.what.title,
            page=self.where,
            public=self.public,
            inputs=self.inputs,
            changes=self.changes,
            notes=self.notes,
            author=author,
            expires=expires,
        )


async def drafted(kit: Kit, command: Command, what: Spoken, *, proposing: bool) -> Drafted:
    """What would go out if it were said now. `proposing`: what the author has left open is proposed, else
    it is what the operation's own action makes of it.

    Raises BadInput with whatever the action or the page would refuse, so that its author hears it now and
    not his approver.
    """
    identifier = need_incident(command)
    page_service(kit)
    incident = await kit.catalog.incident(identifier)
    refuse_private(incident)
    target: Published | None = None
    record: list[Communication] = []
    if not what.opens:
        target, record = await published(kit, command, identifier, NOBODY, what.opened_by)
    if proposing:
        taken, idle = _taken(command, what)
        proposal = await propose(kit, taken, incident, what, target)
        proposal.notes += idle
    else:
        proposal = Proposal(dict(command.inputs))
        proposal.inputs["page"] = target.page if target else chosen_page(kit, command)
        if what.operation in ("publish_incident", "reopen_incident"):
            proposal.put("status", REALTIME[0])
    wanted = command.model_copy(update={"inputs": proposal.inputs})
    if what.opens:
        await known_page(kit, chosen_page(kit, wanted))
    _check(wanted, what, target)
    if what.operation == "publish_incident":
        await refuse_twice(kit, identifier, chosen_page(kit, wanted))
    was = ""
    if what.operation == "update_incident" and target is not None and not proposal.inputs.get("status"):
        # It says again what the page says; should the page say otherwise by then, that is another update.
        was = proposal.inputs["status"] = target.shown.status
    changes, left, stay = await _changes(kit, wanted, what, target, record)
    judged = await judge(
        kit,
        wanted,
        incident,
        status=STATUS.get(what.operation) or str(proposal.inputs.get("status") or "") or _status(target),
        name=str(proposal.inputs.get("name") or ""),
        body=str(proposal.inputs["body"]),
        impact=str(proposal.inputs.get("impact") or ""),
        components=(dict(target.shown.components) if target else {}) | {one.id: one.after for one in changes},
        held=stay,
    )
    content = content_of(what, identifier, target.shown.id if target else "", proposal.inputs, changes)
    if was:
        content["was"] = was
    return Drafted(
        what,
        proposal.inputs,
        content,
        page_words.content_hash(content),
        tuple(changes),
        await kit.page_catalog.page_name(str(proposal.inputs["page"])),
        target.shown.name if target else "",
        (*proposal.notes, *left, *judged.told()),
    )


def content_of(
    what: Spoken, incident: str, public: str, inputs: Json, changes: Sequence[ComponentChange]
) -> Json:
    """All that goes out, as plain values."""
    return {
        "operation": what.operation,
        "incident": incident,
        "public": public,
        "inputs": {name: value for name, value in inputs.items() if value not in (None, "", [])},
        "components": {one.id: one.after for one in changes},
    }


def _taken(command: Command, what: Spoken) -> tuple[Command, list[str]]:
    """The command without inputs of other operations, and which of these say something, in a sentence."""
    others = {name for name, by in _TAKEN_BY.items() if what.operation not in by}
    inputs = {name: value for name, value in command.inputs.items() if name not in others}
    idle = [name for name in _TAKEN_BY if name in others and command.inputs.get(name) not in (None, "", [])]
    idle = [name for name in idle if name != "automatic"]  # which forms say by themselves
    told = [f"“{what.title}” takes no {', '.join(idle)}: left out."] if idle else []
    return command.model_copy(update={"inputs": inputs}), told


def _status(target: Published | None) -> str:
    return target.shown.status if target else ""


def _check(command: Command, what: Spoken, target: Published | None) -> None:
    """What the page would refuse, the author hears now and not his approver."""
    public_body(command)
    notify = flag(command, "notifySubscribers")
    if what.opens:
        public_name(command)
    if what.operation == "publish_incident":
        chosen_impact(command)
    if what.operation in SETS_STATES:
        choice(command, "status", REALTIME, default=REALTIME[0])
    elif named := in_states(command):
        raise BadInput(next(iter(named)), f"“{what.title}” gives components no such states; empty it")
    if what.operation == "schedule_maintenance":
        window_of(command, notify)
    if target is not None:
        refuse_unfit(what.operation, target.shown)


async def _changes(
    kit: Kit, command: Command, what: Spoken, target: Published | None, record: list[Communication]
) -> tuple[list[ComponentChange], tuple[str, ...], frozenset[str]]:
    """Which components change, why others stay, and which these are."""
    service = page_service(kit)
    page = str(command.inputs["page"])
    if what.restores and target is not None:
        ours = changed_components(record, target.shown)
        shown: Mapping[str, str] = target.shown.components
        found = await going_back(kit, service, page, target.shown, ours)
        back = [
            ComponentChange(
                id=one, name=found.names[one], before=shown.get(one, ours[one]), after="operational"
            )
            for one in found.back
        ]
        return back, found.left, found.stay
    if what.operation == "schedule_maintenance":
        # Nothing changes before the window begins; but what it would list must be there.
        listed = await listed_components(kit, service, command, page)
        names = ", ".join(one.name for one in listed)
        return [], ((f"Listed as affected by the maintenance: {names}.",) if listed else ()), frozenset()
    if what.operation not in SETS_STATES:
        return [], (), frozenset()
    # What the public incident lists, it shows as it is now; Port's word may be older.
    now_is = target.shown.components if target else {}
    chosen = await chosen_components(kit, service, command, page)
    return (
        [one.model_copy(update={"before": now_is.get(one.id, one.before)}) for one in chosen],
        (),
        frozenset(),
    )
