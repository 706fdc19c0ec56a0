"""A status page as a customer sees it, and the mailbox as its owner does."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import groupby
from typing import Any

from sandbox.mail.message import Message
from sandbox.mail.service import Mailbox
from sandbox.statuspage.errors import HumanError
from sandbox.statuspage.service import Statuspage

Json = dict[str, Any]

WORDS = {
    "operational": "Operational",
    "under_maintenance": "Under maintenance",
    "degraded_performance": "Degraded performance",
    "partial_outage": "Partial outage",
    "major_outage": "Major outage",
    "in_progress": "In progress",
}


class Public:
    """Reads the sandbox's Statuspage and mailbox. Never writes."""

    def __init__(self, statuspage: Statuspage, mail: Mailbox) -> None:
        self.statuspage, self.mail = statuspage, mail

    def pages(self) -> list[Json]:
        """[{id, name, status: {indicator, description}}]"""
        store = self.statuspage.store
        seen = [self.statuspage.customer_view(page) for page in store.pages]
        return [{**one["page"], "status": one["status"]} for one in seen]

    def page(self, key: str) -> Json | None:
        """`customer_view` with what is over grouped by day, newest first: `days` [(day, incidents)]."""
        try:
            seen = self.statuspage.customer_view(key)
        except HumanError:
            return None
        seen["days"] = [(day, list(over)) for day, over in groupby(seen["past"], key=_day)]
        return seen

    def page_of(self, code: str) -> str | None:
        """The page of an incident by its short code."""
        found = (one for one in self.statuspage.store.incidents.values() if one.code == code)
        return next((one.page_id for one in found), None)

    def page_name(self, key: str) -> str | None:
        page = self.statuspage.store.pages.get(key)
        return page.name if page else None

    def mails(self, address: str | None) -> list[Message]:
        """Newest first."""
        return self.mail.inbox(address)[::-1]

    def addresses(self) -> list[tuple[str, int]]:
        """Who got mail, and how many."""
        found: dict[str, int] = {}
        for mail in self.mail.messages:
            for address in mail.recipients:
                found[address.lower()] = found.get(address.lower(), 0) + 1
        return sorted(found.items())

    def html(self, number: int) -> str | None:
        """The HTML of a mail, as it came."""
        return next((one.html for one in self.mail.messages if one.id == number and one.html), None)


def _day(incident: Json) -> str:
    when = datetime.fromisoformat(str(incident["created_at"])).astimezone(UTC)
    return f"{when:%B} {when.day}, {when:%Y}"


def words(status: str) -> str:
    """A status in the words of a page: "Partial outage"."""
    return WORDS.get(status, status.replace("_", " ").capitalize())
