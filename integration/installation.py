"""What a command needs to know of the installation it speaks for: the variables that Ocean itself reads."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass

from dotenv import dotenv_values

from integration.errors import BadInput
from integration.provision import DEFAULT_IDENTIFIER
from integration.settings import PREFIX, Settings


@dataclass(frozen=True)
class Installation:
    """Port's address and credentials, and the settings. `own_key`: somebody set the installation key."""

    base_url: str
    client_id: str
    client_secret: str
    settings: Settings
    own_key: bool


def read_installation(environment: Mapping[str, str]) -> Installation:
    """From variables in any case; credentials of providers may be missing. Raises BadInput naming one."""
    known = {name.upper(): value.strip() for name, value in environment.items() if value}

    def required(name: str) -> str:
        if not known.get(name):
            raise BadInput(name, "is missing: Port shows it in the menu ... > Credentials")
        return known[name]

    config = {
        name.removeprefix(PREFIX).lower(): value for name, value in known.items() if name.startswith(PREFIX)
    }
    client_id, client_secret = required("OCEAN__PORT__CLIENT_ID"), required("OCEAN__PORT__CLIENT_SECRET")
    settings = Settings.from_config(
        config,
        client_id=client_id,
        client_secret=client_secret,
        identifier=known.get("OCEAN__INTEGRATION__IDENTIFIER", DEFAULT_IDENTIFIER),
        credentials=False,
    )
    return Installation(
        base_url=known.get("OCEAN__PORT__BASE_URL", "https://api.getport.io"),
        client_id=client_id,
        client_secret=client_secret,
        settings=settings,
        own_key=bool(config.get("installation_key")),
    )


def this_installation() -> Installation:
    """From .env and the environment, which wins. Raises BadInput."""
    dotenv = {name: value for name, value in dotenv_values(".env").items() if value is not None}
    return read_installation({**dotenv, **os.environ})
