"""The whole sandbox in this process, as an installation would see it."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest_asyncio

from integration.budget import Budget
from integration.doctor.__main__ import diagnose
from integration.doctor.finding import Finding
from integration.provision.plan import carry_out, plan
from integration.provision.target import read_target
from integration.services.port import PortService
from integration.settings import PREFIX
from sandbox import credentials
from sandbox.app import Sandbox, environment
from sandbox.world import World
from tests.sandbox.serve import serve

SECRETS = [
    value
    for name, value in vars(credentials).items()
    if name.isupper() and name.endswith(("TOKEN", "SECRET", "KEY"))
]


class Clinic:
    """A sandbox and the variables that point at it; `findings` is what the doctor says of them."""

    def __init__(self, sandbox: Sandbox, base: str, env: dict[str, str]) -> None:
        self.sandbox, self.base, self.env = sandbox, base, env

    async def findings(self, **changes: str) -> dict[str, list[Finding]]:
        """By check. `changes` to settings by their names in lower case, or to whole variables."""
        named = {
            (name if name.isupper() else PREFIX + name.upper()): value for name, value in changes.items()
        }
        found = await diagnose({**self.env, **named}, regions={f"{self.base}/eu/port": f"{self.base}/port"})
        every = "\n".join(one.line for one in found)
        for secret in SECRETS:
            assert secret not in every
        by_check: dict[str, list[Finding]] = {}
        for one in found:
            by_check.setdefault(one.check, []).append(one)
            assert one.step or one.verdict not in ("failed", "warning"), one
        return by_check

    async def provision(self) -> None:
        target = read_target(self.env)
        port = PortService(target.base_url, target.client_id, target.client_secret, Budget())
        try:
            await carry_out(port, await plan(port, target.settings, target.door))
        finally:
            await port.aclose()


@pytest_asyncio.fixture
async def clinic() -> AsyncIterator[Clinic]:
    sandbox = Sandbox(World(), kind=True)
    async with serve(sandbox.app) as base:
        sandbox.at(base)
        smtp = await sandbox.mail.start("127.0.0.1", 0)
        env = environment(base, "127.0.0.1", smtp) | {"OCEAN__BASE_URL": "http://127.0.0.1:9"}
        yield Clinic(sandbox, base, env)
        await sandbox.close()
