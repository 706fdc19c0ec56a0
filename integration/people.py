"""From e-mail addresses to Slack users, and back to names: read once, remembered for an hour."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable

from integration.errors import ServiceError
from integration.models.slack import SlackUser
from integration.services.slack import SlackService

REMEMBER_SECONDS = 3600.0


class People:
    """Looks people up in Slack, side by side, and remembers only those who were found."""

    def __init__(self, slack: SlackService) -> None:
        self._slack = slack
        self._by_email: dict[str, tuple[float, SlackUser]] = {}
        self._by_id: dict[str, tuple[float, SlackUser]] = {}

    async def find(self, emails: Iterable[str]) -> tuple[dict[str, SlackUser], dict[str, str]]:
        """(found by address, reason by address of those not found). One who is unknown stops nobody else."""
        wanted = list(dict.fromkeys(email.strip().casefold() for email in emails if email.strip()))
        answers = await asyncio.gather(*(self._by_address(email) for email in wanted))
        found: dict[str, SlackUser] = {}
        missing: dict[str, str] = {}
        for email, answer in zip(wanted, answers, strict=True):
            if isinstance(answer, SlackUser):
                found[email] = answer
            else:
                missing[email] = answer
        return found, missing

    async def _by_address(self, email: str) -> SlackUser | str:
        known = self._by_email.get(email)
        if known and known[0] > time.monotonic():
            return known[1]
        try:
            user = await self._slack.user_by_email(email)
        except ServiceError as problem:
            return str(problem)
        if user is None:
            return "nobody in this Slack workspace has this address"
        if user.deleted:
            return "deactivated in Slack"
        self._remember(user, email)
        return user

    async def names(self, ids: Iterable[str]) -> dict[str, str]:
        """Display names by Slack user id. Who can't be read keeps his id as a name."""
        wanted = [identifier for identifier in dict.fromkeys(ids) if identifier]
        users = await asyncio.gather(*(self.by_id(identifier) for identifier in wanted))
        return {
            identifier: (user.name or user.email or identifier) if user else identifier
            for identifier, user in zip(wanted, users, strict=True)
        }

    async def addresses(self, ids: Iterable[str]) -> dict[str, str]:
        """E-mail addresses by Slack user id, of those who have one that we may read."""
        wanted = [identifier for identifier in dict.fromkeys(ids) if identifier]
        users = await asyncio.gather(*(self.by_id(identifier) for identifier in wanted))
        return {
            identifier: user.email
            for identifier, user in zip(wanted, users, strict=True)
            if user and user.email
        }

    async def by_id(self, identifier: str) -> SlackUser | None:
        """The user by Slack's id; None when there is none or Slack does not say."""
        known = self._by_id.get(identifier)
        if known and known[0] > time.monotonic():
            return known[1]
        try:
            user = await self._slack.user(identifier)
        except ServiceError:
            return None
        if user is not None:
            self._remember(user, user.email.casefold())
        return user

    def _remember(self, user: SlackUser, email: str) -> None:
        until = time.monotonic() + REMEMBER_SECONDS
        self._by_id[user.id] = (until, user)
        if email:
            self._by_email[email] = (until, user)
