"""What a draft for a status page proposes where its author has not chosen: page and components from the
incident's services, impact from its severity, words from templates."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from actions.base import Kit
from actions.delivery import identifiers
from actions.public import REALTIME, Published, page_service
from actions.public_components import in_states
from actions.public_operations import Spoken
from integration import guards, page_words
from integration.errors import BadInput
from integration.models.base import Json
from integration.models.incident import Incident
from integration.models.run import Command
from integration.models.statuspage import PageComponent, PageTemplate


@dataclass
class Proposal:
    """The inputs as they will be, and what was proposed and why, a sentence each."""

    inputs: Json
    notes: list[str] = field(default_factory=list)
    components: dict[str, PageComponent] = field(default_factory=dict)  # as they are now

    def put(self, name: str, value: object, why: str = "") -> None:
        """Propose it, unless the author has chosen."""
        if self.inputs.get(name) in (None, "", []) and value not in (None, "", [], ()):
            self.inputs[name] = list(value) if isinstance(value, tuple) else value
            if why:
                self.notes.append(why)


async def propose(
    kit: Kit, command: Command, incident: Incident, what: Spoken, target: Published | None
) -> Proposal:
    """Raises BadInput where nothing can be proposed and something must be chosen."""
    given = {name: value for name, value in command.inputs.items() if name not in ("operation", "template")}
    named = in_states(command)
    proposal = Proposal(given | {"components": identifiers(command, "components")} | named)
    own = await kit.page_catalog.of_services(incident.services)
    chosen = identifiers(command, "page")
    if len(chosen) > 1:
        raise BadInput("page", "choose one status page")
    page = target.page if target else chosen[0] if chosen else await _page(kit, own, proposal)
    proposal.inputs["page"] = page
    template = await _template(kit, command, page)
    if template is not None:
        _from_template(proposal, template, what)
        if what.opens and not named:
            proposal.put("components", template.components)
    if what.opens and not named:  # else its author has said how each component is
        here = [one for one in own if one.page_id == page]
        services = ", ".join(incident.services)
        why = f"Proposed from the services ({services}): {', '.join(one.name for one in here)}."
        proposal.put("components", [one.id for one in here], why)
    if what.operation == "publish_incident":
        _impact(kit, incident, proposal, stated=bool(named))
    wanted = [*proposal.inputs["components"], *(one for ones in named.values() for one in ones)]
    wanted += target.shown.components if target else ()
    proposal.components = await kit.page_catalog.components(wanted)
    if target is not None:
        for one, state in target.shown.components.items():
            name = target.shown.component_names.get(one) or one
            proposal.components[one] = PageComponent(id=one, name=name, status=state, page_id=page)
    if what.operation == "update_incident" and target is not None and not proposal.inputs.get("body"):
        _status(incident, target, proposal)
    # What works is no part of the problem, unless all of it works.
    well = named.get("operational", [])
    affected = [one for one in wanted if one not in well] or wanted
    names = [proposal.components[one].name for one in affected if one in proposal.components]
    _words(kit, what, target, proposal, list(dict.fromkeys(names)))
    return proposal


async def _page(kit: Kit, own: list[PageComponent], proposal: Proposal) -> str:
    """Where most of the services' components are, else the only page there is."""
    pages = await kit.page_catalog.pages()
    counted = Counter(one.page_id for one in own if not pages or one.page_id in pages)
    if counted:
        page = counted.most_common(1)[0][0]
        proposal.notes.append(f"The page {page} was proposed: it shows the services of this incident.")
        return page
    if len(pages) == 1:
        return pages[0]
    raise BadInput(
        "page",
        "choose the status page: none of the incident's services is related to a component of one",
    )


async def _template(kit: Kit, command: Command, page: str) -> PageTemplate | None:
    wanted = str(command.inputs.get("template") or "").strip()
    if not wanted:
        return None
    found = await page_service(kit).templates(page)
    for one in found:
        if wanted in (one.id, one.name):
            return one
    names = ", ".join(one.name for one in found) or "none"
    raise BadInput("template", f"page {page!r} has no incident template {wanted!r}; it has {names}")


def _from_template(proposal: Proposal, template: PageTemplate, what: Spoken) -> None:
    proposal.notes.append(f"Begun with the page's template “{template.name}”.")
    proposal.put("body", template.body)
    if what.opens:
        proposal.put("name", template.title)
    if what.operation in ("publish_incident", "update_incident", "reopen_incident"):
        proposal.put("status", template.status)
    if proposal.inputs.get("notifySubscribers") is None:
        proposal.inputs["notifySubscribers"] = template.notify


def _impact(kit: Kit, incident: Incident, proposal: Proposal, stated: bool) -> None:
    """`stated`: whether the author says of components how each is, from which the page derives it."""
    by_severity = {name.casefold(): impact for name, impact in kit.settings.severity_impacts.items()}
    impact = by_severity.get(incident.severity.casefold())
    if impact is None:
        return
    because = f"as {incident.severity} is {impact} to customers"
    if proposal.inputs["components"]:
        state = page_words.COMPONENT_STATE_OF[impact]
        proposal.put("componentStatus", state, f"Proposed {state}, {because}.")
    elif not stated:
        proposal.put("impact", impact, f"Proposed impact {impact}, {because}.")


def _status(incident: Incident, target: Published, proposal: Proposal) -> None:
    """Of an update whose words are proposed as well: the incident's, where the page is behind."""
    ahead, shown = guards.progress(incident.status), guards.progress(target.shown.status)
    if ahead is not None and shown is not None and ahead > shown:
        status = REALTIME[ahead]
        proposal.put("status", status, f"Proposed {status}, as the incident is {incident.status}.")


def _words(
    kit: Kit, what: Spoken, target: Published | None, proposal: Proposal, components: list[str]
) -> None:
    own = kit.settings.public_words
    inputs = proposal.inputs
    if what.operation == "publish_incident":
        proposal.put("status", "investigating")
        proposal.put("name", page_words.proposed("title", own, components))
    if what.operation == "schedule_maintenance":
        proposal.put("name", page_words.proposed("maintenance", own, components))
    if what.operation == "reopen_incident":
        proposal.put("status", "investigating")
    if what.operation == "publish_postmortem":
        return  # what was learned is nobody's to guess
    status = what.words or str(inputs.get("status") or (target.shown.status if target else ""))
    if status in page_words.WORDS or status in own:
        times = {
            "start": page_words.utc(inputs.get("scheduledFor")),
            "end": page_words.utc(inputs.get("scheduledUntil")),
        }
        words = page_words.proposed(status, own, components, **times)
        proposal.put("body", words, "The words are our template's; make them your own where you can.")
