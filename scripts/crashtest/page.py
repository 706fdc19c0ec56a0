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
    """The incident is published on the status page; the room hears of it."""

    name = "publish"
    button = "publish_status_page"
    trail = 2.0
    status = "investigating"
    component = "partial_outage"

    async def prepare(self, played: Played) -> None:
        await played.site.incident(played.incident)
        await played.room()
        played.run = await self._pressed(played)
        await self._shown(played)

    async def _pressed(self, played: Played) -> str:
        return await played.site.pressed("publish_status_page", played.incident, publication())

    async def _shown(self, played: Played) -> None:
        """What the run would say can be read, and the room knows that it waits."""

        async def look() -> bool:
            told = await played.site.of_incident("incidentCommunication", played.incident)
            states = {
                one["properties"]["purpose"]: one["properties"]["state"]
                for one in told
                if one["properties"]["run"] == played.run
            }
            return states == {"preview": "draft", "approval notice": "sent"}

        await until(f"what {played.run} would say can be read", look, 30)

    async def begin(self, played: Played) -> None:
        await played.site.approve(played.run, APPROVER)

    def missing(self, truth: Truth) -> Iterable[Problem]:
        yield from runs_of(truth, "publish_status_page")
        yield from sent(truth, "publish")
        yield from read_before(truth, "publish")
        yield from self.shown(truth, "publish", notices=1)

    def shown(self, truth: Truth, what: str, notices: int) -> Iterable[Problem]:
        """On the page, on the incident and in the room."""
        if not truth.public:
            yield Problem("loss", "public incident", "there is none")
            return
        public = truth.public[0]
        if PUBLIC[what] not in [update["body"] for update in public["incident_updates"]]:
            yield Problem("loss", f"public {what}", "its words are not on the page")
        if public["status"] != self.status:
            yield Problem("loss", "public status", f"it is {public['status']}")
        states = {one["id"]: one["status"] for one in public["components"]}
        if states.get(COMPONENT) != self.component:
            yield Problem("loss", "component", f"it is {states.get(COMPONENT)}, not {self.component}")
        properties = truth.incident["properties"]
        wanted = {"publicStatus": self.status, "publicIncident": public["shortlink"]}
        for name, value in wanted.items():
            if properties.get(name) != value:
                yield Problem("loss", f"incident's {name}", f"it is {properties.get(name)!r}, not {value!r}")
        if not properties.get("lastPublicUpdateAt"):
            yield Problem("loss", "incident's lastPublicUpdateAt", "it is empty")
        told = [one for one in truth.communications if ":public-notice:" in one["identifier"]]
        states_told = [one["properties"]["state"] for one in told]
        if states_told != ["sent"] * notices:
            yield Problem("loss", "word to the room", f"{states_told}, not {notices} sent")


def read_before(truth: Truth, purpose: str) -> Iterable[Problem]:
    """What was said is what its approver had read, and what he read has come to an end."""
    previews = {str(one["identifier"]): one["properties"] for one in truth.of("preview")}
    for key, preview in previews.items():
        if preview["state"] == "draft":
            yield Problem("stuck", key, "it still waits to be approved")
    for one in truth.of(purpose):
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
    status = "identified"
    component = "degraded_performance"

    async def prepare(self, played: Played) -> None:
        await played.site.incident(played.incident)
        await played.room()
        await played.approved("publish_status_page", publication())
        played.run = await self._pressed(played)
        await self._shown(played)

    async def _pressed(self, played: Played) -> str:
        inputs = {
            "status": self.status,
            "body": PUBLIC["update"],
            "components": [COMPONENT],
            "componentStatus": self.component,
            "notifySubscribers": True,
        }
        return await played.site.pressed("update_status_page", played.incident, inputs)

    def missing(self, truth: Truth) -> Iterable[Problem]:
        yield from runs_of(truth, "update_status_page")
        yield from sent(truth, "public update")
        yield from read_before(truth, "public update")
        yield from self.shown(truth, "update", notices=2)


class Resolve(PublicUpdate):
    name = "resolve"
    button = "resolve_status_page"
    polls = True
    status = "resolved"
    component = "operational"

    async def _pressed(self, played: Played) -> str:
        inputs = {"body": PUBLIC["resolve"], "notifySubscribers": True}
        return await played.site.pressed("resolve_status_page", played.incident, inputs)

    def missing(self, truth: Truth) -> Iterable[Problem]:
        yield from runs_of(truth, "resolve_status_page")
        yield from sent(truth, "resolve")
        yield from read_before(truth, "resolve")
        yield from self.shown(truth, "resolve", notices=2)
