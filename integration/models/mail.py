"""What a mail server answers."""

from __future__ import annotations

from integration.models.base import Value


class MailReceipt(Value):
    """A mail server's word that it has taken a message over."""

    message_id: str
    response: str  # its own words, often with a queue id
