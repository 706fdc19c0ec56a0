"""Runs of Port as their approvers and their records see them: who asked, who decided, and what is shown on
them while they wait.

That a waiting run takes a link and a log is in Port's published API and was tried on the sandbox alone, so
neither is relied upon.
"""

from __future__ import annotations

from typing import Literal
from urllib.parse import quote

from loguru import logger

from integration.entities import text_of
from integration.errors import ServiceError
from integration.models.base import Json
from integration.models.port import Approval
from integration.services.port import PortService
from integration.settings import Settings
from integration.times import when

Stage = Literal["waiting", "declined", "going", "ended"]
_STAGES: dict[str, Stage] = {
    "WAITING_FOR_APPROVAL": "waiting",
    "DECLINED": "declined",
    "IN_PROGRESS": "going",
    "SUCCESS": "ended",
    "FAILURE": "ended",
}


def stage_of(run: Json) -> Stage:
    """How far a run is; a status that we don't know reads as one under way, of which nothing is concluded."""
    return _STAGES.get(str(run.get("status")), "going")


class RunCatalog:
    """Raises the errors of PortService."""

    def __init__(self, port: PortService, settings: Settings) -> None:
        self._port = port
        self._settings = settings

    async def run(self, run: str) -> Json | None:
        return await self._port.run(run)

    async def automatic(self, run: str) -> bool:
        """Whether an automation has begun it, whatever it says of who asked."""
        found = await self._port.run(run) if run else None
        source = (found or {}).get("source")
        # Text or an object, as Port's contract has it, which does not say of what.
        said = source.values() if isinstance(source, dict) else [source]
        return any(text_of(one).upper() == "AUTOMATION" for one in said)

    async def address(self, user: str) -> str:
        """The e-mail address of a user, whom runs name by id; the id itself where Port does not tell."""
        if not user or "@" in user:
            return user
        try:
            return (await self._port.users()).get(user, user)
        except ServiceError as problem:
            logger.warning(f"port: users by id only: {problem}")
            return user

    async def approval(self, run: str) -> Approval | None:
        """Who wrote and who approved a run; None when Port knows no such run."""
        found = await self._port.run(run) if run else None
        if found is None:
            return None
        verdict: Json = found.get("approval") or {}
        approver = text_of(verdict.get("userId")) if verdict.get("state") == "APPROVED" else ""
        author = text_of(found.get("createdBy"))
        addresses: dict[str, str] = {}
        if approver:
            try:
                addresses = await self._port.users()
            except ServiceError as problem:
                logger.warning(f"port: users by id only: {problem}")
        return Approval(
            author=addresses.get(author, author),
            approver=addresses.get(approver, approver),
            at=when(found.get("updatedAt")),
        )

    async def verdict(self, run: Json) -> str:
        """Who has declined a run and why, as part of a sentence."""
        said: Json = run.get("approval") or {}
        who = await self.address(text_of(said.get("userId")))
        why = text_of(said.get("description"))
        return f"declined{f' by {who}' if who else ''}{f': {why}' if why else ''}"

    async def show_link(self, run: str, link: str) -> None:
        """Put a link on the page of a run. That it is not there takes nothing from what stands in Port."""
        try:
            await self._port.link_run(run, [link])
        except ServiceError as problem:
            logger.warning(f"run {run}: its link to what goes out is not shown: {problem}")

    async def log(self, run: str, message: str) -> None:
        """Add to the log of a run, at most once: what is lost is not repeated."""
        try:
            await self._port.log_run(run, message)
        except ServiceError as problem:
            logger.warning(f"run {run}: log not written: {problem}")

    def url(self, run: str) -> str:
        """A run's page in Port."""
        return f"{self._settings.port_app_url.rstrip('/')}/organization/run?runId={quote(run, safe='')}"
