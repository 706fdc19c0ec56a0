"""Stages: sandbox and `ocean sail` as two real processes, shared by the stories of one test process.

Each story has an incident of its own, so none minds the others. A stage is taken down after the last story:
left standing, its sweeps would take the processor from the tests that follow.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from sandbox.credentials import SLACK_APP_TOKEN
from sandbox.stage import Stage
from tests.stories.outward_public import staged_pages
from tests.stories.play import CONFIG, staged

TEAM = "incident-readers"
INSTALLATION_KEY = "stories"
STATIC_BRIDGE = "https://meet.example.com/bridge"


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def stage() -> AsyncIterator[Stage]:
    """As installed: Port calls us by webhook, everything else by default."""
    async with staged(settings={f"{CONFIG}INSTALLATION_KEY": INSTALLATION_KEY}) as up:
        yield up


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def other_stage() -> AsyncIterator[Stage]:
    """The other choice in every setting: Ocean claims runs, Slack talks by Socket Mode, Zoom and Statuspage
    are looked at, so that nobody needs an address of ours; private rooms may be read by a team, rooms are
    archived at once, and a static bridge stands in for Zoom."""
    settings = {
        "DOOR": "integration_action",
        "PRIVATE_ROOMS_TEAM": TEAM,
        "ARCHIVE_AFTER_QUIET_MINUTES": "0",
        "STATIC_BRIDGE_URL": STATIC_BRIDGE,
        "SLACK_APP_TOKEN": SLACK_APP_TOKEN,
        "ZOOM_WEBHOOK_SECRET": "",
        "STATUSPAGE_WEBHOOK_SECRET": "",
    }
    async with staged(
        settings={CONFIG + name: value for name, value in settings.items()} | {"OCEAN__BASE_URL": ""},
        port={"allow_integration_actions": True, "teams": [{"name": TEAM}]},
    ) as up:
        yield up


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def fragile_stage() -> AsyncIterator[Stage]:
    """For stories that kill the integration; each leaves it running again."""
    async with staged() as up:
        yield up


@pytest_asyncio.fixture(scope="package", loop_scope="session")
async def page_stage() -> AsyncIterator[Stage]:
    """For stories of public words: two pages, two people who may approve, the guards as installed, and
    nobody told of what is done by hand unless a story says so."""
    async with staged_pages(GUARD_RULES="{}") as up:
        yield up
