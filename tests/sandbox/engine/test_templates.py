"""Templates render as Port's own library renders them, bad ones included."""

from __future__ import annotations

import importlib.util
import itertools
import json
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sandbox.port.templates import TemplateError, render, spans, truthy
from tests.openapi import SHARED

REFERENCE = SHARED / "tools" / "port_validate.py"

CONTEXT: dict[str, Any] = {
    "inputs": {"title": "Checkout is slow", "severity": 1, "services": ["api", "é"], "nothing": None},
    "entity": {"identifier": "inc-1", "properties": {"share": 2.0, "open": True}},
    "event": None,
    "secrets": {"plain": "s3", "with-dash": "s4"},
}


@pytest.mark.parametrize(
    ("template", "expected"),
    [
        ("no template", "no template"),
        ("{{ .inputs.severity }}", 1),
        ("  {{ .inputs.services }}  ", ["api", "é"]),
        ("{{ .entity.properties.open }}", True),
        ("sev {{ .inputs.severity }}!", "sev 1!"),
        ("{{ .inputs.title }}: {{ .inputs.services }}", 'Checkout is slow: ["api","é"]'),
        ("{{ .entity.properties.share }} of us", "2 of us"),
        ("{{ .event.diff.after.title }}", None),
        ("text {{ .event.diff.after.title }}", "text null"),
        ("{{ .inputs. }}", None),
        ("broken {{ .inputs. }}", "broken null"),
        ('{{ error("no") }}', None),
        ("{{ .inputs.services.0 }}", None),
        ("{{ if .inputs.severity == 1 then 'high' else 'low' end }}", "high"),
        ('{{ .inputs.title | contains("}}") }}', False),
        ("{{ .secrets.plain }}", "s3"),
        ('{{ .secrets["with-dash"] }}', "s4"),
        ("{{ env.PATH }}", None),
        ("{{ $ENV.PATH }}", None),
        ("{{ env }}", {}),
        ("a {{ empty }}", "a undefined"),
    ],
)
def test_text(template: str, expected: Any) -> None:
    assert render(template, CONTEXT) == expected


def test_keys_and_spread() -> None:
    template = {
        "{{ spreadValue() }}": "{{ .inputs }}",
        "{{ .entity.identifier }}": "{{ .entity.properties }}",
        "{{ if .event then 'event' else null end }}": "dropped with its key",
        "gone": "{{ empty }}",
        "list": ["{{ .inputs.severity }}", {"deep": "{{ .inputs.nothing }}"}, "{{ empty }}"],
        "number": 7,
    }

    assert render(template, CONTEXT) == {
        **CONTEXT["inputs"],
        "inc-1": {"share": 2, "open": True},
        "list": [1, {"deep": None}, None],
        "number": 7,
    }


@pytest.mark.parametrize(
    ("template", "problem"),
    [
        ("{{ .a", "without closing"),
        (".a }}", "without opening"),
        ("{{ {{ .a }}", "inside those"),
        ({"{{ .inputs.severity }}": 1}, "not a string"),
        ({"{{ spreadValue() }}": "{{ .inputs.nothing }}"}, "has to be an object"),
    ],
)
def test_what_port_itself_refuses(template: Any, problem: str) -> None:
    with pytest.raises(TemplateError, match=problem):
        render(template, CONTEXT)


def test_a_condition_holds_only_when_it_is_true() -> None:
    event = {"diff": {"before": None, "after": {"properties": {"severity": "sev1"}}}}

    assert truthy('.diff.after.properties.severity == "sev1"', event)
    assert not truthy(".diff.after.properties.severity", event)
    assert not truthy('.event.diff.after.properties.severity == "sev1"', event)
    assert not truthy("syntax error (", event)


@given(st.text(alphabet="{}\"'\\ a.|", max_size=40))
def test_braces_are_found_or_refused(text: str) -> None:
    try:
        found = spans(text)
    except TemplateError:
        return
    assert all(text[start - 2 : start] == "{{" and text[end : end + 2] == "}}" for start, end in found)
    assert all(a[1] < b[0] for a, b in itertools.pairwise(found))


@cache
def _reference() -> Any:
    """Another implementation of the same library's behaviour, written by others."""
    if not REFERENCE.is_file():
        pytest.skip(f"no {REFERENCE.name}: set INCIDENT_COMMS_SHARED to the folder that holds tools/")
    spec = importlib.util.spec_from_file_location("port_validate_reference", REFERENCE)
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_pieces = st.sampled_from(
    [
        "{{ .a }}",
        "{{.b.c}}",
        "{{ .b }}",
        "{{ 'x' }}",
        "{{ .l[] }}",
        "{{ nope( }}",
        "text ",
        "'",
        "{",
        "}}",
        "é",
    ]
)
_texts = st.lists(_pieces, max_size=5).map("".join)
_templates = st.recursive(
    _texts | st.none() | st.booleans() | st.integers(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_texts, inner, max_size=3),
    max_leaves=6,
)


@given(_templates)
def test_two_implementations_agree(template: Any) -> None:
    reference, context = _reference(), {"a": None, "b": {"c": "word"}, "l": [3, 4]}
    try:
        expected = reference.render(template, context)
    except ValueError:
        with pytest.raises(TemplateError):
            render(template, context)
    else:
        assert json.dumps(render(template, context)) == json.dumps(expected)
