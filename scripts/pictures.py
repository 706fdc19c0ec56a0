"""`make picture`: plays the demo and takes the README's pictures of the console, in docs/pictures/."""

from __future__ import annotations

import asyncio
import shutil
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from sandbox.stage import ROOT, Stage, StageError
from sandbox.story import Story
from sandbox.story_outside import PAGE
from sandbox.story_people import INCIDENT
from scripts.picture import take

FOLDER = ROOT / "docs" / "pictures"

PICTURES: dict[str, tuple[tuple[str, str, str], ...]] = {
    "update": (("mailbox", "/console/mail", "1280x800"),),
    # While it is open: later the page is green again.
    "by_hand": (("status-page", f"/console/page/{PAGE}", "1000x820"),),
    "close": (
        ("incident", f"/console/incident/{INCIDENT}", "1440x1500"),
        ("record", f"/console/record/{INCIDENT}", "1440x1400"),
    ),
}
"""After which step of the story which page is taken: (file, path, size)."""


async def main() -> int:
    console = Console(stderr=True)
    if not _emoji():
        console.print("[yellow]No font with emoji here (Debian: fonts-noto-color-emoji): boxes instead.[/]")
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        async with Stage.up() as stage:

            async def look(step: str) -> None:
                for name, path, size in PICTURES.get(step, ()):
                    target: Path = FOLDER / f"{name}.png"
                    await asyncio.to_thread(take, stage.base + path, target, size)
                    console.print(f"    {target.relative_to(ROOT)}")

            await Story(stage, console, look).play()
    except (StageError, FileNotFoundError, RuntimeError) as problem:
        console.print(f"[red]✘ {problem}[/]")
        return 1
    return 0


def _emoji() -> bool:
    """Whether a font with emoji is installed, as far as fontconfig knows."""
    if shutil.which("fc-list") is None:
        return True
    listed = subprocess.run(["fc-list", ":lang=und-zsye"], capture_output=True, text=True, check=False)
    return bool(listed.stdout.strip())


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
