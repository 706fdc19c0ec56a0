"""Operations on the status page that need a story before them: opened again, a maintenance announced and
ended, a postmortem, and words that are drafted and approved."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from sandbox.stage import Json, until
from scripts.crashtest.operation import Operation, Played, runs_of, sent
from scripts.crashtest.page import PublicUpdate, Publish, Resolve, on_page, publication, read_before
from scripts.crashtest.site import APPROVER, COMPONENT, PAGE
from scripts.crashtest.truth import Problem, Truth

WORDS = {
    "reopen": "Payments fail again.",
    "schedule": "We change the disks.",
    "complete": "The disks are new.",
    "postmortem": "A certificate had expired.",
}


class PublicReopen(PublicUpdate):
    """A resolved public incident is opened again."""

    name = "public-reopen"
    like = "public-update"
    button = "reopen_status_page"
    purpose = "reopen"
    words = WORDS["reopen"]
    component = "partial_outage"
    notices = 3

    async def before(self, played: Played) -> None:
        await super().before(played)
        await played.approved("resolve_status_page", Resolve().inputs())


class Postmortem(PublicReopen):
    """What was learned is published below a resolved public incident."""

    name = "postmortem"
    like = "public-update"
    button = "publish_postmortem"
    purpose = "postmortem"
    words = WORDS["postmortem"]
    status = "postmortem"
    component = "operational"

    def inputs(self) -> Json:
        return {"body": self.words, "notifySubscribers": True}


class Schedule(Publish):
    """A maintenance is announced."""

    name = "schedule"
    like = "publish"
    button = "schedule_maintenance"
    purpose = "maintenance"
    words = WORDS["schedule"]
    status = "scheduled"
    component = "operational"

    def inputs(self) -> Json:
        return maintenance()

    def shown(self, truth: Truth) -> Iterable[Problem]:
        yield from on_page(truth, self.words, self.status, self.component)


class Complete(Schedule):
    """A maintenance that is under way is ended before its time."""

    name = "complete"
    like = "resolve"
    button = "complete_maintenance"
    purpose = "complete maintenance"
    words = WORDS["complete"]
    status = "completed"

    async def before(self, played: Played) -> None:
        await played.approved("schedule_maintenance", maintenance())
        [planned] = (await played.truth()).public
        begun = {
            "body": "We have begun.",
            "status": "in_progress",
            "components": {COMPONENT: "under_maintenance"},
        }
        await played.site.ask("POST", f"/statuspage/incidents/{planned['id']}", begun)

    def inputs(self) -> Json:
        return {"body": self.words, "notifySubscribers": True}


def maintenance() -> Json:
    start = datetime.now(UTC) + timedelta(hours=1)
    return {
        "page": PAGE,
        "name": "New disks",
        "body": WORDS["schedule"],
        "scheduledFor": start.isoformat(),
        "scheduledUntil": (start + timedelta(hours=1)).isoformat(),
        "components": [COMPONENT],
        "notifySubscribers": True,
    }


class Draft(Operation):
    """Public words are drafted: nothing goes out."""

    name = "draft"
    button = "draft_public_update"

    async def prepare(self, played: Played) -> None:
        await played.site.incident(played.incident)
        await played.room()

    async def begin(self, played: Played) -> None:
        inputs = {"operation": "publish", **publication()}
        played.run = await played.site.pressed("draft_public_update", played.incident, inputs)

    def missing(self, truth: Truth) -> Iterable[Problem]:
        yield from runs_of(truth, "draft_public_update")
        drafts = truth.of("draft")
        if [one["properties"]["state"] for one in drafts] != ["draft"] * max(1, len(drafts)):
            yield Problem("loss", "draft", f"they are {[one['properties']['state'] for one in drafts]}")
        if truth.public:
            yield Problem("untrue", "public incident", "it was said, and nobody has approved it")


class Approve(Publish):
    """A draft is approved, and what was read goes out."""

    name = "approve"
    like = "publish"
    button = "approve_public_update"

    async def prepare(self, played: Played) -> None:
        site = played.site
        await site.incident(played.incident)
        await played.room()
        inputs = {"operation": "publish", **publication()}
        drafted = await site.finished(await site.pressed("draft_public_update", played.incident, inputs))
        if drafted["status"] != "SUCCESS":
            raise RuntimeError(f"drafting failed before anything was cut off: {drafted.get('summary')}")

        async def look() -> str:
            told = await site.of_incident("incidentCommunication", played.incident)
            found = [one["identifier"] for one in told if one["properties"]["purpose"] == "draft"]
            return str(found[0]) if found else ""

        played.draft = await until("the draft stands", look, 30)

    async def begin(self, played: Played) -> None:
        played.run = await played.site.press("approve_public_update", played.draft, {}, APPROVER)

    def missing(self, truth: Truth) -> Iterable[Problem]:
        yield from runs_of(truth, "approve_public_update")
        yield from sent(truth, "publish")
        yield from self.shown(truth)
        yield from read_before(truth, "publish", "draft")
