"""Three versions of one thing: what people changed stays, what only we changed reaches everybody."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration import portjson
from integration.provision import plan, wanted
from integration.provision.merge import MISSING, Rules, covers, merge
from integration.services.port_setup import PortSetup
from integration.settings import Grant, Settings
from sandbox.world import Json
from tests.provision.conftest import WEBHOOK, Organisation

ALL_OURS = Rules(dropped=lambda path: True)
PLAIN = st.recursive(
    st.booleans() | st.text("abc", max_size=3) | st.lists(st.text("abc", max_size=2), max_size=3),
    lambda inner: st.dictionaries(st.text("xyz", min_size=1, max_size=2), inner, max_size=3),
    max_leaves=8,
)
OBJECTS = st.dictionaries(st.text("xyz", min_size=1, max_size=2), PLAIN, max_size=4)


@given(OBJECTS, OBJECTS)
def test_what_nobody_touched_becomes_ours(last: Json, ours: Json) -> None:
    assert merge(last, copy.deepcopy(last), ours, ALL_OURS).value == ours


@given(OBJECTS, OBJECTS)
def test_what_only_people_touched_stays(there: Json, ours: Json) -> None:
    found = merge(ours, copy.deepcopy(there), ours, ALL_OURS)

    assert found.value == there
    assert not found.changes
    assert not found.kept


@given(st.one_of(st.just(MISSING), OBJECTS), OBJECTS, OBJECTS)
def test_merging_twice_is_merging_once(last: Any, there: Json, ours: Json) -> None:
    once = merge(last, copy.deepcopy(there), ours, ALL_OURS).value

    assert not merge(ours, copy.deepcopy(once), ours, ALL_OURS).changes


def test_lists_of_words_take_both_sides() -> None:
    found = merge(["a", "b"], ["b", "mine", "a"], ["a", "c"], ALL_OURS)

    assert found.value == ["mine", "a", "c"]


def test_both_changed_the_same_and_people_win() -> None:
    found = merge({"title": "Old"}, {"title": "Theirs"}, {"title": "New"}, ALL_OURS)

    assert (found.value, found.kept) == ({"title": "Theirs"}, [("title",)])


async def test_a_new_version_reaches_what_nobody_touched(
    organisation: Organisation, monkeypatch: pytest.MonkeyPatch
) -> None:
    await organisation.provision()
    page = await PortSetup(organisation.client).page("incident_comms")
    assert page is not None
    await PortSetup(organisation.client).put_page("incident_comms", {**page, "title": "Fires"})
    note = await organisation.blueprint("incidentNote")
    properties = copy.deepcopy(note["schema"]["properties"])
    first, second, *_ = [key for key, one in properties.items() if one.get("description")]
    properties[first]["description"] = "In our own words"
    await organisation.client.patch_blueprint("incidentNote", {"schema": {"properties": properties}})

    shipped = portjson.blueprints
    pages = wanted.pages

    def newer(*given: Any) -> portjson.Blueprints:
        found = shipped(*given)
        ours = next(one for one in found.own if one["identifier"] == "incidentNote")
        for key in (first, second):
            ours["schema"]["properties"][key]["description"] = "Better said"
        ours["schema"]["properties"]["mood"] = {"title": "Mood", "type": "string"}
        return found

    monkeypatch.setattr(portjson, "blueprints", newer)
    monkeypatch.setattr(
        wanted, "pages", lambda settings: [{**one, "icon": "Fire", "title": "New"} for one in pages(settings)]
    )
    said = await organisation.provision()
    again = await organisation.provision()

    now = (await organisation.blueprint("incidentNote"))["schema"]["properties"]
    assert now[first]["description"] == "In our own words"
    assert now[second]["description"] == "Better said"
    assert "mood" in now
    line = next(line for line in said if line.startswith("blueprint incidentNote"))
    assert line.startswith(f"blueprint incidentNote: added mood, renewed {second}; kept yours: ")
    assert "page incident_comms: renewed icon; kept yours: title" in said
    found = await PortSetup(organisation.client).page("incident_comms")
    assert found is not None
    assert (found["title"], found["icon"]) == ("Fires", "Fire")
    assert not [line for line in again if ": renewed" in line or ": added" in line]


async def test_a_scorecard_of_the_same_name_is_left_and_can_be_renewed(organisation: Organisation) -> None:
    await organisation.client.create_blueprint(
        {"identifier": "incidentWarRoom", "title": "War room", "schema": {"properties": {}}}
    )
    rule = {
        "identifier": "mine",
        "title": "Mine",
        "level": "Gold",
        "query": {"combinator": "and", "conditions": [{"property": "$title", "operator": "isNotEmpty"}]},
    }
    setup = PortSetup(organisation.client)
    theirs = {"identifier": "war_room_kept", "title": "Ours since 2020", "rules": [rule]}
    await setup.create_scorecard("incidentWarRoom", theirs)

    said = await organisation.provision()
    again = await organisation.provision()
    kept = await setup.scorecard("incidentWarRoom", "war_room_kept")
    parts = await plan(organisation.client, Settings(), WEBHOOK, ["war_room_kept"])

    assert kept is not None
    assert covers(kept, theirs)
    for lines in (said, again):
        assert [line for line in lines if "incidentWarRoom/war_room_kept: left as it is" in line]
    assert [part.name for part in parts if part.steps] == ["incidentWarRoom/war_room_kept"]


async def test_who_may_is_granted_once_and_then_theirs(organisation: Organisation) -> None:
    settings = Settings(
        who_may={"publish": Grant(teams=("comms",)), "approve": Grant(users=("l@example.com",))}
    )
    setup = PortSetup(organisation.client)

    said = await organisation.provision(settings)
    granted = await setup.action_permissions("publish_status_page")
    mine = {"execute": {"roles": [], "teams": ["comms", "support"], "users": []}}
    await setup.grant_action("publish_status_page", mine)
    await setup.grant_action("post_update", {"execute": {"roles": ["Admin"]}})
    await organisation.provision(settings)

    assert "grant publish_status_page: granted execute, approve" in said
    assert granted["execute"]["teams"] == ["comms"]
    assert granted["execute"]["roles"] == []
    assert granted["approve"]["users"] == ["l@example.com"]
    kept = await setup.action_permissions("publish_status_page")
    assert kept["execute"]["teams"] == ["comms", "support"]
    assert (await setup.action_permissions("post_update"))["execute"]["roles"] == ["Admin"]


async def test_a_decision_made_before_us_is_never_loosened(organisation: Organisation) -> None:
    await organisation.provision()
    setup = PortSetup(organisation.client)
    await setup.grant_action("open_war_room", {"execute": {"roles": ["Admin"]}})
    for entity in await organisation.entities("commsProvision"):
        organisation.port.delete_entity("commsProvision", entity)  # as where an earlier version provisioned

    said = await organisation.provision()

    assert "grant open_war_room: left as people made them" in said
    assert (await setup.action_permissions("open_war_room"))["execute"]["roles"] == ["Admin"]


async def test_our_address_is_a_secret_that_ocean_s_defaults_read(organisation: Organisation) -> None:
    first = await organisation.provision()
    moved = await organisation.provision(door=portjson.Webhook("https://moved.example.com/"))
    again = await organisation.provision(door=portjson.Webhook("https://moved.example.com/"))

    lines = [next(line for line in said if line.startswith("secret")) for said in (first, moved, again)]
    assert [line.split(": ")[1] for line in lines] == ["created", "changed", "unchanged"]
    assert organisation.port.store.secrets["INCIDENT_COMMS_URL"]["secretValue"] == "https://moved.example.com"
    remembered = str(await organisation.entities("commsProvision"))
    assert "digest" in remembered
