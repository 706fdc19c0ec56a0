"""`make replay FILE=...`: a real incident's timeline, said again in a war room, and the notes it led to.

FILE holds JSON lines with at least ts (ISO 8601), author and text; `incident` names which incident a
line belongs to, `id` the line for those whose `thread` says that they reply to it, `reactions` who reacted
([[emoji, author], ...]). Lines of the channel "timeline" and "pagerduty" are said like those of "chat".
"""

from __future__ import annotations

import argparse
import asyncio
import itertools
import json
import re
import sys
import time
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.markdown import Markdown
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from sandbox.demo import run
from sandbox.stage import Json, Stage, StageError, until

COMMANDER = "commander@example.com"
QUIET_SECONDS = 4.0  # notes are complete when none has changed for so long
OURS = Path(__file__).with_name("incident.jsonl")  # an invented incident
MAX_TEXT = 40_000  # Slack cuts longer messages


@dataclass(frozen=True)
class Line:
    at: datetime
    author: str
    text: str
    incident: str
    name: str = ""  # by which replies name it
    thread: str = ""  # the name of the line it replies to
    reactions: tuple[tuple[str, str], ...] = ()  # (emoji, who)


def read(path: Path, incident: str) -> list[Line]:
    """The lines of one incident in order of time; without a name, of the one with most lines.

    Raises StageError naming the line that can't be read.
    """
    try:
        raw = path.read_text("utf-8").splitlines()
    except OSError as problem:
        raise StageError(f"{path}: {problem.strerror}") from problem
    lines: list[Line] = []
    for number, text in enumerate(raw, start=1):
        if not text.strip():
            continue
        try:
            item = json.loads(text)
            at = datetime.fromisoformat(item["ts"])
            lines.append(
                Line(
                    at if at.tzinfo else at.replace(tzinfo=UTC),
                    str(item["author"]),
                    str(item["text"]),
                    str(item.get("incident") or ""),
                    str(item.get("id") or ""),
                    str(item.get("thread") or ""),
                    tuple((str(emoji), str(who)) for emoji, who in item.get("reactions") or ()),
                )
            )
        except (ValueError, KeyError, TypeError) as problem:
            raise StageError(
                f"{path}:{number}: not a timeline line with ts, author and text ({problem})"
            ) from problem
    known = Counter(line.incident for line in lines)
    if not known:
        raise StageError(f"{path}: no lines")
    name = incident or known.most_common(1)[0][0]
    if name not in known:
        raise StageError(f"{path}: no incident {name!r}; it holds {', '.join(sorted(known))}")
    return sorted((line for line in lines if line.incident == name), key=lambda line: line.at)


def email(author: str) -> str:
    return f"{re.sub(r'[^a-z0-9]+', '-', author.lower()).strip('-') or 'somebody'}@example.com"


def pauses(lines: list[Line], seconds: float) -> list[float]:
    """The pauses before each line, compressed so that all of them together last `seconds`."""
    gaps = [0.0] + [(b.at - a.at).total_seconds() for a, b in itertools.pairwise(lines)]
    whole = sum(gaps)
    return [gap * seconds / whole if whole else 0.0 for gap in gaps]


async def play(stage: Stage, lines: list[Line], seconds: float, console: Console) -> Json:
    """Open a war room for the incident, say every line, and wait for the notes."""
    identifier = "REPLAY-1"
    title = lines[0].incident or "a replayed incident"
    people = {email(line.author): line.author for line in lines}
    users = [{"email": address, "name": name} for address, name in people.items()]
    users.append({"email": COMMANDER, "name": "commander"})
    await stage.ask("POST", "/seed", {"slack": {"users": users}})
    await stage.create(
        "incident",
        {
            "identifier": identifier,
            "title": title,
            "properties": {
                "status": "investigating",
                "severity": "sev1",
                "startedAt": datetime.now(UTC).isoformat(),
            },
        },
        COMMANDER,
    )

    async def opened() -> Json | None:
        room = await stage.entity("incidentWarRoom", identifier)
        return room if room and room["properties"].get("briefingTs") else None

    room = await until("the automation opens the war room", opened, 60)
    channel = str(room["properties"]["channelId"])
    started = time.monotonic()
    stamps: dict[str, str] = {}
    with Progress(console=console, transient=True) as progress:
        task = progress.add_task(f"saying {len(lines)} messages", total=len(lines))
        for line, pause in zip(lines, pauses(lines, seconds), strict=True):
            await asyncio.sleep(pause)
            thread = {"thread_ts": stamps[line.thread]} if line.thread in stamps else {}
            ts = await stage.say(channel, email(line.author), line.text[:MAX_TEXT], **thread)
            stamps[line.name or ts] = ts
            for emoji, who in line.reactions:
                mark = {"channel": channel, "ts": ts, "user": email(who), "name": emoji}
                await stage.ask("POST", "/slack/react", mark)
            progress.advance(task)
    said = time.monotonic()
    notes = await _quiet(stage, identifier)
    await stage.finished(await stage.press("write_rca", identifier, {}, COMMANDER))
    documents = (await stage.entity("incidentWarRoom", identifier) or {"properties": {}})["properties"]
    return {
        "incident": title,
        "channel": room["properties"]["channel"],
        "messages": len(lines),
        "notes": [_note(note) for note in notes],
        "by_kind": dict(Counter(note["properties"]["kind"] for note in notes)),
        "seconds": {"saying": round(said - started, 1), "until_quiet": round(time.monotonic() - said, 1)},
        "rca": documents.get("rca", ""),
        "console": f"{stage.base}/console/incident/{identifier}",
    }


async def _quiet(stage: Stage, incident: str) -> list[Json]:
    """The notes, once they have not changed for a while."""
    before: list[Json] = []
    since = time.monotonic()
    while time.monotonic() - since < QUIET_SECONDS:
        now = await stage.of_incident("incidentNote", incident)
        if [note.get("updatedAt") for note in now] != [note.get("updatedAt") for note in before]:
            before, since = now, time.monotonic()
        await asyncio.sleep(0.3)
    standing = [note for note in before if not note["properties"].get("deletedAt")]
    return sorted(standing, key=lambda note: float(note["properties"]["ts"]))


def _note(note: Json) -> Json:
    kept = ("kind", "title", "text", "author", "confidence", "how", "permalink", "links")
    return {name: note["properties"].get(name) for name in kept}


def show(console: Console, summary: Json) -> None:
    table = Table(title=f"Notes of {summary['incident']}", title_justify="left")
    for column in ("kind", "who", "what", "sure", "how"):
        table.add_column(column, overflow="fold")
    for note in summary["notes"]:
        cells = (note["kind"], note["author"], note["title"], f"{note['confidence']:.2f}", note["how"])
        table.add_row(*(escape(str(cell)) for cell in cells))
    console.print(table)
    console.print(Markdown(summary["rca"]))
    kinds = ", ".join(f"{number} {kind}" for kind, number in sorted(summary["by_kind"].items()))
    console.print(
        f"{summary['messages']} messages, {len(summary['notes'])} notes: {kinds}. "
        f"Said in {summary['seconds']['saying']} s, quiet {summary['seconds']['until_quiet']} s later."
    )


async def main(options: argparse.Namespace) -> int:
    console = Console(stderr=options.json)
    try:
        lines = read(Path(options.file), options.incident)
        async with Stage.up(sandbox_port=options.port) as stage:
            summary = await play(stage, lines, options.seconds, console)
            if options.json:
                print(json.dumps(summary, indent=2))
            else:
                show(console, summary)
            if options.stay:
                console.print(f"Look around: {summary['console']} · Ctrl-C ends everything.")
                await asyncio.Event().wait()
    except StageError as problem:
        Console(stderr=True).print(f"[red]✘ {escape(str(problem))}[/]")
        return 1
    return 0


def arguments(args: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make replay FILE=...", description=__doc__)
    parser.add_argument("file", nargs="?", default=str(OURS), help="timeline as JSON lines (default: ours)")
    parser.add_argument("--incident", default="", help="which incident of the file (default: the largest)")
    parser.add_argument("--seconds", type=float, default=15.0, help="compress the timeline to this")
    parser.add_argument("--json", action="store_true", help="print one JSON object on stdout")
    parser.add_argument("--stay", action="store_true", help="stay up until Ctrl-C")
    parser.add_argument("--port", type=int, default=0, help="the sandbox's port (default: a free one)")
    return parser.parse_args(args)


if __name__ == "__main__":
    sys.exit(run(main(arguments())))
