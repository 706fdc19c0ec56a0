"""Cues that are not in single words: the form of a message, its opening, its author, what it answers."""

from __future__ import annotations

import re

SPACE = re.compile(r"\s+")
CODE = re.compile(r"```.*?(?:```|\Z)", re.S)
NOT_PROSE = re.compile(
    r"```.*?(?:```|\Z)|https?://\S+|^\s*>.*$|:[a-z0-9_+'-]{2,40}:|[*_~]{1,3}|`", re.S | re.M | re.I
)
ASKS = re.compile(
    r"\?(?:\s|$)|\b(?:does anyone|any idea|do we know|wondering|can (?:you|"
    r"someone) (?:confirm|check|tell))\b",
    re.I,
)
PROPOSES = re.compile(
    r"\b(?:should (?:we|i)|shall (?:we|i)|can (?:we|i)|could (?:we|i)|(?:i|we) (?:can|could|will)|i'll|"
    r"let's|want me to|how about|what about|ok (?:to|if)|"
    r"okay (?:to|if)|objections?|mind if|propose|suggest|gonna|going to|lgtm|approve|ready to|ship)\b",
    re.I,
)
ASSENT = re.compile(
    r"(?:y(?:es|ep|up|eah|a)|no(?:pe)?|sure|ok(?:ay)?|\+1|-1|agreed?|sounds good|go (?:ahead|for it)|"
    r"do it|please do|lgtm|sgtm|approved|works for me|"
    r"fine by me|makes sense|correct|right|exactly|apparently|i (?:think|guess|believe) so|not (?:really|"
    r"yet)|of course|definitely)\b"
)
_RISING = re.compile(
    r"^(?:\W*)(?:resolved|recovered|closed|ok|up|cleared|acknowledged|ack)\b|"
    r"\b(?:resolved|recovered|acknowledged|auto-?resolved|is (?:back )?up)\b"
)
_IMPERATIVE = re.compile(
    r"^(?:please |maybe |just |then |also )*(?:add|alert|ask|automate|check|consider|contact|create|"
    r"document|ensure|file|fix|follow|get|implement|improve|"
    r"increase|investigate|look|make|monitor|move|open|ping|post|reduce|remove|review|schedule|send|"
    r"set up|tell|test|try|update|upgrade|verify|write)\b(?!\w)"
)
_LOGGY = re.compile(
    r"\b(?:error|exception|warn(?:ing)?|fatal|failed|traceback|panic|refused|timeout|denied|killed|oom|"
    r"exit code|evicted|unhealthy|back-?off|[45]\d\d)\b",
    re.I,
)
_ADDRESS = re.compile(r"https?://\S+")
_COUNTABLE = re.compile(r"\d|`[^`]+`|[a-z]+[-_.][a-z]+", re.I)


def shape(text: str, prose: str) -> dict[str, float]:
    """Points for the form: how long, code, log lines, bare links, emoji only."""
    words = re.findall(r"[^\W\d_]+(?:'[^\W\d_]+)?", prose)
    code = "".join(CODE.findall(text)) or "\n".join(
        line for line in text.split("\n") if line.lstrip().startswith(">")
    )
    points: dict[str, float] = {}
    if code.strip():
        points["finding"] = 1.3 if _LOGGY.search(code) else 0.5
        if not words:
            points["noise"] = 0.0 if _LOGGY.search(code) else 1.2
    elif not words:
        points["noise"] = 1.8 if _ADDRESS.search(text) else 5.0
    elif len(words) <= 2:
        points["noise"] = 1.5 if not _COUNTABLE.search(text) else 0.8
    elif len(words) <= 5:
        points["noise"] = 0.9 if not _COUNTABLE.search(text) else 0.4
    elif len(words) <= 8:
        points["noise"] = 0.3
    return points


def opening(prose: str) -> dict[str, float]:
    """Points for a message that begins with a bare verb: a step to take, in a list of steps."""
    return {"action": 1.0} if _IMPERATIVE.match(prose) and not prose.endswith("?") else {}


def alert(prose: str) -> dict[str, float]:
    """Points for what another bot says: it states a symptom, or that one is over; never banter."""
    if _RISING.search(prose):
        return {"update": 2.5, "noise": -1.0}
    return {"impact": 1.6, "noise": 0.2}
