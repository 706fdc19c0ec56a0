"""A cue of the built-in classifier."""

from __future__ import annotations

import re
from typing import NamedTuple


class Cue(NamedTuple):
    """A pattern over lower-case prose, and the points it gives by kind ("noise" is a kind here)."""

    pattern: re.Pattern[str]
    points: dict[str, float]
