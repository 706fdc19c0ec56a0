"""Pages and scorecards: kept as given, with the checks that make their JSON usable."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sandbox.copies import copied
from sandbox.port.auth import Principal
from sandbox.port.names import check_property_identifier
from sandbox.port.wire import invalid, not_found, ok, read_object, taken
from sandbox.wire import Call, Reply
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.port.service import Port


class Pages:
    """Dashboards. The route is not in the public contract; Ocean and Terraform use it."""

    def __init__(self, port: Port) -> None:
        self.port, self.store = port, port.store
        one = "/pages/{identifier}"
        port.register("pages.list", "GET", "/pages", self._list)
        port.register("pages.create", "POST", "/pages", self._create)
        port.register("pages.get", "GET", one, self._get)
        port.register("pages.put", "PUT", one, self._put)
        port.register("pages.patch", "PATCH", one, self._patch)
        port.register("pages.delete", "DELETE", one, self._delete)

    def _found(self, call: Call) -> Json:
        page = self.store.pages.get(call.path["identifier"])
        if page is None:
            raise not_found("Page", call.path["identifier"])
        return page

    def add(self, body: Json, who: Principal) -> Json:
        """Raises PortError 409 or 422."""
        identifier = body.get("identifier")
        if not isinstance(identifier, str) or not identifier:
            raise invalid("body must have required property 'identifier'")
        if identifier in self.store.pages:
            raise taken("Page", identifier)
        return self._keep(body, None, who)

    def _keep(self, body: Json, before: Json | None, who: Principal) -> Json:
        if not isinstance(body.get("type"), str):
            raise invalid("body must have required property 'type'")
        if not isinstance(body.get("widgets", []), list):
            raise invalid("body/widgets must be array")
        now = self.port.world.clock.iso("port")
        page: Json = {**copied(body), "updatedAt": now, "updatedBy": who.name}
        page["createdAt"] = before["createdAt"] if before else now
        page["createdBy"] = before["createdBy"] if before else who.name
        self.store.pages[page["identifier"]] = page
        return page

    async def _list(self, call: Call, who: Principal) -> Reply:
        return ok({"pages": list(self.store.pages.values())})

    async def _get(self, call: Call, who: Principal) -> Reply:
        return ok({"page": self._found(call)})

    async def _create(self, call: Call, who: Principal) -> Reply:
        page = self.add(read_object(call), who)
        return ok({"identifier": page["identifier"]}, 201, f"created page {page['identifier']}")

    async def _put(self, call: Call, who: Principal) -> Reply:
        before = self._found(call)
        page = self._keep({**read_object(call), "identifier": before["identifier"]}, before, who)
        return ok({"page": page}, effect=f"changed page {page['identifier']}")

    async def _patch(self, call: Call, who: Principal) -> Reply:
        before = self._found(call)
        page = self._keep({**before, **read_object(call), "identifier": before["identifier"]}, before, who)
        return ok({"page": page}, effect=f"changed page {page['identifier']}")

    async def _delete(self, call: Call, who: Principal) -> Reply:
        identifier = self._found(call)["identifier"]
        del self.store.pages[identifier]
        return ok(effect=f"deleted page {identifier}")


class Scorecards:
    """Scorecards of a blueprint. They are kept and checked, not evaluated."""

    def __init__(self, port: Port) -> None:
        self.port, self.store = port, port.store
        every = "/blueprints/{blueprint}/scorecards"
        one = every + "/{identifier}"
        port.register("scorecards.all", "GET", "/scorecards", self._all)
        port.register("scorecards.list", "GET", every, self._list)
        port.register("scorecards.create", "POST", every, self._create)
        port.register("scorecards.get", "GET", one, self._get)
        port.register("scorecards.put", "PUT", one, self._put)
        port.register("scorecards.delete", "DELETE", one, self._delete)

    def add(self, blueprint: str, body: Json, who: Principal) -> Json:
        """Raises PortError 404, 409 or 422."""
        self.port.blueprints.get(blueprint)
        _check_scorecard(body)
        kept = self.store.scorecards.setdefault(blueprint, {})
        if body["identifier"] in kept:
            raise taken("Scorecard", body["identifier"])
        return self._keep(blueprint, body, None, who)

    def _keep(self, blueprint: str, body: Json, before: Json | None, who: Principal) -> Json:
        now = self.port.world.clock.iso("port")
        scorecard: Json = {**copied(body), "blueprint": blueprint, "updatedAt": now}
        scorecard["id"] = before["id"] if before else f"scorecard_{self.port.world.ids.mixed(16)}"
        scorecard |= {"createdAt": before["createdAt"] if before else now, "updatedBy": who.name}
        scorecard["createdBy"] = before["createdBy"] if before else who.name
        self.store.scorecards.setdefault(blueprint, {})[scorecard["identifier"]] = scorecard
        return scorecard

    def _of(self, call: Call) -> dict[str, Json]:
        self.port.blueprints.get(call.path["blueprint"])
        return self.store.scorecards.get(call.path["blueprint"], {})

    def _found(self, call: Call) -> Json:
        scorecard = self._of(call).get(call.path["identifier"])
        if scorecard is None:
            raise not_found("Scorecard", call.path["identifier"])
        return scorecard

    async def _all(self, call: Call, who: Principal) -> Reply:
        return ok({"scorecards": [card for kept in self.store.scorecards.values() for card in kept.values()]})

    async def _list(self, call: Call, who: Principal) -> Reply:
        return ok({"scorecards": list(self._of(call).values())})

    async def _get(self, call: Call, who: Principal) -> Reply:
        return ok({"scorecard": self._found(call)})

    async def _create(self, call: Call, who: Principal) -> Reply:
        scorecard = self.add(call.path["blueprint"], read_object(call), who)
        return ok({"scorecard": scorecard}, 201, f"created scorecard {scorecard['identifier']}")

    async def _put(self, call: Call, who: Principal) -> Reply:
        before = self._found(call)
        body = {**read_object(call), "identifier": before["identifier"]}
        _check_scorecard(body)
        scorecard = self._keep(call.path["blueprint"], body, before, who)
        return ok({"scorecard": scorecard}, effect=f"changed scorecard {scorecard['identifier']}")

    async def _delete(self, call: Call, who: Principal) -> Reply:
        identifier = self._found(call)["identifier"]
        del self.store.scorecards[call.path["blueprint"]][identifier]
        return ok(effect=f"deleted scorecard {identifier}")


def _check_scorecard(body: Json) -> None:
    for key in ("identifier", "title"):
        if not isinstance(body.get(key), str) or not body[key]:
            raise invalid(f"body must have required property '{key}'")
    check_property_identifier(body["identifier"], "body/identifier")
    rules = body.get("rules")
    if not isinstance(rules, list):
        raise invalid("body must have required property 'rules'")
    levels = body.get("levels")
    names = {"Basic", "Bronze", "Silver", "Gold"}
    if isinstance(levels, list):
        names = {str(level.get("title")) for level in levels if isinstance(level, dict)}
    for index, rule in enumerate(rules):
        where = f"body/rules/{index}"
        if not isinstance(rule, dict):
            raise invalid(f"{where} must be object")
        for key in ("identifier", "title", "level", "query"):
            if key not in rule:
                raise invalid(f"{where} must have required property '{key}'")
        if rule["level"] not in names:
            raise invalid(f"{where}/level must be one of the scorecard's levels: {', '.join(sorted(names))}")
        query = rule["query"]
        if not isinstance(query, dict) or query.get("combinator") not in ("and", "or"):
            raise invalid(f"{where}/query must have required property 'combinator'")
        if not isinstance(query.get("conditions"), list):
            raise invalid(f"{where}/query must have required property 'conditions'")
