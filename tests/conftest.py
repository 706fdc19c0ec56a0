"""What all tests share: how they are spread over processes."""

from __future__ import annotations

from typing import Any

import pytest

STORIES = "tests/stories/"


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `-n`, the stories of one file stay in one process: their stage takes seconds to set up."""
    if config.getoption("dist", "no") != "load":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class ByStage(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return nodeid.partition("::")[0] if nodeid.startswith(STORIES) else nodeid

    return ByStage(config, log)
