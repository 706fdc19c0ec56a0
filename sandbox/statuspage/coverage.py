"""What of Statuspage's API the emulator does. A test holds this table to the routes and to the contract."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Operation:
    """`methods` has two where PATCH and PUT do the same."""

    name: str
    methods: tuple[str, ...]
    path: str
    status: Literal["supported", "partial", "not"] = "supported"
    notes: str = ""


_GET, _POST, _DELETE, _PUT = ("GET",), ("POST",), ("DELETE",), ("PUT",)
_CHANGE = ("PATCH", "PUT")
_P = "/pages/{page_id}"
_I = f"{_P}/incidents/{{incident_id}}"
_S = f"{_P}/subscribers"
_C = f"{_P}/components"
_G = f"{_P}/component-groups"
_M = f"{_P}/metrics"
_MP = f"{_P}/metrics_providers"
_NO_MAIL = "no confirmation is sent; a person confirms through the control API"

COVERAGE: tuple[Operation, ...] = (
    Operation("pages.list", _GET, "/pages"),
    Operation("pages.get", _GET, _P),
    Operation("pages.update", _CHANGE, _P, "partial", "settings are kept and shown; few change anything"),
    Operation("status_embed_config.get", _GET, f"{_P}/status_embed_config"),
    Operation("status_embed_config.update", _CHANGE, f"{_P}/status_embed_config"),
    Operation("components.list", _GET, _C),
    Operation("components.create", _POST, _C),
    Operation("components.get", _GET, f"{_C}/{{component_id}}"),
    Operation("components.update", _CHANGE, f"{_C}/{{component_id}}"),
    Operation("components.delete", _DELETE, f"{_C}/{{component_id}}"),
    Operation(
        "components.uptime",
        _GET,
        f"{_C}/{{component_id}}/uptime",
        "partial",
        "from the real course of its status; related_events is null, days are UTC",
    ),
    Operation(
        "component_groups.list",
        _GET,
        _G,
        "partial",
        "components is null and position text, as the published types have it; seed live_groups for a list",
    ),
    Operation("component_groups.create", _POST, _G, "partial", "answers as the list does"),
    Operation("component_groups.get", _GET, f"{_G}/{{id}}", "partial", "answers as the list does"),
    Operation("component_groups.update", _CHANGE, f"{_G}/{{id}}", "partial", "answers as the list does"),
    Operation("component_groups.delete", _DELETE, f"{_G}/{{id}}", "partial", "answers as the list does"),
    Operation(
        "component_groups.uptime", _GET, f"{_G}/{{id}}/uptime", "partial", "no related_events, days are UTC"
    ),
    Operation("incidents.list", _GET, f"{_P}/incidents"),
    Operation("incidents.create", _POST, f"{_P}/incidents", "partial", "tweets nothing"),
    Operation("incidents.unresolved", _GET, f"{_P}/incidents/unresolved"),
    Operation("incidents.scheduled", _GET, f"{_P}/incidents/scheduled"),
    Operation("incidents.upcoming", _GET, f"{_P}/incidents/upcoming"),
    Operation("incidents.active_maintenance", _GET, f"{_P}/incidents/active_maintenance"),
    Operation("incidents.get", _GET, _I),
    Operation("incidents.update", _CHANGE, _I, "partial", "tweets nothing"),
    Operation("incidents.delete", _DELETE, _I),
    Operation("incident_updates.update", _CHANGE, f"{_I}/incident_updates/{{incident_update_id}}"),
    Operation("incident_subscribers.list", _GET, f"{_I}/subscribers"),
    Operation("incident_subscribers.create", _POST, f"{_I}/subscribers", "partial", _NO_MAIL),
    Operation("incident_subscribers.get", _GET, f"{_I}/subscribers/{{subscriber_id}}"),
    Operation("incident_subscribers.delete", _DELETE, f"{_I}/subscribers/{{subscriber_id}}"),
    Operation(
        "incident_subscribers.resend_confirmation",
        _POST,
        f"{_I}/subscribers/{{subscriber_id}}/resend_confirmation",
        "partial",
        _NO_MAIL,
    ),
    Operation("postmortem.get", _GET, f"{_I}/postmortem"),
    Operation("postmortem.put", _PUT, f"{_I}/postmortem"),
    Operation("postmortem.delete", _DELETE, f"{_I}/postmortem"),
    Operation("postmortem.publish", _PUT, f"{_I}/postmortem/publish", "partial", "tweets nothing"),
    Operation("postmortem.revert", _PUT, f"{_I}/postmortem/revert"),
    Operation("incident_templates.list", _GET, f"{_P}/incident_templates"),
    Operation("incident_templates.create", _POST, f"{_P}/incident_templates"),
    Operation("subscribers.list", _GET, _S),
    Operation("subscribers.create", _POST, _S, "partial", _NO_MAIL),
    Operation("subscribers.count", _GET, f"{_S}/count"),
    Operation("subscribers.histogram_by_state", _GET, f"{_S}/histogram_by_state"),
    Operation("subscribers.unsubscribed", _GET, f"{_S}/unsubscribed"),
    Operation("subscribers.unsubscribe", _POST, f"{_S}/unsubscribe"),
    Operation("subscribers.reactivate", _POST, f"{_S}/reactivate"),
    Operation("subscribers.resend_confirmations", _POST, f"{_S}/resend_confirmation", "partial", _NO_MAIL),
    Operation("subscribers.get", _GET, f"{_S}/{{subscriber_id}}"),
    Operation("subscribers.update", ("PATCH",), f"{_S}/{{subscriber_id}}"),
    Operation("subscribers.delete", _DELETE, f"{_S}/{{subscriber_id}}"),
    Operation(
        "subscribers.resend_confirmation",
        _POST,
        f"{_S}/{{subscriber_id}}/resend_confirmation",
        "partial",
        _NO_MAIL,
    ),
    Operation("metrics.list", _GET, _M, "not"),
    Operation("metrics.get", _GET, f"{_M}/{{metric_id}}", "not"),
    Operation("metrics.update", _CHANGE, f"{_M}/{{metric_id}}", "not"),
    Operation("metrics.delete", _DELETE, f"{_M}/{{metric_id}}", "not"),
    Operation("metrics.data", _POST, f"{_M}/data", "not"),
    Operation("metrics.add_data", _POST, f"{_M}/{{metric_id}}/data", "not"),
    Operation("metrics.reset_data", _DELETE, f"{_M}/{{metric_id}}/data", "not"),
    Operation("metrics_providers.list", _GET, _MP, "not"),
    Operation("metrics_providers.create", _POST, _MP, "not"),
    Operation("metrics_providers.get", _GET, f"{_MP}/{{metrics_provider_id}}", "not"),
    Operation("metrics_providers.update", _CHANGE, f"{_MP}/{{metrics_provider_id}}", "not"),
    Operation("metrics_providers.delete", _DELETE, f"{_MP}/{{metrics_provider_id}}", "not"),
    Operation("metrics_providers.metrics", _GET, f"{_MP}/{{metrics_provider_id}}/metrics", "not"),
    Operation("metrics_providers.add_metric", _POST, f"{_MP}/{{metrics_provider_id}}/metrics", "not"),
)

BY_NAME = {operation.name: operation for operation in COVERAGE}
