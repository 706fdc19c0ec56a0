"""Dashboards made for Port's own Statuspage integration find in ours what they ask for."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from integration import portjson
from integration.errors import CredentialsRefused
from sandbox.credentials import PORT_CLIENT_ID, PORT_CLIENT_SECRET
from sandbox.world import Json
from scripts.compare_statuspage import BLUEPRINTS, dump, main, missing
from tests.page_bench import CHECKOUT, PAGE, Bench, bench, shipped_mapping

# What the published integration names: by blueprint its kind, properties and relations.
PUBLISHED: Mapping[str, tuple[str, str, str]] = {
    "statuspage": (
        "statuspage",
        "page_description headline branding status_indicator status_description subdomain domain url"
        " allow_page_subscribers allow_incident_subscribers allow_email_subscribers allow_sms_subscribers"
        " allow_rss_atom_feeds allow_webhook_subscribers time_zone createdAt updatedAt",
        "",
    ),
    "statuspageComponentGroup": (
        "component_group",
        "description position createdAt updatedAt",
        "statuspage",
    ),
    "statuspageComponent": (
        "component",
        "description status position showcase only_show_if_degraded startDate createdAt updatedAt",
        "componentGroup statuspage",
    ),
    "statuspageIncident": (
        "incident",
        "status impact createdAt updatedAt startedAt resolvedAt shortlink scheduled_for scheduled_until"
        " scheduled_remind_prior scheduled_reminded_at impact_override scheduled_auto_in_progress"
        " scheduled_auto_completed metadata reminder_intervals postmortem_body"
        " postmortem_body_last_updated_at postmortem_ignored postmortem_published_at"
        " postmortem_notified_subscribers postmortem_notified_twitter pageId",
        "components statuspage",
    ),
    "statuspageIncidentUpdate": (
        "incident_update",
        "status body createdAt displayAt deliverNotifications wantsTwitterUpdate tweet_id custom_tweet",
        "incident affectedComponents",
    ),
}


@pytest.fixture
async def page() -> AsyncIterator[Bench]:
    async with bench() as found:
        yield found


TOLD_BY_WEBHOOK = {"status_indicator", "status_description"}
COMPUTED: Mapping[str, str] = {
    "statuspage": "criticalOpenIssues",
    "statuspageIncident": "category",
    "statuspageIncidentUpdate": "category",
}


@pytest.mark.parametrize("blueprint", BLUEPRINTS)
def test_what_the_published_integration_maps_is_mapped_here_under_the_same_names(blueprint: str) -> None:
    kind, properties, relations = PUBLISHED[blueprint]
    resource = next(one for one in shipped_mapping()["resources"] if one["kind"] == kind)
    mappings = resource["port"]["entity"]["mappings"]
    shape = next(one for one in portjson.blueprints().first_install() if one["identifier"] == blueprint)

    assert mappings["blueprint"] == f'"{blueprint}"'
    assert mappings["identifier"] == ".id"
    assert set(properties.split()) - TOLD_BY_WEBHOOK <= set(mappings["properties"])
    # A resync would take away what only webhooks say.
    assert not TOLD_BY_WEBHOOK & set(mappings["properties"])
    assert set(properties.split()) <= set(shape["schema"]["properties"])
    assert set(relations.split()) <= set(mappings.get("relations", {}))
    assert set(relations.split()) <= set(shape.get("relations", {}))
    computed = {**shape.get("aggregationProperties", {}), **shape.get("calculationProperties", {})}
    assert set(COMPUTED.get(blueprint, "").split()) <= set(computed)


def entity(**changes: object) -> Json:
    return {
        "blueprint": "statuspageIncident",
        "identifier": "abc",
        "title": "Down",
        "properties": {"status": "resolved", "createdAt": "2026-01-02T03:04:05.000Z", "impact": None},
        "relations": {"components": ["a", "b"]},
    } | changes


def test_more_is_fine_and_less_or_other_is_told_with_its_place() -> None:
    ours = [entity(properties={"status": "resolved", "createdAt": "2026-01-02T04:04:05+01:00", "more": 1})]
    assert list(missing(ours, [entity(relations={"components": ["b", "a"]})])) == []
    assert list(missing(ours, [entity(blueprint="service")])) == []

    assert list(missing([], [entity()])) == ["statuspageIncident abc: is missing"]
    other = entity(title="Up", properties={"status": "open"}, relations={"components": ["a"]})
    assert list(missing([entity()], [other])) == [
        'statuspageIncident abc: title is "Down", not "Up"',
        'statuspageIncident abc: property status is "resolved", not "open"',
        'statuspageIncident abc: relation components is ["a", "b"], not ["a"]',
    ]
    nothing = entity(title=None, properties={"category": "incident"})
    assert list(missing([entity()], [nothing])) == []
    assert list(missing([], [nothing])) == ["statuspageIncident abc: is missing"]
    assert list(missing([entity(properties={})], [entity(properties={"impact": False})])) == [
        "statuspageIncident abc: property impact is null, not false"
    ]


def test_two_dumps_are_compared_and_what_is_no_dump_is_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    ours, theirs, broken = (tmp_path / name for name in ("ours.json", "theirs.json", "broken.json"))
    ours.write_text(json.dumps({"ok": True, "entities": [entity()]}))
    theirs.write_text(json.dumps([entity(), entity(identifier="def")]))
    broken.write_text("{")

    assert main([str(ours), str(ours)]) == 0
    assert main([str(ours), str(theirs)]) == 1
    said = capsys.readouterr().out
    assert "statuspageIncident def: is missing\n" in said
    assert "statuspageIncident: 1 of ours, 2 of theirs\n" in said
    assert said.endswith("2 entities of theirs compared, 1 differences\n")
    assert main([str(ours), str(broken)]) == 2
    assert "broken.json" in capsys.readouterr().err
    assert main([str(tmp_path / "nothing.json"), str(ours)]) == 2
    assert main([]) == 2


def test_a_dump_of_nowhere_says_which_variable_is_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("OCEAN__PORT__CLIENT_ID", raising=False)

    assert main(["dump", str(tmp_path / "ours.json")]) == 2
    assert "OCEAN__PORT__CLIENT_ID is missing" in capsys.readouterr().err
    assert not (tmp_path / "ours.json").exists()


async def test_a_dump_has_every_entity_that_port_shows(page: Bench) -> None:
    def environment(**changes: str) -> dict[str, str]:
        port = {
            "BASE_URL": f"{page.url}/port",
            "CLIENT_ID": PORT_CLIENT_ID,
            "CLIENT_SECRET": PORT_CLIENT_SECRET,
        }
        return {f"ocean__port__{name}": value for name, value in (port | changes).items()}

    page.publish("", components={CHECKOUT: "major_outage"}, status="resolved")
    public = page.publish("", name="Search is slow")
    async for components in page.service.raw_components(PAGE):
        await page.upserts("component", components)
    await page.upserts("incident", [public])

    found = await dump(environment())

    named = [(one["blueprint"], one["identifier"]) for one in found]
    assert ("statuspage", PAGE) in named
    assert named[-1] == ("statuspageIncident", public["id"])
    assert found[-1]["properties"]["category"] == "incident"
    assert list(missing(found, found)) == []
    with pytest.raises(ValueError, match="OCEAN__PORT__CLIENT_ID is missing"):
        await dump(environment(CLIENT_ID=""))
    with pytest.raises(CredentialsRefused):
        await dump(environment(CLIENT_SECRET="wrong"))
