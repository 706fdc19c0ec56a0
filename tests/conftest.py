"""What all tests share: how they are spread over processes."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import hypothesis
import pytest
import pytest_asyncio

if TYPE_CHECKING:
    from tests.public_bench import Public

# httpcore asks at every request whether there is a sniffio. Where there is none, the whole path is searched
# for it each time, slowly under pytest: a tenth of what the tests of clients take.
if importlib.util.find_spec("sniffio") is None:
    sys.modules["sniffio"] = cast(Any, None)  # Python's own way to say that there is none

# A busy machine is no finding: neither an example's time nor the pace of generating them fails a test.
hypothesis.settings.register_profile(
    "suite", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("suite")

STORIES = "tests/stories/"
LONGEST = (
    *("test_two_processes.py", "test_killed.py", "test_crash_sample.py", "test_record.py"),
    *("test_status_page_sync.py", "test_demo.py", "test_other_settings.py"),
)
"""Stories that restart processes, or sit out what a provider makes them wait."""


REHEARSALS = (
    "test_outward",
    "test_public",
    "test_overlap.py",
    "test_two_processes.py",
    "test_killed.py",
    "test_audiences.py",
    "test_demo.py",
)
"""Stories that mostly wait, for what was cut off to come to rest: `make rehearse` plays them, and what other
files mark as a rehearsal."""


@pytest.hookimpl(tryfirst=True)  # before pytest goes by the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What takes longest begins first, so that no process is left alone with it at the end."""
    items.sort(key=lambda item: _place(item.nodeid))
    for item in items:
        if _is_rehearsal(item.nodeid):
            item.add_marker("rehearsal")


def _place(nodeid: str) -> int:
    if not nodeid.startswith(STORIES):
        return len(LONGEST) + (3 if _scope(nodeid) == nodeid else 2)
    if _scope(nodeid) == "stage":
        return 0  # most of the stories, in one process
    name = nodeid.removeprefix(STORIES).partition("::")[0]
    return 1 + (LONGEST.index(name) if name in LONGEST else len(LONGEST))


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With `-n`, the stories of one stage stay in one process: it takes seconds to set up."""
    if config.getoption("dist", "no") != "load":
        return None
    config.option.loadscopereorder = False  # it would put files of many quick tests first
    scheduler: Any = importlib.import_module("xdist.scheduler").LoadScopeScheduling(config, log)
    scheduler._split_scope = _scope
    return scheduler


@functools.cache
def _scope(nodeid: str) -> str:
    """What stays in one process: the stories of one stage, or of one file where it has a stage of its own;
    the tests of a file that share what takes long to make; every other test for itself."""
    file = nodeid.partition("::")[0]
    text = _text(file)
    if not nodeid.startswith(STORIES):
        return file if 'scope="module"' in text else nodeid
    if "page_stage" in text:
        return "page_stage"
    if _is_rehearsal(nodeid):
        return file
    if "other_stage" in text:
        return "other_stage"
    return "stage" if "stage: Stage" in text and "staged(" not in text else file


@functools.cache
def _text(file: str) -> str:
    return (Path(__file__).resolve().parents[1] / file).read_text("utf-8")


def _is_rehearsal(nodeid: str) -> bool:
    return nodeid.startswith(tuple(STORIES + name for name in REHEARSALS))


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def page_engine() -> AsyncIterator[Public]:
    """An engine with a whole sandbox, for all tests of public words in one process."""
    from integration import page_mirror
    from tests.public_bench import public_bench

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(page_mirror, "DEBOUNCE_SECONDS", 0.02)
        async with public_bench() as found:
            yield found


@pytest_asyncio.fixture(loop_scope="session")
async def public(page_engine: Public) -> Public:
    """The same engine and a page on which nothing has happened yet; incidents of its own."""
    return await page_engine.afresh()
