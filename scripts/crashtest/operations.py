"""All operations that are cut off, by name."""

from __future__ import annotations

from scripts.crashtest.operation import Operation
from scripts.crashtest.page import PublicUpdate, Publish, Resolve
from scripts.crashtest.page_turns import Approve, Complete, Draft, Postmortem, PublicReopen, Schedule
from scripts.crashtest.rooms import Close, Open, Reopen
from scripts.crashtest.words import AddNote, Events, Note, Notice, Update

OPERATIONS: dict[str, Operation] = {
    one.name: one
    for one in (
        Open(),
        Update(),
        Notice(),
        Publish(),
        PublicUpdate(),
        Resolve(),
        PublicReopen(),
        Postmortem(),
        Schedule(),
        Complete(),
        Draft(),
        Approve(),
        Note(),
        Events(),
        AddNote(),
        Close(),
        Reopen(),
    )
}
