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


class Forged(Process):
    """`cold` has the next start done as a user does it, with nothing imported."""

    def __init__(self, env: dict[str, str], log: Path, folder: Path, port: int) -> None:
        ocean = str(Path(sys.executable).with_name("ocean"))
        sail = ["/bin/sh", "-c", 'cd "$0" && exec "$@"', str(folder), ocean, "sail", ".", "--port", str(port)]
        super().__init__("integration", sail, env, log)
        self.cold = False
        self._folder, self._port = folder, port
        self._forge: asyncio.subprocess.Process | None = None
        self._told: asyncio.Task[None] | None = None
        self._children: asyncio.Queue[int] = asyncio.Queue()
        self._child = 0
        self._ended: asyncio.Future[int] | None = None

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
            return
        forge = self._forge or await self._lit()
        assert forge.stdin is not None
        order = {"folder": str(self._folder), "log": str(self.log), "port": self._port}
        self._ended = asyncio.get_running_loop().create_future()
        forge.stdin.write(json.dumps(order).encode() + b"\n")
        await forge.stdin.drain()
        self._child = await asyncio.wait_for(self._children.get(), START_SECONDS)

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

    async def put_out(self) -> None:
        """End what forks, after what it has forked."""
        await self.stop(signal.SIGKILL)
        if self._forge is not None and self._forge.stdin is not None:
            self._forge.stdin.close()
            await self._forge.wait()
        if self._told is not None:
            await self._told

    async def _lit(self) -> asyncio.subprocess.Process:
        with self.log.open("ab") as output:
            forge = await asyncio.create_subprocess_exec(
                *(sys.executable, str(PROGRAM)),
                cwd=self._folder,
                env=self.env,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=output,
                start_new_session=True,
            )
        assert forge.stdout is not None
        first = await asyncio.wait_for(forge.stdout.readline(), START_SECONDS)
        if first.strip() != b"ready":
            raise StageError(f"the integration can't be imported:\n{self.tail()}")
        self._forge = forge
        self._told = asyncio.create_task(self._listen(forge.stdout))
        return forge

    async def _listen(self, told: asyncio.StreamReader) -> None:
        """Children as they are born, and as they end."""
        ends: dict[int, int] = {}
        while line := await told.readline():
            child, *code = (int(word) for word in line.split())
            if code:
                ends[child] = code[0]
            else:
                await self._children.put(child)
                self._child = child
            if self._child in ends and self._ended is not None and not self._ended.done():
                self._ended.set_result(ends[self._child])
