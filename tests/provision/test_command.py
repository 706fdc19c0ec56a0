"""The command: what it reads, and what it says."""

from __future__ import annotations

import asyncio
import os
import sys

import pytest

from integration import portjson
from integration.errors import BadInput
from integration.provision import read_target
from integration.settings import variable
from sandbox.credentials import PORT_CLIENT_ID, PORT_CLIENT_SECRET
from tests.provision.conftest import Organisation


@pytest.mark.parametrize(
    ("missing", "door"),
    [
        ("OCEAN__PORT__CLIENT_ID", "webhook"),
        ("OCEAN__PORT__CLIENT_SECRET", "webhook"),
        ("OCEAN__BASE_URL", "webhook"),
        (variable("door"), "pigeon"),
    ],
)
def test_a_missing_or_wrong_variable_is_named(missing: str, door: str) -> None:
    environment = {
        "OCEAN__PORT__CLIENT_ID": "id",
        "OCEAN__PORT__CLIENT_SECRET": "not-a-secret",
        "OCEAN__BASE_URL": "https://comms.example.com",
    }
    environment.pop(missing, None)

    with pytest.raises(BadInput, match=missing):
        read_target(environment | {variable("door"): door})


def test_the_claiming_door_needs_no_address() -> None:
    environment = {"OCEAN__PORT__CLIENT_ID": "id", "ocean__port__client_secret": "not-a-secret"}
    target = read_target(environment | {variable("door").lower(): "integration_action"})

    assert target.door == portjson.IntegrationAction("my-incident-comms-integration")


async def test_the_command_says_what_it_did(organisation: Organisation) -> None:
    environment = {
        "PATH": os.environ["PATH"],
        "OCEAN__PORT__BASE_URL": organisation.url,
        "OCEAN__PORT__CLIENT_ID": PORT_CLIENT_ID,
        "OCEAN__PORT__CLIENT_SECRET": PORT_CLIENT_SECRET,
        "OCEAN__BASE_URL": "https://comms.example.com",
    }

    async def command(**changes: str) -> tuple[int | None, str, str]:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "integration.provision"),
            env=environment | changes,
            cwd=portjson.ROOT,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()

    done, wrong, refused = await asyncio.gather(
        command(),
        command(OCEAN__INTEGRATION__CONFIG__OPEN_SEVERITIES="sev1"),
        command(OCEAN__PORT__CLIENT_SECRET="nobody-knows"),
    )

    assert done[0] == 0
    assert "blueprint incidentWarRoom: created" in done[1]
    assert (wrong[0], wrong[1]) == (2, "")
    assert "OCEAN__INTEGRATION__CONFIG__OPEN_SEVERITIES" in wrong[2]
    assert refused[0] == 1
    assert "Traceback" not in refused[2] + wrong[2]
    assert "nobody-knows" not in refused[2]
