"""One update, many voices: every sentence rests on something, and no template hangs or leaks."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from integration import drafts, messages, portjson
from integration.audiences import LANGUAGES, TONES
from integration.drafts import Facts
from integration.drafts.rendering import TemplateProblem, render
from integration.drafts.wording import LANGUAGES as SPOKEN
from integration.entities import read_audience
from integration.models.audience import Audience
from integration.models.base import Json
from integration.models.incident import Incident
from integration.models.note import NOTE_KINDS
from integration.timeline import NoteFacts
from tests.told import WILD

START = datetime.now(UTC) - timedelta(minutes=40)
INCIDENT = Incident(
    identifier="INC-42",
    title="Checkout is slow",
    status="identified",
    severity="sev1",
    services=("checkout-api", "payments"),
    started_at=START,
)
READY = {one.identifier: one for one in map(read_audience, portjson.ready_entities()["commsAudience"])}
SECRET_WORDS = (
    "db-17.prod.internal",
    "checkout-api",
    "4f2c9ab",
    "OPS-311",
    "10.0.0.7",
    "https://graphs",
    "@ana",
)


def note(kind: str, text: str, minute: float = 0, **more: Any) -> NoteFacts:
    return NoteFacts(
        identifier=f"C1-{minute:g}", kind=kind, text=text, said_at=START + timedelta(minutes=minute), **more
    )


NOTES = (
    note("impact", "impact: About 30 % of payments fail in Europe. db-17.prod.internal is at 100 %.", 1),
    note("finding", "the pool of `checkout-api` is exhausted since deploy 4f2c9ab (OPS-311)", 5),
    note("finding", "10.0.0.7 drops packets, see https://graphs.example.com/d/9", 6),
    note("workaround", "Paying by invoice works. Ask @ana for the script.", 8),
    note("decision", "We roll back to the version of Monday.", 12),
    note("question", "Who tells the press?", 13),
    note("update", "Perhaps the cache.", 14, sure=False),
)


def facts(audience: Audience, *notes: NoteFacts, **more: Any) -> Facts:
    promised: Json = {"next_update": datetime.now(UTC) + timedelta(minutes=30)} | more
    entity = {"properties": {"publicIncident": "https://status.example.com/abc"}}
    return drafts.gather(audience, INCIDENT, entity, ["Checkout", "Payments"], notes or NOTES, **promised)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("name", READY)
async def test_every_sentence_of_ours_rests_on_a_note_or_a_property(name: str, language: str) -> None:
    for tone in TONES:
        audience = READY[name].model_copy(update={"language": language, "tone": tone})
        for given_notes in (NOTES, ()):
            found = facts(audience).model_copy(update={} if given_notes else {"notes": ()})
            draft = await drafts.draft(audience, found)

            assert draft.untraced == []
            assert draft.sentences
            assert all(one.sources and one.sources != ("template",) for one in draft.sentences), (
                draft.sentences
            )
            known = {source.id for source in found.sources()}
            assert {source for one in draft.sentences for source in one.sources} <= known


async def test_each_audience_is_told_its_own() -> None:
    texts = {name: (await drafts.draft(one, facts(one))).text for name, one in READY.items()}

    assert all(word in texts["engineering"] for word in ("checkout-api", "4f2c9ab", "Monday", "press"))
    for name in ("support", "sales", "executives"):
        assert "30 % of payments fail in Europe" in texts[name]
        assert not any(word in texts[name] for word in SECRET_WORDS), texts[name]
        assert "cache" not in texts[name], "what is not sure is for those who can judge it"
    assert "What to tell customers" in texts["support"]
    assert "Paying by invoice works." in texts["support"]
    assert "What not to promise" in texts["sales"]
    assert "Monday" not in texts["sales"]
    assert len(drafts.sentences(texts["executives"].replace("\n", " "))) == 3
    assert len(set(texts.values())) == 4


async def test_what_is_left_out_is_counted_and_old_news_is_no_news() -> None:
    support = READY["support"]

    found = facts(support, since=START + timedelta(minutes=7))

    assert [one.kind for one in found.notes] == ["workaround"]
    assert found.left_out == 4
    assert (
        "noted since"
        in (await drafts.draft(READY["engineering"], found.model_copy(update={"notes": ()}))).text
    )


def test_the_page_is_told_what_customers_may_know() -> None:
    proposal = drafts.status_page(facts(READY["support"]))

    assert proposal.untraced == []
    assert proposal.text.startswith("We know of trouble with Checkout, Payments. About 30 % of payments fail")
    assert not any(word in proposal.text for word in SECRET_WORDS)


@pytest.mark.parametrize(
    ("sentence", "told"),
    [
        ("About 45 % of payments fail.", "45"),
        ("Payments fail in Brazil.", "Brazil"),
        ("The team of Redis-Cache-7 looks at it.", "Redis-Cache-7"),
        ("Payments are fixed.", "that it is over: fixed"),
        ("Payments fail because of the network.", "a cause"),
        ("Payments fail, no customers lost money.", "who is affected"),
        ("Payments fail, three regions.", "three"),
        ("See https://evil.example.com for payments.", "https://evil.example.com"),
        ("Elephants dance happily.", "nothing that was noted says this"),
    ],
)
def test_what_was_made_up_is_named(sentence: str, told: str) -> None:
    found = drafts.untraced(drafts.trace(sentence, facts(READY["support"]).sources()))

    assert any(told in one for one in found), found


@pytest.mark.parametrize(
    "sentence",
    [
        "30 % of the payments in Europe fail.",
        "Pay by invoice: paying by invoice works.",
        "The checkout is slow, the status is identified.",
        "About 30 % of European payments fail.",
    ],
)
def test_what_was_said_may_be_said_otherwise(sentence: str) -> None:
    sources = [*facts(READY["support"]).sources(), drafts.Source(id="x", text="European")]

    assert drafts.untraced(drafts.trace(sentence, sources)) == []


def test_all_languages_say_all_we_say() -> None:
    places = {name: re.findall(r"{\w+}", text) for name, text in SPOKEN["en"].items()}

    for language, words in SPOKEN.items():
        said = {name: re.findall(r"{\w+}", text) for name, text in words.items()}
        assert {name: sorted(found) for name, found in said.items()} == {
            name: sorted(found) for name, found in places.items()
        }, language
    assert set(SPOKEN) == set(LANGUAGES)


@pytest.mark.parametrize(
    ("template", "told"),
    [
        ("{{ nosuch }}", "'nosuch' is undefined"),
        ("fine\n{% if %}", "line 2"),
        ("{{ incident.nosuch }}", "nosuch"),
        ("{{ ''.__class__.__mro__ }}", "not allowed"),
        ("{{ 1 / 0 }}", "ZeroDivisionError"),
        ("{% include 'nosuch' %}", "nosuch"),
        ("{{ range(99999) | list }}", "more than 10000 characters"),
        ("x" * 60_000, "at most 50000"),
        ("{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "without an end"),
    ],
)
def test_what_is_wrong_with_a_template_is_told(template: str, told: str) -> None:
    with pytest.raises(TemplateProblem) as problem:
        render(template, {}, {"incident": {"title": "x"}})

    assert told in str(problem.value)


async def test_a_template_of_their_own_is_rendered_apart_and_ours_stands_in(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    endless = "{% for a in range(99999) %}{% for b in range(99999) %}{% endfor %}{% endfor %}"
    audience = Audience(identifier="press", template="{% include 'executives' %}\nHotline 555 0100.")

    own = await drafts.draft(audience, facts(audience))
    monkeypatch.setattr("integration.drafts.apart.SECONDS", 0.6)
    hung = await drafts.draft(audience.model_copy(update={"template": endless}), facts(audience))

    assert own.made_by == "template of press"
    assert own.text.endswith("Hotline 555 0100.")
    assert own.untraced == []
    assert own.sentences[-1].sources == ("template",)
    assert hung.made_by == "engineering"
    assert "is there a loop in it?" in hung.problem
    assert hung.text


@settings(max_examples=20)
@given(st.lists(st.tuples(st.sampled_from(NOTE_KINDS), WILD), max_size=8), WILD.map(lambda text: text[:200]))
async def test_whatever_was_noted_ours_fit_and_invent_nothing(
    said: list[tuple[Any, str]], title: str
) -> None:
    notes = [note(kind, text, number) for number, (kind, text) in enumerate(said) if text.strip()]
    wild = INCIDENT.model_copy(update={"title": title.strip() or "x"})
    for audience in READY.values():
        found = facts(audience, *notes).model_copy(update={"incident": wild})
        draft = await drafts.draft(audience, found)
        assert len(draft.text) <= messages.UPDATE_LIMIT
        assert [one for one in draft.untraced if "nothing that was noted" not in one] == []
        for part in messages.update(wild, draft.text, "Sales") if audience.knows == "technical" else ():
            assert len(part.text) <= messages.TEXT_LIMIT
            assert len(part.blocks) <= 50
