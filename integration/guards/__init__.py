"""What a text may say to whom: leaks, and contradictions with what is known inside.

Text in, findings out: no I/O, no clock, no randomness.
"""

from integration.guards.check import cleaned, leaks
from integration.guards.contradictions import Inside, Public, Rules, contradictions, progress
from integration.guards.finding import Finding, blocking, leak_findings
from integration.guards.leak import Kind, Knows, Leak, Words

__all__ = [
    "Finding",
    "Inside",
    "Kind",
    "Knows",
    "Leak",
    "Public",
    "Rules",
    "Words",
    "blocking",
    "cleaned",
    "contradictions",
    "leak_findings",
    "leaks",
    "progress",
]
