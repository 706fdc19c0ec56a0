"""Incidents as customers have them: read by their own names, whatever stands in them."""

from __future__ import annotations

from typing import Any

import pytest

from integration.incident_reader import IncidentReader
from integration.settings import IncidentFields, Settings

FIELDS = {
    "title": ".properties.betreff",
    "status": ".properties.zustand",
    "severity": ".properties.schwere",
    "services": ".relations.dienste",
    "people": ".properties.leute",
}


@pytest.fixture(scope="module")
def reader() -> IncidentReader:
    return IncidentReader(Settings(incident_fields=IncidentFields(**FIELDS)))


def entity(**properties: Any) -> dict[str, Any]:
    return {"identifier": "V-1", "title": "Vorfall 1", "properties": properties, "relations": {}}


def test_a_customers_own_names_are_read(reader: IncidentReader) -> None:
    given = entity(betreff="Zahlung", zustand="offen", schwere="kritisch", leute=["a@example.com", "b"])
    found = reader.read(given | {"relations": {"dienste": "checkout"}})

    assert (found.title, found.status, found.severity) == ("Zahlung", "offen", "kritisch")
    assert (found.services, found.people) == (("checkout",), ("a@example.com",))


@pytest.mark.parametrize("missing", [{}, {"properties": None}, {"properties": {}, "relations": None}])
def test_what_is_missing_is_empty(reader: IncidentReader, missing: dict[str, Any]) -> None:
    found = reader.read({"identifier": "V-1", "title": "Vorfall 1", **missing})

    assert (found.title, found.status, found.severity, found.services) == ("Vorfall 1", "", "", ())


@pytest.mark.parametrize(
    ("title", "read"),
    [
        ("two\nlines\tof\r\nit", "two lines of it"),
        ("\u202eنظام الدفع\u2069 🔥", "نظام الدفع 🔥"),
        ("half of \ud83d a character", "half of \ufffd a character"),
        (" \u202e\n ", "Vorfall 1"),
        (503, "503"),
        (["a", "list"], "Vorfall 1"),
    ],
)
def test_a_title_is_one_line_that_turns_nothing_round(
    reader: IncidentReader, title: object, read: str
) -> None:
    assert reader.read(entity(betreff=title)).title == read
