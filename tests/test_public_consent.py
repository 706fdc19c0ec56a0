"""What may be said on a status page: by whose approval, of which words, past which guards."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from integration.models.communication import PUBLIC_OPERATIONS
from integration.models.port import Approval
from integration.models.run import Command
from integration.run_catalog import RunCatalog
from integration.times import iso, now
from tests.public_bench import (
    APPROVER,
    AUTHOR,
    PAGE,
    Public,
)

WORDS: dict[str, Any] = {"page": PAGE, "name": "Payments fail", "body": "Some payments fail."}


pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_only_somebody_else_approves_exactly_what_was_read_and_in_time(public: Public) -> None:
    await public.stage.incident(public.one)
    draft = await public.draft(public.one, **WORDS)

    own = await public.approve(draft, by=AUTHOR)
    unread = await public.approve({**draft, "contentHash": "0" * 64})
    blind = await public.approve({**draft, "contentHash": ""})
    nobody = await public.approve(draft, by="automation of somebody")
    assert [one.ok for one in (own, unread, blind, nobody)] == [False] * 4
    assert "can't approve it as well" in own.summary
    assert "changed after it was drafted" in unread.summary
    # Words changed by hand in Port are not those that were drafted.
    await public.stage.write(
        "incidentCommunication", {"identifier": draft["identifier"], "properties": {"text": "All is well."}}
    )
    changed = await public.approve(draft)
    assert "changed after it was drafted" in changed.summary
    late = await public.draft(public.one, **{**WORDS, "body": "Later."})
    await public.stage.write(
        "incidentCommunication",
        {"identifier": late["identifier"], "properties": {"expiresAt": iso(now() - timedelta(seconds=1))}},
    )
    expired = await public.approve(late)
    assert "expired" in expired.summary
    stands = await public.stage.properties("incidentCommunication", late["identifier"])
    assert (stands["state"], public.shown(public.one)) == ("withdrawn", [])


async def test_what_was_shown_of_a_draft_can_not_be_changed_either(public: Public) -> None:
    await public.stage.incident(public.one)
    draft = await public.draft(public.one, **WORDS)
    for name, other in (("preview", "> All is well."), ("requestedBy", "somebody@example.com")):
        entity = {"identifier": draft["identifier"], "properties": {name: other}}
        await public.stage.write("incidentCommunication", entity)

        ended = await public.approve(draft)

        assert (ended.ok, "changed after it was drafted" in ended.summary) == (False, True), ended.summary
        entity["properties"] = {name: draft[name]}
        await public.stage.write("incidentCommunication", entity)
    assert public.shown(public.one) == []
    assert (await public.approve(draft)).label == "Published"


async def test_an_author_whom_port_names_by_id_is_the_same_person(public: Public) -> None:
    await public.stage.incident(public.one)
    public.stage.sandbox.port.seed({"users": [{"email": AUTHOR, "role": "Member"}]})
    (known,) = [one for one, email in (await public.engine.port.users()).items() if email == AUTHOR]
    by_id = await public.draft(public.one, by=known, **WORDS)

    own = await public.approve(by_id, by=AUTHOR.upper())

    assert (own.ok, "can't approve it as well" in own.summary) == (False, True), own.summary
    assert public.shown(public.one) == []


async def test_nobody_is_taken_for_another_than_the_author_where_port_does_not_tell(public: Public) -> None:
    await public.stage.incident(public.one)
    draft = await public.draft(public.one, by="usr_unknown", **WORDS)

    ended = await public.approve(draft)

    assert (ended.ok, "who wrote it" in ended.summary) == (False, True), ended.summary
    assert public.shown(public.one) == []


async def test_nothing_public_is_sent_by_the_button_that_asks_nobody(public: Public) -> None:
    await public.stage.incident(public.one)
    for operation in PUBLIC_OPERATIONS:
        for state in ("failed", "superseded", "draft"):
            key = f"{public.one}:{operation}:{state}"
            words: dict[str, Any] = {"text": "All is well.", "destination": PAGE, "details": {"page": PAGE}}
            left = {
                "operation": operation,
                "state": state,
                "purpose": "draft",
                "requestedBy": AUTHOR,
                **words,
            }
            entity = {"identifier": key, "properties": left, "relations": {"incident": public.one}}
            await public.stage.write("incidentCommunication", entity)

            ended = await public.act("send_communication", public.one, communication=key)

            assert (ended.ok, ended.label) == (False, "Bad input"), (key, ended.summary)
            assert "needs its approval" in ended.summary, (key, ended.summary)
    assert public.shown(public.one) == []


async def test_a_run_that_was_approved_long_ago_says_nothing(
    public: Public, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def approval(self: RunCatalog, run: str) -> Approval:
        return Approval(author=AUTHOR, approver=APPROVER, at=now() - timedelta(minutes=61))

    monkeypatch.setattr(RunCatalog, "approval", approval)
    await public.stage.incident(public.one)

    ended = await public.act("publish_status_page", public.one, **WORDS, notifySubscribers=False)

    assert (ended.ok, ended.label) == (False, "Bad input")
    assert f"that of {APPROVER} has expired after 60 minutes" in ended.summary
    assert public.shown(public.one) == []


async def test_breaking_the_glass_is_named_with_its_reason(public: Public) -> None:
    await public.stage.incident(public.one)
    draft = await public.draft(public.one, **WORDS)
    read = {"communication": draft["identifier"], "contentHash": draft["contentHash"]}

    silent = await public.act("override_public_update", public.one, AUTHOR, **read)
    ended = await public.act(
        "override_public_update", public.one, AUTHOR, **read, reason="Night, all asleep."
    )

    assert (silent.ok, ended.ok) == (False, True)
    sent = await public.stage.properties("incidentCommunication", f"{public.one}:publish:{PAGE}")
    assert sent["details"]["approval"]["override"] == "Night, all asleep."
    assert sent["approvedBy"] == AUTHOR


async def test_leaks_and_contradictions_block_with_their_reason_and_an_override_is_named(
    public: Public,
) -> None:
    await public.stage.incident(public.one)
    leak = {**WORDS, "body": "Host db-7.prod.internal is down, see https://wiki.corp.internal/runbook."}
    given: dict[str, Any] = {"operation": "publish", "notifySubscribers": False}

    blocked = await public.act("draft_public_update", public.one, **given, **leak)

    assert not blocked.ok
    for told in ("blocked", "db-7.prod.internal", "characters", "Cleaned text"):
        assert told in blocked.summary, blocked.summary
    draft = await public.draft(public.one, **leak, override="The host is named in the contract.")
    assert f"Sent all the same by {AUTHOR}: The host is named in the contract." in draft["preview"]
    assert (await public.approve(draft)).ok
    sent = await public.stage.properties("incidentCommunication", f"{public.one}:publish:{PAGE}")
    assert sent["details"]["guards"]["override"]["by"] == AUTHOR
    assert {one["rule"] for one in sent["details"]["guards"]["findings"]} == {"leak"}

    early = await public.act(
        "draft_public_update", public.one, operation="resolve", body="Over.", notifySubscribers=False
    )
    assert not early.ok
    assert "while the incident is still investigating" in early.summary
    await public.stage.incident(public.one, status="resolved")
    assert (await public.say(public.one, "resolve", body="Over.")).ok


async def test_nothing_of_a_private_incident_goes_on_a_page(public: Public) -> None:
    await public.stage.incident(public.one, private=True)

    ended = await public.act(
        "draft_public_update", public.one, operation="publish", notifySubscribers=False, **WORDS
    )

    assert not ended.ok
    assert "is private" in ended.summary


async def test_what_was_said_a_second_time_and_cut_off_is_known_as_its_own(public: Public) -> None:
    await public.stage.incident(public.one)
    await public.say(public.one, "publish", **WORDS)
    await public.stage.incident(public.one, status="resolved")
    await public.say(public.one, "resolve", body="Over.")
    await public.say(public.one, "reopen", body="Back again.")
    draft = await public.draft(public.one, "resolve", body="Over for good.")
    command = Command(
        action="approve_public_update",
        run="cut-off",
        incident=public.one,
        inputs={"communication": draft["identifier"], "contentHash": draft["contentHash"]},
        requested_by=APPROVER,
        door="webhook",
    )
    labels: list[str] = []
    for door in ("webhook", "sweeper"):
        # It died when the words were out: neither its run nor its draft had come to an end.
        standing = {"identifier": draft["identifier"], "properties": {"state": "draft"}}
        await public.stage.write("incidentCommunication", standing)
        taken = public.engine.runner.take(command.model_copy(update={"door": door}))
        assert taken is not None
        labels.append((await taken).label)

    assert labels == ["Resolved", "Resolved"]
    (shown,) = public.shown(public.one)
    assert [one["body"] for one in shown["incident_updates"]].count("Over for good.") == 1
