"""The search for secrets finds one that stands somewhere: else its silence would say nothing."""

from __future__ import annotations

import pytest

from sandbox.stage import Stage
from tests.stories.leaks import leaks, secrets

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def test_a_secret_is_found_wherever_it_stands(stage: Stage) -> None:
    known = secrets(stage)
    variable = "OCEAN__INTEGRATION__CONFIG__ZOOM_CLIENT_SECRET"
    call = {"operation": "entities.bulk", "service": "port", "direction": "in", "path": "/port/v1/x"}
    said = {"request": {"body": f'{{"reason": "{known[variable]}"}}'}, "answer": {}}

    assert leaks(stage, [call | said]) == [f"in port entities.bulk: {variable}"]
    assert leaks(stage, [call | said | {"operation": "oauth.token"}]) == []
    assert {
        "OCEAN__INTEGRATION__CONFIG__SLACK_BOT_TOKEN",
        "OCEAN__INTEGRATION__CONFIG__STATUSPAGE_API_KEY",
        "OCEAN__PORT__CLIENT_SECRET",
    } <= set(known)
