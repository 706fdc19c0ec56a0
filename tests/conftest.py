"""What all tests share: how they are spread over processes."""

from __future__ import annotations

import importlib
from typing import Any

import pytest

STORIES = "tests/stories/"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `-n`, the stories of one file stay in one process: their stage takes seconds to set up."""
    if config.getoption("dist", "no") != "load":
        return None
    scheduler: Any = importlib.import_module("xdist.scheduler").LoadScopeScheduling(config, log)
    scheduler._split_scope = _scope
    return scheduler


def _scope(nodeid: str) -> str:
    return nodeid.partition("::")[0] if nodeid.startswith(STORIES) else nodeid
