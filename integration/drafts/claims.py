"""What people hold us to: said without a source, it is refused. By what the claim is about."""

from __future__ import annotations

import re
from collections.abc import Mapping

_PHRASES: Mapping[str, tuple[str, ...]] = {
    "that it is over": (
        *("resolved", "fixed", "restored", "recovered", "solved", "mitigated", "back to normal", "all clear"),
        *("behoben", "wiederhergestellt", "resuelto", "résolu"),
    ),
    "a cause": (
        *("root cause", "caused by", "because of", "due to", "verursacht", "Ursache war"),
        *("causado por", "causé par"),
    ),
    "who is affected": (
        *("no customers?", "nobody", "no users?", "only a few", "only internal", "all customers"),
        *("all users", "every customer", "kein Kunde", "alle Kunden"),
    ),
    "about data or security": (
        *("data loss", "lost data", "no data", "breach(?:ed)?", "attack(?:ed)?", "hacked", "compromised"),
        *("stolen", "leaked", "vulnerabilit(?:y|ies)", "Datenverlust"),
    ),
    "about money": ("refund(?:s|ed)?", "compensat(?:e|ed|ion)", "credits?", "SLA"),
    "a guarantee": ("guarantee[ds]?", "never again", "will not happen again", "garanti\\w*"),
}

CLAIMS: Mapping[str, re.Pattern[str]] = {
    name: re.compile(rf"\b(?:{'|'.join(phrases)})\b", re.IGNORECASE) for name, phrases in _PHRASES.items()
}
