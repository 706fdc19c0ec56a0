"""Where to provision, and what for, from the variables that Ocean itself reads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from integration import portjson
from integration.errors import BadInput
from integration.settings import PREFIX, Settings

DEFAULT_IDENTIFIER = "my-incident-comms-integration"  # Ocean's own, where nobody has set one
"""What `config.yaml` calls an installation that is not named otherwise: Ocean claims runs under it."""

DEFAULT_PORT = "https://api.getport.io"
_CREDENTIALS = "Port shows it in the menu ... > Credentials"


@dataclass(frozen=True)
class Target:
    """Where to provision, and what for."""

    base_url: str
    client_id: str
    client_secret: str
    settings: Settings
    door: portjson.Door


def read_target(environment: Mapping[str, str]) -> Target:
    """From variables in any case. Raises BadInput naming one."""
    known = {name.upper(): value.strip() for name, value in environment.items() if value}

    def required(name: str, meaning: str) -> str:
        if not known.get(name):
            raise BadInput(name, f"is missing: {meaning}")
        return known[name]

    config = {
        name.removeprefix(PREFIX).lower(): value for name, value in known.items() if name.startswith(PREFIX)
    }
    client_id = required("OCEAN__PORT__CLIENT_ID", _CREDENTIALS)
    client_secret = required("OCEAN__PORT__CLIENT_SECRET", _CREDENTIALS)
    identifier = known.get("OCEAN__INTEGRATION__IDENTIFIER", DEFAULT_IDENTIFIER)
    settings = Settings.from_config(
        config, client_id=client_id, client_secret=client_secret, identifier=identifier, credentials=False
    )
    door: portjson.Door
    if settings.door == "webhook":
        door = portjson.Webhook(required("OCEAN__BASE_URL", "the address at which Port reaches us"))
    else:
        door = portjson.IntegrationAction(identifier)
    return Target(
        base_url=known.get("OCEAN__PORT__BASE_URL", DEFAULT_PORT),
        client_id=client_id,
        client_secret=client_secret,
        settings=settings,
        door=door,
    )
