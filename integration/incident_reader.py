"""The customer's incident and service entities, read by the jq of the settings."""

from __future__ import annotations

import functools
import json
import re
from collections.abc import Iterable
from typing import Any
from urllib.parse import quote

import jq

from integration import mrkdwn
from integration.entities import text_of, texts_of
from integration.errors import BadInput
from integration.models.base import Json
from integration.models.incident import Incident
from integration.settings import Settings
from integration.times import when

_HALVES = re.compile("[\ud800-\udfff]")


class IncidentReader:
    """Reads the customer's incident entity by the jq of the settings. Compiled once, used for every event."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._programs = {
            name: _compiled(program) for name, program in settings.incident_fields.model_dump().items()
        }
        self._owners = _compiled(settings.service_owners)
        self._components = _compiled(settings.service_components)

    def read(self, entity: Json) -> Incident:
        """The incident in `entity`. Raises BadInput naming the setting whose jq fails on it."""
        found = {name: self._first(name, program, entity) for name, program in self._programs.items()}
        identifier = str(entity.get("identifier") or "")
        return Incident(
            identifier=identifier,
            title=_line(text_of(found.get("title"))) or _line(text_of(entity.get("title"))),
            status=text_of(found.get("status")),
            severity=text_of(found.get("severity")),
            services=texts_of(found.get("services")),
            people=tuple(address for address in texts_of(found.get("people")) if "@" in address),
            private=found.get("private") is True,
            channel=text_of(found.get("channel")),
            owner=next(iter(texts_of(found.get("owner"))), ""),
            started_at=when(found.get("started_at")) or when(entity.get("createdAt")),
            url=self.url(identifier),
        )

    def owners(self, services: Iterable[Json]) -> tuple[str, ...]:
        """E-mail addresses of the owners of these service entities, in order, each once."""
        found: dict[str, None] = {}
        for service in services:
            for address in texts_of(self._first("service_owners", self._owners, service)):
                if "@" in address:
                    found[address] = None
        return tuple(found)

    def components(self, service: Json) -> tuple[str, ...]:
        """Identifiers of the status page components by which customers see this service entity."""
        return texts_of(self._first("service_components", self._components, service))

    def url(self, identifier: str) -> str:
        return self.page(self._settings.incident_blueprint, identifier)

    def page(self, blueprint: str, identifier: str) -> str:
        """Where people see an entity in Port."""
        base = self._settings.port_app_url.rstrip("/")
        return f"{base}/{blueprint}Entity?identifier={quote(identifier, safe='')}"

    @staticmethod
    def _first(name: str, program: Any, entity: Json) -> Any:
        try:
            try:
                return program.input_value(entity).first()
            except ValueError:
                # Perhaps a tool has cut an emoji in two somewhere in it: jq takes no half characters.
                return program.input_value(_whole(entity)).first()
        except StopIteration:
            return None
        except ValueError as problem:
            raise BadInput(
                f"incident_fields.{name}", f"its jq fails on {entity.get('identifier')}: {problem}"
            ) from None


def _whole(entity: Json) -> Json:
    """The entity with a replacement character for each half of one."""
    found: Json = json.loads(_HALVES.sub("\ufffd", json.dumps(entity, ensure_ascii=False)))
    return found


def _line(title: str) -> str:
    """A title as one line, without controls and marks that turn the direction of what stands beside it."""
    return " ".join(mrkdwn.clean(title).split())


@functools.cache
def _compiled(program: str) -> Any:
    """Compiling the jq of the settings takes 20 ms, and each part that reads incidents has its reader."""
    return jq.compile(program)
