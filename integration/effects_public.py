"""Effects beyond the war room: mail, and the public incident on a status page."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime

from loguru import logger

from integration.effects import LOOK_BACK, Effect
from integration.entities import text_hash
from integration.errors import Refused
from integration.models.base import Json
from integration.models.communication import Operation, Receipt, Step
from integration.models.statuspage import MaintenanceWindow, PublicIncident, PublicPostmortem, PublicUpdate
from integration.services.mailer import Mailer
from integration.services.statuspage import StatuspageService

METADATA = "incident_comms"  # the key of ours in a public incident's metadata


class SendEmail:
    """One mail to one person in one SMTP transaction. It can't be read back: what is lost stays unknown."""

    readable = False

    def __init__(self, mail: Mailer) -> None:
        self._mail = mail

    def repeatable(self, step: Step) -> bool:
        return False

    async def act(self, step: Step) -> Receipt:
        message = self._mail.build(
            recipient=step.destination,
            subject=str(step.details.get("subject") or step.incident),
            text=step.text,
            html=str(step.details.get("html") or ""),
            key=step.key,
            thread=str(step.details.get("thread") or step.incident),
            list_name=step.audience,
        )
        receipt = await self._mail.send(message, step.destination)
        data = {"messageId": receipt.message_id, "answer": receipt.response}
        return Receipt(data=data, at=datetime.now(UTC))

    async def find(self, step: Step, intended_at: datetime) -> Receipt | None:
        return None


class _OnPage:
    """What every effect on a status page has in common: the public reads it, so it is never tried twice
    unseen, and the page shows what stands there."""

    readable = True

    def __init__(self, statuspage: StatuspageService) -> None:
        self._statuspage = statuspage

    def repeatable(self, step: Step) -> bool:
        return False


class PublishIncident(_OnPage):
    """A new public incident or maintenance. Marker: our key in its metadata."""

    async def act(self, step: Step) -> Receipt:
        details = step.details
        components: dict[str, str] = details["components"]
        public = await self._statuspage.create_incident(
            str(details["page"]),
            name=str(details["name"]),
            status=str(details["status"]),
            body=step.text,
            components=components,
            component_ids=list(dict.fromkeys([*components, *details.get("listed", [])])),
            impact_override=details.get("impact") or None,
            window=MaintenanceWindow.model_validate(details["window"]) if details.get("window") else None,
            deliver_notifications=bool(details["notify"]),
            metadata={METADATA: {"incident": step.incident, "key": step.key}},
        )
        return _receipt(public, _newest(public.updates))

    async def find(self, step: Step, intended_at: datetime) -> Receipt | None:
        page = str(step.details["page"])
        newest, unresolved = await asyncio.gather(
            self._statuspage.newest(page), self._statuspage.unresolved(page)
        )
        ours = {one.id: one for one in [*newest, *unresolved] if marker(one).get("key") == step.key}
        if not ours:
            return None
        keep, *twins = sorted(
            ours.values(), key=lambda one: one.created_at or datetime.max.replace(tzinfo=UTC)
        )
        for twin in twins:
            # Public: nobody but a person takes one down.
            logger.error(f"statuspage: {twin.id} is a twin of {keep.id} ({step.key}); delete it by hand")
        # What has been said since is not this post's.
        first = min(_dated(keep.updates), key=_said_at, default=None)
        return _receipt(keep, first, found=True, twins=[twin.id for twin in twins])


class UpdateIncident(_OnPage):
    """An update of a public incident, its resolution included: one PATCH. Marker: the last operation's key
    in its metadata, and the update itself."""

    async def act(self, step: Step) -> Receipt:
        details = step.details
        components: dict[str, str] = details["components"]
        listed: list[str] = details.get("listed", [])
        public = await self._statuspage.update_incident(
            str(details["page"]),
            str(details["public"]),
            status=str(details["status"]),
            body=step.text,
            components=components or None,
            # The list is replaced whole: without those it has, they would be affected no more.
            component_ids=[*listed, *components] if set(components) - set(listed) else None,
            deliver_notifications=bool(details["notify"]),
            # Whether Statuspage merges or replaces metadata is undocumented: others' keys go back with ours.
            metadata={
                **details.get("metadata", {}),
                METADATA: {
                    "incident": step.incident,
                    "key": str(details["published"]),
                    "operation": step.key,
                },
            },
        )
        return _receipt(public, _newest(public.updates))

    async def find(self, step: Step, intended_at: datetime) -> Receipt | None:
        public = await self._statuspage.incident(str(step.details["page"]), str(step.details["public"]))
        if public is None:
            raise Refused("statuspage", "incidents.get", "not found", "the public incident was deleted")
        since = intended_at - LOOK_BACK
        said = [one for one in _dated(public.updates) if _said_at(one) >= since and _says(one, step)]
        if not said and marker(public).get("operation") != step.key:
            return None
        return _receipt(public, _newest(said or public.updates), found=True)


class PublishPostmortem(_OnPage):
    """The postmortem of a public incident that is over: drafted on the page, then published. Marker: its
    own words, which are public there."""

    async def act(self, step: Step) -> Receipt:
        page, incident = str(step.details["page"]), str(step.details["public"])
        await self._statuspage.draft_postmortem(page, incident, step.text)
        found = await self._statuspage.publish_postmortem(
            page, incident, deliver_notifications=bool(step.details["notify"])
        )
        return self._receipt(step, found)

    async def find(self, step: Step, intended_at: datetime) -> Receipt | None:
        found = await self._statuspage.postmortem(str(step.details["page"]), str(step.details["public"]))
        if found is None or found.published_at is None or found.body.strip() != step.text.strip():
            return None
        return self._receipt(step, found)

    @staticmethod
    def _receipt(step: Step, found: PublicPostmortem) -> Receipt:
        link = str(step.details.get("shortlink") or "")
        data: Json = {
            "page": step.details["page"],
            "incident": step.details["public"],
            "shortlink": link,
            "notified": found.notified,
            "textHash": text_hash(found.body),
        }
        return Receipt(data=data, permalink=link, at=found.published_at)


def marker(public: PublicIncident) -> Json:
    found = (public.metadata or {}).get(METADATA)
    return found if isinstance(found, dict) else {}


def _says(update: PublicUpdate, step: Step) -> bool:
    """Whether it is this step's: the same words with other components, or other readers, are another."""
    after = {component.id: component.after for component in update.components}
    wanted: dict[str, str] = step.details["components"]
    return (
        update.status == step.details["status"]
        and update.body.strip() == step.text.strip()
        and update.deliver_notifications == bool(step.details["notify"])
        and all(after.get(component) == state for component, state in wanted.items())
    )


def _dated(updates: Iterable[PublicUpdate]) -> list[PublicUpdate]:
    return [update for update in updates if update.created_at is not None]


def _said_at(update: PublicUpdate) -> datetime:
    return update.created_at or datetime.min.replace(tzinfo=UTC)


def _newest(updates: Iterable[PublicUpdate]) -> PublicUpdate | None:
    return max(_dated(updates), key=_said_at, default=None)


def _receipt(
    public: PublicIncident,
    update: PublicUpdate | None,
    *,
    found: bool = False,
    twins: Sequence[str] = (),
) -> Receipt:
    """`found`: it is an earlier attempt's, whose words stand."""
    data: Json = {"page": public.page_id, "incident": public.id, "shortlink": public.shortlink}
    if update is not None:
        data |= {
            "update": update.id,
            "notified": update.deliver_notifications,
            "textHash": text_hash(update.body),
        }
    if twins:
        data["twins"] = list(twins)
    at = update.created_at if update is not None else public.created_at
    text = update.body if found and update is not None else ""
    return Receipt(data=data, permalink=public.shortlink, at=at, text=text)


def public_effects(mail: Mailer | None, statuspage: StatuspageService | None) -> dict[Operation, Effect]:
    """The operations that these settings allow, and their effects."""
    known: dict[Operation, Effect] = {}
    if mail is not None:
        known["send_email"] = SendEmail(mail)
    if statuspage is not None:
        known["publish_incident"] = known["schedule_maintenance"] = PublishIncident(statuspage)
        update = UpdateIncident(statuspage)
        operations: tuple[Operation, ...] = (
            *("update_incident", "resolve_incident", "reopen_incident", "complete_maintenance"),
        )
        known |= dict.fromkeys(operations, update)
        known["publish_postmortem"] = PublishPostmortem(statuspage)
    return known
