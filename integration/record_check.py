"""What does not fit: within the chain, and between the chain and the communications. Pure."""

from __future__ import annotations

import hmac
import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Literal

from integration.entities import text_hash
from integration.models.base import Json, Value
from integration.models.communication import Communication
from integration.notetaker.text import readable
from integration.page_words import content_hash
from integration.record import SHORT, Head, Link, approved_content, link_id, receipt_hash, signature

GRACE = timedelta(minutes=2)  # a link follows its outcome; this long it may be on its way
_HEAD = re.compile(r"Record so far: (\d{1,9}) links?, head ([0-9a-f]{16})")
_MADE_LINK = re.compile(r"<(?:https?://|mailto:)([^|<>]+)\|\1>")
_EMOJI_NAME = re.compile(r":[a-z0-9_+'-]+:")

Trouble = Literal[
    "missing",
    "altered",
    "moved",
    "cut off",
    "unlinked",
    "changed",
    "removed",
    "unrecorded",
    "unapproved",
]
"""missing     a number of the chain has no link          moved    a link does not follow the one before it
altered     a link says what it did not say when made    cut off  a message names a head that is no more
unlinked    an outcome has no link                       changed  a communication differs from its link
removed     a communication of a link is gone            unrecorded  a message of ours is on no record
unapproved  what was said is not what was approved
"""


class Problem(Value):
    """One thing that does not fit. `number`: the link; 0 where there is none."""

    trouble: Trouble
    number: int = 0
    communication: str = ""
    detail: str = ""


def check_chain(links: Sequence[Link], key: str) -> list[Problem]:
    """What is wrong with the links alone, in the order of their numbers. A gap is one problem."""
    found: list[Problem] = []
    before: Link | None = None
    for link in sorted(links, key=lambda link: link.number):
        expected = before.number + 1 if before else 1
        if link.number > expected:
            last = f" to {link_id(link.incident, link.number - 1)}" if link.number > expected + 1 else ""
            detail = f"there is no {link_id(link.incident, expected)}{last}"
            found.append(Problem(trouble="missing", number=expected, detail=detail))
        if not hmac.compare_digest(signature(link, key).encode(), link.hash.encode()):
            found.append(_of(link, "altered", "its hash does not fit what it says"))
        elif link.number == expected and link.previous != (before.hash if before else ""):
            found.append(_of(link, "moved", "it was made to follow another link than this one"))
        before = link
    return found


def check_record(
    links: Sequence[Link],
    communications: Mapping[str, Communication],
    altered: Collection[int],
    now: datetime,
) -> list[Problem]:
    """Where communications and their links disagree. `altered`: numbers of links that prove nothing.

    A communication on its way is not judged, nor one whose link may be still to come.
    """
    latest: dict[str, Link] = {}
    attempts: set[tuple[str, str]] = set()
    for link in sorted(links, key=lambda link: link.number):
        latest[link.communication] = link
        attempts.add((link.communication, link.owner))
    found = [
        _of(link, "removed", "the communication is gone")
        for name, link in latest.items()
        if name not in communications and link.number not in altered
    ]
    for name, communication in communications.items():
        last = latest.get(name)
        if communication.state in ("draft", "sending") or (last is not None and last.number in altered):
            continue
        if last is None or (name, communication.owner) not in attempts:
            if now - _since(communication) > GRACE:
                detail = f"it is {communication.state}, and no link says so"
                found.append(Problem(trouble="unlinked", communication=name, detail=detail))
        elif differ := differences(communication, last):
            found.append(_of(last, "changed", f"it differs from its link in {', '.join(differ)}"))
    return sorted(found, key=lambda problem: (problem.number or 10**9, problem.communication))


def differences(communication: Communication, link: Link) -> list[str]:
    """The names of what a communication says otherwise than its link."""
    step, receipt = communication.step, communication.receipt
    shown = receipt.permalink if receipt and step.operation != "open_bridge" else ""
    said = {
        "state": (communication.state, link.state),
        "operation": (step.operation, link.operation),
        "purpose": (step.purpose, link.purpose),
        "audience": (step.audience, link.audience),
        "destination": (step.destination, link.destination),
        "text": (text_hash(step.text), link.text_hash),
        "receipt": (receipt_hash(communication), link.receipt_hash),
        "permalink": (shown, link.permalink),
        "requestedBy": (step.requested_by, link.requested_by),
        "approvedBy": (step.approved_by, link.approved_by),
        "contentHash": (approved_content(step), link.content_hash),
        "replaces": (step.replaces, link.replaces),
        "reason": (communication.reason, link.reason),
    }
    return [name for name, (is_now, was) in said.items() if is_now != was]


def check_approvals(communications: Mapping[str, Communication]) -> list[Problem]:
    """Where what was said in public is not the content that its approver had read."""
    found = []
    for name, one in sorted(communications.items()):
        approval = one.step.details.get("approval")
        if one.state == "sent" and isinstance(approval, dict) and approval.get("draft"):
            wrong = _unapproved(one, communications.get(str(approval["draft"])), approval)
            if wrong:
                found.append(Problem(trouble="unapproved", communication=name, detail=wrong))
    return found


def _unapproved(sent: Communication, draft: Communication | None, approval: Json) -> str:
    """In what the words that were sent differ from those that were approved; empty where they don't."""
    if draft is None:
        return f"the draft {approval['draft']} that was approved is gone"
    content = draft.step.details.get("content")
    if not isinstance(content, dict) or content_hash(content) != approval.get("contentHash"):
        return f"the draft {draft.step.key} is not the one that was approved"
    inputs, details = content.get("inputs") or {}, sent.step.details
    components: Json = details.get("components") or {}
    differ = {
        "operation": sent.step.operation != content.get("operation"),
        "incident": sent.step.incident != content.get("incident"),
        "public incident": str(details.get("public") or "") != str(content.get("public") or ""),
        "text": sent.step.text.strip() != str(inputs.get("body") or "").strip(),
        "title": str(details.get("name") or "").strip() != str(inputs.get("name") or "").strip(),
        "subscribers": bool(details.get("notify")) != bool(inputs.get("notifySubscribers")),
        # Fewer may have changed than were approved.
        "components": not components.items() <= (content.get("components") or {}).items(),
    }
    names = [name for name, differs in differ.items() if differs]
    return f"it is not what was approved: another {', '.join(names)}" if names else ""


def head_line(end: Head) -> str:
    """What the closing message says of the record; `check_head` finds it again in whatever surrounds it."""
    links = "link" if end.number == 1 else "links"
    return f"Record so far: {end.number} {links}, head {end.hash[:SHORT]}"


def check_head(text: str, links: Sequence[Link], where: str) -> Problem | None:
    """Whether the head that `text` names still stands; `where` says whose text it is."""
    named = _HEAD.search(text)
    if named is None:
        return None
    number, short = int(named[1]), named[2]
    stands = next((link for link in links if link.number == number), None)
    if stands is not None and stands.hash.startswith(short):
        return None
    what = (
        f"link {number} is {stands.hash[:SHORT] or 'without hash'} now"
        if stands
        else f"link {number} is gone"
    )
    return Problem(trouble="cut off", number=number, detail=f"{where} names {short}; {what}")


def _of(link: Link, trouble: Trouble, detail: str) -> Problem:
    return Problem(trouble=trouble, number=link.number, communication=link.communication, detail=detail)


def _since(communication: Communication) -> datetime:
    receipt = communication.receipt
    return receipt.at if receipt and receipt.at else communication.intended_at


def same_words(shown: str, sent: str) -> bool:
    """Whether Slack shows what was sent. It spells in its own way: addresses as links, emoji by name."""
    return _words(shown) == _words(sent)


def _words(text: str) -> str:
    plain = readable(_MADE_LINK.sub(r"\1", text), {})
    kept = "".join(c for c in _EMOJI_NAME.sub("", plain) if unicodedata.category(c) not in ("So", "Sk", "Mn"))
    return " ".join(kept.split())
