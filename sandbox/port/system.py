"""The system blueprints every organisation has: _user and _team. They can be extended, not deleted."""

from __future__ import annotations

from sandbox.world import Json

USER: Json = {
    "identifier": "_user",
    "title": "User",
    "icon": "User",
    "schema": {
        "properties": {
            "status": {
                "type": "string",
                "title": "Status",
                "enum": ["Active", "Invited", "Disabled", "Staged"],
                "enumColors": {
                    "Active": "green",
                    "Invited": "lightGray",
                    "Disabled": "red",
                    "Staged": "yellow",
                },
                "default": "Active",
            },
            "port_role": {
                "type": "string",
                "title": "Port Role",
                "enum": ["Member", "Moderator", "Admin"],
                "default": "Member",
            },
            "port_type": {
                "type": "string",
                "title": "Port Type",
                "enum": ["Service Account", "Standard"],
                "default": "Standard",
            },
            "moderated_blueprints": {
                "type": "array",
                "title": "Moderated Blueprints",
                "items": {"type": "string", "format": "blueprints"},
            },
        },
        "required": ["status", "port_role", "port_type"],
    },
    "ownership": {"type": "Direct"},
}

TEAM: Json = {
    "identifier": "_team",
    "title": "Team",
    "icon": "Team",
    "schema": {"properties": {"description": {"type": "string", "title": "Description"}}, "required": []},
}

BLUEPRINTS = (USER, TEAM)
NAMES = frozenset(str(blueprint["identifier"]) for blueprint in BLUEPRINTS)
