"""Runs that wait for Port's approval of public words: what would go out is drafted while they wait, so that
whoever approves one reads it first, and it is that which his approval is bound to (`public_consent`).

Each run has one draft, under its own key, and its room hears of it once, whoever finds the run how often.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from loguru import logger

from actions.base import Kit, latest_room
from actions.draft_public_update import PURPOSE
from actions.public_consent import AGAIN, PREVIEW, preview_key, settle
from actions.public_drafting import drafted
from actions.public_operations import Spoken, of_action
from integration import communicator, plan
from integration.command import command_of_run
from integration.errors import BadInput, IncidentCommsError
from integration.models.base import Json
from integration.models.communication import Communication, Step
from integration.models.run import Command
from integration.page_catalog import Draft
from integration.run_catalog import stage_of
from integration.times import iso, now, when

SEARCH_LAG = timedelta(seconds=20)  # Port's search shows what was written by then
LATE = timedelta(minutes=5)  # whoever approves a draft no more than this too late is told so by his own run


class WaitingRuns:
    """The sweeper keeps one, which remembers what it has shown and told, to ask Port less; a run of its own
    takes a new one, and finds in Port what was done before."""

    def __init__(self, kit: Kit) -> None:
        self._kit = kit
        self._linked: set[str] = set()
        self._told: set[str] = set()

    async def tend(self, waiting: Sequence[tuple[str, Json]]) -> None:
        """A sweep's part of it: show each run that waits (with the action it is of), end the drafts of those
        that do so no more. What fails is tried again with the next one."""
        for action, run in waiting:
            try:
                await self.show(action, run)
            except IncidentCommsError as problem:
                logger.warning(f"run {run.get('id')} of {action}: what goes out can't be shown: {problem}")
        ids = {str(run.get("id")) for _, run in waiting}
        for draft in await self._kit.page_catalog.drafts(PREVIEW):
            expired = draft.expires_at is not None and draft.expires_at <= now()
            if draft.communication.step.run not in ids or expired:
                await self.end(draft)
        for draft in await self._kit.page_catalog.drafts(PURPOSE):
            await self._approved_on_itself(draft)

    async def look(self, run_id: str) -> str:
        """Take note of how a run stands by now; a sentence that says so. Raises BadInput for one that is of
        no action that speaks in public."""
        run = await self._kit.runs.run(run_id)
        action = str(((run or {}).get("action") or {}).get("identifier") or "")
        if run is None or of_action(action) is None:
            raise BadInput("run", f"{run_id!r} is no run of an action that says something on a status page")
        if stage_of(run) == "waiting":
            return await self.show(action, run)
        incident = str((run.get("entity") or {}).get("identifier") or "")
        held = await self._kit.page_catalog.draft(preview_key(incident, run_id))
        if held is not None:
            await self.end(held)
        return f"Run {run_id} waits no more."

    async def show(self, action: str, run: Json) -> str:
        """Draft what this waiting run would say, and tell its room. A sentence that says where it stands."""
        what, command = of_action(action), command_of_run(action, run)
        if what is None or command is None or not command.incident or self._kit.statuspage is None:
            return "There is nothing to show of it."
        key = preview_key(command.incident, command.run)
        link = self._kit.page_catalog.url(key)
        if key in self._told:
            return f"What goes out is shown: {link}"
        # Runs name people by id.
        author = await self._kit.runs.address(command.requested_by)
        command = command.model_copy(update={"requested_by": author})
        async with self._kit.locks.holding(key):
            held = await self._kit.page_catalog.draft(key)
            if held is None:
                await self._write(key, what, command)
                held = await self._kit.page_catalog.draft(key)
        if held is None:
            return "Port does not show the draft yet."
        if key not in self._linked:
            stands = await self._kit.runs.run(command.run)
            if stands is None or stage_of(stands) != "waiting":
                await self.end(held)
                return f"Run {command.run} waits no more."
            await self._kit.runs.show_link(command.run, link)
            self._linked.add(key)
        await self._tell(what, command, held, link)
        return f"What goes out is shown: {link}"

    async def _write(self, key: str, what: Spoken, command: Command) -> None:
        """The draft of a run; of one that would be refused, what its author has to change."""
        expires = now() + timedelta(minutes=self._kit.settings.public_approval_minutes)
        step = Step(
            key=key,
            operation=what.operation,
            purpose=PREVIEW,
            incident=command.incident,
            requested_by=command.requested_by,
            run=command.run,
        )
        try:
            found = await drafted(self._kit, command, what, proposing=False)
        except BadInput as problem:
            refused = f"**{what.title}** can't go out as it stands:\n\n{problem}\n\nChange it and {AGAIN}."
            # Words that nobody can approve, for they may hold a secret or be of a private incident, stay with
            # their run.
            shown: Json = {"state": "withdrawn", "reason": str(problem), "preview": refused}
        else:
            step = step.model_copy(
                update={
                    "destination": found.page,
                    "text": str(found.content["inputs"]["body"]),
                    "details": {"content": found.content},
                }
            )
            shown = {"contentHash": found.digest, "expiresAt": iso(expires)}
            shown["preview"] = found.preview(command.requested_by, expires)
        if await self._kit.page_catalog.write_draft(step, shown):
            link = self._kit.page_catalog.url(key)
            await self._kit.runs.log(
                command.run, f"What goes out when this is approved: {link}\n\n{shown['preview']}"
            )

    async def _tell(self, what: Spoken, command: Command, held: Draft, link: str) -> None:
        """Once, in the incident's room. What can't be said there now is tried again with the next sweep."""
        room = await latest_room(self._kit, command.incident)
        if room is None or room.state != "open":
            return
        refused = held.communication.reason if held.communication.state == "withdrawn" else ""
        text = communicator.waits_for_approval(
            what.title, command.requested_by, link, self._kit.runs.url(command.run), held.expires_at, refused
        )
        step = plan.message(
            room,
            "approval notice",
            text,
            about=command.run,
            requested_by=command.requested_by,
            run=command.run,
        )
        (claim,) = await self._kit.performer.intend([step])
        try:
            # What was held back or has failed is a person's to send.
            if claim.verdict in ("mine", "recover"):
                await self._kit.performer.perform(claim)
                self._kit.performer.relate([claim], room.identifier, room.team)
                await self._kit.performer.flush()
        finally:
            self._told.add(held.communication.step.key)

    async def end(self, held: Draft) -> None:
        """Write what became of a draft whose run may have come to an end; the run itself decides."""
        draft = held.communication
        run = await self._kit.runs.run(draft.step.run)
        stage = stage_of(run) if run is not None else "gone"
        if stage == "going" or (run is not None and stage == "ended" and _just_ended(run)):
            return  # whoever carries it out says so; Port's search may not show yet what he has sent
        # By now, since whoever carries a run out settles its draft before the run ends.
        present = await self._kit.page_catalog.draft(draft.step.key)
        if present is None or present.communication.state != "draft":
            return
        if run is None:
            await settle(self._kit, draft, "withdrawn", "Port has no such run any more")
        elif stage == "declined":
            await settle(self._kit, draft, "withdrawn", await self._kit.runs.verdict(run))
        elif stage == "ended":
            await self._ended(draft, run)
        elif held.expires_at is not None and held.expires_at <= now():
            reason = f"{_late(held.expires_at)}; decline the run and {AGAIN}"
            await settle(self._kit, draft, "withdrawn", reason)

    async def _ended(self, draft: Communication, run: Json) -> None:
        """Its run has ended, and whoever carried it out has not come to say so of the draft."""
        why = str(run.get("summary") or run.get("statusLabel") or "nobody says why")
        reason = f"its run has ended without it: {why}"
        for one in await self._kit.catalog.communications(draft.step.incident):
            consent = one.step.details.get("approval")
            if not isinstance(consent, dict) or consent.get("draft") != draft.step.key:
                continue
            if one.state == "sending":
                return  # the sweeper finds out what became of it
            if one.state == "sent":
                link = one.receipt.permalink if one.receipt else ""
                await settle(self._kit, draft, "superseded", f"Sent: {link}", one.step.approved_by)
                return
            if one.state == "unknown":
                reason = f"its run has ended, and nobody can tell whether it was said: {one.step.key}"
        await settle(self._kit, draft, "withdrawn", reason)

    async def _approved_on_itself(self, held: Draft) -> None:
        """End a draft that the record has as sent, which Port did not take when it was to be written, or
        that nobody has approved in time."""
        key, reason = held.communication.step.key, ""
        for one in await self._kit.catalog.communications(held.communication.step.incident):
            consent = one.step.details.get("approval")
            if not isinstance(consent, dict) or consent.get("draft") != key:
                continue
            if one.state == "sent":
                link = one.receipt.permalink if one.receipt else ""
                await self._settle_present(key, "superseded", f"Sent: {link}", one.step.approved_by)
                return
            reason = "it was approved, and what became of that stands on the record: " + one.step.key
            if one.state == "sending":
                return  # the sweeper finds out what became of it
        if held.expires_at is None or held.expires_at + LATE <= now():
            late = _late(held.expires_at) if held.expires_at else "nobody knows until when it held"
            await self._settle_present(key, "withdrawn", reason or f"{late}; draft it again")

    async def _settle_present(
        self, key: str, state: Literal["superseded", "withdrawn"], reason: str, approver: str = ""
    ) -> None:
        """By now: whoever approves it may have said what became of it, and Port's search lags."""
        async with self._kit.locks.holding(key):
            if present := await self._kit.page_catalog.draft(key):
                await settle(self._kit, present.communication, state, reason, approver)


def _late(expired: datetime) -> str:
    return f"nobody approved it before {expired:%Y-%m-%d %H:%M} UTC"


def _just_ended(run: Json) -> bool:
    at = when(run.get("endedAt")) or when(run.get("updatedAt"))
    return at is not None and now() - at < SEARCH_LAG
