"""Port's template language: jq between double braces, rendered as Port's own library does it.

Port renders with the `jq-node-bindings` package; what it does with a JavaScript value matters, because
it decides what a webhook receives:

- a string that is one `{{ jq }}` keeps the type of jq's first output; with text around it the result is
  a string into which other types are printed as compact JSON, so null prints the word `null`;
- jq that does not compile, or fails when run, is null and never an error;
- jq without any output is JavaScript's undefined: its key disappears, in a list it is null and in text
  it prints `undefined`;
- a key that renders to null, undefined or "" drops the pair; `{{ spreadValue() }}` spreads its value;
- single quotes at the edge of a word count as double quotes; `env` and `$ENV` are empty.

Unbalanced braces, a key that is no string and a spread over what is no object are real errors.
"""

from __future__ import annotations

import json
import re
from functools import lru_cache
from typing import Any, Final

import jq

_SPREAD = re.compile(r"\{\{\s*spreadValue\(\s*\)\s*\}\}")
_EDGE_QUOTE = re.compile(r"(^|\s)'(?!\s|\")|(?<!\s|\")'(\s|$)")


class TemplateError(ValueError):
    """A template that Port refuses to render; `str()` says where and why."""


class Undefined:
    """JavaScript's undefined: jq gave no output at all."""

    def __repr__(self) -> str:
        return "undefined"


UNDEFINED: Final = Undefined()


def evaluate(expression: str, context: Any) -> Any:
    """The first output of one jq expression; None when it fails, UNDEFINED when there is none."""
    try:
        program = _compiled(expression)
        return program.input_value(context).first()
    except StopIteration:
        return UNDEFINED
    except ValueError:
        return None


def truthy(expression: str, context: Any) -> bool:
    """Whether a condition holds: only the value true does, as the other types are mistakes."""
    return evaluate(expression, context) is True


def render(template: Any, context: Any) -> Any:
    """`template` (any JSON) with every `{{ }}` in keys and values replaced from `context` (any JSON).

    Returns JSON. Raises TemplateError for what Port itself can't render.
    """
    return _tidy(_render(template, context))


def spans(text: str) -> list[tuple[int, int]]:
    """Where the jq between double braces starts and ends. Braces inside quoted jq strings don't count.

    Raises TemplateError when braces do not pair up.
    """
    found: list[tuple[int, int]] = []
    start: int | None = None
    quote: str | None = None
    at = 0
    while at < len(text):
        character = text[at]
        if start is not None and character == "\\":
            at += 2  # whatever follows is escaped, braces and quotes too
            continue
        if start is not None and character in "\"'":
            if quote is None:
                quote = character
            elif quote == character:
                quote = None
        elif quote is None and text[at - 1 : at + 1] == "{{":
            if start is not None:
                raise TemplateError(f"double braces at {at - 1} inside those that open at {start - 2}")
            start = at + 1
            at += text[at + 1 : at + 2] == "{"  # of three braces the third belongs to jq
        elif quote is None and text[at - 1 : at + 1] == "}}":
            if start is None:
                raise TemplateError(f"closing double braces at {at - 1} without opening ones")
            found.append((start, at - 1))
            start = None
            at += text[at + 1 : at + 2] == "}"
        at += 1
    if start is not None:
        raise TemplateError(f"opening double braces at {start - 2} without closing ones")
    return found


@lru_cache(maxsize=1000)
def _compiled(expression: str) -> Any:
    quoted = _EDGE_QUOTE.sub(lambda m: (m.group(1) or "") + '"' + (m.group(2) or ""), expression)
    return jq.compile("def env: {}; {} as $ENV | " + quoted)


def _render(template: Any, context: Any) -> Any:
    if isinstance(template, str):
        return _render_text(template, context)
    if isinstance(template, list):
        return [_render(item, context) for item in template]
    if isinstance(template, dict):
        return _render_object(template, context)
    return template


def _render_text(text: str, context: Any) -> Any:
    found = spans(text)
    if not found:
        return text
    if len(found) == 1 and text.strip().startswith("{{") and text.strip().endswith("}}"):
        return evaluate(text[slice(*found[0])], context)
    out: list[str] = []
    done = 0
    for start, end in found:
        out += [text[done : start - 2], _print(evaluate(text[start:end], context))]
        done = end + 2
    return "".join([*out, text[done:]])


def _render_object(template: dict[str, Any], context: Any) -> dict[str, Any]:
    out: dict[str, Any] = {}
    for key, value in template.items():
        if _SPREAD.fullmatch(key.strip()):
            out.update(_spread(key, value, context))
            continue
        name = _render_text(key, context)
        if name is None or name is UNDEFINED:
            continue
        if not isinstance(name, str):
            raise TemplateError(f"key {key!r} rendered to {_print(name)}, which is not a string")
        if name:
            out[name] = _render(value, context)
    return out


def _spread(key: str, value: Any, context: Any) -> dict[str, Any]:
    rendered = _render(value, context)
    if isinstance(rendered, dict):
        return rendered
    if isinstance(rendered, list):  # an array is an object to JavaScript
        return {str(index): item for index, item in enumerate(rendered)}
    raise TemplateError(f"the value of {key!r} has to be an object; {value!r} gave {_print(rendered)}")


def _print(value: Any) -> str:
    """As JavaScript puts a value into text: strings as they are, the rest as compact JSON."""
    if isinstance(value, str):
        return value
    if value is UNDEFINED:
        return "undefined"
    return json.dumps(_tidy(value), separators=(",", ":"), ensure_ascii=False)


def _tidy(value: Any) -> Any:
    """As a value leaves JavaScript for JSON: undefined disappears, 2.0 is written 2."""
    if value is UNDEFINED:
        return None
    if isinstance(value, dict):
        return {key: _tidy(item) for key, item in value.items() if item is not UNDEFINED}
    if isinstance(value, list):
        return [_tidy(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) < 2**53:
        return int(value)
    return value
