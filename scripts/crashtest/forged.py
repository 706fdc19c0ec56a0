"""The integration's process, forked from one that has imported it: a start costs a fraction of a second."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from pathlib import Path

from sandbox.stage import START_SECONDS, STOP_SECONDS, Process, StageError

PROGRAM = Path(__file__).with_name("forge.py")


class Forge:
    """Forks processes of the program in `folder`, for as many stages as there are. Lit when it is needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._process: asyncio.subprocess.Process | None = None
        self._told: asyncio.Task[None] | None = None
        self._one_at_a_time = asyncio.Lock()
        self._born: asyncio.Queue[int] = asyncio.Queue()
        self._ends: dict[int, asyncio.Future[int]] = {}

    async def child(self, folder: Path, log: Path, port: int, env: dict[str, str]) -> tuple[int, Ended]:
        """(process id, what will have its exit code)"""
        order = {"folder": str(folder), "log": str(log), "port": port, "env": env}
        async with self._one_at_a_time:
            forge = self._process or await self._lit()
            assert forge.stdin is not None
            forge.stdin.write(json.dumps(order).encode() + b"\n")
            await forge.stdin.drain()
            child = await asyncio.wait_for(self._born.get(), START_SECONDS)
            ended = self._ends[child]
            # Its number may be given to another later on.
            ended.add_done_callback(lambda _: self._ends.pop(child, None))
            return child, ended

    async def put_out(self) -> None:
        if self._process is not None and self._process.stdin is not None:
            self._process.stdin.close()
            await self._process.wait()
        if self._told is not None:
            await self._told

    async def _lit(self) -> asyncio.subprocess.Process:
        forge = await asyncio.create_subprocess_exec(
            *(sys.executable, str(PROGRAM)),
            cwd=self._folder,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        assert forge.stdout is not None
        first = await asyncio.wait_for(forge.stdout.readline(), START_SECONDS)
        if first.strip() != b"ready":
            raise StageError("the integration can't be imported")
        self._process = forge
        self._told = asyncio.create_task(self._listen(forge.stdout))
        return forge

    async def _listen(self, told: asyncio.StreamReader) -> None:
        """Children as they are born, and as they end."""
        while line := await told.readline():
            child, *code = (int(word) for word in line.split())
            ended = self._ends.setdefault(child, asyncio.get_running_loop().create_future())
            if not code:
                self._born.put_nowait(child)
            else:
                ended.set_result(code[0])


Ended = asyncio.Future[int]


class Forged(Process):
    """`cold` has the next start done as a user does it, with nothing imported."""

    def __init__(self, forge: Forge, env: dict[str, str], log: Path, folder: Path, port: int) -> None:
        ocean = str(Path(sys.executable).with_name("ocean"))
        sail = ["/bin/sh", "-c", 'cd "$0" && exec "$@"', str(folder), ocean, "sail", ".", "--port", str(port)]
        super().__init__("integration", sail, env, log)
        self.cold = False
        self._forge, self._folder, self._port = forge, folder, port
        self._child = 0
        self._ended: Ended | None = None

    @property
    def running(self) -> bool:
        return super().running or (self._ended is not None and not self._ended.done())

    @property
    def returncode(self) -> int | None:
        if self._ended is None:
            return super().returncode
        return self._ended.result() if self._ended.done() else None

    async def start(self) -> None:
        if self.cold:
            self.cold, self._ended = False, None
            await super().start()
        else:
            self._child, self._ended = await self._forge.child(self._folder, self.log, self._port, self.env)

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self._ended is None:
            await super().stop(how)
            return
        if self._ended.done():
            return
        with contextlib.suppress(ProcessLookupError):
            if how is signal.SIGKILL:
                os.killpg(self._child, how)
            else:
                os.kill(self._child, how)
        try:
            await asyncio.wait_for(asyncio.shield(self._ended), STOP_SECONDS)
        except TimeoutError:
            os.killpg(self._child, signal.SIGKILL)
            await self._ended
