"""What all our values are: frozen, and strict about their fields."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict

Json = dict[str, Any]


class Value(BaseModel):
    """Base of our values: immutable, unknown fields refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")
