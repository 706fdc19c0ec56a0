"""Container and chart values name what is really there: what they say is held to the code, by no engine."""

from __future__ import annotations

import fnmatch
import re
from typing import Any

import yaml
from port_ocean.config.dynamic import default_config_factory

from integration import portjson
from integration.settings import Settings
from scripts.generate import snake, spec

ROOT = portjson.ROOT
DOCKERFILE = (ROOT / "Dockerfile").read_text("utf-8")
VALUES: dict[str, Any] = yaml.safe_load((ROOT / "deploy/helm-values.yaml").read_text("utf-8"))


def copied() -> list[str]:
    lines = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, flags=re.MULTILINE)
    return [name for line in lines for name in line.split()]


def test_what_is_copied_is_there_and_is_let_through() -> None:
    allowed = [
        line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text().splitlines() if line[0] == "!"
    ]

    for name in copied():
        assert (ROOT / name).exists(), name
        assert any(fnmatch.fnmatch(name, one) for one in allowed), name


def test_everything_the_product_reads_is_copied() -> None:
    folders = {"integration", "actions", "blueprints", "entities", "scorecards", "pages", "agents", ".port"}

    assert folders | {"main.py", "config.yaml", "pyproject.toml"} <= set(copied())
    assert not {"sandbox", "tests", "scripts", ".env"} & set(copied())


def test_it_runs_as_nobody_in_particular_and_gets_signals() -> None:
    user, last = re.findall(r"^USER (\S+)$", DOCKERFILE, flags=re.MULTILINE), DOCKERFILE.splitlines()[-1]

    assert user[-1] == "ocean"
    assert last.startswith('CMD ["ocean", "sail"')  # exec form: no shell between


def test_the_values_are_settings_and_the_secrets_are_secrets() -> None:
    configurations = spec()["configurations"]
    known = {one["name"] for one in configurations}
    sensitive = {one["name"] for one in configurations if one.get("sensitive")}
    config, secrets = VALUES["integration"]["config"], VALUES["integration"]["secrets"]

    assert set(config) | set(secrets) <= known
    assert not set(config) & sensitive
    given = {snake(name): value for name, value in {**config, **secrets}.items()}
    assert Settings.from_config(given, credentials=False).incident_blueprint == "incident"
    assert default_config_factory(configurations).model_validate({**config, **secrets})


def test_one_process_is_replaced_and_has_time_to_finish() -> None:
    config = yaml.safe_load((ROOT / "config.yaml").read_text("utf-8"))

    assert VALUES["workload"]["deployment"]["rolloutStrategy"] == "Recreate"
    assert VALUES["terminationGracePeriodSeconds"] >= config["maxWaitSecondsBeforeShutdown"] + 15
    assert VALUES["podSecurityContext"]["runAsNonRoot"] is True
    assert VALUES["integration"]["type"] == "incident-comms"  # names the image: port-ocean-<type>
    assert VALUES["integration"]["eventListener"]["type"] == "POLLING"
