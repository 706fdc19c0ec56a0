"""What the documentation names is there: commands, options, files, settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from integration import portjson
from integration.doctor.__main__ import _arguments as doctor_arguments
from integration.provision.__main__ import arguments as provision_arguments
from integration.settings import Settings

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
