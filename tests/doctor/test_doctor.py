"""What the doctor says of organisations that are empty, half provisioned, customised, or set up wrongly."""

from __future__ import annotations

import re
import time
from email.utils import formatdate

import pytest

from integration.budget import Budget
from integration.doctor.__main__ import python
from integration.doctor.finding import Finding
from integration.doctor.port_checks import PortChecks, skew
from integration.provision.target import read_target
from integration.services.port import PortService
from integration.settings import PREFIX, variable
from sandbox.credentials import SLACK_APP_TOKEN
from sandbox.slack import scopes
from tests.doctor.conftest import Clinic
from tests.redis_server import MISSING, RedisServer, installed


def verdicts(found: dict[str, list[Finding]]) -> dict[str, str]:
    return {check: ones[0].verdict for check, ones in found.items()}


async def test_an_empty_organisation_is_told_to_provision(clinic: Clinic) -> None:
    found = await clinic.findings()

    assert found.pop("port.permissions")[0].verdict != "failed"  # Port's own grants may be ours, too
    assert verdicts(found) == {
        "python": "ok",
        "settings": "ok",
        "port.credentials": "ok",
        "port.token": "ok",
        "port.clock": "ok",
        "port.pages": "ok",
        "port.statuspage": "ok",
        "port.scorecards": "ok",
        "port.blueprints": "failed",
        "port.actions": "failed",
        "port.switch": "failed",
        "port.extras": "warning",
        "port.installation": "warning",
        "port.ai": "off",
        "port.ai_invocation": "off",
        "port.response": "ok",
        "port.workflows": "ok",
        "port.timers": "off",
        "port.sync_timeout": "off",
        "slack.token": "ok",
        "slack.clock": "ok",
        "slack.scopes": "ok",
        "slack.channels": "off",
        "slack.socket_mode": "off",
        "zoom.token": "ok",
        "zoom.scopes": "ok",
        "zoom.hosts": "ok",
        "statuspage.key": "ok",
        "statuspage.webhook": "warning",
        "mail.login": "ok",
        "redis": "off",
        "doors.tls": "warning",
        "doors.address": "failed",
    }
    assert "incidentWarRoom" in found["port.blueprints"][0].said
    assert found["port.blueprints"][0].step.startswith("Run `make provision ARGS=--dry-run`")


async def test_after_provisioning_port_is_fine_and_what_is_stale_is_named(clinic: Clinic) -> None:
    await clinic.provision()
    store = clinic.sandbox.port.store
    fine = await clinic.findings()
    del store.actions["post_update"]
    del store.blueprints["incidentNote"]["schema"]["properties"]["kind"]
    store.actions["open_war_room"]["title"] = "Rooms for bad days"
    half = await clinic.findings(OCEAN__BASE_URL="http://127.0.0.1:10")

    for check in ("port.blueprints", "port.actions", "port.permissions", "port.switch", "port.extras"):
        assert fine[check][0].verdict == "ok"
    assert half["port.actions"][0].said == "missing: post_update"
    assert "incidentNote (added kind)" in half["port.blueprints"][0].said


async def test_credentials_of_the_other_region_are_recognised(clinic: Clinic) -> None:
    found = await clinic.findings(OCEAN__PORT__BASE_URL=f"{clinic.base}/eu/port")

    assert found["port.credentials"][0].verdict == "failed"
    assert found["port.credentials"][0].step == f"Set OCEAN__PORT__BASE_URL={clinic.base}/port."
    assert "port.blueprints" not in found  # nothing is said of what could not be asked
    assert found["slack.token"][0].verdict == "ok"


async def test_wrong_and_withdrawn_credentials_are_told_apart_from_a_dead_host(clinic: Clinic) -> None:
    wrong = await clinic.findings(
        OCEAN__PORT__CLIENT_SECRET="not-it",
        slack_bot_token="xoxb-withdrawn-not-a-secret",
        zoom_client_secret="not-it",
        statuspage_api_key="not-it",
    )
    dead = await clinic.findings(OCEAN__PORT__BASE_URL="http://127.0.0.1:9")

    for check in ("port.credentials", "slack.token", "zoom.token", "statuspage.key"):
        assert wrong[check][0].verdict == "failed", check
    assert "CLIENT_ID" in wrong["port.credentials"][0].step
    assert variable("slack_bot_token") in wrong["slack.token"][0].step
    assert "unreachable" in dead["port.credentials"][0].said
    assert "refused" not in dead["port.credentials"][0].said


async def test_half_the_scopes_are_named_one_by_one(clinic: Clinic) -> None:
    some = sorted(scopes.DEFAULT - {"commands", "groups:write", "pins:read"})
    clinic.sandbox.slack.seed({"scopes": some})
    clinic.sandbox.zoom.seed({"scopes": ["meeting:write:meeting:admin", "user:read:user:admin"]})

    found = await clinic.findings()

    assert found["slack.scopes"][0].said == "missing: commands, groups:write, pins:read"
    assert "slack/manifest.json" in found["slack.scopes"][0].step
    assert found["zoom.scopes"][0].verdict == "failed"
    assert "meeting:delete:meeting:admin (meetings.delete)" in found["zoom.scopes"][0].said
    assert "meeting:write:meeting:admin" not in found["zoom.scopes"][0].said


async def test_all_scopes_and_more_are_fine(clinic: Clinic) -> None:
    found = await clinic.findings()

    assert found["slack.scopes"][0].verdict == "ok"
    assert "not needed: im:history" in found["slack.scopes"][0].said


async def test_hosts_pages_and_teams_that_are_not_there_are_named(clinic: Clinic) -> None:
    clinic.sandbox.zoom.seed({"users": [{"email": "basic@example.com", "licensed": False}]})

    found = await clinic.findings(
        zoom_hosts='["bridge-1@example.com", "basic@example.com", "gone@example.com"]',
        statuspage_pages='["nopage000000"]',
        private_rooms_team="incident-readers",
        who_may='{"publish": {"teams": ["comms"]}}',
    )

    assert [one.said for one in found["zoom.hosts"]] == [
        "basic@example.com has no licence: its meetings end after 40 minutes",
        "the account has no user gone@example.com",
    ]
    assert found["statuspage.pages"][0].said == "not seen by this key: nopage000000"
    assert found["port.teams"][0].said == "Port has no team comms, incident-readers"


async def test_channels_that_audiences_cannot_be_told_in_are_named(clinic: Clinic) -> None:
    await clinic.provision()
    slack, port = clinic.sandbox.slack, clinic.sandbox.port
    slack.seed({"channels": [{"name": "support-desk"}, {"name": "board", "private": True}]})
    names = {channel.name: channel.id for channel in slack.store.channels.values()}
    audience = port.store.entities["commsAudience"]["support"]
    audience["properties"]["slackChannels"] = [names["support-desk"], names["board"], "C0NOWHERE01"]

    found = await clinic.findings()

    said = [one.said for one in found["slack.channels"]]
    assert len(said) == 2
    assert "of audience support" in said[0]
    assert any("C0NOWHERE01" in one for one in said)


async def test_a_personal_token_is_told(clinic: Clinic) -> None:
    clinic.sandbox.port.credentials.add("person", "a-persons-own", "dana@example.com")

    by_webhook = await clinic.findings(
        OCEAN__PORT__CLIENT_ID="person", OCEAN__PORT__CLIENT_SECRET="a-persons-own"
    )
    claiming = await clinic.findings(
        OCEAN__PORT__CLIENT_ID="person",
        OCEAN__PORT__CLIENT_SECRET="a-persons-own",
        door="integration_action",
    )

    assert by_webhook["port.token"][0].verdict == "warning"
    assert claiming["port.token"][0].verdict == "failed"


async def test_a_clash_and_another_statuspage_integration_are_told_and_nothing_is_written(
    clinic: Clinic,
) -> None:
    port = clinic.sandbox.port
    port.seed(
        {
            "blueprints": [
                {
                    "identifier": "incident",
                    "title": "Incident",
                    "schema": {"properties": {"lastActivityAt": {"type": "number"}}},
                }
            ]
        }
    )
    port.store.integrations["pages"] = {
        "_id": "integration_1",
        "installationId": "pages",
        "installationAppType": "statuspage",
        "actionsProcessingEnabled": False,
    }

    found = await clinic.findings()

    assert "lastActivityAt is of type number, ours is string" in found["port.blueprints"][0].said
    assert found["port.statuspage"][0].verdict == "warning"
    assert variable("statuspage_mirror") in found["port.statuspage"][0].step
    assert [one for one in port.world.journal if one.effect and one.operation != "oauth.token"] == []


@pytest.mark.parametrize(
    ("mirror", "installed", "kept_by", "verdict", "said", "step"),
    [
        ("whole", False, "", "ok", "we keep", ""),
        ("whole", True, "port-ocean/statuspage/1/p/exporter", "warning", "fills the same", "=additions"),
        ("whole", False, "port-ocean/statuspage/1/p/exporter", "warning", "not installed", "Delete them"),
        ("additions", False, "", "warning", "nobody keeps", "=whole"),
        ("additions", True, "port-ocean/statuspage/1/p/exporter", "ok", "we add", ""),
        ("additions", True, "port-ocean/incident-comms/1/i/exporter", "warning", "our own resync", "resync"),
    ],
)
async def test_who_keeps_the_status_pages_is_told_with_what_to_do(
    clinic: Clinic, mirror: str, installed: bool, kept_by: str, verdict: str, said: str, step: str
) -> None:
    port = clinic.sandbox.port
    blueprint = {"identifier": "statuspage", "title": "Page", "schema": {"properties": {}}}
    port.seed({"blueprints": [blueprint]})
    if installed:
        port.store.integrations["pages"] = {
            "_id": "integration_1",
            "installationId": "pages",
            "installationAppType": "statuspage",
            "actionsProcessingEnabled": False,
        }
    if kept_by:
        port.seed({"entities": {"statuspage": [{"identifier": "page", "title": "Page"}]}})
        port.store.datasources[("statuspage", "page")] = kept_by

    target = read_target(clinic.env | {f"{PREFIX}STATUSPAGE_MIRROR": mirror})
    client = PortService(target.base_url, target.client_id, target.client_secret, Budget())
    (found,) = await PortChecks(client, target, "", {}).status_pages()
    await client.aclose()

    assert found.verdict == verdict, found
    assert said in found.said
    assert step in found.step


async def test_a_setting_that_cannot_be_read_is_named(clinic: Clinic) -> None:
    found = await clinic.findings(open_severities="sev1")
    half = await clinic.findings(zoom_client_secret="")

    assert variable("open_severities") in found["settings"][0].said
    assert variable("zoom_client_secret") in half["settings"][0].said


async def test_a_mail_server_that_wants_another_login_is_told(clinic: Clinic) -> None:
    tls = await clinic.findings(smtp_tls="starttls")
    user = await clinic.findings(smtp_user="someone", smtp_password="not-a-password")

    assert tls["mail.login"][0].verdict == "failed"
    assert user["mail.login"][0].verdict == "failed"
    assert "not-a-password" not in user["mail.login"][0].line


async def test_the_token_of_socket_mode_is_tried(clinic: Clinic) -> None:
    switched_off = await clinic.findings(slack_app_token=SLACK_APP_TOKEN)
    clinic.sandbox.slack.socket.enabled = True
    fine = await clinic.findings(slack_app_token=SLACK_APP_TOKEN)
    withdrawn = await clinic.findings(slack_app_token="xapp-withdrawn")

    assert fine["slack.socket_mode"][0].verdict == "ok"
    assert "switched off" in switched_off["slack.socket_mode"][0].said
    assert "slack/manifest.socket.json" in switched_off["slack.socket_mode"][0].step
    assert "invalid_auth" in withdrawn["slack.socket_mode"][0].said
    assert "connections:write" in withdrawn["slack.socket_mode"][0].step


async def test_pages_and_scorecards_that_are_closed_to_us_are_told(clinic: Clinic) -> None:
    for operation in ("pages.get", "scorecards.get"):
        clinic.sandbox.world.faults.add(
            {"service": "port", "operation": operation, "status": 403, "error": "forbidden", "times": 100}
        )

    found = await clinic.findings()

    for check in ("port.pages", "port.scorecards"):
        assert found[check][0].verdict == "failed"
        assert "admin" in found[check][0].step


@pytest.mark.skipif(not installed(), reason=MISSING)
async def test_a_redis_is_asked_for_its_version(clinic: Clinic) -> None:
    async with RedisServer() as server:
        there = await clinic.findings(redis_url=server.url)
        stranger = await clinic.findings(redis_url=server.url.replace("://", "://someone:not-a-password@"))
    gone = await clinic.findings(redis_url=server.url)

    assert there["redis"][0].verdict == "ok"
    assert re.search(r"version \d+\.", there["redis"][0].said)
    for found in (stranger, gone):
        assert found["redis"][0].verdict == "failed"
        assert variable("redis_url") in found["redis"][0].step
        assert "not-a-password" not in found["redis"][0].line


@pytest.mark.parametrize(
    ("apart", "verdict"), [(2.0, "ok"), (-90.0, "warning"), (301.0, "failed"), (-4000.0, "failed")]
)
def test_a_clock_that_is_off_is_told_before_it_costs_events(apart: float, verdict: str) -> None:
    now = time.time()
    found = skew("slack.clock", formatdate(now, usegmt=True), now + apart)

    assert found.verdict == verdict
    assert skew("slack.clock", "", now).verdict == "unknown"


def test_an_old_python_is_told() -> None:
    assert python((3, 11)).verdict == "failed"
    assert python((3, 13)).verdict == "ok"
