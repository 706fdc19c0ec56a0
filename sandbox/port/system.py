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

AGENT: Json = {
    "identifier": "_ai_agent",
    "title": "AI agent",
    "icon": "AI",
    "schema": {
        "properties": {
            "description": {"type": "string", "title": "Description"},
            "status": {"type": "string", "title": "Status", "enum": ["active", "inactive"]},
            "prompt": {"type": "string", "title": "Prompt", "format": "markdown"},
            "execution_mode": {
                "type": "string",
                "title": "Execution mode",
                "enum": ["Automatic", "Approval Required"],
            },
            "tools": {"type": "array", "title": "Tools", "items": {"type": "string"}},
            "conversation_starters": {"type": "array", "title": "Starters", "items": {"type": "string"}},
            "model": {"type": "string", "title": "Model"},
            "provider": {"type": "string", "title": "Provider"},
        },
        "required": [],
    },
}
"""There is one where Port AI is switched on."""

BLUEPRINTS = (USER, TEAM)
NAMES = frozenset(str(blueprint["identifier"]) for blueprint in (*BLUEPRINTS, AGENT))
