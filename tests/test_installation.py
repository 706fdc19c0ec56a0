"""What a command knows of its installation is what the running integration knows."""

from __future__ import annotations

import pytest

from integration.errors import BadInput
from integration.installation import read_installation
from integration.settings import PREFIX, Settings

PORT = {"OCEAN__PORT__CLIENT_ID": "id", "OCEAN__PORT__CLIENT_SECRET": "not-a-secret"}


def test_a_derived_key_is_the_integrations_own() -> None:
    running = Settings.from_config(
        {}, client_id="id", client_secret="not-a-secret", identifier="named", credentials=False
    )

    found = read_installation({**PORT, "ocean__integration__identifier": "named"})

    assert found.settings.installation_key == running.installation_key
    assert not found.own_key
    assert found.base_url == "https://api.getport.io"


def test_a_key_that_somebody_set_is_taken() -> None:
    found = read_installation({**PORT, f"{PREFIX}INSTALLATION_KEY": "ours"})

    assert (found.settings.installation_key, found.own_key) == ("ours", True)


def test_what_is_missing_is_named() -> None:
    with pytest.raises(BadInput, match="OCEAN__PORT__CLIENT_SECRET"):
        read_installation({"OCEAN__PORT__CLIENT_ID": "id"})
