"""The status pages as Port knows them: pages, components, which of them stand for which services, and drafts
of what is to be said there.

Reading here costs no request of Statuspage's one a second. What Port says may be older than the page;
what is written is checked by Statuspage again.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal
from urllib.parse import quote

from integration.entities import COMMUNICATION, intent_entity, read_communication, text_of, texts_of
from integration.errors import Refused
from integration.incident_reader import IncidentReader
from integration.models.base import Json
from integration.models.communication import Communication, Step
from integration.models.statuspage import PageComponent
from integration.page_states import SetByUs, set_by_us
from integration.services.port import PortService
from integration.settings import Settings
from integration.times import iso, now, when

PAGE, COMPONENT = "statuspage", "statuspageComponent"


@dataclass(frozen=True)
class Draft:
    """A communication that waits for approval; `content_hash` is what an approval is bound to. `stood_at`:
    since when it could be read, by Port's clock. `sealed`: what is shown of it, and whose it is, are as they
    were written."""

    communication: Communication
    content_hash: str
    expires_at: datetime | None
    sealed: bool
    stood_at: datetime | None = None


class PageCatalog:
    """Raises the errors of PortService."""

    def __init__(self, port: PortService, settings: Settings) -> None:
        self._port = port
        self._settings = settings
        self._reader = IncidentReader(settings)

    async def pages(self) -> tuple[str, ...]:
        """Identifiers of the pages this integration may write to; empty when neither settings nor Port
        name any. Port's search lags by seconds."""
        if self._settings.statuspage_pages:
            return self._settings.statuspage_pages
        found = await self._port.search(PAGE, [], include=["$identifier"])
        return tuple(str(entity["identifier"]) for entity in found)

    async def page_name(self, page: str) -> str:
        """A page as people know it, with its identifier; the latter alone where Port knows no more."""
        entity = await self._port.get_entity(PAGE, page)
        title = text_of((entity or {}).get("title"))
        return f"{title} ({page})" if title and title != page else page

    async def components(self, identifiers: Iterable[str]) -> dict[str, PageComponent]:
        """Those of the components that Port knows, with their page, by identifier."""
        wanted = list(dict.fromkeys(identifiers))
        entities = await asyncio.gather(*(self._port.get_entity(COMPONENT, one) for one in wanted))
        return {one: _component(entity) for one, entity in zip(wanted, entities, strict=True) if entity}

    async def of_services(self, services: Sequence[str]) -> list[PageComponent]:
        """The components by which customers see these services, each once."""
        blueprint = self._settings.service_blueprint
        entities = await asyncio.gather(*(self._port.get_entity(blueprint, one) for one in services))
        named = [one for entity in entities if entity for one in self._reader.components(entity)]
        return list((await self.components(named)).values())

    async def set_by_us(self, page: str) -> SetByUs:
        """What incidents of ours have done to the components of `page`."""
        return await set_by_us(self._port, page)

    # Drafts

    async def write_draft(self, step: Step, properties: Json) -> bool:
        """Create-only: the same run drafts once. Whether it was us; raises Refused when Port takes none."""
        entity = intent_entity(step, "", now())
        entity["properties"] |= {"state": "draft", **properties}
        seal = self._seal(step.key, entity["properties"])
        entity["properties"]["details"] = {**step.details, "seal": seal}
        (outcome,) = await self._port.create_entities(COMMUNICATION, [entity])
        if not outcome.created and not outcome.exists:
            raise Refused("port", "entities.bulk", str(outcome.status), outcome.error)
        return outcome.created

    async def draft(self, key: str) -> Draft | None:
        entity = await self._port.get_entity(COMMUNICATION, key)
        communication = read_communication(entity) if entity else None
        if entity is None or communication is None:
            return None
        return self._draft(entity, communication)

    async def drafts(self, purpose: str) -> list[Draft]:
        """All that nobody has decided upon, of any incident. Port's search lags by seconds."""
        rules = [
            {"property": "state", "operator": "=", "value": "draft"},
            {"property": "purpose", "operator": "=", "value": purpose},
        ]
        found = await self._port.search(COMMUNICATION, rules)
        return [self._draft(entity, one) for entity in found if (one := read_communication(entity))]

    async def end_draft(
        self, key: str, state: Literal["superseded", "withdrawn"], reason: str, approver: str = ""
    ) -> None:
        properties = {"state": state, "reason": reason} | ({"approvedBy": approver} if approver else {})
        await self._port.patch_entity(COMMUNICATION, key, properties=properties)

    def url(self, key: str) -> str:
        """A communication's page in Port."""
        base = self._settings.port_app_url.rstrip("/")
        return f"{base}/{COMMUNICATION}Entity?identifier={quote(key, safe='')}"

    def _draft(self, entity: Json, communication: Communication) -> Draft:
        properties: Json = entity["properties"]
        seal = self._seal(communication.step.key, properties)
        return Draft(
            communication,
            text_of(properties.get("contentHash")),
            when(properties.get("expiresAt")),
            hmac.compare_digest(text_of(communication.step.details.get("seal")).encode(), seal.encode()),
            when(entity.get("createdAt")),
        )

    def _seal(self, key: str, properties: Json) -> str:
        """HMAC-SHA256 under the installation's key, in hex, of what decides over an approval: whoever
        may edit a draft in Port can't make it."""
        expires = when(properties.get("expiresAt"))
        said = [text_of(properties.get(name)) for name in ("contentHash", "preview", "requestedBy")]
        sealed = json.dumps([key, *said, iso(expires) if expires else ""])
        return hmac.new(self._settings.installation_key.encode(), sealed.encode(), hashlib.sha256).hexdigest()


def _component(entity: Json) -> PageComponent:
    relations: Json = entity.get("relations") or {}
    return PageComponent(
        id=str(entity["identifier"]),
        name=text_of(entity.get("title")) or str(entity["identifier"]),
        status=text_of((entity.get("properties") or {}).get("status")),
        page_id=next(iter(texts_of(relations.get("statuspage"))), ""),
    )
