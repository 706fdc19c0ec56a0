"""What a text may say to whom: the leak check. Text in, findings out: no I/O, no clock, no randomness."""

from integration.guards.check import cleaned, leaks
from integration.guards.leak import Kind, Knows, Leak, Words

__all__ = ["Kind", "Knows", "Leak", "Words", "cleaned", "leaks"]
