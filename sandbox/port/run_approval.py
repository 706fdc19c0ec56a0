"""Who may execute and approve, and what an approval does to a run."""

from __future__ import annotations

from collections.abc import Callable

from sandbox.port.auth import Principal
from sandbox.port.runs import Run, Runs
from sandbox.port.service import Port
from sandbox.port.wire import PortError, invalid
from sandbox.world import Json

Approved = Callable[[Run, Json, str], None]
"""Invoke a run that is approved now: the run, fields to set with it, who approved last."""


_DEFAULT: Json = {"roles": ["Admin"]}
"""Who approves as long as nobody was named: administrators."""


def may(allowed: Json, who: Principal, entity: Json | None = None) -> bool:
    """Whether a permission ({"users", "roles", "teams", "ownedByTeam"}) covers somebody.

    Nothing named means everybody; the organisation's own credentials may do everything.
    """
    named = [allowed.get(kind) or [] for kind in ("users", "roles", "teams")]
    owners = (entity or {}).get("team") if allowed.get("ownedByTeam") else None
    if who.user is None or not (any(named) or allowed.get("ownedByTeam")):
        return True
    users, roles, teams = named
    return (
        who.email in users
        or any(name in roles for name in _names(who.user.get("roles")))
        or any(name in [*teams, *_names(owners)] for name in _names(who.user.get("teams")))
    )


def _names(listed: object) -> list[str]:
    """Names of roles and teams, which are text or {"name"}."""
    items = listed if isinstance(listed, list) else [listed] if isinstance(listed, str) else []
    return [str(item["name"]) if isinstance(item, dict) else str(item) for item in items]


class Approvals:
    """Approvals of runs. `requiredApproval` of type ALL waits for everybody named, else one is enough."""

    def __init__(self, port: Port, runs: Runs, approved: Approved) -> None:
        self.port, self.runs = port, runs
        self._approved = approved

    def decide(self, run: Run, who: Principal, approve: bool, description: str | None = None) -> None:
        """Raises PortError 403 when `who` may not, 422 when nothing waits."""
        if run.status != "WAITING_FOR_APPROVAL":
            raise invalid(f'Action run "{run.id}" does not wait for approval, its status is {run.status}')
        if not may(self._permission(run), who):
            raise PortError(403, "forbidden", f'You are not permitted to approve action "{run.identifier}"')
        verdict: Json = {"userId": who.name, "state": "APPROVED" if approve else "DECLINED"}
        if description is not None:
            verdict["description"] = description
        run.approvals[who.name] = verdict
        values: Json = {"approval": verdict}
        if not approve:
            self.runs.change(run, who.name, status="DECLINED", **values)
        elif self._missing(run):
            self.runs.change(run, who.name, **values)
        else:
            self._approved(run, values, who.name)

    def approvers(self, run: Run, pending: bool) -> list[Json]:
        """Who has decided and, if asked for, who has not yet."""
        waiting = [
            {"userId": name, "state": "PENDING"} for name in self._named(run) if name not in run.approvals
        ]
        return [*run.approvals.values(), *(waiting if pending else [])]

    def _permission(self, run: Run) -> Json:
        found: Json = (self.port.store.action_permissions.get(run.identifier) or {}).get("approve") or {}
        return found or _DEFAULT

    def _named(self, run: Run) -> list[str]:
        """User ids of the people named as approvers."""
        users = self.port.store.users
        emails = self._permission(run).get("users") or []
        return [str(users[email]["id"]) for email in emails if email in users]

    def _missing(self, run: Run) -> list[str]:
        required = run.action.get("requiredApproval")
        if not (isinstance(required, dict) and required.get("type") == "ALL"):
            return []
        return [name for name in self._named(run) if name not in run.approvals]
