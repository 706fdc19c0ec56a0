"""What Statuspage says at the wire, and what was said to it."""

from __future__ import annotations

import json
from typing import Any

from pytest_httpx import HTTPXMock

from integration.models.base import Json
from integration.models.statuspage import PublicIncident
from integration.services.statuspage import StatuspageService

API = "https://status.example.com/v1"
KEY = "sandbox-statuspage-key"
PAGE = f"{API}/pages/pg1"
INCIDENTS = f"{PAGE}/incidents"
AT = "2026-03-01T12:00:00.000Z"
MARKER = {"incident_comms": {"key": "INC-1/publish", "operation": "publish_incident"}}


def component(name: str, status: str = "operational", **more: Any) -> Json:
    return {
        "id": name,
        "page_id": "pg1",
        "group_id": None,
        "group": False,
        "name": name,
        "status": status,
    } | more


def incident(identifier: str = "in1", **more: Any) -> Json:
    update = {
        "id": f"{identifier}-u1",
        "incident_id": identifier,
        "status": "investigating",
        "body": "We are looking into it.",
        "created_at": AT,
        "updated_at": AT,
        "display_at": AT,
        "deliver_notifications": False,
        "affected_components": [
            {"code": "c1", "name": "Checkout", "old_status": "operational", "new_status": "major_outage"}
        ],
    }
    return {
        "id": identifier,
        "page_id": "pg1",
        "name": "Checkout fails",
        "status": "investigating",
        "impact": "critical",
        "impact_override": None,
        "shortlink": "https://stspg.example.com/in1",
        "metadata": MARKER,
        "created_at": AT,
        "updated_at": AT,
        "resolved_at": None,
        "scheduled_for": None,
        "scheduled_until": None,
        "components": [component("c1", "major_outage")],
        "incident_updates": [update],
    } | more


async def publish(service: StatuspageService, **more: Any) -> PublicIncident:
    given: Json = {
        "name": "Checkout fails",
        "status": "investigating",
        "body": "We are looking into it.",
        "components": {"c1": "major_outage"},
        "deliver_notifications": False,
        "metadata": MARKER,
    }
    return await service.create_incident("pg1", **given | more)


def sent(httpx_mock: HTTPXMock) -> Any:
    (request,) = httpx_mock.get_requests()
    return json.loads(request.content)
