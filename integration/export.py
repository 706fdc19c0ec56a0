"""Exports an incident's record, to standard output. `python -m integration.export INC-42 --format csv`.

Reads Port alone; `integration.verify` asks the providers too. Ends with 0 when it was exported, whatever the
record says of itself, 1 when Port could not be read, 2 for a wrong setting or an unknown incident.
"""

from __future__ import annotations

import argparse
import asyncio
import sys

from integration.budget import Budget
from integration.errors import BadInput, IncidentCommsError
from integration.installation import Installation, this_installation
from integration.models.incident import Incident
from integration.record_export import as_csv, as_json, as_markdown, entries
from integration.recorded import Recorded, read_recorded
from integration.services.port import PortService
from integration.times import now

FORMATS = ("md", "json", "csv")


async def export(
    port: PortService, installation: Installation, incident: str, form: str
) -> tuple[str, Recorded]:
    """The document, and what it was made of. Raises BadInput for an unknown incident, ServiceError."""
    settings = installation.settings
    recorded = await read_recorded(port, settings, incident)
    found = entries(recorded.communications.values(), recorded.links, [settings.static_bridge_url])
    about = recorded.incident or Incident(identifier=incident)
    if form == "csv":
        return as_csv(found), recorded
    write = as_json if form == "json" else as_markdown
    return write(about, found, recorded.links, recorded.problems, now()), recorded


async def _run(installation: Installation, incident: str, form: str) -> tuple[str, Recorded]:
    port = PortService(installation.base_url, installation.client_id, installation.client_secret, Budget())
    try:
        return await export(port, installation, incident, form)
    finally:
        await port.aclose()


def main() -> int:
    parser = argparse.ArgumentParser(prog="integration.export", description="Export an incident's record.")
    parser.add_argument("incident", help="identifier of the incident in Port")
    parser.add_argument("--format", choices=FORMATS, default="md")
    given = parser.parse_args()
    try:
        document, recorded = asyncio.run(_run(this_installation(), given.incident, given.format))
    except BadInput as problem:
        print(f"not exported: {problem}", file=sys.stderr)
        return 2
    except IncidentCommsError as problem:
        print(f"not exported: {problem}", file=sys.stderr)
        return 1
    sys.stdout.reconfigure(encoding="utf-8", newline="")  # type: ignore[union-attr]
    sys.stdout.write(document)
    if recorded.problems:
        print(
            f"The record of {given.incident} does not fit in {len(recorded.problems)} places: "
            f"make verify INCIDENT={given.incident}",
            file=sys.stderr,
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
