"""Every action and its handler. A definition (`<name>.json`) and a handler (`<name>.py`) share a stem."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from actions import (
    accept_public_changes,
    add_note,
    announce_status,
    approve_public_update,
    close_war_room,
    complete_maintenance,
    draft_public_update,
    draft_update,
    open_war_room,
    override_public_update,
    post_update,
    preview_audiences,
    publish_postmortem,
    publish_status_page,
    remind_update,
    reopen_status_page,
    resolve_status_page,
    schedule_maintenance,
    send_again,
    send_communication,
    send_draft,
    send_email,
    sync_war_room,
    update_status_page,
    watch_approvals,
    write_rca,
)
from actions.base import Handle, Kit
from integration.models.run import Command, Outcome

ACTIONS: Mapping[str, Handle] = {
    "open_war_room": open_war_room.handle,
    "sync_war_room": sync_war_room.handle,
    "close_war_room": close_war_room.handle,
    "post_update": post_update.handle,
    "send_email": send_email.handle,
    "announce_status": announce_status.handle,
    "add_note": add_note.handle,
    "preview_audiences": preview_audiences.handle,
    "draft_update": draft_update.handle,
    "send_draft": send_draft.handle,
    "send_again": send_again.handle,
    "remind_update": remind_update.handle,
    "publish_status_page": publish_status_page.handle,
    "update_status_page": update_status_page.handle,
    "resolve_status_page": resolve_status_page.handle,
    "accept_public_changes": accept_public_changes.handle,
    "approve_public_update": approve_public_update.handle,
    "complete_maintenance": complete_maintenance.handle,
    "draft_public_update": draft_public_update.handle,
    "override_public_update": override_public_update.handle,
    "publish_postmortem": publish_postmortem.handle,
    "reopen_status_page": reopen_status_page.handle,
    "schedule_maintenance": schedule_maintenance.handle,
    "send_communication": send_communication.handle,
    "watch_approvals": watch_approvals.handle,
    "write_rca": write_rca.handle,
}


def handlers(kit: Kit) -> dict[str, Callable[[Command], Awaitable[Outcome]]]:
    """The handlers, each with the kit in hand."""

    def bind(handle: Handle) -> Callable[[Command], Awaitable[Outcome]]:
        async def handler(command: Command) -> Outcome:
            return await handle(command, kit)

        return handler

    return {name: bind(handle) for name, handle in ACTIONS.items()}
