"""Run as a program of its own: imports what `ocean sail` imports once, then forks a process for each start.

An import is the same each time and takes longer than all that follows it. A fork is a process like any
other: it has its own id and group, shares nothing that it writes, and does what `ocean sail` does from its
first line on. Nothing of the integration has run before: no loop, no thread, no settings read. One thing
alone is different: YAML is parsed by the same library's C parser, which takes a seventh of the time.

Reads lines of JSON, `{"folder": ..., "log": ..., "port": ..., "env": {...}}`; answers each with the process's
id, and tells `<id> <exit code>` of every one that has ended (negative: the signal). Ends with its input.
"""

from __future__ import annotations

import importlib
import json
import os
import select
import signal
import sys
import threading
from types import FrameType

import yaml

LOOK_SECONDS = 0.2
IMPORTED = (
    *("port_ocean.run", "port_ocean.cli.cli", "integration.app"),
    # What a start imports by name, later on.
    *("uvicorn.protocols.http.auto", "uvicorn.protocols.websockets.auto", "uvicorn.lifespan.on"),
    *("anyio._backends._asyncio", "httpcore"),
)


def main() -> None:
    sys.path[:1] = []  # this file's folder
    sys.path.append(".")  # as Ocean does
    for name in IMPORTED:
        importlib.import_module(name)
    yaml.SafeLoader = yaml.CSafeLoader  # type: ignore[assignment,misc]
    if threading.active_count() > 1:
        raise SystemExit("an import has started a thread: that can't be forked")
    signal.signal(signal.SIGCHLD, _wake)
    print("ready", flush=True)
    rest = b""
    while True:
        ready, _, _ = select.select([0], [], [], LOOK_SECONDS)
        _bury()
        if not ready:
            continue
        read = os.read(0, 65536)
        if not read:
            return
        *lines, rest = (rest + read).split(b"\n")
        for line in lines:
            start = json.loads(line)
            sys.stdout.flush()
            child = os.fork()
            if child == 0:
                _become(**start)
            print(child, flush=True)


def _wake(signum: int, frame: FrameType | None) -> None:
    """A handler there must be, or `select` sleeps on."""
    _bury()


def _bury() -> None:
    while True:
        try:
            child, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if child == 0:
            return
        os.write(1, f"{child} {os.waitstatus_to_exitcode(status)}\n".encode())


def _become(folder: str, log: str, port: int, env: dict[str, str]) -> None:
    """The integration, in a folder, with its output in a file. Never returns."""
    os.environ.clear()
    os.environ.update(env)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    os.chdir(folder)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for source, target in ((nothing, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    sys.argv = ["ocean", "sail", ".", "--port", str(port)]
    sys.exit(importlib.import_module("port_ocean.cli.cli").cli_start())


if __name__ == "__main__":
    main()
