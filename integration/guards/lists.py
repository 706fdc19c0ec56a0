"""Word lists, written as running text."""

from __future__ import annotations


def listed(text: str) -> frozenset[str]:
    return frozenset(text.split())
