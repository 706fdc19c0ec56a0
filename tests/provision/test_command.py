"""The command: what it reads, and what it says."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import os
import re
import sys
from pathlib import Path

import pytest

from integration import portjson
from integration.errors import BadInput
from integration.provision import __main__ as command
from integration.provision import read_target
from integration.provision.export import export
from integration.settings import Settings, variable
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

    async def called(**changes: str) -> tuple[int | None, str, str]:
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
        called(),
        called(OCEAN__INTEGRATION__CONFIG__OPEN_SEVERITIES="sev1"),
        called(OCEAN__PORT__CLIENT_SECRET="nobody-knows"),
    )

    assert done[0] == 0
    assert "blueprint incidentWarRoom: created" in done[1]
    assert (wrong[0], wrong[1]) == (2, "")
    assert "OCEAN__INTEGRATION__CONFIG__OPEN_SEVERITIES" in wrong[2]
    assert refused[0] == 1
    assert "Traceback" not in refused[2] + wrong[2]
    assert "nobody-knows" not in refused[2]


async def test_a_dry_run_shows_the_difference_and_writes_nothing(
    organisation: Organisation, capsys: pytest.CaptureFixture[str]
) -> None:
    target = read_target(
        {
            "OCEAN__PORT__BASE_URL": organisation.url,
            "OCEAN__PORT__CLIENT_ID": PORT_CLIENT_ID,
            "OCEAN__PORT__CLIENT_SECRET": PORT_CLIENT_SECRET,
            "OCEAN__BASE_URL": "https://comms.example.com",
        }
    )
    before = organisation.effects()
    await command.run(target, command.arguments(["--dry-run"]))
    first = capsys.readouterr().out
    nothing = organisation.effects() == before
    await command.run(target, command.arguments([]))
    done = len(organisation.effects())
    moved = dataclasses.replace(target, door=portjson.Webhook("https://moved.example.com"))
    await command.run(moved, command.arguments(["--dry-run"]))
    second = capsys.readouterr().out
    await command.run(target, command.arguments(["--dry-run", "--json"]))
    third = json.loads(capsys.readouterr().out)

    assert nothing
    assert "blueprint incidentWarRoom: created" in first
    assert "+++ action open_war_room (wanted)" in first
    assert first.rstrip().endswith("nothing was written")
    assert len(organisation.effects()) == done
    assert '-    "url": "https://comms.example.com/integration/port/actions/open_war_room",' in second
    assert '+    "url": "https://moved.example.com/integration/port/actions/open_war_room",' in second
    assert "blueprint incidentWarRoom: unchanged" in second
    assert not [part for part in third["parts"] if part["changes"]]


def test_the_json_can_be_written_down_for_terraform(tmp_path: Path) -> None:
    settings = Settings(incident_blueprint="pagerdutyIncident")
    written = export(settings, portjson.Webhook("https://comms.example.com"), tmp_path)

    terraform = json.loads((tmp_path / "main.tf.json").read_text())
    resources = terraform["resource"]["restapi_object"]
    assert set(tmp_path.rglob("*.json")) == set(written)
    assert len(resources) == len(written) - 1
    for resource in resources.values():
        named = re.search(r'path\.module}/([^"]+\.json)', resource["data"])
        assert named is not None
        assert (tmp_path / named[1]).exists()
        assert all(one.removeprefix("restapi_object.") in resources for one in resource.get("depends_on", []))
        assert "${" not in resource.get("object_id", "")
    watching = resources["actions_waiting_to_publish"]["depends_on"]
    assert "restapi_object.actions_publish_status_page" in watching
    # What counts components comes after their relation to the page.
    page = resources["blueprints_statuspage"]["depends_on"]
    assert "restapi_object.blueprints_statuspageComponent" in page
    assert "DELETE" not in json.dumps([one for one in resources.values() if "blueprints" in one["path"]])
    additions = json.loads((tmp_path / "blueprints/pagerdutyIncident.additions.json").read_text())
    assert set(additions["relations"]) >= {"warRoom"}
