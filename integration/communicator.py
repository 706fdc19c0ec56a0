"""The words we say in Slack. Pure: facts in, text and Block Kit out.

Titles and names come from outside: they are escaped, so that no title mentions a channel or hides a link.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from integration.models.base import Json
from integration.models.incident import Incident

BUTTON_PREFIX = "incident_comms."
"""What the `action_id` of our buttons begins with; the action's name follows."""

HEADER_LIMIT = 150  # Block Kit: a header block's text
TOPIC_LIMIT = 250
FIELD_LIMIT = 2000
REASON_LIMIT = 600
NAME_LIMIT = 400  # characters of an incident's name in a text that notifications show
_BUTTON_VALUE = 2000
_SEVERE = {"sev1": "🔴", "critical": "🔴", "p1": "🔴", "sev2": "🟠", "high": "🟠", "p2": "🟠"}


def escape(text: str) -> str:
    """Slack's three control characters, so that outside text is shown and never obeyed."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def cut(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 1] + "…"


def topic(incident: Incident, bridge_url: str) -> str:
    """At most 250 characters: what is wrong, how bad, where the bridge is."""
    parts = [f"{incident.severity or 'no severity'} · {incident.status or 'no status'}", incident.title]
    if bridge_url:
        parts.insert(1, bridge_url)
    return cut(" · ".join(part for part in parts if part), TOPIC_LIMIT)


def same_topic(shown: str, wanted: str) -> bool:
    """Slack gives a topic back in its own markup (links in brackets, entities)."""
    for entity, character in (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")):
        shown = shown.replace(entity, character)
    brackets = str.maketrans("", "", "<>")  # of links, and those of the title's own, on both sides alike
    return shown.translate(brackets) == wanted.translate(brackets)


def briefing(
    incident: Incident,
    bridge_url: str,
    bridge_problem: str,
    opened_by: str,
    buttons: Sequence[tuple[str, str]] = (),
) -> tuple[str, list[Json]]:
    """The room's first message: text for notifications, blocks for the screen. `buttons`: action, words."""
    mark = _SEVERE.get(incident.severity.casefold(), "🟡")
    named = incident.identifier
    if incident.title and incident.title != incident.identifier:
        named += f": {incident.title}"
    text = escape(f"{mark} {cut(named, NAME_LIMIT)}{_standing(incident)}")
    if bridge_url:
        text += f" Bridge: {bridge_url}"
    bridge = f"<{bridge_url}|Join the bridge>" if bridge_url else escape(bridge_problem or "none")
    fields = [
        ("Severity", escape(incident.severity or "not set")),
        ("Status", escape(incident.status or "not set")),
        ("Services", escape(", ".join(incident.services)) or "none named"),
        ("Bridge", bridge),
    ]
    if incident.started_at:
        fields.append(("Started", _slack_time(incident.started_at)))
    header = cut(f"{mark} {named}", HEADER_LIMIT)
    blocks: list[Json] = [
        {"type": "header", "text": {"type": "plain_text", "text": header, "emoji": True}},
        {
            "type": "section",
            "fields": [
                {"type": "mrkdwn", "text": cut(f"*{name}*\n{value}", FIELD_LIMIT)} for name, value in fields
            ],
        },
    ]
    if incident.url:
        link = {"type": "mrkdwn", "text": f"<{incident.url}|Open the incident in Port>"}
        blocks.append({"type": "section", "text": link})
    if buttons and len(incident.identifier) <= _BUTTON_VALUE:
        elements = [
            {
                "type": "button",
                "action_id": f"{BUTTON_PREFIX}{action}",
                "text": {"type": "plain_text", "text": words, "emoji": True},
                "value": incident.identifier,
            }
            for action, words in buttons
        ]
        blocks.append({"type": "actions", "elements": elements})
    how = (
        "Say `finding:`, `workaround:`, `decision:`, `action:`, `impact:`, `update:` or `question:` before a "
        "message, react or pin it, and it stands as a note on the incident."
    )
    by = f"Opened by {escape(opened_by)}. " if opened_by else ""
    blocks.append({"type": "context", "elements": [{"type": "mrkdwn", "text": by + how}]})
    return text, blocks


def bridge_follows(bridge_url: str) -> str:
    return f"📞 The bridge is open: {bridge_url}"


def closing(
    incident: Incident, note: str, counts: dict[str, int], archive_minutes: float | None, record: str = ""
) -> str:
    """The room's last word from us. `record`: where the chained record stands."""
    lines = [
        f"✅ {escape(incident.identifier)} is {escape(incident.status or 'closed')}. This war room is closed."
    ]
    if note:
        lines.append(escape(note))
    if counts:
        told = ", ".join(f"{n} {kind}{'s' if n != 1 else ''}" for kind, n in sorted(counts.items()))
        lines.append(f"On the record: {told}.")
    if archive_minutes is not None:
        lines.append(f"The channel is archived after {_minutes(archive_minutes)} without a message.")
    if record:
        lines.append(f"{record}.")
    return "\n".join(lines)


def reopened(incident: Incident) -> str:
    return (
        f"🔁 {escape(incident.identifier)} is open again{escape(_standing(incident))}. "
        "This war room is open again."
    )


def public_post(what: str, status: str, link: str) -> str:
    now = "" if status == what else f", {escape(status)}"
    return f"📣 Status page: {what}{now}. {link}".rstrip()


def drafted_for_page(what: str, link: str, until: datetime) -> str:
    """The room's word of a draft that nobody has asked for."""
    return (
        f"⏳ “{escape(what)}” for the status page is drafted. "
        f"<{link}|Read it>; whoever approves it before {_slack_time(until)} sends it."
    )


def not_drafted(what: str, why: str) -> str:
    return f"⚠️ “{escape(what)}” for the status page could not be drafted: {cut(escape(why), REASON_LIMIT)}"


def waits_for_approval(
    what: str, author: str, link: str, run: str, until: datetime | None, refused: str = ""
) -> str:
    """The room's word of public words that somebody is to approve; `refused`: why they can't go out."""
    asked = f"“{escape(what)}” on the status page, asked for by {escape(author) or 'nobody known'},"
    if refused:
        why = cut(escape(refused), REASON_LIMIT).rstrip(".")
        return f"⚠️ {asked} can't go out as it stands: {why}. <{run}|The run> waits in vain: decline it."
    before = f" before {_slack_time(until)}" if until else ""
    who = f"somebody else approves <{run}|the run>{before}"
    return f"⏳ {asked} waits for approval. <{link}|What goes out>; {who}."


def not_invited(problems: Sequence[str]) -> str:
    return "Not invited: " + "; ".join(problems)


def _standing(incident: Incident) -> str:
    """Severity and status in brackets, as far as the incident has them."""
    said = ", ".join(filter(None, (incident.severity, incident.status)))
    return f" ({said})" if said else ""


def _slack_time(at: datetime) -> str:
    fallback = at.strftime("%Y-%m-%d %H:%M %Z")
    return f"<!date^{int(at.timestamp())}^{{date_short_pretty}} {{time}}|{fallback}>"


def _minutes(minutes: float) -> str:
    if minutes >= 120 and minutes % 60 == 0:
        return f"{minutes / 60:g} hours"
    return f"{minutes:g} minutes" if minutes != 1 else "1 minute"
