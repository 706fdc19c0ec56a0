"""What Slack shows to one person: forms, and words that nobody else sees. None of it is kept or read back, so
none of it is an effect that has to happen exactly once."""

from __future__ import annotations

from integration.budget import Priority
from integration.models.base import Json
from integration.services.slack_wire import SlackWire


class SlackScreen:
    """`wire` is the service's own, with its token and budgets."""

    def __init__(self, wire: SlackWire) -> None:
        self._wire = wire

    async def open_view(self, trigger: str, view: Json) -> None:
        """Show a modal to whoever caused `trigger`; Slack takes it within 3 seconds of the click, once."""
        await self._wire.write("views.open", Priority.ROOM, trigger_id=trigger, view=view)

    async def tell(self, channel: str, user: str, text: str) -> None:
        """A line in the channel that only `user` sees, and loses when the client is reloaded."""
        await self._wire.write("chat.postEphemeral", Priority.INTERNAL, channel=channel, user=user, text=text)
