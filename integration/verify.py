"""Verifies an incident's record. `python -m integration.verify INC-42 [--json]`; changes nothing.

First the chain, from Port alone; then the communications against their links; then what Slack and
Statuspage say now. Ends with 0 when all that can be read fits, 1 when something was altered, is missing or
drifted, 2 when it could not be verified. What can no longer be read is told, and is no failure.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Literal

from integration import evidence
from integration.budget import Budget
from integration.clients import slack_client, statuspage_client
from integration.entities import text_hash
from integration.errors import IncidentCommsError
from integration.evidence import DRIFT, Evidence, Sent, SlackEvidence
from integration.installation import Installation, this_installation
from integration.models.base import Json, Value
from integration.models.communication import PUBLIC_OPERATIONS, Communication
from integration.record import Head, Link, head, link_of
from integration.record_check import Problem, check_head
from integration.recorded import read_recorded
from integration.services.port import PortService
from integration.services.slack import SlackService
from integration.services.statuspage import StatuspageService
from integration.settings import Settings, variable
from integration.times import now

Result = Literal["intact", "broken", "drifted", "unverified"]
EXIT: Mapping[Result, int] = {"intact": 0, "broken": 1, "drifted": 1, "unverified": 2}
_MARKS = {"as sent": "✔", "amended": "✔", "unreadable": "?", "not kept": "?", "unverified": "!"}


class Report(Value):
    """What there is to say of one incident's record."""

    incident: str
    links: int
    communications: int
    head: Head | None
    problems: tuple[Problem, ...]
    messages: tuple[Evidence, ...]
    notes: tuple[str, ...] = ()

    @property
    def result(self) -> Result:
        if self.problems:
            return "broken"
        if any(one.outcome in DRIFT for one in self.messages):
            return "drifted"
        return "unverified" if any(one.outcome == "unverified" for one in self.messages) else "intact"

    @property
    def first(self) -> Problem | None:
        """The first link that was altered or is missing; else the first thing that does not fit."""
        of_chain = [one for one in self.problems if one.trouble in ("missing", "altered", "moved", "cut off")]
        return min(of_chain, key=lambda one: one.number) if of_chain else next(iter(self.problems), None)

    def as_json(self) -> Json:
        return {
            "incident": self.incident,
            "result": self.result,
            "exitCode": EXIT[self.result],  # make itself ends every failure with 2
            "links": self.links,
            "communications": self.communications,
            "head": self.head.model_dump() if self.head else None,
            "first": self.first.model_dump() if self.first else None,
            "problems": [one.model_dump() for one in self.problems],
            "messages": [one.model_dump(exclude={"shown"}) for one in self.messages],
            "outcomes": dict(Counter(one.outcome for one in self.messages)),
            "notes": list(self.notes),
        }

    def as_text(self) -> str:
        end = f", head {self.head.number} {self.head.hash}" if self.head else ""
        lines = [f"{self.incident}: {self.links} links, {self.communications} communications{end}", ""]
        if self.problems:
            number = self.first.number if self.first else 0
            lines.append(
                f"The record is broken, first at link {number}:" if number else "The record is broken:"
            )
            lines += [f"  ✘ {_named(one)}" for one in self.problems]
        else:
            lines.append("The record is as it was written.")
        if self.messages:
            lines += ["", "What the providers say:"]
            lines += [f"  {_MARKS.get(one.outcome, '✘')} {_line(one)}" for one in self.messages]
        lines += ["", *(f"Note: {note}" for note in self.notes)] if self.notes else []
        counts = Counter(one.outcome for one in self.messages)
        told = ", ".join(f"{n} {outcome}" for outcome, n in sorted(counts.items()))
        return "\n".join([*lines, "", f"{self.result.upper()}{f': {told}' if told else ''}"])


def _named(problem: Problem) -> str:
    where = " ".join([*([f"link {problem.number}"] if problem.number else []), problem.communication]).strip()
    return f"{problem.trouble}: {where}: {problem.detail}"


def _line(one: Evidence) -> str:
    said = f"{one.purpose} to {one.destination}: {one.outcome}"
    return said + (f" ({one.detail})" if one.detail else "") + (f" {one.permalink}" if one.permalink else "")


async def verify(
    port: PortService,
    settings: Settings,
    incident: str,
    slack: SlackService | None,
    statuspage: StatuspageService | None,
) -> Report:
    """Read one record from Port and hold it to the providers; one that is not set up is None.

    Raises BadInput for an incident that nothing is known of, ServiceError when Port can't be read.
    """
    recorded = await read_recorded(port, settings, incident)
    links, communications = recorded.links, recorded.communications
    sent = _sent(links, communications, recorded.altered)
    messages = evidence.kept_nowhere(sent)
    strays: list[Problem] = []
    if slack is None:
        why = f"{variable('slack_bot_token')} is not set"
        messages += evidence.not_set_up(sent, ("post_message", "open_channel"), why)
    else:
        reader = SlackEvidence(
            slack, incident, communications, _bridges(communications), settings.settle_seconds
        )
        messages += await reader.read(sent)
        strays = [
            Problem(trouble="unrecorded", communication=one.key, detail=f"it stands at {one.permalink}")
            for one in reader.strays
        ]
    if statuspage is None:
        why = f"{variable('statuspage_api_key')} is not set"
        messages += evidence.not_set_up(sent, PUBLIC_OPERATIONS, why)
    else:
        messages += await evidence.page_evidence(statuspage, sent)
    problems = [*recorded.problems, *_cut_off(links, communications, messages), *strays]
    return Report(
        incident=incident,
        links=len(links),
        communications=len(communications),
        head=head(links),
        problems=tuple(problems),
        messages=tuple(sorted(messages, key=lambda one: (one.number or 10**9, one.key))),
        notes=tuple(_notes(links, recorded.altered)),
    )


def _notes(links: Sequence[Link], altered: set[int]) -> list[str]:
    notes = []
    found = [str(link.number) for link in links if link.found]
    if found:
        notes.append(f"found in Port afterwards, not linked as they happened: {', '.join(found)}")
    if len(links) > 1 and len(altered) == len(links):
        notes.append(f"no link fits at all: is {variable('installation_key')} the one they were made with?")
    return notes


def _sent(
    links: Sequence[Link], communications: Mapping[str, Communication], altered: set[int]
) -> list[Sent]:
    """What was sent, by the last sound link of each communication; by itself where it has none."""
    latest = {link.communication: link for link in links if link.number not in altered}
    found = [_of_link(link, communications.get(key)) for key, link in latest.items() if link.state == "sent"]
    for key, communication in communications.items():
        if key not in latest and communication.state == "sent":
            link = link_of(
                communication, after=None, at=now(), linked_at=now(), found=True, key="none"
            ).model_copy(update={"number": 0})
            found.append(_of_link(link, communication))
    return found


def _of_link(link: Link, communication: Communication | None) -> Sent:
    text = communication.step.text if communication else ""
    return Sent(
        key=link.communication,
        number=link.number,
        operation=link.operation,
        purpose=link.purpose,
        destination=link.destination,
        permalink=link.permalink,
        receipt=link.receipt,
        text=text if text_hash(text) == link.text_hash else "",
    )


def _cut_off(
    links: Sequence[Link], communications: Mapping[str, Communication], messages: Sequence[Evidence]
) -> list[Problem]:
    """Heads that closing messages name and that are no more: as Slack shows them, else as recorded."""
    shown = {one.key: one.shown for one in messages if one.shown and one.outcome != "edited"}
    found: list[Problem] = []
    for key, communication in communications.items():
        if communication.step.purpose != "closing":
            continue
        text, where = shown.get(key), "the closing message in Slack"
        if text is None:
            text, where = communication.step.text, "the closing message on the record"
        if problem := check_head(text, links, where):
            found.append(problem.model_copy(update={"communication": key}))
    return found


def _bridges(communications: Mapping[str, Communication]) -> list[str]:
    return [
        one.step.text.rpartition(" ")[2]
        for one in communications.values()
        if one.step.purpose == "bridge link" and one.step.text
    ]


async def _run(installation: Installation, incident: str) -> Report:
    settings, budget = installation.settings, Budget()
    port = PortService(
        installation.base_url,
        installation.client_id,
        installation.client_secret,
        budget,
        settings.effect_timeout_seconds,
    )
    slack = slack_client(settings, budget) if settings.slack_bot_token else None
    statuspage = statuspage_client(settings, budget)
    try:
        report = await verify(port, settings, incident, slack, statuspage)
    finally:
        for service in (port, slack, statuspage):
            if service is not None:
                await service.aclose()
    if installation.own_key:
        return report
    weak = (
        f"{variable('installation_key')} is not set: the key is made from Port's client ID, and whoever "
        "knows that can forge the chain"
    )
    return report.model_copy(update={"notes": (*report.notes, weak)})


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="integration.verify",
        description="Verify an incident's record.",
        epilog="Ends with 0: intact; 1: altered, missing or drifted; 2: could not be verified. "
        "make ends every failure with 2, so call this command where the difference counts.",
    )
    parser.add_argument("incident", help="identifier of the incident in Port")
    parser.add_argument("--json", action="store_true", help="the report as one JSON object")
    given = parser.parse_args()
    try:
        report = asyncio.run(_run(this_installation(), given.incident))
    except IncidentCommsError as problem:
        if given.json:
            print(json.dumps({"incident": given.incident, "result": "unverified", "error": str(problem)}))
        print(f"not verified: {problem}", file=sys.stderr)
        return EXIT["unverified"]
    print(json.dumps(report.as_json(), ensure_ascii=False) if given.json else report.as_text())
    return EXIT[report.result]


if __name__ == "__main__":
    sys.exit(main())
