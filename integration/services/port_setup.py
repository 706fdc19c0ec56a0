"""Port's routes for setting an organisation up: what provisioning and the doctor ask beside `port`."""

from __future__ import annotations

from typing import Any

from integration.budget import Priority
from integration.models.base import Json
from integration.services.http import Answer, Call
from integration.services.port import PortService
from integration.services.port_wire import PortWire, call_of, quoted


class PortSetup:
    """Speaks with the same token as `port`. Every call is safe to repeat, since all go by identifier."""

    def __init__(self, port: PortService) -> None:
        self._wire: PortWire = port.wire

    async def blueprints(self) -> dict[str, Json]:
        """Every blueprint of the organisation, by identifier."""
        call = _call("blueprints.list")
        found = (await self._wire.ask(call, "GET", "/blueprints")).object().get("blueprints")
        if not isinstance(found, list):
            raise self._wire.unreadable(call, "no list of blueprints")
        return {str(one.get("identifier")): one for one in found if isinstance(one, dict)}

    # -- one object of a kind --------------------------------------------------------------------------

    async def scorecard(self, blueprint: str, identifier: str) -> Json | None:
        return await self._get("scorecards.get", _scorecards(blueprint, identifier), "scorecard")

    async def create_scorecard(self, blueprint: str, scorecard: Json) -> None:
        await self._ask("scorecards.create", "POST", _scorecards(blueprint), scorecard)

    async def put_scorecard(self, blueprint: str, identifier: str, scorecard: Json) -> None:
        await self._ask("scorecards.put", "PUT", _scorecards(blueprint, identifier), scorecard)

    async def delete_scorecard(self, blueprint: str, identifier: str) -> bool:
        return await self._delete("scorecards.delete", _scorecards(blueprint, identifier))

    async def page(self, identifier: str) -> Json | None:
        return await self._get("pages.get", f"/pages/{quoted(identifier)}", "page")

    async def create_page(self, page: Json) -> None:
        await self._ask("pages.create", "POST", "/pages", page)

    async def put_page(self, identifier: str, page: Json) -> None:
        """By PUT as Terraform does it; where Port refuses the method, by PATCH as its own examples do."""
        path = f"/pages/{quoted(identifier)}"
        answer = await self._wire.send(_call("pages.put"), "PUT", path, page)
        if answer.status in (404, 405):
            await self._ask("pages.patch", "PATCH", path, page)
        else:
            self._wire.expect(_call("pages.put"), answer)

    async def delete_page(self, identifier: str) -> bool:
        return await self._delete("pages.delete", f"/pages/{quoted(identifier)}")

    async def action_permissions(self, identifier: str) -> Json:
        path = f"/actions/{quoted(identifier)}/permissions"
        return _inner(await self._wire.ask(_call("actions.permissions.get"), "GET", path), "permissions")

    async def grant_action(self, identifier: str, permissions: Json) -> None:
        path = f"/actions/{quoted(identifier)}/permissions"
        await self._ask("actions.permissions.patch", "PATCH", path, permissions)

    # -- secrets: names are read, values only written ----------------------------------------------------

    async def secrets(self) -> set[str]:
        """The names of the organisation's secrets."""
        answer = await self._wire.ask(_call("organization.secrets.list"), "GET", "/organization/secrets")
        found = answer.object().get("secrets")
        return {str(one.get("secretName")) for one in found or [] if isinstance(one, dict)}

    async def create_secret(self, name: str, value: str, description: str) -> None:
        body = {"secretName": name, "secretValue": value, "description": description}
        await self._ask("organization.secrets.create", "POST", "/organization/secrets", body)

    async def change_secret(self, name: str, value: str) -> None:
        path = f"/organization/secrets/{quoted(name)}"
        await self._ask("organization.secrets.patch", "PATCH", path, {"secretValue": value})

    async def delete_secret(self, name: str) -> bool:
        return await self._delete("organization.secrets.delete", f"/organization/secrets/{quoted(name)}")

    # -- taking down -------------------------------------------------------------------------------------

    async def delete_entity(self, blueprint: str, identifier: str) -> bool:
        path = f"/blueprints/{quoted(blueprint)}/entities/{quoted(identifier)}"
        return await self._delete("entities.delete", path, {"delete_dependents": "false"})

    async def delete_all_entities(self, blueprint: str) -> bool:
        return await self._delete("entities.delete_all", f"/blueprints/{quoted(blueprint)}/all-entities")

    async def delete_blueprint(self, identifier: str) -> bool:
        """With its own actions. Refused while it holds entities or a relation points to it."""
        path = f"/blueprints/{quoted(identifier)}"
        return await self._delete("blueprints.delete", path, {"delete_actions": "true"})

    async def count(self, blueprint: str) -> int:
        path = f"/blueprints/{quoted(blueprint)}/entities-count"
        answer = await self._wire.ask(_call("entities.count"), "GET", path)
        count = answer.object().get("count")
        if not isinstance(count, int | float):
            raise self._wire.unreadable(_call("entities.count"), "no count")
        return int(count)

    # -- the organisation --------------------------------------------------------------------------------

    async def integration(self, identifier: str) -> Json | None:
        """What Ocean told Port about an installation."""
        return await self._get("integration.get", f"/integration/{quoted(identifier)}", "integration")

    async def integrations(self) -> list[Json]:
        answer = await self._wire.ask(_call("integration.list"), "GET", "/integration")
        found = answer.object().get("integrations")
        return [one for one in found or [] if isinstance(one, dict)]

    async def teams(self) -> set[str]:
        """The names of the organisation's teams."""
        answer = await self._wire.ask(_call("teams.list"), "GET", "/teams")
        return {str(one.get("name")) for one in answer.object().get("teams") or [] if isinstance(one, dict)}

    async def date(self) -> str:
        """The `Date` header of an answer of Port's."""
        answer = await self._wire.ask(_call("organization.get"), "GET", "/organization")
        return answer.headers.get("date", "")

    async def response_route(self) -> int:
        """The status for a response to a run that there is not: 404 where the route is open to us."""
        path = "/actions/runs/r_incident_comms_doctor/response"
        return (await self._wire.send(_call("runs.response"), "PATCH", path, {"response": {}})).status

    async def workflows_route(self) -> int:
        """The status with which Port lists workflows, a beta."""
        return (await self._wire.send(_call("workflows.list"), "GET", "/workflows")).status

    async def claims(self) -> dict[str, Any]:
        """What our access token says of itself: `isMachine`, `exp` (epoch seconds), ...; empty where it is
        in no form we know."""
        return await self._wire.claims()

    async def _get(self, operation: str, path: str, key: str) -> Json | None:
        answer = await self._wire.send(_call(operation), "GET", path)
        if answer.status == 404:
            return None
        self._wire.expect(_call(operation), answer)
        return _inner(answer, key)

    async def _ask(self, operation: str, method: str, path: str, body: Json) -> None:
        await self._wire.ask(_call(operation), method, path, body)

    async def _delete(self, operation: str, path: str, query: dict[str, str] | None = None) -> bool:
        """False when there was none."""
        answer = await self._wire.send(_call(operation), "DELETE", path, query=query)
        if answer.status == 404:
            return False
        self._wire.expect(_call(operation), answer)
        return True


def _call(operation: str) -> Call:
    method_class = "blueprints" if operation.startswith("blueprints") else "other"
    return call_of(operation, method_class, Priority.INTERNAL)


def _scorecards(blueprint: str, identifier: str = "") -> str:
    path = f"/blueprints/{quoted(blueprint)}/scorecards"
    return f"{path}/{quoted(identifier)}" if identifier else path


def _inner(answer: Answer, key: str) -> Json:
    inner = answer.object().get(key)
    return inner if isinstance(inner, dict) else answer.object()
