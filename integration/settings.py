"""Settings, typed and checked, from what Ocean read out of `.port/spec.yaml`, the environment and `.env`."""

from __future__ import annotations

import hashlib
import json
import typing
from collections.abc import Mapping
from typing import Any, Literal
from urllib.parse import urlsplit

import jq
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from integration.errors import BadInput
from integration.guard_rules import GuardRule, Weight
from integration.models.note import (
    DONE_REACTIONS,
    NOT_A_NOTE_REACTIONS,
    NOTE_KINDS,
    NOTE_REACTIONS,
    LinkType,
    NoteKind,
)
from integration.setting_types import Pattern

PREFIX = "OCEAN__INTEGRATION__CONFIG__"
"""What Ocean puts before a setting's name in the environment."""

REQUIRED = ("slack_bot_token", "slack_signing_secret")
"""What nobody can do without. The spec leaves it to us to ask for it, by the variable's name."""

DEFAULT_BLUEPRINT = "incident"
"""Our own incident blueprint, for those who have none; the definitions on disk name it."""

DEFAULT_SERVICE = "service"
"""What most organisations call the blueprint of their services; the definitions on disk name it."""

_FLAT = ConfigDict(frozen=True, extra="forbid", str_strip_whitespace=True)


def variable(field: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + field.upper()


class IncidentFields(BaseModel):
    """jq that reads one fact from an incident entity (`{identifier, title, properties, relations, ...}`).

    The same expressions go into the automations' conditions, so they are run by Port as well as here.
    A field that is empty or null there is simply not known.
    """

    model_config = _FLAT

    title: str = ".title"
    status: str = ".properties.status"
    severity: str = ".properties.severity"
    services: str = ".relations.services"
    people: str = ".relations.responders"
    private: str = ".properties.private"
    channel: str = ".properties.slackChannel"
    owner: str = ".relations.owner // .properties.owner"
    started_at: str = ".properties.startedAt"

    @field_validator("*")
    @classmethod
    def _compiles(cls, expression: str) -> str:
        if "'" in expression:
            raise ValueError("use double quotes: Port rewrites single quotes before it runs jq")
        return _compiling(expression)


Duty = Literal["open", "update", "publish", "approve", "override", "close"]
"""What people do with our buttons: a definition in actions/ says which of them it is."""


class Grant(BaseModel):
    """Who may do it: roles and teams by their names in Port, users by their e-mail addresses."""

    model_config = _FLAT

    roles: tuple[str, ...] = ()
    teams: tuple[str, ...] = ()
    users: tuple[str, ...] = ()


def _compiling(expression: str) -> str:
    try:
        jq.compile(expression)
    except ValueError as error:
        raise ValueError(f"jq does not compile: {str(error).splitlines()[0]}") from error
    return expression


Impact = Literal["none", "minor", "major", "critical"]
"""Of a public incident, in Statuspage's words."""


def _usual_impacts() -> dict[str, Impact]:
    return {"sev1": "critical", "sev2": "major", "sev3": "minor", "sev4": "none"}


class Settings(BaseModel):
    """Everything that can be set. A field's environment variable is `variable(field)`.

    Times are in the unit of their name. An empty string means "not set".
    """

    model_config = _FLAT

    incident_blueprint: str = Field(DEFAULT_BLUEPRINT, pattern=r"^[^\s{}\"]{1,100}$")
    incident_fields: IncidentFields = IncidentFields()
    service_blueprint: str = Field(DEFAULT_SERVICE, pattern=r"^[^\s{}\"]{1,100}$")
    service_owners: str = (
        "[.properties.owners, .properties.owner, .relations.owners, .relations.owner]"
        " | flatten | map(select(. != null))"
    )
    service_components: str = (
        "[.relations.statuspageComponents, .relations.statuspageComponent] | flatten | map(select(. != null))"
    )
    service_names: str = "[.title, .properties.aliases] | flatten | map(select(. != null))"
    open_severities: tuple[str, ...] = ("sev1", "sev2")
    closed_statuses: tuple[str, ...] = ("resolved", "closed", "canceled")
    max_incident_age_hours: int = Field(24, ge=1)

    slack_api_url: str = "https://slack.com/api/"
    slack_bot_token: str = ""
    slack_signing_secret: str = ""
    slack_app_token: str = ""
    channel_prefix: str = Field("inc", pattern=r"^[a-z0-9][a-z0-9_-]{0,20}$")

    zoom_api_url: str = "https://api.zoom.us/v2"
    zoom_oauth_url: str = "https://zoom.us/oauth/token"
    zoom_account_id: str = ""
    zoom_client_id: str = ""
    zoom_client_secret: str = ""
    zoom_webhook_secret: str = ""
    zoom_hosts: tuple[str, ...] = ()
    static_bridge_url: str = ""
    bridge_grace_seconds: float = Field(1.5, ge=0, le=60)

    statuspage_api_url: str = "https://api.statuspage.io/v1"
    statuspage_api_key: str = ""
    statuspage_pages: tuple[str, ...] = ()
    # In the door's path, as Statuspage signs nothing: it must be hard to guess and fit an address.
    statuspage_webhook_secret: str = Field("", pattern=r"^([A-Za-z0-9_-]{16,200})?$")
    statuspage_mirror: Literal["whole", "additions"] = "whole"
    statuspage_requests_per_minute: int = Field(60, ge=10, le=6000)
    severity_impacts: dict[str, Impact] = Field(default_factory=_usual_impacts)
    public_words: dict[str, str] = Field(default_factory=dict)
    public_approval_minutes: int = Field(60, ge=1)

    employee_blueprint: str = Field("_user", pattern=r"^[^\s{}\"]{0,100}$")
    employee_names: str = "[.title, .identifier]"
    customer_blueprint: str = Field("", pattern=r"^[^\s{}\"]{0,100}$")
    customer_names: str = "[.title]"
    internal_domains: tuple[str, ...] = ()
    internal_tools: tuple[str, ...] = ()
    allowed_words: tuple[str, ...] = ()
    guard_rules: dict[GuardRule, Weight] = Field(default_factory=dict)
    guard_late_minutes: float = Field(30, ge=0)
    guard_start_minutes: float = Field(30, ge=0)

    smtp_host: str = ""
    smtp_port: int = Field(587, ge=1, le=65535)
    smtp_user: str = ""
    smtp_password: str = ""
    smtp_tls: Literal["starttls", "tls", "none"] = "starttls"
    mail_from: str = Field("", pattern=r"^([^@\s<>\",;:]+@[^@\s<>\",;:]+)?$")

    notice_calm_seconds: float = Field(120.0, ge=0, le=3600)
    mail_unsubscribe: str = Field("", pattern=r"^((https://|mailto:)[!-;=?-~]+)?$")

    archive_after_quiet_minutes: int = Field(1440, ge=0)
    private_rooms_team: str = ""
    installation_key: str = ""
    note_reactions: dict[str, NoteKind] = Field(default_factory=lambda: dict(NOTE_REACTIONS))
    not_a_note_reactions: tuple[str, ...] = NOT_A_NOTE_REACTIONS
    note_prefixes: dict[str, NoteKind] = Field(default_factory=dict)
    link_types: dict[Pattern, LinkType] = Field(default_factory=dict)
    secret_patterns: tuple[Pattern, ...] = ()
    done_reactions: tuple[str, ...] = DONE_REACTIONS
    port_ai: bool = False
    port_ai_agent: str = Field("incident_notetaker", pattern=r"^[^\s/?#]{1,200}$")
    port_ai_communicator: str = Field("internal_incident_communicator", pattern=r"^[^\s/?#]{1,200}$")
    who_may: dict[Duty, Grant] = Field(default_factory=dict)

    effect_timeout_seconds: float = Field(10.0, gt=0, le=120)
    settle_seconds: float = Field(5.0, ge=0, le=120)
    sweep_interval_seconds: float = Field(60.0, gt=0)
    max_rooms_per_hour: int = Field(30, ge=1)

    port_webhook_secret: str = ""
    port_app_url: str = "https://app.port.io"
    door: Literal["webhook", "integration_action"] = "webhook"
    redis_url: str = Field("", pattern=r"^((rediss?|unix)://\S+)?$")

    @property
    def zoom_enabled(self) -> bool:
        """Whether meetings can be created; without it the static bridge is all there is."""
        return bool(self.zoom_account_id)

    @property
    def statuspage_enabled(self) -> bool:
        """Whether a status page can be read and written."""
        return bool(self.statuspage_api_key)

    @property
    def mail_enabled(self) -> bool:
        """Whether mail can be sent."""
        return bool(self.smtp_host)

    @field_validator(
        "slack_api_url",
        "zoom_api_url",
        "zoom_oauth_url",
        "static_bridge_url",
        "statuspage_api_url",
        "port_app_url",
    )
    @classmethod
    def _is_http(cls, url: str) -> str:
        parts = urlsplit(url)
        if url and (parts.scheme not in ("http", "https") or not parts.netloc):
            raise ValueError("must be a whole http or https address")
        return url.rstrip("/")

    @field_validator("slack_api_url")
    @classmethod
    def _ends_in_slash(cls, url: str) -> str:
        return url + "/"  # slack-sdk appends the method's name as it is

    @field_validator(
        "service_owners", "service_names", "service_components", "employee_names", "customer_names"
    )
    @classmethod
    def _owners_compile(cls, expression: str) -> str:
        return _compiling(expression)

    @field_validator("open_severities", "closed_statuses")
    @classmethod
    def _not_empty(cls, values: tuple[str, ...]) -> tuple[str, ...]:
        if not values or not all(values):
            raise ValueError('must be a list of at least one word, such as ["sev1"]')
        return values

    @field_validator("note_reactions", "note_prefixes", mode="before")
    @classmethod
    def _known_kinds(cls, reactions: Any) -> Any:
        if not isinstance(reactions, dict):
            return reactions
        plain = {str(name).strip(":"): kind for name, kind in reactions.items()}
        for name, kind in plain.items():
            if kind not in NOTE_KINDS:
                raise ValueError(f"{name}: {kind!r} is no kind of note; known: {', '.join(NOTE_KINDS)}")
        return plain

    @classmethod
    def from_config(
        cls,
        config: Mapping[str, Any],
        *,
        client_id: str = "",
        client_secret: str = "",
        identifier: str = "",
        credentials: bool = True,
    ) -> Settings:
        """Settings from Ocean's `integration_config`, whose keys are in snake_case; null means "not set".

        Lists and objects may be JSON text, as they are in the environment. `incident_fields` needs to
        name only what differs from the default. `client_id`, `client_secret` and `identifier` are those
        of Port and of this installation: what the webhook secret and the installation key default to.
        With `credentials=False` the providers' credentials may be missing (provisioning needs none).

        Raises BadInput naming the environment variable.
        """
        given = {name: _value(name, value) for name, value in config.items() if value is not None}
        given = {name: value for name, value in given.items() if value != "" or _field_type(name) is str}
        try:
            settings = cls.model_validate(given)
        except ValidationError as error:
            raise _bad(error) from error
        if credentials:
            settings.check_credentials()
        return settings._derived(client_id, client_secret, identifier)

    def check_credentials(self) -> None:
        """Raises BadInput where a provider is set up by half, or Slack is not at all."""
        if not self.slack_bot_token:
            raise BadInput(variable("slack_bot_token"), "is missing: the Slack app's bot token (xoxb-...)")
        if not self.slack_signing_secret:
            raise BadInput(variable("slack_signing_secret"), "is missing: Basic Information of the Slack app")
        if self.slack_app_token and not self.slack_app_token.startswith("xapp-"):
            raise BadInput(variable("slack_app_token"), "is no app-level token, which begins with xapp-")
        self._all_or_none(
            "Zoom needs account id, client id, client secret and hosts, or none of them",
            *("zoom_account_id", "zoom_client_id", "zoom_client_secret", "zoom_hosts"),
        )
        self._all_or_none("mail needs host and sender, or neither", "smtp_host", "mail_from")
        self._all_or_none("a mail server's user needs a password", "smtp_user", "smtp_password")
        self._goes_with("smtp_user", "smtp_host", "a user without a mail server")
        for name in ("statuspage_pages", "statuspage_webhook_secret"):
            self._goes_with(name, "statuspage_api_key", "pages and the webhook's secret need the API key")

    def _all_or_none(self, why: str, *names: str) -> None:
        missing = [name for name in names if not getattr(self, name)]
        if missing and len(missing) < len(names):
            raise BadInput(variable(missing[0]), f"is missing: {why}")

    def _goes_with(self, name: str, needed: str, why: str) -> None:
        if getattr(self, name) and not getattr(self, needed):
            raise BadInput(variable(needed), f"is missing: {why}")

    def _derived(self, client_id: str, client_secret: str, identifier: str) -> Settings:
        """Fill what defaults to something of this installation.

        The key keeps two installations in one Slack workspace apart. It is made of the client id, not of
        the secret, because a new secret must not orphan the rooms that stand.
        """
        filled: dict[str, str] = {}
        if not self.port_webhook_secret and client_secret:
            filled["port_webhook_secret"] = client_secret
        if not self.installation_key and client_id:
            known_by = f"incident-comms/{client_id}/{identifier}"
            filled["installation_key"] = hashlib.sha256(known_by.encode()).hexdigest()
        return self.model_copy(update=filled)


def _field_type(name: str) -> Any:
    field = Settings.model_fields.get(name)
    return field.annotation if field else str


def _value(name: str, value: Any) -> Any:
    """`value` with JSON text read where the setting is a list or an object."""
    kind = _field_type(name)
    structured = kind is IncidentFields or typing.get_origin(kind) in (tuple, dict)
    if not structured or not isinstance(value, str) or not value.strip():
        return value
    example = '["one", "two"]' if typing.get_origin(kind) is tuple else '{"name": "value"}'
    try:
        return json.loads(value)
    except ValueError as error:
        raise BadInput(variable(name), f"is not JSON ({error}); expected something like {example}") from error


def _bad(error: ValidationError) -> BadInput:
    first = error.errors(include_url=False, include_input=False)[0]
    where = [str(part) for part in first["loc"]]
    if first["type"] == "extra_forbidden" and len(where) == 1:
        return BadInput(variable(where[0]), "is no setting of this integration")
    problem = first["msg"].removeprefix("Value error, ")
    return BadInput(variable(where[0]), ": ".join([*where[1:], problem]))
