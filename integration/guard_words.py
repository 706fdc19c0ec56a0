"""The customer's own words for the guards, read from Port's catalogue, and the rules from the settings."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable

import jq
from loguru import logger

from integration.entities import texts_of
from integration.errors import ServiceError
from integration.guards import Rules, Words
from integration.models.base import Json
from integration.services.port import PortService
from integration.settings import Settings, variable

FRESH_SECONDS = 600.0
"""How long lists are used before they are read again: people and customers change by the day."""


def guard_rules(settings: Settings) -> Rules:
    return Rules(
        weights=settings.guard_rules,
        impacts=settings.severity_impacts,
        late_minutes=settings.guard_late_minutes,
        start_minutes=settings.guard_start_minutes,
    )


class GuardWords:
    """Reads the lists once in ten minutes. A list that can't be read keeps what it was, and is named."""

    def __init__(
        self, port: PortService, settings: Settings, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._port = port
        self._settings = settings
        self._clock = clock
        self._lock = asyncio.Lock()
        self._lists: dict[str, tuple[str, ...]] = {}
        self._problems: tuple[str, ...] = ()
        self._read_at: float | None = None
        self._words = Words()

    async def words(self) -> tuple[Words, tuple[str, ...]]:
        """The lists, and a sentence for each that could not be read: what they hold is not looked for."""
        async with self._lock:
            if self._read_at is None or self._clock() - self._read_at > FRESH_SECONDS:
                await self._read()
            return self._words, self._problems

    async def _read(self) -> None:
        settings = self._settings
        sources = (
            ("employees", settings.employee_blueprint, settings.employee_names, "employee_names"),
            ("customers", settings.customer_blueprint, settings.customer_names, "customer_names"),
            ("services", settings.service_blueprint, "[.identifier, .title]", "service_blueprint"),
        )
        answers = await asyncio.gather(*(self._list(*source) for source in sources))
        self._problems = tuple(problem for problem in answers if problem)
        # What could not be read is asked for again with the next text.
        self._read_at = None if self._problems else self._clock()
        self._words = Words(
            employees=self._lists.get("employees", ()),
            customers=self._lists.get("customers", ()),
            services=self._lists.get("services", ()),
            hosts=settings.internal_domains,
            tools=settings.internal_tools,
            allowed=settings.allowed_words,
        )

    async def _list(self, name: str, blueprint: str, program: str, setting: str) -> str:
        if not blueprint:
            return ""
        try:
            entities = await self._port.search(blueprint, [])
            self._lists[name] = _named(entities, program)
        except ServiceError as problem:
            logger.warning(f"port: no list of {name} for the guards: {problem}")
            return f"The {name} in Port's {blueprint} could not be read, so their names are not looked for."
        except ValueError as problem:
            logger.warning(f"{variable(setting)} fails on an entity of {blueprint}: {problem}")
            return f"{variable(setting)} fails on an entity of {blueprint}, so {name} are not looked for."
        return ""


def _named(entities: Iterable[Json], program: str) -> tuple[str, ...]:
    """Every text that the jq finds in the entities, each once. Raises ValueError where it fails."""
    compiled = jq.compile(program)
    found: dict[str, None] = {}
    for entity in entities:
        for answer in compiled.input_value(entity).all():
            for text in texts_of(answer):
                found.setdefault(text.strip(), None)
    return tuple(text for text in found if text)
