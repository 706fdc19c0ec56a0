"""Who is told what: subscribers counted by kind, and webhooks sent to those who gave an address."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

from sandbox.deliver import Deliverer, Delivery, Policy
from sandbox.statuspage import rules, views
from sandbox.statuspage.state import Component, Incident, Store, Subscriber
from sandbox.world import iso

Json = dict[str, Any]

POLICY = Policy(waits=(), timeout=30.0)
"""An answer of 2xx is due within 30 s; 3xx counts as failure. Retries are undocumented: there are none here,
so that a lost webhook is lost."""

DOCUMENTATION = "https://support.atlassian.com/statuspage/docs/enable-webhook-notifications/"


def _unsigned(body: bytes) -> dict[str, str]:
    """Statuspage signs nothing and sends from no fixed address: its webhooks are hints."""
    return {"content-type": "application/json", "user-agent": "Atlassian Statuspage Webhooks"}


class Notices:
    def __init__(self, store: Store, deliverer: Deliverer) -> None:
        self.store, self.deliverer = store, deliverer

    def incident(self, incident: Incident) -> dict[str, int]:
        """Tell of the incident as it stands now; how many were told, by kind of subscriber."""
        audience = [s for s in self.active(incident.page_id) if self._concerned(s, incident)]
        shown = views.incident(incident, self.store)
        for one in audience:
            self._send(one, "incident", {"incident": shown})
        return dict(Counter(s.mode for s in audience))

    def component(self, component: Component, old: str) -> None:
        """Tell webhooks that a component's status changed; nobody else is told of that alone."""
        change = {
            "old_status": old,
            "new_status": component.status,
            "created_at": iso(self.store.now()),
            "component_type": "Component",
            "id": self.store.new_id(),
            "component_id": component.id,
        }
        for one in self.active(component.page_id):
            if one.incident_id is None and _covers(one, [component.id]):
                shown = views.component(component)
                self._send(one, "component", {"component_update": change, "component": shown})

    def active(self, page_id: str) -> list[Subscriber]:
        everyone = self.store.of(self.store.subscribers, page_id)
        return [s for s in everyone if s.state == "active" and s.unsubscribed is None]

    def _concerned(self, one: Subscriber, incident: Incident) -> bool:
        if one.incident_id is not None:
            return one.incident_id == incident.id
        return _covers(one, incident.component_ids)

    def _send(self, one: Subscriber, kind: str, about: Json) -> None:
        if one.mode != "webhook" or one.endpoint is None:
            return
        indicator, description = rules.overall(self.store, one.page_id)
        unsubscribe = f"{self.store.web}/?unsubscribe={one.id}"
        message = {
            "meta": {
                "unsubscribe": unsubscribe,
                "documentation": DOCUMENTATION,
                "generated_at": iso(self.store.now()),
            },
            "page": {
                "id": one.page_id,
                "status_indicator": indicator,
                "status_description": description,
            },
            **about,
        }
        body = json.dumps(message).encode()
        self.deliverer.deliver(
            Delivery("statuspage", f"webhook.{kind}", one.endpoint, body, _unsigned, POLICY)
        )


def _covers(one: Subscriber, component_ids: list[str]) -> bool:
    """Whether a subscriber of some components only wants to hear about these."""
    return one.component_ids is None or not set(one.component_ids).isdisjoint(component_ids)


def told(counts: dict[str, int]) -> str:
    """ "2 email, 1 webhook", or "nobody"."""
    return ", ".join(f"{n} {mode}" for mode, n in sorted(counts.items())) or "nobody"
