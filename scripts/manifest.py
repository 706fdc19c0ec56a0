"""Prints the Slack app's manifest for an installation's address."""

from __future__ import annotations

import argparse
import json
import sys
from urllib.parse import urlsplit

from integration.vendor_apps import PLACEHOLDER, slack_manifest


def main(given: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="make manifest", description=__doc__)
    parser.add_argument("address", nargs="?", default="", help=f"such as {PLACEHOLDER}")
    parser.add_argument("--socket", action="store_true", help="for Socket Mode, which needs no address")
    chosen = parser.parse_args(given)
    parts = urlsplit(chosen.address)
    if not chosen.socket and (parts.scheme != "https" or not parts.netloc):
        print(f"Which address? make manifest URL={PLACEHOLDER} (https), or SOCKET=1", file=sys.stderr)
        return 2
    print(json.dumps(slack_manifest(chosen.address, socket_mode=chosen.socket), indent=2))
    return 0


if __name__ == "__main__":
    sys.exit(main())
