"""Maintenance moves by itself at its times: reminder, start and end, with the components it names."""

from __future__ import annotations

import asyncio

from sandbox.statuspage.change import Change
from sandbox.statuspage.course import Course
from sandbox.statuspage.rules import under_way
from sandbox.statuspage.state import Incident, Store
from sandbox.statuspage.views import switch

REMINDER = 3600.0
"""Seconds before the start at which subscribers are reminded (vendor: sixty minutes prior)."""

_LONGEST_SLEEP = 30.0  # the emulator's clock can be shifted while a timer sleeps


class Timers:
    """`settle` does what is due by now; `plan` sees to it that this happens without any request."""

    def __init__(self, store: Store, course: Course) -> None:
        self.store, self.course = store, course
        self._task: asyncio.Task[None] | None = None

    def clear(self) -> None:
        self._task = None  # the world has cancelled it

    def settle(self) -> None:
        now = self.store.now()
        for incident in list(self.store.incidents.values()):
            # A window that is wholly past starts and ends at once.
            while (due := _next(incident)) is not None and due[0] <= now:
                self._do(incident, due[1])

    def plan(self) -> None:
        """Wait for what is to come, anew after each change. Without a loop the next call settles it."""
        try:
            asyncio.get_running_loop()
        except RuntimeError:
            return
        if self._task is not None:
            self._task.cancel()
            self._task = None
        if self._next_due() is not None:
            self._task = self.store.world.background(self._wait())

    async def _wait(self) -> None:
        while (due := self._next_due()) is not None:
            await asyncio.sleep(min(max(due - self.store.now(), 0.0), _LONGEST_SLEEP))
            self.settle()

    def _next_due(self) -> float | None:
        dues = [due[0] for i in self.store.incidents.values() if (due := _next(i)) is not None]
        return min(dues, default=None)

    def _do(self, incident: Incident, what: str) -> None:
        if what == "remind":
            incident.reminded = self.store.now()
            self.course.notices.incident(incident)
        elif what == "start":
            states = "under_maintenance" if switch(incident, "auto_transition_to_maintenance_state") else ""
            tell = switch(incident, "auto_transition_deliver_notifications_at_start")
            self._move(incident, "in_progress", states, tell)
        else:
            states = "operational" if switch(incident, "auto_transition_to_operational_state") else ""
            tell = switch(incident, "auto_transition_deliver_notifications_at_end")
            self._move(incident, "completed", states, tell)

    def _move(self, incident: Incident, status: str, component_status: str, tell: bool) -> None:
        statuses = {key: component_status for key in incident.component_ids} if component_status else {}
        self.course.change(incident, Change(status=status, statuses=statuses, deliver=tell))


def _next(incident: Incident) -> tuple[float, str] | None:
    """When the clock next does something to this incident, and what: remind, start or end."""
    start, end = incident.scheduled_for, incident.scheduled_until
    if start is None or end is None:
        return None
    if incident.status == "scheduled":
        remind = start - REMINDER
        asked = switch(incident, "scheduled_remind_prior") and incident.reminded is None
        if asked and incident.created <= remind:
            return remind, "remind"
        return (start, "start") if switch(incident, "scheduled_auto_in_progress") else None
    if under_way(incident) and switch(incident, "scheduled_auto_completed"):
        return end, "end"
    return None
