"""What of Port's API the sandbox has: one line an operation, held to the routes by a test.

status: "supported", "partial" (the note says what is missing) or "not" (answers 404 in Port's form).
"""

from __future__ import annotations

from typing import Literal, NamedTuple

Status = Literal["supported", "partial", "not"]


class Line(NamedTuple):
    """One operation; `path` below /v1, parameters as {}."""

    method: str
    path: str
    status: Status = "supported"
    notes: str = ""


_LAG = "the answer is hostility.search_lag_seconds old"
_SYSTEM = "Port's own software uses it; not in the public contract"
_NO_WORKFLOWS = "there are no workflows, hence no runs of their nodes"
_SCRIPTED = (
    "no model: the control API says what is answered; no tools are called; off until it is switched on"
)
_UNEVALUATED = "kept and checked, not evaluated"

_BLUEPRINT, _ENTITIES = "/blueprints/{}", "/blueprints/{}/entities"
_ACTION, _RUN, _INTEGRATION = "/actions/{}", "/actions/runs/{}", "/integration/{}"

COVERAGE: tuple[Line, ...] = (
    Line("POST", "/auth/access_token"),
    Line("GET", "/organization"),
    Line("PUT", "/organization", "not"),
    Line("PATCH", "/organization", "not"),
    Line("GET", "/organization/secrets"),
    Line("POST", "/organization/secrets"),
    Line("GET", "/organization/secrets/{}"),
    Line("PATCH", "/organization/secrets/{}"),
    Line("DELETE", "/organization/secrets/{}"),
    Line("GET", "/audit-log", "partial", "blueprints, entities and actions; no webhooks, no retention"),
    Line("GET", "/blueprints"),
    Line("POST", "/blueprints", "partial", "create_catalog_page makes no page"),
    Line("GET", _BLUEPRINT),
    Line("PUT", _BLUEPRINT),
    Line("PATCH", _BLUEPRINT),
    Line("DELETE", _BLUEPRINT),
    Line("GET", _BLUEPRINT + "/permissions", "partial", "kept, not enforced"),
    Line("PATCH", _BLUEPRINT + "/permissions", "partial", "kept, not enforced"),
    Line("POST", _ENTITIES),
    Line("GET", _ENTITIES, "partial", "no attach_* options"),
    Line("POST", _ENTITIES + "/bulk"),
    Line("GET", _ENTITIES + "/{}", "partial", "no attach_* options"),
    Line("PUT", _ENTITIES + "/{}"),
    Line("PATCH", _ENTITIES + "/{}"),
    Line("DELETE", _ENTITIES + "/{}"),
    Line("GET", _BLUEPRINT + "/entities-count"),
    Line("DELETE", _BLUEPRINT + "/all-entities", "partial", "at once, with no migration to follow"),
    Line("POST", _BLUEPRINT + "/bulk/entities/delete"),
    Line("POST", "/entities/search", "supported", _LAG),
    Line(
        "POST", _ENTITIES + "/search", "partial", f"{_LAG}; scorecard rules see no scorecard, no path filters"
    ),
    Line("POST", "/blueprints/entities/datasource-entities", "supported", _SYSTEM),
    Line("POST", "/entities/aggregate", "not"),
    Line("POST", "/entities/properties-history", "not"),
    Line("GET", "/actions"),
    Line("POST", "/actions"),
    Line("GET", _ACTION),
    Line("PUT", _ACTION),
    Line("DELETE", _ACTION),
    Line("GET", _ACTION + "/permissions"),
    Line("PATCH", _ACTION + "/permissions", "partial", "policies are kept, not evaluated"),
    Line("GET", "/scorecards", "partial", _UNEVALUATED),
    Line("GET", _BLUEPRINT + "/scorecards", "partial", _UNEVALUATED),
    Line("POST", _BLUEPRINT + "/scorecards", "partial", _UNEVALUATED),
    Line("GET", _BLUEPRINT + "/scorecards/{}", "partial", _UNEVALUATED),
    Line("PUT", _BLUEPRINT + "/scorecards/{}", "partial", _UNEVALUATED),
    Line("DELETE", _BLUEPRINT + "/scorecards/{}", "partial", _UNEVALUATED),
    Line("GET", "/pages", "partial", _UNEVALUATED),
    Line("POST", "/pages", "partial", _UNEVALUATED),
    Line("GET", "/pages/{}", "partial", _UNEVALUATED),
    Line("PUT", "/pages/{}", "partial", _UNEVALUATED),
    Line("PATCH", "/pages/{}", "partial", _UNEVALUATED),
    Line("DELETE", "/pages/{}", "partial", _UNEVALUATED),
    Line("GET", "/users"),
    Line("GET", "/users/{}"),
    Line("PATCH", "/users/{}"),
    Line("DELETE", "/users/{}"),
    Line("GET", "/teams"),
    Line("POST", "/teams"),
    Line("GET", "/teams/{}"),
    Line("PUT", "/teams/{}"),
    Line("PATCH", "/teams/{}"),
    Line("DELETE", "/teams/{}"),
    Line("GET", "/integration"),
    Line("POST", "/integration"),
    Line("GET", "/integration/metadata", "not"),
    Line("GET", "/integration/provision-enabled", "supported", "no type is: a private one never would be"),
    Line("GET", _INTEGRATION),
    Line("PATCH", _INTEGRATION),
    Line("DELETE", _INTEGRATION),
    Line("PATCH", _INTEGRATION + "/config"),
    Line("PATCH", _INTEGRATION + "/resync-state", "supported", _SYSTEM),
    Line("GET", _INTEGRATION + "/resync-request"),
    Line("POST", _INTEGRATION + "/kinds/{}/examples"),
    Line("GET", _INTEGRATION + "/logs", "partial", "by level and limit only"),
    Line("GET", _INTEGRATION + "/syncMetrics"),
    Line("GET", _INTEGRATION + "/syncsMetadata", "not"),
    Line("GET", _INTEGRATION + "/cursor", "supported", _SYSTEM),
    Line("PUT", _INTEGRATION + "/cursor", "supported", _SYSTEM),
    Line("POST", _INTEGRATION + "/cursor", "supported", _SYSTEM),
    Line("POST", "/webhooks", "not"),
    Line("GET", "/webhooks", "not"),
    Line("GET", "/webhooks/{}", "not"),
    Line("PUT", "/webhooks/{}", "not"),
    Line("PATCH", "/webhooks/{}", "not"),
    Line("DELETE", "/webhooks/{}", "not"),
    Line("GET", "/webhooks/metadata", "not"),
    Line("GET", "/quota/ai-invocations", "supported", "no hourly limits"),
    Line("POST", "/ai/invoke", "partial", _SCRIPTED),
    Line("GET", "/ai/invoke/{}"),
    Line("POST", "/agent/{}/invoke", "partial", _SCRIPTED),
    Line("GET", "/kafka-credentials", "not", "no Kafka in the sandbox"),
    Line("POST", _ACTION + "/runs"),
    Line("GET", "/actions/runs"),
    Line("GET", _RUN),
    Line("PATCH", _RUN),
    Line("GET", _RUN + "/logs"),
    Line("POST", _RUN + "/logs"),
    Line("PATCH", _RUN + "/approval"),
    Line("GET", _RUN + "/approvers"),
    Line("PATCH", _RUN + "/response", "supported", _SYSTEM),
    Line("POST", "/actions/runs/claim-pending"),
    Line("PATCH", "/actions/runs/ack"),
    Line("POST", "/workflows/runs/claim-pending", "partial", _NO_WORKFLOWS),
    Line("PATCH", "/workflows/runs/ack", "partial", _NO_WORKFLOWS),
    Line("GET", "/workflows/nodes/runs", "partial", _NO_WORKFLOWS),
    Line("PATCH", "/workflows/nodes/runs/{}", "partial", _NO_WORKFLOWS),
    Line("POST", "/workflows/nodes/runs/{}/logs", "partial", _NO_WORKFLOWS),
)
