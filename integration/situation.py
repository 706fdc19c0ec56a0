"""Where an incident stands, by its notes. Pure: the same notes in any order give the same situation.

Of updates, impacts, findings and workarounds the last one counts that is sure (a person marked it, or its
kind was found with confidence); where none is sure, the last one, and it says so. Actions and questions are
those that nobody has settled (`integration.settled`).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from integration import mdtext
from integration.models.base import Json, Value
from integration.models.note import NoteKind
from integration.timeline import NoteFacts, words_of

WORDS_LIMIT = 280  # characters of one note
LISTED = 20  # open actions or questions; of more only how many

PROPERTIES: dict[NoteKind, str] = {
    "update": "latestUpdate",
    "impact": "currentImpact",
    "finding": "currentFinding",
    "workaround": "currentWorkaround",
    "action": "openActions",
    "question": "openQuestions",
}
"""Where it stands on the incident."""

NOTHING: Json = dict.fromkeys(PROPERTIES.values(), "")
"""For an incident whose room may not be shown there."""


class Situation(Value):
    """Where it stands; actions and questions oldest first."""

    update: NoteFacts | None = None
    impact: NoteFacts | None = None
    finding: NoteFacts | None = None
    workaround: NoteFacts | None = None
    actions: tuple[NoteFacts, ...] = ()
    questions: tuple[NoteFacts, ...] = ()


def situation(notes: Iterable[NoteFacts]) -> Situation:
    ordered = sorted(notes, key=lambda note: (mdtext.utc(note.said_at), note.identifier))
    return Situation(
        update=_last(ordered, "update"),
        impact=_last(ordered, "impact"),
        finding=_last(ordered, "finding"),
        workaround=_last(ordered, "workaround"),
        actions=tuple(note for note in ordered if note.kind == "action" and note.open),
        questions=tuple(note for note in ordered if note.kind == "question" and note.open),
    )


def properties(stands: Situation) -> Json:
    """The situation as the incident shows it, in Markdown; empty text for what is not known."""
    facts: dict[str, str] = {
        PROPERTIES["update"]: line(stands.update),
        PROPERTIES["impact"]: line(stands.impact),
        PROPERTIES["finding"]: line(stands.finding),
        PROPERTIES["workaround"]: line(stands.workaround),
        PROPERTIES["action"]: _listed(stands.actions, "- [ ] ", owners=True),
        PROPERTIES["question"]: _listed(stands.questions, "- "),
    }
    return dict(facts)


def line(note: NoteFacts | None, *, owners: bool = False, limit: int = WORDS_LIMIT) -> str:
    """One note on one line of Markdown: what, for whom, by whom, and when with the way to its source."""
    if note is None:
        return ""
    marks = [mark for mark, true in (("edited", note.edited), ("unsure", not note.sure)) if true]
    said = mdtext.inline(mdtext.one_line(words_of(note), limit))
    by = mdtext.inline(mdtext.one_line(note.author, 200)) or "unknown"
    at = mdtext.link(note.permalink, f"{mdtext.moment(note.said_at)} UTC")
    who = f" **{mdtext.inline(mdtext.one_line(note.owner, 200)) or 'no owner'}**" if owners else ""
    return f"{said}{who} ({', '.join([by, at, *marks])})"


def _last(ordered: Sequence[NoteFacts], kind: NoteKind) -> NoteFacts | None:
    found = [note for note in ordered if note.kind == kind]
    sure = [note for note in found if note.sure]
    return next(reversed(sure or found), None)


def _listed(notes: Sequence[NoteFacts], item: str, *, owners: bool = False) -> str:
    lines = [item + line(note, owners=owners) for note in notes[:LISTED]]
    if more := len(notes) - LISTED:
        lines += [f"- {more} more among the notes"] if more > 0 else []
    return "\n".join(lines)
