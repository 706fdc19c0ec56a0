"""Users and teams, and the _user and _team entities that mirror them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from sandbox.port.auth import Principal
from sandbox.port.wire import invalid, not_found, ok, read_object, taken
from sandbox.wire import Call, Reply
from sandbox.world import Json

if TYPE_CHECKING:
    from sandbox.port.service import Port

_TEAM_NAME = re.compile(r"^[^;#/?\s][^;#/?]*[^;#/?\s]$")
_BRIEF = ("email", "firstName", "lastName", "status")
_STATUS = {"Active": "ACTIVE", "Invited": "INVITED", "Disabled": "DISABLED", "Staged": "STAGED"}


class People:
    """Creating a user creates a _user entity and the other way round; the same for teams."""

    def __init__(self, port: Port) -> None:
        self.port, self.store = port, port.store
        user, team = "/users/{email}", "/teams/{name}"
        port.register("users.list", "GET", "/users", self._users)
        port.register("users.get", "GET", user, self._user)
        port.register("users.patch", "PATCH", user, self._change_user)
        port.register("users.delete", "DELETE", user, self._remove_user)
        port.register("teams.list", "GET", "/teams", self._teams)
        port.register("teams.create", "POST", "/teams", self._add_team)
        port.register("teams.get", "GET", team, self._team)
        port.register("teams.put", "PUT", team, self._put_team)
        port.register("teams.patch", "PATCH", team, self._patch_team)
        port.register("teams.delete", "DELETE", team, self._remove_team)

    def add(self, email: str, first: str = "", last: str = "", role: str = "Member") -> Json:
        """An active user of the organisation, with its _user entity."""
        now = self.port.world.clock.iso("port")
        user: Json = {
            "id": f"auth0|{self.port.world.ids.mixed(24)}",
            "email": email,
            "firstName": first or email.partition("@")[0],
            "lastName": last,
            "picture": "",
            "status": "ACTIVE",
            "type": "STANDARD",
            "providers": ["auth0"],
            "roles": [{"name": role}],
            "teams": [],
            "createdAt": now,
            "updatedAt": now,
        }
        self.store.users[email] = user
        if self.store.entity("_user", email) is None:
            title = f"{user['firstName']} {last}".strip()
            entity = {"identifier": email, "title": title, "properties": {"port_role": role}}
            self.port.entities.write("_user", entity, self.port.system())
        return user

    def add_team(self, name: str, members: list[str] | None = None, description: str = "") -> Json:
        now = self.port.world.clock.iso("port")
        team: Json = {
            "id": self.port.world.ids.mixed(16),
            "name": name,
            "description": description,
            "provider": "port",
            "createdAt": now,
            "updatedAt": now,
            "members": list(members or []),
        }
        self.store.teams[name] = team
        if self.store.entity("_team", name) is None:
            self.port.entities.write("_team", {"identifier": name, "title": name}, self.port.system())
        return team

    def follow(self, entity: Json) -> None:
        """An entity was written: keep the user or team it stands for in step."""
        if entity["blueprint"] == "_user":
            email = entity["identifier"]
            first, _, last = (entity["title"] or "").partition(" ")
            if email not in self.store.users:
                self.add(email, first, last, entity["properties"]["port_role"])
            changes = {
                "status": _STATUS.get(entity["properties"]["status"], "ACTIVE"),
                "roles": [{"name": entity["properties"]["port_role"]}],
                "teams": list(entity["team"]),
            }
            self.store.users[email] = {**self.store.users[email], **changes}
        elif entity["blueprint"] == "_team" and entity["identifier"] not in self.store.teams:
            self.add_team(entity["identifier"], description=entity["properties"].get("description") or "")

    def forget(self, entity: Json) -> None:
        if entity["blueprint"] == "_user":
            self.store.users.pop(entity["identifier"], None)
        elif entity["blueprint"] == "_team":
            self.store.teams.pop(entity["identifier"], None)

    # --- HTTP ------------------------------------------------------------------------------------

    def _found(self, call: Call) -> Json:
        user = self.store.users.get(call.path["email"])
        if user is None:
            raise not_found("User", call.path["email"])
        return user

    async def _users(self, call: Call, who: Principal) -> Reply:
        return ok({"users": list(self.store.users.values())})

    async def _user(self, call: Call, who: Principal) -> Reply:
        user = self._found(call)
        return ok({"user": {**user, "teamsIdentifiers": user["teams"]}})

    async def _change_user(self, call: Call, who: Principal) -> Reply:
        user, body = self._found(call), read_object(call)
        if set(body) - {"roles", "teams"}:
            raise invalid("body must NOT have additional properties")
        patch: Json = {"identifier": user["email"]}
        if "roles" in body:
            if not isinstance(body["roles"], list) or not body["roles"]:
                raise invalid("body/roles must NOT have fewer than 1 items")
            patch["properties"] = {"port_role": body["roles"][0]}
        if "teams" in body:
            patch["team"] = body["teams"]
        self.port.entities.write("_user", patch, who, "merge")
        return ok(self.store.users[user["email"]], effect=f"changed user {user['email']}")

    async def _remove_user(self, call: Call, who: Principal) -> Reply:
        email = self._found(call)["email"]
        self.port.entities.delete("_user", [email], who, delete_dependents=False)
        self.store.users.pop(email, None)
        return ok(effect=f"deleted user {email}")

    def _shown(self, team: Json) -> Json:
        members = [self.store.users[email] for email in team["members"] if email in self.store.users]
        members += [
            user
            for user in self.store.users.values()
            if team["name"] in user["teams"] and user["email"] not in team["members"]
        ]
        shown = {key: value for key, value in team.items() if key != "members"}
        return {**shown, "users": [{key: user[key] for key in _BRIEF} for user in members]}

    def _team_named(self, call: Call) -> Json:
        team = self.store.teams.get(call.path["name"])
        if team is None:
            raise not_found("Team", call.path["name"])
        return team

    async def _teams(self, call: Call, who: Principal) -> Reply:
        return ok({"teams": [self._shown(team) for team in self.store.teams.values()]})

    async def _team(self, call: Call, who: Principal) -> Reply:
        return ok({"team": self._shown(self._team_named(call))})

    async def _add_team(self, call: Call, who: Principal) -> Reply:
        body = self._team_body(call)
        name = body.get("name")
        if not isinstance(name, str) or not _TEAM_NAME.match(name):
            raise invalid("body/name must match the pattern of team names")
        if name in self.store.teams:
            raise taken("Team", name)
        team = self.add_team(name, body.get("users"), body.get("description") or "")
        return ok({"team": self._shown(team)}, effect=f"created team {name}")

    async def _put_team(self, call: Call, who: Principal) -> Reply:
        return self._change_team(call, {"users": [], "description": "", **self._team_body(call)})

    async def _patch_team(self, call: Call, who: Principal) -> Reply:
        return self._change_team(call, self._team_body(call))

    def _team_body(self, call: Call) -> Json:
        body = read_object(call)
        users = body.get("users", [])
        if not isinstance(users, list) or not all(isinstance(email, str) for email in users):
            raise invalid("body/users must be array of strings")
        for email in users:
            if email not in self.store.users:
                raise not_found("User", email)
        return body

    def _change_team(self, call: Call, body: Json) -> Reply:
        team = self._team_named(call)
        changed = {**team, "updatedAt": self.port.world.clock.iso("port")}
        changed["members"] = body.get("users", team["members"])
        changed["description"] = body.get("description", team["description"])
        self.store.teams[team["name"]] = changed
        return ok({"team": self._shown(changed)}, effect=f"changed team {team['name']}")

    async def _remove_team(self, call: Call, who: Principal) -> Reply:
        name = self._team_named(call)["name"]
        self.port.entities.delete("_team", [name], who)
        return ok(effect=f"deleted team {name}")
