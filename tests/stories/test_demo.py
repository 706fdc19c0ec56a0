"""The demo, played as `make demo` plays it: it ends well, says so in its summary, and breaks no contract."""

from __future__ import annotations

import io
import json
import warnings

import pytest
from rich.console import Console

from sandbox.demo import show, summary
from sandbox.stage import Stage
from sandbox.story import Story
from tests.contract import exchanges

MUTED = Console(file=io.StringIO())


async def test_the_whole_story_is_told_and_summed_up() -> None:
    looked: list[str] = []

    async def look(step: str) -> None:
        looked.append(step)

    async with Stage.up() as stage:
        story = Story(stage, MUTED, look)
        await story.play()
        told = json.loads(json.dumps(await summary(story)))
        journal = await stage.journal(full="true")

    show(MUTED, told)
    assert looked[-1] == "close"
    assert told["public"]["updates"] == ["investigating", "identified", "monitoring", "resolved"]
    assert told["public"]["components"]["Login"] == "degraded_performance"  # changed by hand, left alone
    assert {mail["to"] for mail in told["mail"]} == {"ceo@example.com", "cto@example.com"}
    assert {one["medium"] for one in told["communications"]} == {"slack", "zoom", "email", "statuspage"}
    if exchanges.folder() is None:
        warnings.warn(exchanges.MISSING, stacklevel=1)
    elif found := exchanges.violations(journal):
        pytest.fail(f"{len(found)} exchanges break a vendor's contract:\n" + "\n".join(found[:20]))
