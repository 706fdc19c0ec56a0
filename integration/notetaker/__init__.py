"""What is said in the room becomes notes. Text in, text out: no I/O, no clock, no randomness.

`derive` is the one way from a message to a note, for events and reads alike.
"""

from integration.notetaker.derive import Context, derive
from integration.notetaker.marks import Marks
from integration.notetaker.rules import SURE, Verdict, classify
from integration.notetaker.services import ServiceNames

__all__ = ["SURE", "Context", "Marks", "ServiceNames", "Verdict", "classify", "derive"]
