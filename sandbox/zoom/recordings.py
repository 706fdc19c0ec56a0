"""Cloud recordings: of a call its audio transcript, told by webhook and fetched by its link."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sandbox.wire import Call, Reply
from sandbox.zoom import errors, views
from sandbox.zoom.state import Meeting, Occurrence, Store
from sandbox.zoom.webhooks import Webhooks, about

Json = dict[str, Any]

TOKEN_LIVES = 86_400.0  # "The download token only lasts for 24 hours"


@dataclass
class Recording:
    """The transcript of one occurrence."""

    file: str  # id of the file
    share: str  # id of the recording's page
    vtt: str
    token: str
    made: float


def vtt(turns: list[tuple[float, str, str]]) -> str:
    """(second, speaker, text) as the WebVTT that Zoom writes: numbered cues, the speaker before his words."""
    cues = []
    for number, (second, speaker, text) in enumerate(turns, start=1):
        after = turns[number][0] if number < len(turns) else second + 6.0
        until = max(second + 1.0, min(after, second + 6.0))
        cues.append(f"{number}\n{_clock(second)} --> {_clock(until)}\n{speaker}: {text}\n")
    return "WEBVTT\n\n" + "\n".join(cues)


def _clock(second: float) -> str:
    milliseconds = round(second * 1000)
    hours, rest = divmod(milliseconds, 3_600_000)
    minutes, rest = divmod(rest, 60_000)
    return f"{hours:02}:{minutes:02}:{rest // 1000:02}.{rest % 1000:03}"


class Recordings:
    def __init__(self, store: Store, hooks: Webhooks) -> None:
        self.store, self.hooks = store, hooks
        self.clear()

    def clear(self) -> None:
        self.by_uuid: dict[str, Recording] = {}

    def transcribe(self, meeting: Meeting, one: Occurrence, turns: list[tuple[float, str, str]]) -> None:
        """Zoom has written the transcript of an occurrence that is over, and tells."""
        found = Recording(
            file=self.store.url_safe(),
            share=self.store.url_safe(),
            vtt=vtt(turns),
            token=f"sandbox-zoom-download-{self.store.url_safe()}",
            made=self.store.now(),
        )
        self.by_uuid[one.uuid] = found
        told = {"object": self._about(meeting, one, found)}
        self.hooks.emit("recording.transcript_completed", told, download_token=found.token)

    def delete(self, meeting: Meeting, one: Occurrence) -> bool:
        """A person deletes it for good; False when there is none."""
        found = self.by_uuid.pop(one.uuid, None)
        if found is None:
            return False
        operator = {"operator": meeting.host.email, "operator_id": meeting.host.id}
        whole = self._about(meeting, one, found)
        del whole["host_email"]
        self.hooks.emit("recording.deleted", {**operator, "object": whole})
        return True

    async def get(self, meeting: Meeting, one: Occurrence) -> Reply:
        found = self.by_uuid.get(one.uuid)
        if found is None:
            raise errors.ZoomError(404, 3301, "There is no recording for this meeting.")
        whole = self._about(meeting, one, found)
        return Reply({**whole, "type": str(whole["type"])})  # text here, a number in events

    async def download(self, call: Call, valid: bool) -> Reply:
        """The file behind its link. `valid`: the call bears an access token of the account's app."""
        found = next((one for one in self.by_uuid.values() if one.file == call.path["file"]), None)
        if found is None:
            return Reply(
                {"status": False, "errorCode": 3301, "errorMessage": "no recording"}, 404, error="3301"
            )
        given = call.bearer() or call.query.get("access_token", "")
        fresh = self.store.now() < found.made + TOKEN_LIVES
        if not (valid or (given == found.token and fresh)):
            refused = {"status": False, "errorCode": 401, "errorMessage": "Forbidden"}
            return Reply(refused, 401, error="401")
        return Reply(found.vtt.encode(), headers={"content-type": "text/vtt;charset=utf-8"})

    def _about(self, meeting: Meeting, one: Occurrence, found: Recording) -> Json:
        size = len(found.vtt.encode())
        web = self.store.web
        body = about(meeting, number=True)
        ended = one.ended or found.made
        return {
            **body,
            "uuid": one.uuid,
            "account_id": meeting.host.id,
            "host_email": meeting.host.email,
            "start_time": views.stamp(one.started),
            "share_url": f"{web}/rec/share/{found.share}",
            "total_size": size,
            "recording_count": 1,
            "recording_files": [
                {
                    "id": found.file,
                    "meeting_id": one.uuid,
                    "recording_start": views.stamp(one.started),
                    "recording_end": views.stamp(ended),
                    "file_type": "TRANSCRIPT",
                    "file_extension": "VTT",
                    "file_size": size,
                    "play_url": f"{web}/rec/play/{found.file}",
                    "download_url": f"{web}/rec/download/{found.file}",
                    "status": "completed",
                    "recording_type": "audio_transcript",
                }
            ],
        }
