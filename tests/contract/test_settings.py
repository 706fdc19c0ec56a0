"""Settings, the spec that Ocean reads and what is generated from it say the same."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from dotenv import dotenv_values
from port_ocean.config.base import BaseOceanModel
from port_ocean.config.dynamic import default_config_factory
from port_ocean.config.settings import IntegrationConfiguration
from port_ocean.core.defaults.common import get_port_integration_defaults
from port_ocean.core.handlers.port_app_config.models import PortAppConfig
from port_ocean.utils.misc import get_spec_file

from integration import portjson
from integration.errors import BadInput
from integration.settings import PREFIX, IncidentFields, Settings, variable
from integration.settings import REQUIRED as ASKED_FOR
from scripts import generate

REQUIRED = {"slack_bot_token": "xoxb-not-a-secret", "slack_signing_secret": "not-a-secret"}
SECRETS = {
    "slack_bot_token",
    "slack_signing_secret",
    "slack_app_token",
    "zoom_client_secret",
    "zoom_webhook_secret",
    "statuspage_api_key",
    "statuspage_webhook_secret",
    "smtp_password",
    "installation_key",
    "port_webhook_secret",
    "redis_url",
}


def spec() -> dict[str, Any]:
    found = get_spec_file(portjson.ROOT)
    assert found is not None
    return found


def ocean_config(**given: Any) -> dict[str, Any]:
    """What `ocean.integration_config` would be, were these the values from the environment."""
    model = default_config_factory(spec()["configurations"]).model_validate({**REQUIRED, **given})
    return model.model_dump(mode="json")


def test_spec_and_settings_name_the_same_things() -> None:
    names = [generate.snake(one["name"]) for one in spec()["configurations"]]

    assert sorted(Settings.model_fields) == sorted(names)


def test_defaults_of_the_spec_are_those_of_the_settings() -> None:
    assert Settings(**REQUIRED) == Settings.from_config(ocean_config())


def test_every_secret_is_marked_and_none_defaults_to_nothing() -> None:
    marked = {generate.snake(one["name"]): one for one in spec()["configurations"] if one.get("sensitive")}

    assert set(marked) == SECRETS
    # Ocean masks str(value) of each in its logs: a default of None would mask the word "None".
    assert all(one["default"] == "" for one in marked.values())


def test_ocean_requires_nothing_that_we_ask_for_ourselves() -> None:
    """Its own refusal would be a stack trace that names no variable."""
    assert not any(one.get("required") for one in spec()["configurations"])
    for name in ASKED_FOR:
        with pytest.raises(BadInput, match=f"{variable(name)}: is missing"):
            Settings.from_config({one: given for one, given in REQUIRED.items() if one != name})


def test_ocean_masks_the_secrets() -> None:
    model = default_config_factory(spec()["configurations"])
    config = model.model_validate({**REQUIRED, "zoomClientSecret": "z", "zoom_client_secret": "zoom-hush"})

    assert isinstance(config, BaseOceanModel)
    hidden = config.get_sensitive_fields_data()
    assert {"xoxb-not-a-secret", "not-a-secret", "zoom-hush"} <= hidden
    assert "None" not in hidden


def test_actions_of_the_spec_are_those_on_disk() -> None:
    declared = {one["name"]: one for one in spec()["actions"]}
    defined = {one["action"]: one for one in portjson.definitions()}

    assert spec()["actionsProcessingEnabled"] is True
    assert set(declared) == set(defined)
    for name, action in defined.items():
        assert declared[name]["description"] == action["description"]
        inputs = action.get("button", {}).get("userInputs", {"properties": {}, "required": []})
        said = {one["name"]: one for one in declared[name]["inputs"]}
        assert set(said) == set(inputs["properties"])
        for key, field in inputs["properties"].items():
            assert (said[key]["title"], said[key]["description"]) == (field["title"], field["description"])
            assert said[key]["required"] is (key in inputs["required"])


def test_ocean_accepts_the_defaults_for_a_first_install() -> None:
    defaults = get_port_integration_defaults(PortAppConfig, base_path=portjson.ROOT)

    assert defaults is not None
    assert defaults.port_app_config.entity_deletion_threshold == 1
    assert {one["identifier"] for one in defaults.blueprints} >= {"incident", "incidentWarRoom"}
    assert not {one["identifier"] for one in defaults.blueprints} & {"service", "_user", "_team"}


WRITTEN_BY_US: dict[str, tuple[set[str], set[str]]] = {
    "statuspage": ({"subscribers", "subscribersByMedium", "status_indicator", "status_description"}, set()),
    "statuspageComponent": ({"uptime", "uptimeReadAt"}, set()),
    "statuspageIncident": ({"publishedBy", "approvedBy"}, {"incident"}),
}
"""Properties and relations that no mapping fills, since our own client writes them."""


def test_the_mapping_fills_what_its_blueprints_have() -> None:
    """And nothing that a resync could delete beside the status pages."""
    defaults = get_port_integration_defaults(PortAppConfig, base_path=portjson.ROOT)
    assert defaults is not None
    blueprints = {one["identifier"]: one for one in portjson.blueprints().own}
    resources = defaults.port_app_config.resources

    assert [one.kind for one in resources] == [
        one["kind"] for feature in spec()["features"] for one in feature["resources"]
    ]
    for resource in resources:
        entity = resource.port.entity.mappings
        blueprint = blueprints[entity.blueprint.strip('"')]
        assert blueprint["identifier"].startswith("statuspage")
        ours, whose = WRITTEN_BY_US.get(blueprint["identifier"], (set(), set()))
        assert set(entity.properties) == set(blueprint["schema"]["properties"]) - ours
        assert set(entity.relations) == set(blueprint["relations"]) - whose


def test_generated_files_are_current() -> None:
    stale = [path.name for path, text in generate.generated().items() if path.read_text("utf-8") != text]

    assert stale == [], "run `make generate`"


def test_the_table_has_every_variable() -> None:
    table = generate.settings_table()

    assert all(f"| `{variable(name)}` |" in table for name in Settings.model_fields)
    assert {len(re.findall(r"(?<!\\)\|", line)) for line in table.splitlines()} == {4}


def test_lists_and_objects_come_as_json_text() -> None:
    config = ocean_config(
        open_severities='["critical"]',
        incident_fields='{"severity": ".properties.urgency"}',
        note_reactions='{":pin:": "decision"}',
    )

    settings = Settings.from_config(config)

    assert settings.open_severities == ("critical",)
    assert settings.incident_fields == IncidentFields(severity=".properties.urgency")
    assert settings.note_reactions == {"pin": "decision"}


def test_json_text_is_read_without_ocean_too() -> None:
    settings = Settings.from_config({**REQUIRED, "zoom_hosts": "", "closed_statuses": '["done"]'})

    assert (settings.zoom_hosts, settings.closed_statuses) == ((), ("done",))


@pytest.mark.parametrize(
    ("given", "name", "says"),
    [
        ({"open_severities": "sev1"}, "open_severities", "not JSON"),
        ({"open_severities": "[]"}, "open_severities", "at least one"),
        (
            {"incident_fields": {"severity": ".properties["}},
            "incident_fields",
            "severity: jq does not compile",
        ),
        ({"incident_fields": {"status": "'x'"}}, "incident_fields", "status: use double quotes"),
        ({"incident_fields": {"sev": ".x"}}, "incident_fields", "sev: "),
        ({"service_owners": ".["}, "service_owners", "jq does not compile"),
        ({"note_reactions": {"eyes": "gossip"}}, "note_reactions", "no kind of note"),
        ({"door": "pigeon"}, "door", "webhook"),
        ({"max_rooms_per_hour": "many"}, "max_rooms_per_hour", "integer"),
        ({"max_rooms_per_hour": 0}, "max_rooms_per_hour", "greater"),
        ({"settle_seconds": "soon"}, "settle_seconds", "number"),
        ({"zoom_api_url": "api.zoom.us"}, "zoom_api_url", "http"),
        ({"channel_prefix": "My Prefix"}, "channel_prefix", "pattern"),
        ({"slack_bot_token": " "}, "slack_bot_token", "missing"),
        ({"slack_signing_secret": None}, "slack_signing_secret", "missing"),
        (
            {"zoom_account_id": "a", "zoom_client_id": "b", "zoom_hosts": '["h"]'},
            "zoom_client_secret",
            "missing",
        ),
        ({"zoom_hosts": '["h@example.com"]'}, "zoom_account_id", "missing"),
        ({"slack_token": "x"}, "slack_token", "no setting"),
        ({"statuspage_pages": '["page-1"]'}, "statuspage_api_key", "missing"),
        ({"statuspage_webhook_secret": "sandbox-statuspage-path"}, "statuspage_api_key", "missing"),
        ({"statuspage_webhook_secret": "short"}, "statuspage_webhook_secret", "pattern"),
        ({"statuspage_webhook_secret": "needs/escaping-in-a-path"}, "statuspage_webhook_secret", "pattern"),
        ({"statuspage_api_url": "api.statuspage.io"}, "statuspage_api_url", "http"),
        ({"smtp_host": "mail.example.com"}, "mail_from", "missing"),
        ({"mail_from": "incidents@example.com"}, "smtp_host", "missing"),
        ({"mail_from": "incidents"}, "mail_from", "pattern"),
        ({"mail_from": "a@example.com\nBcc: b@example.com"}, "mail_from", "pattern"),
        ({"smtp_user": "u", "smtp_password": "not-a-secret"}, "smtp_host", "missing"),
        (
            {"smtp_user": "u", "smtp_host": "mail.example.com", "mail_from": "a@example.com"},
            "smtp_password",
            "missing",
        ),
        ({"smtp_tls": "maybe"}, "smtp_tls", "starttls"),
        ({"smtp_port": 0}, "smtp_port", "greater"),
    ],
)
def test_a_bad_setting_is_named(given: dict[str, Any], name: str, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        Settings.from_config({**REQUIRED, **given})

    assert caught.value.field == variable(name)
    assert caught.value.field.startswith(PREFIX)
    assert says in caught.value.problem


def test_status_page_and_mail_are_there_when_they_are_set() -> None:
    nothing = Settings.from_config(REQUIRED)
    everything = Settings.from_config(
        {
            **REQUIRED,
            "statuspage_api_key": "sandbox-statuspage-key",
            "statuspage_webhook_secret": "sandbox-statuspage-path",
            "smtp_host": "127.0.0.1",
            "smtp_port": "2525",
            "smtp_tls": "none",
            "mail_from": "incidents@example.com",
        }
    )

    assert (nothing.statuspage_enabled, nothing.mail_enabled) == (False, False)
    assert (everything.statuspage_enabled, everything.mail_enabled, everything.smtp_port) == (
        True,
        True,
        2525,
    )


def test_an_error_never_repeats_a_secret() -> None:
    with pytest.raises(BadInput) as caught:
        Settings.from_config({**REQUIRED, "zoom_client_secret": {"oops": "hush-hush"}})

    assert "hush" not in str(caught.value)


def test_what_defaults_to_something_of_this_installation() -> None:
    def derived(client_id: str, secret: str, identifier: str) -> Settings:
        return Settings.from_config(
            REQUIRED, client_id=client_id, client_secret=secret, identifier=identifier
        )

    one = derived("id", "secret", "prod")

    assert one.port_webhook_secret == "secret"
    assert one.installation_key
    assert one.installation_key == derived("id", "rotated", "prod").installation_key
    assert one.installation_key != derived("id", "secret", "staging").installation_key
    assert one.installation_key != derived("other", "secret", "prod").installation_key


def test_slacks_address_ends_in_a_slash_whatever_ocean_does_to_it() -> None:
    config = ocean_config(slack_api_url="http://127.0.0.1:9/slack/api/")

    assert config["slack_api_url"].endswith("api")
    assert Settings.from_config(config).slack_api_url == "http://127.0.0.1:9/slack/api/"


def test_ocean_loads_the_spec_from_where_it_is_started() -> None:
    """`ocean sail` runs from the root; without a spec there the settings would be untyped and unmasked."""
    assert get_spec_file(Path(portjson.ROOT)) is not None


def test_the_example_environment_can_be_uncommented_line_by_line(tmp_path: Path) -> None:
    text = (portjson.ROOT / ".env.example").read_text("utf-8")
    example = tmp_path / "env"
    example.write_text(re.sub(r"^# (?=OCEAN__)", "", text, flags=re.MULTILINE))

    values = dotenv_values(example)
    config = {name.removeprefix(PREFIX).lower(): value for name, value in values.items() if PREFIX in name}

    assert set(config) == set(Settings.model_fields)
    assert Settings.from_config(config, credentials=False) == Settings()
    assert ocean_config(**{name: value for name, value in config.items() if name not in REQUIRED})


def test_the_environment_reaches_the_settings_through_ocean(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {
        "OCEAN__PORT__CLIENT_ID": "id",
        "OCEAN__PORT__CLIENT_SECRET": "port-hush",
        variable("slack_bot_token"): "xoxb-not-a-secret",
        variable("slack_signing_secret"): "not-a-secret",
        variable("open_severities"): '["critical", "high"]',
        variable("incident_fields"): '{"severity": ".properties.urgency"}',
        variable("settle_seconds"): "0.25",
        variable("max_rooms_per_hour"): "7",
        variable("zoom_hosts"): "[]",
    }
    for name, value in given.items():
        monkeypatch.setenv(name, value)

    config = IntegrationConfiguration(
        integration_config_model=default_config_factory(spec()["configurations"])
    )
    loaded = config.integration.config
    settings = Settings.from_config(loaded.model_dump(mode="json"))

    assert type(loaded).__name__ == "Config"
    assert settings.open_severities == ("critical", "high")
    assert settings.incident_fields.severity == ".properties.urgency"
    assert (settings.settle_seconds, settings.max_rooms_per_hour, settings.zoom_hosts) == (0.25, 7, ())
