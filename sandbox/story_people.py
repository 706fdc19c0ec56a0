"""Who plays in the story, and what they say."""

from __future__ import annotations

from sandbox.stage import StageError

INCIDENT = "INC-42"
CHECKOUT = "checkout-api"
RESPONDER = "responder@example.com"
OWNER = "checkout-owner@example.com"
COMMANDER = "commander@example.com"
SUPPORT = "support@example.com"
LEAD = "comms-lead@example.com"
"""An administrator: by default the only ones who may approve in Port."""
EXECUTIVES = ("ceo@example.com", "cto@example.com")
OLD_INCIDENTS = 25

TALK: list[tuple[str, str]] = [
    (COMMANDER, "I'm taking command. We are investigating."),
    (SUPPORT, "impact: about 30% of customers can't pay, we have 14 tickets since 10 minutes ago"),
    (RESPONDER, "finding: the connection pool of checkout-db is exhausted since the 10:02 deploy"),
    (RESPONDER, "graph of the pool: https://grafana.example.com/d/checkout/pool?from=now-1h"),
    (OWNER, "workaround: rolled the deploy back on half of the fleet"),
    (COMMANDER, "decision: we roll back everywhere and leave the flag off"),
    (OWNER, "action: @responder please add an alert on pool saturation tomorrow"),
    (SUPPORT, "question: can we tell customers when it will be over?"),
    (RESPONDER, "lol, dashboards are pretty today"),
]

UPDATE = (
    "About **30 % of payments fail** since 10:02. A deploy has exhausted the connections to the "
    "database; it is being rolled back.\n\n- Affected: paying in the shop\n- Next update: in 30 minutes"
)
HELD_UPDATE = "The rollback is done on **half of the fleet**; failures fall. Next update in 30 minutes."
NOTE = "Customers who were charged twice are refunded by the payments team tomorrow morning."
PUBLIC_NAME = "Payments fail for some customers"
PUBLIC_BODY = (
    "Some payments in our shop are failing since 10:02 UTC. We are looking into it and write again "
    "within 30 minutes."
)
PUBLIC_UPDATE = (
    "We have found the cause and are undoing the change behind it. Most payments go through again."
)
BY_HAND = "The change is undone everywhere. We are watching whether all payments go through."
PUBLIC_END = "All payments have gone through since 10:50 UTC. We are sorry for the trouble."


def expect(true: bool, problem: str) -> None:
    if not true:
        raise StageError(problem)
