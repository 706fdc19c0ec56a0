"""What Port's catalogue says of incidents, found by shape: no knowledge of who wrote it.

Blueprints of war rooms, notes and communications are shown in their own way where they are there; any
other entity that is related to the incident is listed plainly.
"""

from __future__ import annotations

import json
import re
from collections.abc import Container
from dataclasses import dataclass, field
from typing import Any

from markdown_it import MarkdownIt
from markupsafe import Markup

from sandbox.port.engine import Engine
from sandbox.port.service import Port

Json = dict[str, Any]

WAR_ROOM, NOTE, COMMUNICATION = "incidentWarRoom", "incidentNote", "incidentCommunication"
NOTE_KINDS = ("update", "impact", "finding", "workaround", "decision", "action", "question")
DOCUMENTS = {"timeline": "Timeline", "rca": "RCA"}
"""Markdown documents on a war room, each shown on its own."""
DRAFT = "incidentDraft"
_OWN_VIEW = {WAR_ROOM, NOTE, COMMUNICATION, DRAFT}
_IN_SLACK = re.compile(r"(?:/archives/|[?&]channel=)([CG][A-Z0-9]{6,})")
_IN_ZOOM = re.compile(r"/j/(\d{9,12})")
_LONG = 240  # characters of a plain value before it is cut

# "js-default" leaves HTML in the source escaped and refuses javascript: links.
_markdown = MarkdownIt("js-default", {"linkify": False, "breaks": True})


Pointing = dict[tuple[str, str], list[Json]]
"""(blueprint, identifier) -> the entities that have a relation to it."""


@dataclass
class Field:
    """One property as a row: `kind` is text, link, markdown, json, switch or empty."""

    name: str
    title: str
    kind: str
    value: Any


@dataclass
class Incident:
    """An incident with everything the catalogue relates to it."""

    blueprint: str
    entity: Json
    rooms: list[Json] = field(default_factory=list)
    notes: list[Json] = field(default_factory=list)
    communications: list[Json] = field(default_factory=list)
    drafts: list[Json] = field(default_factory=list)
    others: list[Json] = field(default_factory=list)

    @property
    def id(self) -> str:
        return str(self.entity["identifier"])

    @property
    def title(self) -> str:
        return str(self.entity.get("title") or self.id)

    def badges(self) -> list[str]:
        """Severity and status under whatever usual name they have."""
        wanted = ("severity", "priority", "urgency", "status", "state")
        found = (self.entity["properties"].get(name) for name in wanted)
        return [str(v) for v in found if isinstance(v, str) and v]

    def _linked(self, pattern: re.Pattern[str], keys: tuple[str, ...]) -> list[str]:
        found: list[str] = []
        for entity in [*self.rooms, self.entity]:
            properties = entity["properties"]
            found += [str(properties[k]) for k in keys if properties.get(k)]
            for value in properties.values():
                if isinstance(value, str) and (match := pattern.search(value)):
                    found.append(match[1])
        return list(dict.fromkeys(found))

    def channels(self) -> list[str]:
        """Ids of its Slack channels: named by a war room, or linked by any property."""
        return self._linked(_IN_SLACK, ("channelId",))

    def meetings(self) -> list[str]:
        return self._linked(_IN_ZOOM, ("meetingId",))

    def documents(self) -> list[tuple[str, Markup]]:
        """(title, HTML) of what was written about it at its end."""
        return [
            (title, markdown(str(room["properties"][name])))
            for room in self.rooms
            for name, title in DOCUMENTS.items()
            if room["properties"].get(name)
        ]

    def notes_by_kind(self) -> list[tuple[str, list[Json]]]:
        groups: dict[str, list[Json]] = {}
        for note in sorted(self.notes, key=_said_at):
            groups.setdefault(str(note["properties"].get("kind") or "other"), []).append(note)
        order = [k for k in NOTE_KINDS if k in groups] + [k for k in groups if k not in NOTE_KINDS]
        return [(kind, groups[kind]) for kind in order]

    def voices(self) -> list[tuple[str, Json, Markup]]:
        """The newest draft of each audience: its name, its properties and its text as HTML."""
        newest: dict[str, Json] = {}
        for draft in sorted(self.drafts, key=lambda one: str(one["properties"].get("draftedAt") or "")):
            newest[str(draft["properties"].get("audience") or "status page")] = draft["properties"]
        return [(name, one, markdown(str(one.get("text") or ""))) for name, one in sorted(newest.items())]

    def timeline(self) -> list[Json]:
        """Notes and communications in order of time: {"at", "what", "text"}."""
        lines = [
            {"at": _said_at(n), "what": n["properties"].get("kind") or "note", "text": _headline(n)}
            for n in self.notes
            if not n["properties"].get("deletedAt")
        ]
        for c in self.communications:
            at = c["properties"].get("sentAt") or c["properties"].get("intendedAt") or c.get("createdAt")
            what = f"{c['properties'].get('medium', '')} {c['properties'].get('state', '')}".strip()
            lines.append({"at": str(at or ""), "what": what, "text": _headline(c)})
        return sorted(lines, key=lambda line: str(line["at"]))


def _said_at(note: Json) -> str:
    return str(note["properties"].get("saidAt") or note.get("createdAt") or "")


def _headline(entity: Json) -> str:
    p = entity["properties"]
    said = p.get("title") or p.get("purpose") or entity.get("title") or p.get("text") or entity["identifier"]
    return str(said).split("\n")[0][:_LONG]


class Catalog:
    """Reads the sandbox's Port. Never writes."""

    def __init__(self, port: Port, engine: Engine) -> None:
        self.port, self.engine = port, engine

    def blueprints(self) -> list[str]:
        """What counts as an incident: what war rooms point at; else the blueprints so named."""
        known = self.port.store.blueprints
        room = known.get(WAR_ROOM, {})
        target = room.get("relations", {}).get("incident", {}).get("target")
        if target in known:
            return [str(target)]
        named = [n for n in known if "incident" in n.lower() and n not in _OWN_VIEW and not _is_marker(n)]
        return sorted(named, key=lambda n: (n != "incident", n))

    def incidents(self) -> list[Incident]:
        """All of them, newest first."""
        pointing = self._pointing()
        found = [
            self._incident(blueprint, entity, pointing)
            for blueprint in self.blueprints()
            for entity in self.port.store.entities.get(blueprint, {}).values()
        ]
        return sorted(found, key=lambda i: str(i.entity.get("createdAt", "")), reverse=True)

    def incident(self, identifier: str) -> Incident | None:
        for blueprint in self.blueprints():
            entity = self.port.store.entity(blueprint, identifier)
            if entity is not None:
                return self._incident(blueprint, entity, self._pointing())
        return None

    def _incident(self, blueprint: str, entity: Json, pointing: Pointing) -> Incident:
        shown = Incident(blueprint, self.port.entities.show(entity))
        mine = pointing.get((blueprint, entity["identifier"]), [])
        shown.rooms = [one for one in mine if one["blueprint"] == WAR_ROOM]
        of_rooms = [one for room in shown.rooms for one in pointing.get((WAR_ROOM, room["identifier"]), [])]
        for one in {(e["blueprint"], e["identifier"]): e for e in [*mine, *of_rooms]}.values():
            if one["blueprint"] == NOTE:
                shown.notes.append(one)
            elif one["blueprint"] == COMMUNICATION:
                shown.communications.append(one)
            elif one["blueprint"] == DRAFT:
                shown.drafts.append(one)
        shown.others = [one for one in mine if one["blueprint"] not in _OWN_VIEW]
        return shown

    def _pointing(self) -> Pointing:
        """Who has a relation to whom, in one pass: a page must not slow the emulators down."""
        found: Pointing = {}
        for name, model in self.port.store.blueprints.items():
            targets = {key: str(r.get("target")) for key, r in model.get("relations", {}).items()}
            if not targets:
                continue
            for entity in self.port.store.entities.get(name, {}).values():
                pairs = {
                    (targets[key], one)
                    for key, value in entity.get("relations", {}).items()
                    if key in targets
                    for one in (value if isinstance(value, list) else [value])
                    if isinstance(one, str)
                }
                for pair in pairs:
                    found.setdefault(pair, []).append(entity)
        return found

    def person(self, key: str) -> str:
        """The e-mail address behind a user id of Port's; the key itself when it is none."""
        found = (email for email, user in self.port.store.users.items() if user["id"] == key)
        return next(found, key)

    def fields(self, entity: Json, without: Container[str] = ()) -> list[Field]:
        """The properties and relations of an entity, in the order of its blueprint, without empty ones."""
        model = self.port.store.blueprints.get(str(entity.get("blueprint")), {})
        schema: Json = model.get("schema", {}).get("properties", {})
        properties = entity.get("properties", {})
        rows = [
            _field(name, str(schema.get(name, {}).get("title") or name), schema.get(name, {}), value)
            for name in [*schema, *(n for n in properties if n not in schema)]
            if (value := properties.get(name)) not in (None, "", [], {}) and name not in without
        ]
        for name, value in entity.get("relations", {}).items():
            if value:
                title = str(model.get("relations", {}).get(name, {}).get("title") or name)
                shown = ", ".join(map(str, value)) if isinstance(value, list) else str(value)
                rows.append(Field(name, title, "text", shown))
        return rows

    def runs(self, identifier: str | None = None) -> list[Json]:
        """Runs, newest first; those about one entity when it is named."""
        every = self.engine.snapshot()
        if identifier is None:
            return every
        return [run for run in every if (run.get("entity") or {}).get("identifier") == identifier]


def _is_marker(name: str) -> bool:
    return name.endswith("Attempt")


def _field(name: str, title: str, schema: Json, value: Any) -> Field:
    if isinstance(value, bool):
        return Field(name, title, "switch", value)
    if isinstance(value, dict | list):
        if all(isinstance(one, str) for one in value) and isinstance(value, list):
            return Field(name, title, "text", ", ".join(value))
        return Field(name, title, "json", json.dumps(value, indent=2, ensure_ascii=False, default=str))
    text = str(value)
    if schema.get("format") == "markdown":
        return Field(name, title, "markdown", markdown(text))
    if text.startswith(("http://", "https://")):
        return Field(name, title, "link", text)
    return Field(name, title, "text", text)


def markdown(text: str) -> Markup:
    """Markdown as safe HTML."""
    return Markup(_markdown.render(text))
