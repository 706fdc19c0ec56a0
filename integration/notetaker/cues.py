"""Cues of the built-in classifier: how English sounds in an incident, kind by kind.

One line says one thing, so that a wrong verdict can be traced to its lines. Nothing here names a
product, a team or a system.
"""

from integration.notetaker.cues_doing import DOING
from integration.notetaker.cues_knowing import KNOWING

WORDING = (*DOING, *KNOWING)
