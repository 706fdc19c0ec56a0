"""A form is refused before a run exists, and the refusal names the input."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.port.run_inputs import Form
from sandbox.port.wire import PortError

SERVICE = {"identifier": "checkout", "title": "Checkout", "blueprint": "service", "properties": {"tier": 1}}
FIELDS: dict[str, Any] = {
    "title": {"type": "string", "minLength": 3, "maxLength": 20, "pattern": "^[A-Z]"},
    "severity": {"type": "string", "enum": ["sev1", "sev2"], "default": "sev2"},
    "service": {"type": "string", "format": "entity", "blueprint": "service"},
    "others": {"type": "array", "items": {"type": "string", "format": "entity", "blueprint": "service"}},
    "count": {"type": "number", "minimum": 1, "maximum": 5},
    "public": {"type": "boolean"},
    "raw": {"type": "object"},
    "when": {"type": "string", "format": "date-time"},
    "link": {"type": "string", "format": "url"},
    "mail": {"type": "string", "format": "email"},
    "who": {"type": "string", "format": "user"},
    "four": {"type": "string", "format": "ipv4"},
    "six": {"type": "string", "format": "ipv6"},
    "doc": {"type": "object", "format": "labeled-url"},
    "tags": {
        "type": "array",
        "items": {"type": "string", "enum": ["a", "b"]},
        "maxItems": 2,
        "uniqueItems": True,
    },
    "reason": {"type": "string", "visible": {"jqQuery": '.form.severity == "sev1"'}},
}


def form(required: Any = (), entity: dict[str, Any] | None = None, **fields: Any) -> Form:
    def find(blueprint: str, identifier: str) -> dict[str, Any] | None:
        return SERVICE if (blueprint, identifier) == ("service", "checkout") else None

    listed = list(required) if isinstance(required, tuple) else required
    user_inputs = {"properties": {**FIELDS, **fields}, "required": listed}
    return Form(user_inputs, entity, {"email": "dana@example.com"}, find)


@pytest.mark.parametrize(
    ("values", "problem"),
    [
        ({"nonsense": 1}, 'additional properties: "nonsense"'),
        ({"title": 7}, "body/properties/title must be string"),
        ({"title": "Ab"}, "fewer than 3 length"),
        ({"title": "A" * 21}, "more than 20 length"),
        ({"title": "lower"}, "must match pattern"),
        (
            {"severity": "sev9"},
            "body/properties/severity must be equal to one of the allowed values: sev1, sev2",
        ),
        ({"service": "nowhere"}, 'entity "nowhere" of blueprint "service" was not found'),
        ({"others": ["checkout", "nowhere"]}, "body/properties/others/1"),
        ({"others": "checkout"}, "must be array"),
        ({"count": True}, "must be number"),
        ({"count": 0}, "must be >= 1"),
        ({"count": 5.5}, "must be <= 5"),
        ({"public": "true"}, "must be boolean"),
        ({"raw": []}, "must be object"),
        ({"when": "2026-01-01"}, "date-time"),
        ({"when": "soon"}, "date-time"),
        ({"link": "example dot com"}, "url"),
        ({"mail": "dana"}, "email"),
        ({"who": "dana"}, "user"),
        ({"four": "::1"}, "ipv4"),
        ({"six": "127.0.0.1"}, "ipv6"),
        ({"doc": {"displayText": "x"}}, "labeled-url"),
        ({"tags": ["c"]}, "body/properties/tags/0"),
        ({"tags": ["a", "a"]}, "duplicate"),
        ({"tags": ["a", "b", "a"]}, "more than 2 items"),
    ],
)
def test_refused(values: dict[str, Any], problem: str) -> None:
    with pytest.raises(PortError) as refusal:
        form().check(values)

    assert refusal.value.status == 422
    assert problem in refusal.value.message


def test_a_good_form_passes_and_gets_defaults() -> None:
    values = {
        "title": "Checkout",
        "service": "checkout",
        "count": 2.5,
        "when": "2026-01-01T10:00:00Z",
        "link": "https://example.com/x?y=1",
        "who": "dana@example.com",
        "doc": {"url": "https://example.com", "displayText": "Example"},
        "four": "127.0.0.1",
        "six": "::1",
        "tags": ["a", "b"],
    }

    assert form(("title",)).check(values) == {**values, "severity": "sev2"}


def test_entity_inputs_become_entities_in_a_payload() -> None:
    inputs = form().check({"service": "checkout", "others": ["checkout"], "title": "Checkout"})

    resolved = form().resolve(inputs)

    assert resolved["service"]["properties"] == {"tier": 1}
    assert [one["identifier"] for one in resolved["others"]] == ["checkout"]
    assert resolved["title"] == "Checkout"


def test_required_is_a_list_or_a_query() -> None:
    with pytest.raises(PortError, match="required property 'title'"):
        form(("title",)).check({})
    query = {"jqQuery": 'if .form.severity == "sev1" then ["reason"] else [] end'}
    with pytest.raises(PortError, match="required property 'reason'"):
        form(query).check({"severity": "sev1"})
    assert form(query).check({}) == {"severity": "sev2"}


def test_what_is_hidden_is_not_required() -> None:
    assert form(("reason",)).check({}) == {"severity": "sev2"}
    with pytest.raises(PortError, match="reason"):
        form(("reason",)).check({"severity": "sev1"})


def test_queries_read_form_entity_and_user() -> None:
    entity = {"identifier": "inc-1", "properties": {"status": "open", "choices": ["x", "y"]}}
    found = form(
        entity=entity,
        channel={"type": "string", "default": {"jqQuery": '"inc-" + .entity.identifier'}},
        owner={"type": "string", "default": {"jqQuery": ".user.email"}},
        broken={"type": "string", "default": {"jqQuery": ".entity.("}},
        choice={"type": "string", "enum": {"jqQuery": ".entity.properties.choices"}},
    )

    assert found.check({"choice": "x"}) == {
        "choice": "x",
        "severity": "sev2",
        "channel": "inc-inc-1",
        "owner": "dana@example.com",
    }
    with pytest.raises(PortError, match="choice must be equal to one of the allowed values: x, y"):
        found.check({"choice": "z"})


def test_encrypted_inputs_are_refused_rather_than_sent_in_clear() -> None:
    with pytest.raises(PortError, match="encrypted"):
        form(token={"type": "string", "encryption": "aes256-gcm"}).check({"token": "x"})


_json: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.dictionaries(st.sampled_from([*FIELDS, "unknown"]), _json, max_size=6))
def test_any_form_is_taken_or_refused(values: dict[str, Any]) -> None:
    refused: PortError | None = None
    try:
        checked = form().check(values)
    except PortError as refusal:
        refused = refusal

    if refused:
        assert refused.status == 422
        assert refused.message.startswith("body/properties")
    else:
        assert set(values) <= set(checked)
        assert set(form().resolve(checked)) == set(checked)
