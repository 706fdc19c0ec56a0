"""`make provision`: bring Port up to date, show what would change, write it down, or take it away."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from pathlib import Path

from dotenv import dotenv_values

from integration.budget import Budget
from integration.errors import BadInput, IncidentCommsError
from integration.provision.export import export
from integration.provision.part import Part, summary
from integration.provision.plan import carry_out, plan, who_reads
from integration.provision.remove import remove
from integration.provision.target import Target, read_target
from integration.services.port import PortService


async def run(target: Target, given: argparse.Namespace) -> None:
    """What the options say. Raises BadInput and what Port's client raises."""
    port = PortService(target.base_url, target.client_id, target.client_secret, Budget())
    try:
        if given.remove:
            for line in await remove(port, target.settings, delete_data=given.delete_data, dry=given.dry_run):
                print(line)
        elif given.export:
            for path in export(target.settings, target.door, given.export):
                print(f"wrote {path}")
        else:
            await _bring_up_to_date(port, target, given)
    finally:
        await port.aclose()


async def _bring_up_to_date(port: PortService, target: Target, given: argparse.Namespace) -> None:
    parts = await plan(port, target.settings, target.door, given.renew)
    if not given.dry_run:
        await carry_out(port, parts)
    said = await who_reads(port, target.settings.private_rooms_team)
    if given.json:
        print(json.dumps({"parts": [_as_json(part) for part in parts], "said": said}, ensure_ascii=False))
        return
    for part in parts:
        print(part.line)
        if given.dry_run and (diff := part.diff()):
            print(diff)
    for line in said:
        print(line)
    if given.dry_run:
        print(f"{summary(parts)}; nothing was written")


def _as_json(part: Part) -> dict[str, object]:
    return {
        "kind": part.kind,
        "name": part.name,
        "said": part.said,
        "changes": bool(part.steps),
        **({"before": part.before, "after": part.after} if part.steps else {}),
    }


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make provision", description=__doc__)
    parser.add_argument("--dry-run", action="store_true", help="write nothing, show what would change")
    parser.add_argument("--json", action="store_true", help="say it as one JSON object")
    parser.add_argument(
        "--renew", action="append", default=[], metavar="ID", help="take ours of this action, page, ..."
    )
    parser.add_argument("--export", type=Path, metavar="FOLDER", help="write Port's JSON and Terraform there")
    parser.add_argument("--remove", action="store_true", help="take away what provisioning made, data stays")
    parser.add_argument(
        "--delete-data",
        action="store_true",
        help="with --remove: also the entities, and the properties filled",
    )
    found = parser.parse_args(given)
    if found.delete_data and not found.remove:
        parser.error("--delete-data goes with --remove")
    return found


def main() -> int:
    """0 when Port is up to date, 1 when Port refused or could not be reached, 2 for a wrong setting."""
    given = arguments()
    dotenv = {name: value for name, value in dotenv_values(".env").items() if value is not None}
    try:
        asyncio.run(run(read_target({**dotenv, **os.environ}), given))
    except BadInput as error:
        print(f"not provisioned: {error}", file=sys.stderr)
        return 2
    except IncidentCommsError as error:
        print(f"provisioning stopped: {error}\nRun it again, it goes on where it stopped.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
