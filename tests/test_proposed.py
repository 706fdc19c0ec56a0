"""What Port AI may say in a draft: only what its sources say, in any words it likes that they have."""

from __future__ import annotations

import contextlib
import json
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from integration import drafts
from integration.drafts import Draft
from integration.drafts.proposed import Wanted, answered, fits, proposal, question
from integration.errors import BadInput
from integration.models.audience import Audience
from integration.models.base import Json
from integration.models.incident import Incident
from integration.timeline import NoteFacts
from tests.told import WILD

START = datetime.now(UTC) - timedelta(minutes=40)
NOTES = (
    ("n1", "impact", "About 30 % of payments fail in Europe."),
    ("n2", "workaround", "Paying by invoice works."),
    ("n3", "update", "Refunds are not affected."),
)


async def wanted(name: str = "support", **more: Json) -> Wanted:
    audience = Audience.model_validate(
        {"identifier": name, "knows": "business", "template": name, "tone": "plain", "language": "en", **more}
    )
    notes = [
        NoteFacts(identifier=one, kind=kind, text=text, said_at=START, sure=True) for one, kind, text in NOTES
    ]
    incident = Incident(
        identifier="INC-42", title="Checkout is slow", status="identified", severity="sev1"
    ).model_copy(update={"services": ("checkout",)})
    due = datetime.now(UTC) + timedelta(minutes=30)
    facts = drafts.gather(audience, incident, {}, ["Checkout"], notes, next_update=due)
    return Wanted(audience=audience, facts=facts, ours=await drafts.draft(audience, facts))


def said(text: str, *sources: str, heading: str = "") -> Json:
    return {"text": text, "sources": list(sources) or ["note n1"], "heading": heading}


def taken(one: Wanted, *sentences: Json, kept: bool = True) -> Draft:
    stays = [said(text, "incident.status") for text in one.kept] if kept else []
    answer = {"drafts": [{"audience": one.audience.identifier, "sentences": [*sentences, *stays]}]}
    found = answered("Here:\n```json\n" + json.dumps(answer) + "\n```")
    return proposal(one, found[one.audience.identifier], "Port AI")


async def test_what_its_sources_say_is_taken_with_their_ids() -> None:
    one = await wanted()

    found = taken(
        one,
        said("In Europe about 30 % of payments are failing.", "note n1"),
        said("Customers can still pay by invoice.", "note n2", heading="Workaround"),
    )

    first = found.sentences[0]
    assert first.text == "In Europe about 30 % of payments are failing."
    assert first.sources == ("note n1",)
    assert "**Workaround**\n\n- Customers can still pay by invoice." in found.text
    assert one.kept
    assert all(text in found.text for text in one.kept)
    assert found.made_by == "Port AI"
    assert found.untraced == []


@pytest.mark.parametrize(
    "sentence",
    [
        said("About 40 % of payments fail in Europe."),
        said("In Europe about 30 % of payments fail.", "note n2"),
        said("About 30 % of payments fail in Asia."),
        said("Acme payments fail in Europe."),
        said("Most payments fail in Europe."),
        said("All payments in Europe fail."),
        said("Payments do not fail in Europe."),
        said("Refunds are affected.", "note n3"),
        said("Payments in Europe are resolved."),
        said("The pool of the database was too small for the load."),
        said("It is over.", "incident.status"),
        said("Payments fail in Europe, see https://evil.example.com.", "note n1"),
        said("Payments fail in Europe.", "note n9"),
        said("Payments fail in Europe.", "note n1", heading="All is well"),
        said("- Payments fail in Europe."),
        said("**Payments fail in Europe**"),
        said("Payments fail in Europe. Paying by invoice works."),
        said("?"),
    ],
    ids=lambda one: str(one["text"])[:40],
)
async def test_what_no_source_says_is_refused_with_the_reason(sentence: Json) -> None:
    one = await wanted()

    with pytest.raises(BadInput, match="answer: "):
        taken(one, sentence)


async def test_what_is_promised_stays_and_executives_get_three_sentences() -> None:
    sales, executives = await wanted("sales"), await wanted("executives")
    line = said("About 30 % of payments fail in Europe.")

    assert any("promise no time" in text for text in sales.kept)
    with pytest.raises(BadInput, match="it leaves out"):
        taken(sales, line, kept=False)
    with pytest.raises(BadInput, match="4 sentences; these readers get 3"):
        taken(executives, line, said("Paying by invoice works.", "note n2"), line)


@pytest.mark.parametrize("wrong", ["I can't help.", "{}", '{"drafts": [{"audience": "a", "sentences": []}]}'])
def test_an_answer_of_another_form_is_refused(wrong: str) -> None:
    with pytest.raises(BadInput, match="answer: "):
        answered(wrong)


@given(WILD)
def test_any_answer_is_taken_or_refused(text: str) -> None:
    with contextlib.suppress(BadInput):
        answered(text)


@given(st.lists(WILD, min_size=1, max_size=4))
def test_words_of_notes_stay_within_their_fence(texts: list[str]) -> None:
    audience = Audience(identifier="a", knows="technical")
    notes = [
        NoteFacts(identifier=str(n), kind="update", text=text, said_at=START) for n, text in enumerate(texts)
    ]
    facts = drafts.gather(audience, Incident(identifier="I"), {}, [], notes)
    one = Wanted(audience=audience, facts=facts, ours=Draft(audience="a", text="ours"))

    lines = question([one], "0123abcd", {"a": texts[0]}).split("\n")

    fence = [line for line in lines if "0123abcd" in line and not line.startswith("Word the")]
    assert fence == ["<<<0123abcd", "0123abcd>>>"]
    assert json.loads(lines[2])[0]["draft"] == "ours"


async def test_nothing_new_is_nothing_to_ask_about() -> None:
    one = await wanted()

    assert fits(one)
    assert not fits(one.model_copy(update={"facts": one.facts.model_copy(update={"notes": ()})}))
