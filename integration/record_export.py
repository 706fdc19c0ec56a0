"""An incident's record for people who were not there: what was said, when, to whom, by whom. Pure.

Whoever can read a meeting's link can join it, so links of meetings are left out of texts; the hashes are
those of the texts as they were sent.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from integration import mdtext, timeline
from integration.models.base import Json, Value
from integration.models.communication import PUBLIC_OPERATIONS, Communication
from integration.models.incident import Incident
from integration.record import SHORT, Link, approved_content, head
from integration.record_check import Problem

MEETING = "[link of the meeting]"
_MEDIA = {"open_bridge": "zoom", "send_email": "email"} | dict.fromkeys(PUBLIC_OPERATIONS, "statuspage")
# What a spreadsheet takes for a formula, also in its full-width forms and behind blanks.
_FORMULA = re.compile(r"^\s*[=+\-@＝＋－＠]|^[\t\r\n]")
_FENCE = re.compile(r"`{3,}")


class Entry(Value):
    """One communication as it is exported. Times are UTC, `links` numbers of links."""

    communication: str
    at: str
    what: str
    medium: str
    audience: str
    destination: str
    text: str
    text_hash: str
    requested_by: str
    approved_by: str
    content_hash: str
    replaces: str
    state: str
    reason: str
    receipt: Json
    permalink: str
    links: tuple[int, ...]


COLUMNS = (
    *("number", "at", "what", "medium", "audience", "destination", "state", "reason", "requestedBy"),
    *("approvedBy", "text", "textSha256", "receipt", "permalink", "communication", "replaces", "links"),
    "contentSha256",
)


def entries(
    communications: Iterable[Communication], links: Sequence[Link], meetings: Iterable[str] = ()
) -> list[Entry]:
    """Every communication in the order of time, also those that only links tell of.

    `meetings`: links of meetings besides those of the record itself.
    """
    known = list(communications)
    secrets = [*_meetings(known), *(re.compile(re.escape(link)) for link in meetings if link)]
    names = {
        str(one.receipt.data.get("channel")): f"#{one.receipt.data['name']}"
        for one in known
        if one.step.operation == "open_channel" and one.receipt and one.receipt.data.get("name")
    }
    numbers: dict[str, list[Link]] = {}
    for link in sorted(links, key=lambda link: link.number):
        numbers.setdefault(link.communication, []).append(link)
    found = [_entry(one, numbers.get(one.step.key, []), secrets, names) for one in known]
    there = {one.step.key for one in known}
    found += [_only_linked(some[-1], some) for key, some in numbers.items() if key not in there]
    return sorted(found, key=lambda one: (one.at, one.communication))


def _entry(
    one: Communication, links: Sequence[Link], secrets: Sequence[re.Pattern[str]], names: Mapping[str, str]
) -> Entry:
    step, receipt = one.step, one.receipt
    text, reason = step.text, one.reason
    for secret in secrets:
        text, reason = secret.sub(MEETING, text), secret.sub(MEETING, reason)
    name = names.get(step.destination)
    last = links[-1] if links else None
    return Entry(
        communication=step.key,
        at=_moment(timeline.happened_at(one)),
        what=timeline.named(step),
        medium=_MEDIA.get(step.operation, "slack"),
        audience=step.audience,
        destination=f"{name} ({step.destination})" if name else step.destination,
        text=text,
        text_hash=last.text_hash if last else "",
        requested_by=step.requested_by,
        approved_by=step.approved_by,
        content_hash=approved_content(step),
        replaces=step.replaces,
        state=one.state,
        reason=reason,
        receipt=last.receipt if last else {},
        permalink=receipt.permalink if receipt and step.operation != "open_bridge" else "",
        links=tuple(link.number for link in links),
    )


def _only_linked(link: Link, links: Sequence[Link]) -> Entry:
    what = link.purpose or link.operation
    return Entry(
        communication=link.communication,
        at=link.at,
        what=what[:1].upper() + what[1:],
        medium=_MEDIA.get(link.operation, "slack"),
        audience=link.audience,
        destination=link.destination,
        text="",
        text_hash=link.text_hash,
        requested_by=link.requested_by,
        approved_by=link.approved_by,
        content_hash=link.content_hash,
        replaces=link.replaces,
        state=link.state,
        reason="no longer on the record; this is what its link says",
        receipt=link.receipt,
        permalink=link.permalink,
        links=tuple(one.number for one in links),
    )


# --- forms -----------------------------------------------------------------------------------------


def as_json(
    incident: Incident,
    found: Sequence[Entry],
    links: Sequence[Link],
    problems: Sequence[Problem],
    at: datetime,
) -> str:
    end = head(links)
    content = {
        "incident": {
            "identifier": incident.identifier,
            "title": incident.title,
            "severity": incident.severity,
            "status": incident.status,
            "startedAt": _moment(incident.started_at) if incident.started_at else None,
            "url": incident.url,
        },
        "exportedAt": _moment(at),
        "record": {
            "intact": not problems,
            "links": len(links),
            "head": end.model_dump() if end else None,
            "problems": [one.model_dump() for one in problems],
        },
        "communications": [one.model_dump() for one in found],
        "links": [link.model_dump() for link in links],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"


def as_csv(found: Sequence[Entry]) -> str:
    """RFC 4180, a row for each communication. No cell is one that a spreadsheet would calculate."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    for number, one in enumerate(found, 1):
        receipt = json.dumps(one.receipt, sort_keys=True, ensure_ascii=False) if one.receipt else ""
        cells = (
            *(
                str(number),
                one.at,
                one.what,
                one.medium,
                one.audience,
                one.destination,
                one.state,
                one.reason,
            ),
            *(one.requested_by, one.approved_by, one.text, one.text_hash, receipt, one.permalink),
            *(one.communication, one.replaces, " ".join(map(str, one.links))),
            one.content_hash,
        )
        writer.writerow([inert(cell) for cell in cells])
    return out.getvalue()


def inert(cell: str) -> str:
    """A cell as text: an apostrophe before what a spreadsheet would take for a formula."""
    clean = cell.replace("\x00", "")
    return f"'{clean}" if _FORMULA.search(clean) else clean


def as_markdown(
    incident: Incident,
    found: Sequence[Entry],
    links: Sequence[Link],
    problems: Sequence[Problem],
    at: datetime,
) -> str:
    """A document: the facts, how far the record can be trusted, one table, and every text in full."""
    name = f"{incident.identifier}: {incident.title}" if incident.title else incident.identifier
    facts = [
        ("Incident", mdtext.link(incident.url, incident.identifier)),
        ("Severity", _cell(incident.severity or "not known")),
        ("Status", _cell(incident.status or "not known")),
        ("Started", f"{mdtext.moment(incident.started_at)} UTC" if incident.started_at else "not known"),
        ("Exported", f"{mdtext.moment(at)} UTC"),
        ("Communications", str(len(found))),
    ]
    sections = [
        f"# Record of communication: {mdtext.inline(mdtext.one_line(name, 300))}",
        "\n".join(f"- **{label}:** {value}" for label, value in facts),
        "## How far it can be trusted",
        _trust(links, problems),
        "## What was communicated",
        _table(found) if found else "Nothing was communicated.",
    ]
    texts = [_text(number, one) for number, one in enumerate(found, 1) if one.text]
    if texts:
        sections += ["## Texts", *texts]
    return "\n\n".join(sections) + "\n"


def _trust(links: Sequence[Link], problems: Sequence[Problem]) -> str:
    end = head(links)
    if end is None:
        return "Nothing of it is linked into a chain."
    lines = [
        "Every outcome is a link of a chain; each is signed over what it says and over the link before it.",
        f"{len(links)} links, the last is number {end.number}: `{end.hash}`.",
    ]
    if not problems:
        lines.append("The chain and the communications fit, as this was exported.")
    lines += [
        "- **{}** {}: {}".format(
            one.trouble,
            _cell(f"link {one.number} {one.communication}".strip() if one.number else one.communication),
            _cell(one.detail),
        )
        for one in problems
    ]
    found = [str(link.number) for link in links if link.found]
    if found:
        lines.append(f"Found in Port afterwards, not linked as they happened: {', '.join(found)}.")
    return "\n\n".join(lines)


def _table(found: Sequence[Entry]) -> str:
    header = ("#", "When (UTC)", "What", "To whom", "By", "Approved by", "State", "Receipt", "Links")
    rows = [
        mdtext.row(
            [
                str(number),
                mdtext.link(one.permalink, one.at),
                _cell(f"{one.what} ({one.medium})"),
                _cell(": ".join(filter(None, (one.audience, one.destination)))),
                _cell(one.requested_by),
                _cell(_approved(one)),
                _cell(f"{one.state}: {one.reason}" if one.reason else one.state),
                _cell(", ".join(f"{key} {one.receipt[key]}" for key in sorted(one.receipt))),
                ", ".join(map(str, one.links)) or "none",
            ]
        )
        for number, one in enumerate(found, 1)
    ]
    return mdtext.table(header, rows)


def _approved(one: Entry) -> str:
    """Who approved it and, where that was more than the text, which content."""
    return f"{one.approved_by}, content {one.content_hash[:SHORT]}…" if one.content_hash else one.approved_by


def _text(number: int, one: Entry) -> str:
    """The text as it was sent, in a fence longer than any within it."""
    longest = max((len(run) for run in _FENCE.findall(one.text)), default=2)
    fence = "`" * (longest + 1)
    about = _cell(f"{number}. {one.what} to {one.destination}, {one.at}")
    proof = f"SHA-256 `{one.text_hash[:SHORT]}…`" if one.text_hash else "not linked"
    return f"**{about}** ({proof})\n\n{fence}text\n{one.text}\n{fence}"


def _cell(text: str) -> str:
    return mdtext.inline(mdtext.one_line(text, 400))


def _moment(at: datetime) -> str:
    return mdtext.utc(at).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _meetings(communications: Iterable[Communication]) -> list[re.Pattern[str]]:
    """What the links of the record's meetings look like: the record keeps the numbers of meetings alone."""
    receipts = (one.receipt for one in communications if one.step.operation == "open_bridge")
    numbers = {str(receipt.data.get("meeting") or "") for receipt in receipts if receipt} - {""}
    return [
        re.compile(rf"https?://[^\s<>|]*/{re.escape(number)}(?![0-9])[^\s<>|]*") for number in sorted(numbers)
    ]
