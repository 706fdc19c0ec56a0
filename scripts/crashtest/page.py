"""Operations on the status page: published, updated, resolved, each after approval."""

from __future__ import annotations

from collections.abc import Iterable

from sandbox.stage import Json, until
from scripts.crashtest.operation import Operation, Played, runs_of, sent
from scripts.crashtest.site import APPROVER, COMPONENT, PAGE
from scripts.crashtest.truth import Problem, Truth

PUBLIC = {
    "publish": "Some payments fail. We are looking for the cause.",
    "update": "The cause is known, and a remedy is being rolled out.",
    "resolve": "Payments work again.",
}


class Publish(Operation):
    """The incident is published on the status page; the room hears of it.

    purpose    the record's word for what is said, `words` that which customers read
    status     the public incident's afterwards, `component` that of its one component
    notices    how often the room has been told by then
    """

    name = "publish"
    button = "publish_status_page"
    trail = 2.0
    purpose = "publish"
    words = PUBLIC["publish"]
    status = "investigating"
    component = "partial_outage"
    notices = 1

    async def prepare(self, played: Played) -> None:
        """Asked for, and only approval is missing: what would be said can be read, and the room knows."""
        await played.site.incident(played.incident)
        await played.room()
        await self.before(played)
        played.run = await played.site.pressed(self.button, played.incident, self.inputs())

        async def look() -> bool:
            told = await played.site.of_incident("incidentCommunication", played.incident)
            states = {
                one["properties"]["purpose"]: one["properties"]["state"]
                for one in told
                if one["properties"]["run"] == played.run
            }
            return states == {"preview": "draft", "approval notice": "sent"}

        await until(f"what {played.run} would say can be read", look, 30)

    async def before(self, played: Played) -> None:
        """What the page shows before that."""

    def inputs(self) -> Json:
        return publication()

    async def begin(self, played: Played) -> None:
        await played.site.approve(played.run, APPROVER)

    def missing(self, truth: Truth) -> Iterable[Problem]:
        yield from runs_of(truth, self.button)
        yield from sent(truth, self.purpose)
        yield from read_before(truth, self.purpose)
        yield from self.shown(truth)

    def shown(self, truth: Truth) -> Iterable[Problem]:
        """On the page, on the incident and in the room."""
        yield from on_page(truth, self.words, self.status, self.component)
        if not truth.public:
            return
        properties = truth.incident["properties"]
        wanted = {"publicStatus": self.status, "publicIncident": truth.public[0]["shortlink"]}
        for name, value in wanted.items():
            if properties.get(name) != value:
                yield Problem("loss", f"incident's {name}", f"it is {properties.get(name)!r}, not {value!r}")
        if not properties.get("lastPublicUpdateAt"):
            yield Problem("loss", "incident's lastPublicUpdateAt", "it is empty")
        told = [one for one in truth.communications if ":public-notice:" in one["identifier"]]
        states_told = [one["properties"]["state"] for one in told]
        if states_told != ["sent"] * self.notices:
            yield Problem("loss", "word to the room", f"{states_told}, not {self.notices} sent")


def on_page(truth: Truth, words: str, status: str, component: str) -> Iterable[Problem]:
    """What customers see."""
    if not truth.public:
        yield Problem("loss", "public incident", "there is none")
        return
    public = truth.public[0]
    if words not in [update["body"] for update in public["incident_updates"]]:
        yield Problem("loss", f"public words {words!r}", "they are not on the page")
    if public["status"] != status:
        yield Problem("loss", "public status", f"it is {public['status']}")
    states = {one["id"]: one["status"] for one in public["components"]}
    if states.get(COMPONENT) != component:
        yield Problem("loss", "component", f"it is {states.get(COMPONENT)}, not {component}")


def read_before(truth: Truth, purpose: str, read_as: str = "preview") -> Iterable[Problem]:
    """What was said is what its approver had read, and what he read has come to an end."""
    previews = {str(one["identifier"]): one["properties"] for one in truth.of(read_as)}
    for key, preview in previews.items():
        if preview["state"] == "draft":
            yield Problem("stuck", key, "it still waits to be approved")
    for one in truth.of(purpose):
        if one["properties"]["state"] != "sent":
            continue
        approval = (one["properties"].get("details") or {}).get("approval") or {}
        read = previews.get(str(approval.get("draft")))
        if read is None and len(previews) == 1:
            yield Problem("untrue", str(one["identifier"]), "it does not say what was read")
        if read is not None and read["state"] != "superseded":
            yield Problem("untrue", str(approval["draft"]), f"is {read['state']}, and it was said")
        if read is not None and read["contentHash"] != approval["contentHash"]:
            yield Problem("untrue", str(one["identifier"]), "it names another content than was read")


def publication() -> Json:
    return {
        "page": PAGE,
        "name": "Some payments fail",
        "body": PUBLIC["publish"],
        "status": "investigating",
        "components": [COMPONENT],
        "componentStatus": "partial_outage",
        "notifySubscribers": True,
    }


class PublicUpdate(Publish):
    name = "public-update"
    button = "update_status_page"
    purpose = "public update"
    words = PUBLIC["update"]
    status = "identified"
    component = "degraded_performance"
    notices = 2

    async def before(self, played: Played) -> None:
        await played.approved("publish_status_page", publication())

    def inputs(self) -> Json:
        return {
            "status": self.status,
            "body": self.words,
            "components": [COMPONENT],
            "componentStatus": self.component,
            "notifySubscribers": True,
        }


class Resolve(PublicUpdate):
    name = "resolve"
    button = "resolve_status_page"
    polls = True
    purpose = "resolve"
    words = PUBLIC["resolve"]
    status = "resolved"
    component = "operational"

    def inputs(self) -> Json:
        return {"body": self.words, "notifySubscribers": True}
