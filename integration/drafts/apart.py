"""A person's template, rendered in a process of its own that can be stopped."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from integration.drafts.rendering import TemplateProblem

SECONDS = 5.0  # from its start; a process takes a tenth of one to start, more on a busy machine
_AT_A_TIME = 4
_slots = asyncio.Semaphore(_AT_A_TIME)
_FILE = Path(__file__).with_name("rendering.py")


async def render_apart(template: str, library: Mapping[str, str], context: Mapping[str, Any]) -> str:
    """The text that `template` gives. Raises TemplateProblem, also for one that does not end."""
    given = json.dumps({"template": template, "library": dict(library), "context": context}).encode()
    async with _slots:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-I", str(_FILE)),
            env={},  # neither settings nor secrets
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:
            said, _ = await asyncio.wait_for(process.communicate(given), SECONDS)
        except TimeoutError:
            raise TemplateProblem(
                f"does not end within {SECONDS:g} seconds: is there a loop in it?"
            ) from None
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await process.wait()
    if process.returncode:
        raise TemplateProblem("needs too much time or memory: is there a loop in it?")
    answer = json.loads(said)
    if "error" in answer:
        raise TemplateProblem(str(answer["error"]), int(answer["line"]))
    return str(answer["text"])
