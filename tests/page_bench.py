"""A status page, an organisation in Port, and our clients on both, over HTTP in one process."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import jq
import yaml

from integration import portjson
from integration.budget import Budget
from integration.catalog import Catalog
from integration.page_mirror import PageMirror
from integration.services.http import Patience
from integration.services.port import PortService
from integration.services.statuspage import StatuspageService
from integration.settings import Settings
from sandbox.credentials import PORT_CLIENT_ID, PORT_CLIENT_SECRET
from sandbox.port.service import Port
from sandbox.routing import Routes
from sandbox.statuspage.seeding import DEFAULT_PAGE
from sandbox.statuspage.service import Statuspage
from sandbox.statuspage.state import API_KEY
from sandbox.world import Hostility, Json, World
from tests.sandbox.serve import serve, until
from tests.services.conftest import GenerousBudget

CHECKOUT, SEARCH = "sbxcheckout1", "sbxsearch001"
PAGE = DEFAULT_PAGE
SERVICE = {
    "identifier": "service",
    "title": "Service",
    "schema": {"properties": {"aliases": {"type": "array", "items": {"type": "string"}}}},
}
OCEAN = "port-ocean/incident-comms/0.0.0/bench/exporter"
"""The User-Agent of a resync."""

QUICK = Patience(max_wait=1.0, tries=2, backoff=0.001)


@cache
def shipped_mapping() -> Json:
    loaded: Json = yaml.safe_load((portjson.ROOT / ".port/resources/port-app-config.yml").read_text("utf-8"))
    return loaded


def mapped(kind: str, raw: Json) -> tuple[str, Json] | None:
    """Blueprint and entity that the shipped mapping makes of `raw`; None when its selector leaves it out."""
    resource = next(one for one in shipped_mapping()["resources"] if one["kind"] == kind)

    def value(program: str) -> Any:
        return next(iter(jq.compile(program).input_value(raw)), None)

    if value(resource["selector"]["query"]) is not True:
        return None
    rules = resource["port"]["entity"]["mappings"]
    entity: Json = {
        "identifier": value(rules["identifier"]),
        "title": value(rules["title"]),
        "properties": {name: value(program) for name, program in rules["properties"].items()},
        "relations": {name: value(program) for name, program in rules.get("relations", {}).items()},
    }
    return value(rules["blueprint"]), entity


@dataclass
class Upserts:
    """Stands in for Ocean: the shipped mapping into the sandbox's Port, missing related entities made."""

    url: str
    client: PortService
    heard: list[tuple[str, list[str]]] = field(default_factory=list)

    async def __call__(self, kind: str, raws: list[Json]) -> list[str]:
        self.heard.append((kind, [raw["id"] for raw in raws]))
        made = [found for raw in raws if (found := mapped(kind, raw))]
        for blueprint, entity in made:
            await self._make_related(blueprint, entity["relations"])
            (outcome,) = await self.client.merge_entities(blueprint, [entity])
            assert outcome.written, outcome.error
        return [entity["identifier"] for _, entity in made]

    async def _make_related(self, blueprint: str, relations: Json) -> None:
        targets = (await self.client.blueprint(blueprint) or {})["relations"]
        for name, value in relations.items():
            for identifier in value if isinstance(value, list) else [value] if value else []:
                await self.client.create_entities(targets[name]["target"], [{"identifier": identifier}])

    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.heard]


@dataclass
class Bench:
    world: World
    statuspage: Statuspage
    port: Port
    url: str
    service: StatuspageService
    client: PortService
    settings: Settings
    upserts: Upserts

    def mirror(self, **settings: Any) -> PageMirror:
        chosen = self.settings.model_copy(update=settings)
        catalog = Catalog(self.client, chosen)
        return PageMirror(self.client, catalog, self.service, chosen, self.upserts, lambda: OCEAN)

    def asked(self, operation: str = "") -> int:
        """How many requests Statuspage has got; of one operation, or all."""
        return sum(
            entry.service == "statuspage" and entry.direction == "in" and operation in ("", entry.operation)
            for entry in self.world.journal
        )

    def patches(self) -> int:
        """How often an incident of ours was written."""
        return sum(
            entry.operation == "entities.patch"
            and entry.effect is not None
            and "/blueprints/incident/" in entry.path
            for entry in self.world.journal
        )

    def fault(self, **values: Any) -> None:
        self.world.faults.add({"service": "statuspage", **values})

    def publish(self, incident: str, key: str = "", **given: Any) -> Json:
        """A public incident as our publish makes it, without our record of it."""
        about = {"incident": incident} | ({"key": key} if key else {})
        words: Json = {"name": "Checkout is slow", "body": "We are looking into it.", **given}
        if "components" in given:
            words["component_ids"] = list(given["components"])
        if incident:
            words["metadata"] = {"incident_comms": about}
        return self.statuspage.people.open_incident(PAGE, **words)

    async def incident(self, identifier: str, **properties: Any) -> None:
        entity = {"identifier": identifier, "title": identifier, "properties": properties}
        (outcome,) = await self.client.merge_entities("incident", [entity])
        assert outcome.written, outcome.error

    async def record(self, key: str, incident: str, public: str = "", state: str = "sent") -> None:
        """A communication on our record, by which `public` was published."""
        properties: Json = {
            "operation": "publish_incident",
            "medium": "statuspage",
            "purpose": "publish",
            "state": state,
            "intendedAt": self.world.clock.iso(),
        }
        if public:
            properties["receipt"] = {"page": PAGE, "incident": public}
        entity = {"identifier": key, "properties": properties, "relations": {"incident": incident}}
        (outcome,) = await self.client.merge_entities("incidentCommunication", [entity])
        assert outcome.written, outcome.error

    async def shown(self, identifier: str) -> tuple[Json, str]:
        """Properties of our incident, and the public incident it is related to."""
        entity = await self.client.get_entity("incident", identifier)
        assert entity is not None
        return entity["properties"], entity["relations"].get("statuspageIncident") or ""


@contextlib.asynccontextmanager
async def bench(budget: Budget | None = None) -> AsyncIterator[Bench]:
    world = World()
    world.hostility = Hostility.none()
    statuspage, port = Statuspage(world), Port(world)
    statuspage.seed_default()
    statuspage.limits.per_window = 0
    port.seed({"blueprints": [SERVICE, *portjson.blueprints().first_install()]})
    chosen = budget or GenerousBudget()
    async with serve(Routes([*statuspage.routes(), *port.routes()])) as url:
        service = StatuspageService(f"{url}/statuspage/v1", API_KEY, chosen, patience=QUICK)
        client = PortService(f"{url}/port", PORT_CLIENT_ID, PORT_CLIENT_SECRET, chosen, patience=QUICK)
        settings = Settings(statuspage_api_key=API_KEY)
        upserts = Upserts(url, client)
        yield Bench(world, statuspage, port, url, service, client, settings, upserts)
        await service.aclose()
        await client.aclose()
        await world.reset()
        await statuspage.deliverer.close()


async def shows(page: Bench, incident: str, **wanted: object) -> None:
    async def look() -> bool:
        held, _ = await page.shown(incident)
        return all(held.get(name) == value for name, value in wanted.items())

    seen: bool = await until(look, what=f"{incident} shows {wanted}")
    assert seen
