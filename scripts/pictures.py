"""`make picture`: plays the demo and takes the README's pictures of the console, in docs/pictures/."""

from __future__ import annotations

import asyncio
import sys

from rich.console import Console

from sandbox.demo import INCIDENT, Story
from sandbox.stage import ROOT, Stage, StageError
from scripts.picture import take

FOLDER = ROOT / "docs" / "pictures"


async def main() -> int:
    console = Console(stderr=True)
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        async with Stage.up() as stage:
            await Story(stage, console).play()
            pages = {
                "incident": f"/console/incident/{INCIDENT}",
                "console": "/console",
            }
            for name, path in pages.items():
                target = FOLDER / f"{name}.png"
                await asyncio.to_thread(take, stage.base + path, target)
                console.print(f"{target.relative_to(ROOT)}")
    except (StageError, FileNotFoundError, RuntimeError) as problem:
        console.print(f"[red]✘ {problem}[/]")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
