"""What happens in and to a meeting, whoever causes it: people joining and leaving, the API ending it."""

from __future__ import annotations

from sandbox.zoom import views, webhooks
from sandbox.zoom.recordings import Recordings
from sandbox.zoom.state import Meeting, Occurrence, Participant, Store, User

_TOLD_SETTINGS = ("use_pmi", "alternative_hosts", "join_before_host", "jbh_time")


class NotPossible(ValueError):
    """A person can't do that in Zoom; the message says why."""


class Life:
    """Changes a meeting's course and sends the events that Zoom would send."""

    def __init__(self, store: Store, hooks: webhooks.Webhooks, recordings: Recordings) -> None:
        self.store, self.hooks, self.recordings = store, hooks, recordings

    def created(self, meeting: Meeting) -> None:
        whole = {
            **webhooks.about(meeting, number=True),
            "join_url": views.join_url(meeting, self.store.web),
            "password": meeting.password,
            "settings": {name: {**views.SETTINGS, **meeting.settings}[name] for name in _TOLD_SETTINGS},
        }
        self.hooks.emit("meeting.created", self._by_host(meeting, whole))

    def updated(self, meeting: Meeting, changed: dict[str, object], before: dict[str, object]) -> None:
        payload = {
            "operator": meeting.host.email,
            "operator_id": meeting.host.id,
            "scope": "all",
            "object": {"id": meeting.id, "uuid": meeting.uuid, **changed},
            "old_object": {"id": meeting.id, "uuid": meeting.uuid, **before},
            "time_stamp": int(self.store.now() * 1000),
        }
        self.hooks.emit("meeting.updated", payload)

    def delete(self, meeting: Meeting) -> None:
        meeting.deleted = True
        self.hooks.emit("meeting.deleted", self._by_host(meeting, webhooks.about(meeting, number=True)))

    def join(self, meeting: Meeting, email: str, name: str = "") -> Participant:
        """A person enters. Raises NotPossible for somebody who would only see the waiting page.

        Vendor: without `join_before_host` nobody gets in before the host (or an alternative host) does.
        """
        account = self.store.by_email(email)
        if meeting.live is None and not self._may_start(meeting, account):
            raise NotPossible(
                f"the host ({meeting.host.email}) has not started meeting {meeting.id} and its "
                "join_before_host is off; let the host join first"
            )
        occurrence = meeting.live or self._start(meeting)
        if any(p.email.lower() == email.lower() for p in occurrence.present()):
            raise NotPossible(f"{email} is in the meeting already")
        ids = self.store.world.ids
        person = Participant(
            user_id=ids.digits(8),
            participant_uuid=self.store.url_safe().upper(),
            name=name or (account.name if account else email.split("@")[0]),
            email=email,
            account_user=account.id if account else "",
            joined=self.store.now(),
        )
        occurrence.participants.append(person)
        self._participant("meeting.participant_joined", meeting, occurrence, person)
        return person

    def leave(self, meeting: Meeting, email: str) -> None:
        """A person leaves; the meeting ends with the last one. Raises NotPossible for who is not in it."""
        occurrence = meeting.live
        inside = occurrence.present() if occurrence else []
        person = next((p for p in inside if p.email.lower() == email.lower()), None)
        if occurrence is None or person is None:
            raise NotPossible(f"{email} is not in meeting {meeting.id}")
        self._left(meeting, occurrence, person)
        if not occurrence.present():
            self.end(meeting)

    def end(
        self, meeting: Meeting, summary: str = "", transcript: list[tuple[float, str, str]] | None = None
    ) -> bool:
        """End the occurrence under way; False when none is. `summary` is AI Companion's, in Markdown;
        `transcript` is what was said (second, speaker, text), where the call was recorded."""
        occurrence = meeting.live
        if occurrence is None:
            return False
        for person in occurrence.present():
            self._left(meeting, occurrence, person)
        occurrence.ended = self.store.now()
        meeting.live = None
        meeting.past.append(occurrence)
        ended = {
            **webhooks.about_live(meeting, occurrence),
            "end_time": views.stamp(occurrence.ended),
        }
        self.hooks.emit("meeting.ended", self._by_host(meeting, ended))
        if summary:
            occurrence.summary, occurrence.summarised = summary, self.store.now()
            about = views.summary(meeting, occurrence)
            self.hooks.emit("meeting.summary_completed", {"object": about})
        if transcript:
            self.recordings.transcribe(meeting, occurrence, transcript)
        return True

    def delete_summary(self, meeting: Meeting) -> bool:
        """A person deletes the last summary for good; False when there is none."""
        occurrence = next((one for one in reversed(meeting.past) if one.summary), None)
        if occurrence is None:
            return False
        words = ("summary_content", "summary_overview", "summary_details", "next_steps")
        about = {k: v for k, v in views.summary(meeting, occurrence).items() if k not in words}
        operator = {"operator": meeting.host.email, "operator_id": meeting.host.id}
        occurrence.summary = ""
        self.hooks.emit("meeting.summary_deleted", {**operator, "object": about})
        return True

    def _may_start(self, meeting: Meeting, account: User | None) -> bool:
        if meeting.settings.get("join_before_host"):
            return True
        deputies = str(meeting.settings.get("alternative_hosts", "")).replace(";", ",").split(",")
        hosts = {meeting.host.email.lower(), *(d.strip().lower() for d in deputies if d.strip())}
        return account is not None and account.email.lower() in hosts

    def _start(self, meeting: Meeting) -> Occurrence:
        if meeting.past:
            meeting.uuid = self.store.uuid()  # a new UUID for each occurrence
        meeting.live = Occurrence(meeting.uuid, self.store.now())
        self.hooks.emit("meeting.started", {"object": webhooks.about_live(meeting, meeting.live)})
        return meeting.live

    def _left(self, meeting: Meeting, occurrence: Occurrence, person: Participant) -> None:
        person.left = self.store.now()
        self._participant("meeting.participant_left", meeting, occurrence, person)

    def _participant(self, event: str, meeting: Meeting, occurrence: Occurrence, person: Participant) -> None:
        about = {
            **webhooks.about_live(meeting, occurrence),
            "participant": webhooks.about_participant(person),
        }
        self.hooks.emit(event, {"object": about})

    def _by_host(self, meeting: Meeting, about: dict[str, object]) -> dict[str, object]:
        operator = {"operator": meeting.host.email, "operator_id": meeting.host.id}
        return {**operator, "operation": "single", "object": about}
