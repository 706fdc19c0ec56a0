"""Which states of components are the doing of our own incidents, by the record: what is not, somebody has
changed by hand on the page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta

from integration.entities import COMMUNICATION, text_of, texts_of
from integration.models.base import Json
from integration.models.communication import BY_HAND, PUBLIC_OPERATIONS
from integration.services.port import PortService
from integration.times import iso, now

LOOK_BACK = timedelta(days=30)
MAINTENANCE = ("schedule_maintenance", "complete_maintenance")


@dataclass(frozen=True)
class SetByUs:
    """What incidents of ours have done to the components of one page.

    last        component -> the state that it was given last
    maintained  components that a maintenance of ours has listed: when it began, the page itself changed them
    """

    last: Mapping[str, str] = field(default_factory=dict)
    maintained: frozenset[str] = frozenset()

    def explains(self, component: str, state: str) -> bool:
        """Whether the component may be in this state by our own doing."""
        by_the_clock = state == "under_maintenance" and component in self.maintained
        return by_the_clock or self.last.get(component) == state


async def set_by_us(port: PortService, page: str) -> SetByUs:
    """By what was said on `page` within a month. Port's search lags by seconds. Raises ServiceError."""
    found = await port.search(
        COMMUNICATION,
        [
            {"property": "operation", "operator": "in", "value": list(PUBLIC_OPERATIONS)},
            {"property": "state", "operator": "=", "value": "sent"},
            {"property": "destination", "operator": "=", "value": page},
            {"property": "intendedAt", "operator": ">", "value": iso(now() - LOOK_BACK)},
        ],
    )
    last: dict[str, str] = {}
    maintained: set[str] = set()
    said = [properties for entity in found if isinstance(properties := entity.get("properties"), dict)]
    for one in sorted(said, key=lambda one: text_of(one.get("intendedAt"))):
        details: Json = one.get("details") or {}
        if one.get("purpose") == BY_HAND:
            continue
        last |= {key: text_of(state) for key, state in (details.get("components") or {}).items()}
        if one.get("operation") in MAINTENANCE:
            maintained |= set(texts_of(details.get("listed")))
    return SetByUs(last, frozenset(maintained))
