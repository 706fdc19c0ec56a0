"""Jinja2 in a sandbox, with an end: what a template may do, and how long.

Ours are rendered here. One that a person wrote may go on for ever or fill the memory, and nothing within a
process stops that: `apart` runs this file as a process of its own, which knows neither the settings nor
the environment. It imports nothing of the product, reads one JSON object, prints one, and ends:
  {"template", "library": {name: template}, "context"}  ->  {"text"} or {"error", "line"}
"""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from typing import Any

from jinja2 import DictLoader, StrictUndefined, TemplateError
from jinja2.exceptions import SecurityError, TemplateSyntaxError, UndefinedError
from jinja2.sandbox import ImmutableSandboxedEnvironment

TEXT_LIMIT = 10_000  # characters; the longest update that is taken
TEMPLATE_LIMIT = 50_000
CPU_SECONDS = 2
MEMORY_BYTES = 512 * 1024 * 1024


class TemplateProblem(Exception):
    """What is wrong with a template, for the person who wrote it. `line` is 0 where nobody can tell."""

    def __init__(self, problem: str, line: int = 0) -> None:
        super().__init__(f"line {line}: {problem}" if line else problem)
        self.problem = problem
        self.line = line


def render(template: str, library: Mapping[str, str], context: Mapping[str, Any]) -> str:
    """The text, without blank lines at its ends. `library`: what `include` and `extends` find by name.

    Raises TemplateProblem for a syntax error, an unknown variable, what the sandbox forbids, and more
    than `TEXT_LIMIT` characters. Never ends where the template never does.
    """
    if len(template) > TEMPLATE_LIMIT:
        raise TemplateProblem(f"{len(template)} characters; a template has at most {TEMPLATE_LIMIT}")
    environment = ImmutableSandboxedEnvironment(
        loader=DictLoader(dict(library)), undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    parts: list[str] = []
    length = 0
    try:
        for part in environment.from_string(template).generate(**context):
            length += len(part)
            if length > TEXT_LIMIT:
                raise TemplateProblem(f"gives more than {TEXT_LIMIT} characters")
            parts.append(part)
    except TemplateSyntaxError as problem:
        where = f" in {problem.name}" if problem.name else ""
        raise TemplateProblem(f"{problem.message}{where}", problem.lineno) from None
    except UndefinedError as problem:
        raise TemplateProblem(f"{problem.message}; “Preview audiences” lists what there is") from None
    except SecurityError as problem:
        raise TemplateProblem(f"not allowed: {problem}") from None
    except TemplateError as problem:
        raise TemplateProblem(str(problem) or type(problem).__name__) from None
    except RecursionError:
        raise TemplateProblem("calls itself without an end") from None
    except (ArithmeticError, TypeError, ValueError, LookupError, AttributeError, OverflowError) as problem:
        raise TemplateProblem(f"{type(problem).__name__}: {problem}") from None
    return "".join(parts).strip()


def _limit() -> None:
    try:
        import resource  # there is none on Windows
    except ImportError:
        return
    wanted = (
        (resource.RLIMIT_CPU, CPU_SECONDS),
        (resource.RLIMIT_AS, MEMORY_BYTES),
        (resource.RLIMIT_CORE, 0),
    )
    for limit, value in wanted:
        try:
            resource.setrlimit(limit, (value, value))
        except (ValueError, OSError):  # a lower one stands, or the system knows no such limit
            continue


def main() -> int:
    given = json.load(sys.stdin)
    _limit()
    try:
        answer: dict[str, Any] = {"text": render(given["template"], given["library"], given["context"])}
    except TemplateProblem as problem:
        answer = {"error": problem.problem, "line": problem.line}
    except MemoryError:
        answer = {"error": "needs too much memory", "line": 0}
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
