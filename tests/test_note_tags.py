"""What notes name leads to services and people in the catalogue; what leads nowhere does no harm."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from integration.models.base import Json
from integration.note_tags import FRESH_SECONDS
from integration.notetaker import ServiceNames
from tests.mirror_bench import RESPONDER, Bench, bench
from tests.sandbox.serve import until


@pytest.fixture
async def stand() -> AsyncIterator[Bench]:
    async with bench() as found:
        yield found


async def note_of(stand: Bench, text: str, **settings: Any) -> tuple[Json, Json]:
    """(properties, relations) of the note that a message makes."""
    mirror, room = stand.mirror(**settings), await stand.room()
    mirror.watch(room)
    ts = stand.say(room, text)
    mirror.observe(stand.event(room, ts))
    note = (await stand.noted(room, ts))[ts]
    return note["properties"], note["relations"]


async def service(stand: Bench, identifier: str, title: str = "", **properties: Any) -> None:
    await stand.entity("service", identifier, title=title or identifier, properties=properties)


async def test_services_by_identifier_title_and_alias(stand: Bench) -> None:
    await service(stand, "payments-api", "Payment Gateway")
    await service(stand, "ledger-core", aliases=["bookkeeper"])
    await service(stand, "search")
    properties, relations = await note_of(
        stand, "finding: PaymentGateway waits for bookkeeper, let's search the logs"
    )

    assert properties["services"] == relations["services"] == ["payments-api", "ledger-core"]


async def test_authors_and_mentioned_people_lead_to_their_users(stand: Bench) -> None:
    stand.slack.seed({"users": [{"email": "Helper@example.com", "name": "helper"}]})
    for email in (RESPONDER, "helper@example.com"):
        await stand.entity("_user", email)
    found = await stand.service.user_by_email("Helper@example.com")
    assert found is not None
    who = found.id
    properties, relations = await note_of(stand, f"todo: <@{who}> restarts the proxy, <@U0GONE> watches")

    assert properties["people"] == ["helper", "U0GONE"]
    assert relations["authorUser"] == RESPONDER
    assert relations["people"] == ["helper@example.com"]


async def test_a_service_that_is_gone_costs_the_tag_and_not_the_note(stand: Bench) -> None:
    await service(stand, "payments-api")
    mirror, room = stand.mirror(), await stand.room()
    await mirror._notes.tags.known([])
    mirror._notes.tags._services = ServiceNames.of([("payments-api", []), ("ghost-api", [])])
    mirror.watch(room)
    kept = stand.say(room, "finding: payments-api is slow")
    mirror.observe(stand.event(room, kept))
    lost = stand.say(room, "finding: ghost-api is slow")
    mirror.observe(stand.event(room, lost))
    notes = await stand.noted(room, kept, lost)

    assert notes[lost]["properties"]["text"] == "finding: ghost-api is slow"
    assert not notes[lost]["relations"].get("services")
    assert notes[kept]["relations"]["services"] == ["payments-api"]
    assert (await mirror._notes.tags.known([])).services.found("ghost-api payments-api") == ("payments-api",)


async def test_an_edit_that_names_no_service_takes_the_tag_away(stand: Bench) -> None:
    await service(stand, "payments-api")
    mirror, room = stand.mirror(), await stand.room()
    mirror.watch(room)
    ts = stand.say(room, "finding: payments-api is slow")
    mirror.observe(stand.event(room, ts))
    await stand.noted(room, ts)
    mirror.observe(stand.edited(room, ts, "finding: it is the network"))

    async def untagged() -> list[Json]:
        note = (await stand.notes(room))[ts]
        told = "network" in note["properties"]["text"]
        return [note] if told and not note["relations"]["services"] else []

    found: list[Json] = await until(untagged, what="the tag is gone")

    assert found[0]["properties"]["services"] == []


async def test_the_catalogue_is_read_once_for_many_notes(stand: Bench) -> None:
    await service(stand, "payments-api")
    tags = stand.mirror()._notes.tags
    asked: list[str] = []
    everything = tags._catalog.everything

    async def counted(blueprint: str, *names: str) -> list[Json]:
        asked.append(blueprint)
        return await everything(blueprint, *names)

    tags._catalog.everything = counted  # type: ignore[method-assign]
    for _ in range(3):
        await tags.known([])

    assert sorted(asked) == ["_user", "service"]
    assert FRESH_SECONDS >= 60


async def test_links_secrets_prefixes_and_reactions_of_the_customers_own(stand: Bench) -> None:
    properties, _ = await note_of(
        stand,
        "befund: card C-1234 in https://kibble.example.com/x",
        note_prefixes={"befund": "finding"},
        link_types={"//kibble\\.": "logs"},
        secret_patterns=("(?P<keep>card )C-\\d+",),
    )

    assert properties["kind"] == "finding"
    assert "card (masked) in" in properties["text"]
    assert properties["links"] == [{"url": "https://kibble.example.com/x", "type": "logs"}]
