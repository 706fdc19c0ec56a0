"""The vendors' contracts, where the folder with them is there."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


def contract(name: str) -> Path:
    """The path of a contract file; skips the test where there is none."""
    root = Path(__file__).parents[2]
    folder = Path(os.environ.get("INCIDENT_COMMS_SHARED", root.parent / "shared"))
    path = folder / "contracts" / name
    if not path.exists():
        pytest.skip(f"the vendors' contracts are not here ({name}); set INCIDENT_COMMS_SHARED")
    return path
