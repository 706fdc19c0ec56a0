"""A picture of a page: `python -m scripts.picture URL FILE.png [--size 1440x1400] [--dark]`.

Needs a Chromium on PATH. Waits until the page has settled, which includes its first refresh.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

BROWSERS = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")

_FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
)


def browser() -> str | None:
    """The path of a Chromium, or None."""
    return next((found for name in BROWSERS if (found := shutil.which(name))), None)


def run(
    *wanted: str, url: str, settle: float = 2.0, timeout: float = 60.0
) -> subprocess.CompletedProcess[str]:
    """Start Chromium on `url` with an empty profile. `settle` is virtual seconds the page may use.

    Raises FileNotFoundError without a Chromium, subprocess.TimeoutExpired after `timeout` real seconds.
    """
    program = browser()
    if program is None:
        raise FileNotFoundError(f"no Chromium on PATH (looked for {', '.join(BROWSERS)})")
    with tempfile.TemporaryDirectory(prefix="picture-", ignore_cleanup_errors=True) as profile:
        given = [
            program,
            *_FLAGS,
            f"--user-data-dir={profile}",
            f"--virtual-time-budget={int(settle * 1000)}",
            *wanted,
            url,
        ]
        return subprocess.run(given, capture_output=True, text=True, timeout=timeout, check=False)


def take(url: str, file: Path, size: str = "1440x1400", dark: bool = False) -> None:
    """Write a PNG of the page. Raises RuntimeError with Chromium's last words when there is none."""
    width, height = _size(size)
    wanted = [f"--screenshot={file.resolve()}", f"--window-size={width},{height}"]
    if dark:
        wanted.append("--blink-settings=preferredColorScheme=0")
    file.unlink(missing_ok=True)
    ended = run(*wanted, url=url)
    if not file.is_file():
        raise RuntimeError(f"Chromium made no picture: {ended.stderr.strip()[-400:]}")


def dom(url: str, settle: float = 2.0) -> str:
    """The page's HTML after its scripts ran."""
    return run("--dump-dom", url=url, settle=settle).stdout


def _size(text: str) -> tuple[int, int]:
    found = re.fullmatch(r"(\d{2,4})x(\d{2,5})", text)
    if found is None:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size such as 1440x1400")
    return int(found[1]), int(found[2])


def main(given: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m scripts.picture", description="A picture of a page.")
    parser.add_argument("url")
    parser.add_argument("file", type=Path)
    parser.add_argument("--size", default="1440x1400", help="width x height in pixels (default: %(default)s)")
    parser.add_argument("--dark", action="store_true", help="as a reader with a dark theme sees it")
    chosen = parser.parse_args(given)
    try:
        take(chosen.url, chosen.file, chosen.size, chosen.dark)
    except (FileNotFoundError, RuntimeError, subprocess.TimeoutExpired, argparse.ArgumentTypeError) as why:
        print(f"no picture: {why}", file=sys.stderr)
        return 1
    print(f"{chosen.file}: {chosen.file.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main())
