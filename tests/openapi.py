"""The vendors' contracts as openapi-core wants them. Each is parsed once in a process, whoever asks."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml
from openapi_core import Config, OpenAPI


@cache
def document(path: Path) -> dict[str, Any]:
    """A contract file as it stands. Whoever wants it otherwise makes a copy."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[str, Any] = yaml.load(path.read_text("utf-8"), Loader=loader)
    return found


def unchecked(spec: dict[str, Any]) -> OpenAPI:
    """`spec` to hold exchanges to. It is not on trial itself: checking it takes seconds."""
    nothing: Any = None
    return OpenAPI.from_dict(spec, config=Config(spec_validator_cls=nothing))
