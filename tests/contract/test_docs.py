"""What the documentation names is there: commands, options, files, settings."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from integration import portjson
from integration.doctor.__main__ import _arguments as doctor_arguments
from integration.incident_reader import IncidentReader
from integration.provision.__main__ import arguments as provision_arguments
from integration.settings import PREFIX, Settings

ROOT = portjson.ROOT
PAGES = sorted([ROOT / "README.md", ROOT / "SECURITY.md", *(ROOT / "docs").glob("*.md")])
TARGETS = set(re.findall(r"^([a-z]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), flags=re.MULTILINE))


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_and_files_that_are_named_are_there(page: Path) -> None:
    text = page.read_text("utf-8")
    named = set(re.findall(r"(?:^|`)make ([a-z]+)", text, flags=re.MULTILINE))
    links = re.findall(r"\]\((?!https?://)([^)#\s]+)", text)

    assert named <= TARGETS
    assert not [link for link in links if not (page.parent / link).exists()]
    for path in re.findall(r"`((?:tests|slack|deploy|docs)/[\w./-]+\.\w+)`", text):
        assert (ROOT / path).exists(), path


def test_options_that_are_named_are_taken() -> None:
    text = (ROOT / "docs/operations.md").read_text("utf-8")
    for command, given in re.findall(r'make (provision|doctor) ARGS="?([^"`]+)"?`', text):
        words = given.split()
        assert (provision_arguments if command == "provision" else doctor_arguments)(words)
    for given in re.findall(r'`ARGS="?([^"`]+)"?`', text.split("## Bring Port")[1].split("## Addresses")[0]):
        assert provision_arguments(given.replace("FOLDER", "x").split())


def test_settings_that_are_named_are_settings() -> None:
    text = (ROOT / "docs/operations.md").read_text("utf-8")
    named = set(re.findall(r"`([A-Z][A-Z_]+)(?:=[a-z_]+)?`", text)) - {"ERROR", "ARGS", "OCEAN__BASE_URL"}

    assert named
    assert {name.lower() for name in named} <= set(Settings.model_fields)


def test_the_incidents_of_another_tool_are_read_as_the_page_says() -> None:
    section = (ROOT / "docs/operations.md").read_text("utf-8").split("## Your own incidents")[1]
    lines = [line.removeprefix(PREFIX).partition("=") for line in section.split("```")[1].splitlines()[1:]]
    given = {name.lower(): json.loads(value) if value[0] in "[{" else value for name, _, value in lines}
    settings = Settings.model_validate(given)
    reader = IncidentReader(settings)

    incident = reader.read(
        {
            "identifier": "Q3K",
            "title": "Checkout is slow",
            "properties": {"status": "acknowledged", "urgency": "high", "created_at": "2026-11-23T09:00:00Z"},
            "relations": {"pagerdutyService": "PSVC1"},
        }
    )

    assert (incident.title, incident.status, incident.severity) == (
        "Checkout is slow",
        "acknowledged",
        "high",
    )
    assert incident.services == ("PSVC1",)
    assert incident.started_at is not None
    assert incident.started_at.hour == 9
    assert incident.severity in settings.open_severities
    assert settings.severity_impacts[incident.severity] == "major"
    assert reader.owners([{"properties": {"oncall": ["a@example.com"]}}]) == ("a@example.com",)
