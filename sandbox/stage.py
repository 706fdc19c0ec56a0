"""Starts sandbox and integration as two real processes and talks to them as their surroundings would.

Knows the product by its command lines and by Port's API alone: nothing of it is imported.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any, Self

import httpx

from sandbox.credentials import PORT_CLIENT_ID, PORT_CLIENT_SECRET

Json = dict[str, Any]
ROOT = Path(__file__).resolve().parent.parent
CALLER = "sandbox-stage"  # by this the journal tells our own looks into Port from the integration's
START_SECONDS = 60.0
STOP_SECONDS = 40.0


class StageError(Exception):
    """Something promised did not happen; the text says what, and where to look."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


async def until[T](
    what: str, look: Callable[[], Awaitable[T | None]], seconds: float = 30.0, every: float = 0.1
) -> T:
    """Look until something is there; raises StageError naming `what` when the time is over."""
    deadline = time.monotonic() + seconds
    while True:
        found = await look()
        if found:
            return found
        if time.monotonic() > deadline:
            raise StageError(f"{what}: did not happen within {seconds:g} s")
        await asyncio.sleep(every)


class Process:
    """One child process with its output in a file."""

    def __init__(self, name: str, command: list[str], env: dict[str, str], log: Path) -> None:
        self.name, self.command, self.env, self.log = name, command, env, log
        self._process: asyncio.subprocess.Process | None = None

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    @property
    def pid(self) -> int:
        """0 as long as it was never started."""
        return self._process.pid if self._process else 0

    @property
    def returncode(self) -> int | None:
        return self._process.returncode if self._process else None

    async def start(self) -> None:
        with self.log.open("ab") as output:
            self._process = await asyncio.create_subprocess_exec(
                *self.command,
                cwd=ROOT,
                env=self.env,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=output,
                stderr=asyncio.subprocess.STDOUT,
                # Ctrl-C is ours to hand on, in order.
                start_new_session=True,
            )

    async def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        """Send the signal and wait; SIGKILL when it takes too long."""
        if self._process is None or self._process.returncode is not None:
            return
        with contextlib.suppress(ProcessLookupError):
            if how is signal.SIGKILL:
                # As a container or systemd does: what it has forked goes too, or it would hold the port.
                os.killpg(self._process.pid, how)
            else:
                self._process.send_signal(how)
        try:
            await asyncio.wait_for(self._process.wait(), STOP_SECONDS)
        except TimeoutError:
            os.killpg(self._process.pid, signal.SIGKILL)
            await self._process.wait()

    def tail(self, lines: int = 15) -> str:
        try:
            return "\n".join(self.log.read_text("utf-8", "replace").splitlines()[-lines:])
        except OSError:
            return ""


class Stage:
    """Sandbox and integration, up and provisioned."""

    def __init__(
        self, folder: Path, *, settings: dict[str, str] | None = None, sandbox_port: int = 0
    ) -> None:
        self.folder = folder
        self.sandbox_port = sandbox_port or free_port()
        self.integration_port = free_port()
        self.base = f"http://127.0.0.1:{self.sandbox_port}"
        self.url = f"http://127.0.0.1:{self.integration_port}"
        self._overrides = settings or {}
        self._sandbox = Process(
            "sandbox",
            [
                *(sys.executable, "-m", "sandbox", "--port", str(self.sandbox_port)),
                *("--env-file", str(folder / "sandbox.env")),
            ],
            dict(os.environ),
            folder / "sandbox.log",
        )
        self.integration = Process("integration", [], {}, folder / "integration.log")
        # Shorter than the sandbox keeps a connection open: it must not close one that is being taken.
        limits = httpx.Limits(keepalive_expiry=2)
        self.control = httpx.AsyncClient(base_url=f"{self.base}/_sandbox", timeout=30, limits=limits)
        self.port = httpx.AsyncClient(
            base_url=f"{self.base}/port/v1", timeout=30, limits=limits, headers={"user-agent": CALLER}
        )

    @classmethod
    @contextlib.asynccontextmanager
    async def up(
        cls, *, settings: dict[str, str] | None = None, sandbox_port: int = 0
    ) -> AsyncIterator[Self]:
        """Everything started, provisioned and connected; everything stopped at the end."""
        with tempfile.TemporaryDirectory(prefix="incident-comms-") as folder:
            stage = cls(Path(folder), settings=settings, sandbox_port=sandbox_port)
            try:
                await stage.start_sandbox()
                await stage.provision()
                await stage.start_integration()
                await stage.connect()
                yield stage
            finally:
                await stage.down()

    async def start_sandbox(self) -> None:
        await self._sandbox.start()
        await self._answers(self._sandbox, f"{self.base}/_sandbox/journal")
        self.integration.env = self._environment()
        ocean = Path(sys.executable).with_name("ocean")
        self.integration.command = [str(ocean), "sail", str(ROOT), "--port", str(self.integration_port)]
        token = await self.port.post(
            "/auth/access_token", json={"clientId": PORT_CLIENT_ID, "clientSecret": PORT_CLIENT_SECRET}
        )
        self.port.headers["authorization"] = f"Bearer {token.json()['accessToken']}"

    def _environment(self) -> dict[str, str]:
        env = {name: value for name, value in os.environ.items() if not name.startswith("OCEAN__")}
        for line in (self.folder / "sandbox.env").read_text().splitlines():
            name, _, value = line.removeprefix("export ").partition("=")
            if name:
                env[name] = value.strip("'\"") if value[:1] in "'\"" else value
        env |= {
            "OCEAN__BASE_URL": self.url,
            "OCEAN__INITIALIZE_PORT_RESOURCES": "false",
            # In a story that lasts seconds every change of status comes soon after another.
            "OCEAN__INTEGRATION__CONFIG__NOTICE_CALM_SECONDS": "0",
            "APPLICATION__ENABLE_HTTP_LOGGING": "false",
            "APPLICATION__PORT": str(self.integration_port),
            "PYTHONUNBUFFERED": "1",
            "COLUMNS": "200",
        }
        return env | self._overrides

    async def provision(self) -> None:
        """Blueprints, actions and automations, as the product's own command installs them."""
        provision = Process(
            "provision",
            [sys.executable, "-m", "integration.provision"],
            self.integration.env,
            self.folder / "provision.log",
        )
        await provision.start()
        await until("provisioning ends", lambda: _true(not provision.running), START_SECONDS)
        if provision.returncode != 0:
            raise StageError(f"provisioning failed:\n{provision.tail()}")

    @property
    def socket_mode(self) -> bool:
        """Whether the integration is told to fetch from Slack, so that Slack needs no address of it."""
        return bool(self.integration.env.get("OCEAN__INTEGRATION__CONFIG__SLACK_APP_TOKEN"))

    async def start_integration(self) -> None:
        if self.socket_mode:
            await self.ask("POST", "/slack/socket-mode", {"enabled": True})
        await self.integration.start()
        await self._answers(self.integration, f"{self.url}/health/ready")

    async def connect(self) -> None:
        """Tell Slack, Zoom and Statuspage where to send their events, as an administrator does."""
        if not self.socket_mode:
            slack = f"{self.url}/integration/slack"
            await self.ask("POST", "/slack/events-url", {"url": f"{slack}/events"})
            await self.ask("POST", "/slack/interactivity-url", {"url": f"{slack}/interactions"})
            await self.ask("POST", "/slack/commands-url", {"url": f"{slack}/commands"})
        if self.integration.env.get("OCEAN__INTEGRATION__CONFIG__ZOOM_WEBHOOK_SECRET"):
            await self.ask("POST", "/zoom/webhook-url", {"url": f"{self.url}/integration/zoom/events"})
        if secret := self.integration.env.get("OCEAN__INTEGRATION__CONFIG__STATUSPAGE_WEBHOOK_SECRET"):
            page_url = f"{self.url}/integration/statuspage/{secret}/events"
            await self.ask("POST", "/statuspage/webhook-url", {"url": page_url})

    async def down(self) -> None:
        await self.integration.stop()
        await self._sandbox.stop()
        await self.control.aclose()
        await self.port.aclose()

    async def _answers(self, process: Process, url: str) -> None:
        async with httpx.AsyncClient(timeout=2) as client:

            async def look() -> bool:
                if not process.running:
                    raise StageError(f"{process.name} ended with {process.returncode}:\n{process.tail()}")
                try:
                    return (await client.get(url)).status_code == 200
                except httpx.HTTPError:
                    return False

            try:
                await until(f"{process.name} answers", look, START_SECONDS)
            except StageError as problem:
                raise StageError(f"{problem}\n{process.tail()}") from None

    # The sandbox's control

    async def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Call the control API; raises StageError with its own words when it refuses."""
        answer = await self.control.request(method, path, json=body)
        if answer.status_code >= 400:
            raise StageError(f"{method} /_sandbox{path}: {answer.status_code} {answer.text[:500]}")
        return answer.json() if answer.content else None

    async def say(self, channel: str, user: str, text: str, **more: Any) -> str:
        """Say something as a person; the message's ts."""
        said = await self.ask("POST", "/slack/say", {"channel": channel, "user": user, "text": text, **more})
        return str(said["ts"])

    async def create(self, blueprint: str, entity: Json, user: str | None = None) -> None:
        body = {"blueprint": blueprint, "entity": entity} | ({"user": user} if user else {})
        await self.ask("POST", "/port/entities", body)

    async def change(
        self, blueprint: str, identifier: str, properties: Json, user: str | None = None, **more: Any
    ) -> None:
        body: Json = {"properties": properties, **more} | ({"user": user} if user else {})
        await self.ask("PATCH", f"/port/entities/{blueprint}/{identifier}", body)

    async def press(self, action: str, entity: str, inputs: Json, user: str) -> str:
        """Press a button in Port as a person; the run's id."""
        body = {"action": action, "entity": entity, "inputs": inputs, "user": user}
        run = await self.ask("POST", "/port/press", body)
        return str(run["run"]["id"])

    async def approve(self, run: str, user: str) -> None:
        """Approve a run that waits for it; raises StageError when that person may not."""
        await self.ask("POST", "/port/approve", {"run": run, "user": user, "approve": True})

    async def journal(self, **query: Any) -> list[Json]:
        answer = await self.control.get("/journal", params=query)
        entries = answer.json()
        return entries if isinstance(entries, list) else list(entries["entries"])

    # Port, as anybody with a token reads it

    async def entity(self, blueprint: str, identifier: str) -> Json | None:
        answer = await self.port.get(f"/blueprints/{blueprint}/entities/{identifier}")
        return dict(answer.json()["entity"]) if answer.status_code == 200 else None

    async def entities(self, blueprint: str) -> list[Json]:
        answer = await self.port.get(f"/blueprints/{blueprint}/entities")
        return list(answer.json().get("entities", []))

    async def of_incident(self, blueprint: str, incident: str) -> list[Json]:
        found = await self.entities(blueprint)
        return [entity for entity in found if entity.get("relations", {}).get("incident") == incident]

    async def run(self, identifier: str) -> Json:
        answer = await self.port.get(f"/actions/runs/{identifier}", params={"version": "v2"})
        return dict(answer.json()["run"])

    async def runs(self) -> list[Json]:
        answer = await self.port.get("/actions/runs", params={"version": "v2", "limit": 1000})
        return list(answer.json()["runs"])

    async def finished(self, identifier: str, seconds: float = 60.0) -> Json:
        """The run once it is final."""

        async def look() -> Json | None:
            run = await self.run(identifier)
            return run if run["status"] in ("SUCCESS", "FAILURE", "DECLINED") else None

        return await until(f"run {identifier} ends", look, seconds)


async def _true(value: bool) -> bool:
    return value
