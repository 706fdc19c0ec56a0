"""Which Web API methods the emulator answers. A test holds this table to the registered routes.

supported: as the vendor's page says, with its errors; partial: the notes say what is missing;
not: there is no route, the answer is `unknown_method`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True)
class Covered:
    method: str
    status: Literal["supported", "partial", "not"]
    notes: str = ""


COVERAGE = (
    Covered("api.test", "supported"),
    Covered("apps.connections.open", "partial", "Socket Mode of our app alone; debug_reconnects is ignored"),
    Covered("auth.test", "supported"),
    Covered("bookmarks.add", "partial", "links and folders; no nesting (parent_id) and no access levels"),
    Covered("bookmarks.edit", "supported"),
    Covered("bookmarks.list", "supported"),
    Covered("bookmarks.remove", "supported"),
    Covered("bots.info", "supported"),
    Covered("chat.delete", "supported"),
    Covered("chat.deleteScheduledMessage", "supported"),
    Covered("chat.getPermalink", "supported"),
    Covered("chat.postEphemeral", "partial", "checked and counted, shown nowhere"),
    Covered("chat.postMessage", "partial", "no unfurling, no link_names or parse modes, icons ignored"),
    Covered("chat.scheduleMessage", "partial", "a schedule does not outlive the process"),
    Covered("chat.scheduledMessages.list", "partial", "oldest and latest are ignored"),
    Covered("chat.update", "partial", "no reply_broadcast and no files; answers without blocks"),
    Covered("conversations.archive", "supported"),
    Covered("conversations.create", "supported"),
    Covered("conversations.history", "supported"),
    Covered("conversations.info", "supported"),
    Covered("conversations.invite", "supported"),
    Covered("conversations.join", "supported"),
    Covered("conversations.kick", "supported"),
    Covered("conversations.leave", "supported"),
    Covered("conversations.list", "supported"),
    Covered("conversations.members", "supported"),
    Covered("conversations.open", "supported"),
    Covered("conversations.rename", "supported"),
    Covered("conversations.replies", "supported"),
    Covered("conversations.setPurpose", "supported"),
    Covered("conversations.setTopic", "supported"),
    Covered("conversations.unarchive", "supported", "bots are refused: they are out of an archived channel"),
    Covered("pins.add", "supported"),
    Covered("pins.list", "supported"),
    Covered("pins.remove", "supported"),
    Covered("reactions.add", "supported"),
    Covered("reactions.get", "partial", "messages only, no files"),
    Covered("reactions.remove", "partial", "messages only, no files"),
    Covered("team.info", "supported"),
    Covered("usergroups.list", "partial", "no disabled groups"),
    Covered("usergroups.users.list", "supported"),
    Covered("users.conversations", "supported"),
    Covered("users.info", "partial", "no locale"),
    Covered("users.list", "partial", "no locale"),
    Covered("users.lookupByEmail", "supported"),
    Covered("users.profile.get", "partial", "no custom fields"),
    Covered("views.open", "partial", "kept and checked in outline, not drawn"),
    Covered("views.publish", "partial", "kept and checked in outline, not drawn"),
    Covered("views.push", "partial", "kept and checked in outline, not drawn"),
    Covered("views.update", "partial", "kept and checked in outline, not drawn"),
    Covered("assistant.threads.setStatus", "not"),
    Covered("assistant.threads.setSuggestedPrompts", "not"),
    Covered("assistant.threads.setTitle", "not"),
    Covered("calls.add", "not"),
    Covered("calls.end", "not"),
    Covered("calls.update", "not"),
    Covered("canvases.access.set", "not"),
    Covered("canvases.create", "not"),
    Covered("canvases.edit", "not"),
    Covered("canvases.sections.lookup", "not"),
    Covered("chat.appendStream", "not"),
    Covered("chat.startStream", "not"),
    Covered("chat.stopStream", "not"),
    Covered("chat.unfurl", "not"),
    Covered("conversations.canvases.create", "not"),
    Covered("files.completeUploadExternal", "not"),
    Covered("files.getUploadURLExternal", "not"),
    Covered("files.info", "not"),
    Covered("files.upload", "not", "retired by the vendor"),
    Covered("oauth.v2.access", "not", "the sandbox has its fixed token"),
)
