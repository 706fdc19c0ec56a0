"""Server-to-server OAuth: grants, tokens that live side by side, expiry, scopes."""

from __future__ import annotations

import httpx
import pytest

from sandbox import credentials
from tests.sandbox.zoom.conftest import HOST, Bench


async def test_a_token_lasts_an_hour_and_may_come_from_query_or_form(bench: Bench) -> None:
    by_form = await bench.token()
    basic = httpx.BasicAuth(credentials.ZOOM_CLIENT_ID, credentials.ZOOM_CLIENT_SECRET)
    asked = {"grant_type": "account_credentials", "account_id": credentials.ZOOM_ACCOUNT_ID}
    by_query = await bench.http.post("/zoom/oauth/token", params=asked, auth=basic)

    for answer in (by_form, by_query):
        assert answer.status_code == 200
        assert answer.json()["token_type"] == "bearer"
        assert answer.json()["expires_in"] == 3600
        live = {"authorization": f"Bearer {answer.json()['access_token']}"}
        assert (await bench.call("GET", f"/users/{HOST}", headers=live)).status_code == 200


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "client_credentials"}, "unsupported_grant_type"),
        ({"account_id": "somebody-else"}, "invalid_request"),
    ],
)
async def test_a_wrong_grant_is_refused(bench: Bench, form: dict[str, str], error: str) -> None:
    answer = await bench.token(**form)

    assert answer.status_code == 400
    assert answer.json()["error"] == error


async def test_a_wrong_client_is_refused(bench: Bench) -> None:
    asked = {"grant_type": "account_credentials", "account_id": credentials.ZOOM_ACCOUNT_ID}
    for auth in (httpx.BasicAuth("x", "y"), httpx.Auth()):
        answer = await bench.http.post("/zoom/oauth/token", params=asked, auth=auth)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client")


async def test_a_bad_and_an_expired_token_are_code_124(bench: Bench) -> None:
    bad = await bench.call("GET", f"/users/{HOST}", headers={"authorization": "Bearer nonsense"})
    assert (bad.status_code, bad.json()["code"]) == (401, 124)

    bench.world.clock.shift["zoom"] = 3601.0
    old = await bench.call("GET", f"/users/{HOST}")
    assert (old.status_code, old.json()) == (401, {"code": 124, "message": "Access token is expired."})


@pytest.mark.parametrize(
    ("scopes", "code"), [(["user:read:user:admin"], 4711), (["user:read:admin"], 4700), ([], 4700)]
)
async def test_a_token_without_the_scope_is_refused(bench: Bench, scopes: list[str], code: int) -> None:
    bench.zoom.seed({"scopes": scopes})
    token = (await bench.token()).json()["access_token"]
    answer = await bench.call(
        "POST", f"/users/{HOST}/meetings", json={}, headers={"authorization": f"Bearer {token}"}
    )

    assert (answer.status_code, answer.json()["code"]) == (400, code)
    assert "does not contain scopes" in answer.json()["message"]
    assert not bench.zoom.store.meetings
