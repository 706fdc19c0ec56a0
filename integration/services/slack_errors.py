"""What Slack's error codes mean for us, and what a person can do about them.

Codes and their meaning: docs.slack.dev, section "Errors" of each method.
"""

from __future__ import annotations

from typing import Any, Final

from integration.errors import Ambiguous, CredentialsRefused, RateLimited, Refused, ServiceError
from integration.services.http import short

SERVICE: Final = "slack"
LIMITED: Final = frozenset({"ratelimited", "rate_limited"})
# "It's possible some aspect of the operation succeeded before the error was raised."
MAY_HAVE_HAPPENED: Final = frozenset({"fatal_error", "internal_error", "service_unavailable"})

_REINSTALL = "Install the app into the workspace again and put its bot token (xoxb-...) into the settings."
_NO_SCOPE = "Add the scope {needed} to the Slack app and install it again."

CREDENTIALS: Final[dict[str, str]] = {
    "account_inactive": f"The bot or its workspace was deactivated. {_REINSTALL}",
    "access_denied": "The workspace does not let this app do that; ask its administrator.",
    "ekm_access_denied": "An administrator has suspended access to this workspace's messages.",
    "invalid_auth": f"The token is wrong. {_REINSTALL}",
    "missing_scope": _NO_SCOPE,
    "no_permission": "The token lacks a scope, or the bot is not in the channel.",
    "not_allowed_token_type": "This needs a bot token (xoxb-...); another kind is configured.",
    "not_authed": "No token was sent. Put the bot token (xoxb-...) into the settings.",
    "org_login_required": "The workspace is being moved; wait for its administrator.",
    "team_access_not_granted": "The organization has not given this app access to the workspace.",
    "token_expired": f"The token has expired. {_REINSTALL}",
    "token_revoked": f"The token was revoked. {_REINSTALL}",
    "two_factor_setup_required": "The account must set up two-factor authentication.",
}

HINTS: Final[dict[str, str]] = {
    "accesslimited": "The workspace limits access to this method for the moment.",
    "cant_archive_general": "The workspace's general channel cannot be archived: link another channel.",
    "cant_update_message": "Only messages of our own bot can be changed.",
    "channel_not_found": "Check the id; a private channel shows only to its members: /invite the bot.",
    "edit_window_closed": "The workspace no longer lets this message be edited.",
    "invalid_blocks": "The message's blocks are not valid; this is a fault of the template.",
    "invalid_name_maxlength": "Channel names have at most 80 characters.",
    "invalid_name_punctuation": "Channel names must hold a letter or a digit.",
    "invalid_name_required": "A channel needs a name.",
    "invalid_name_specials": "Channel names hold lowercase letters, digits, hyphens and underscores only.",
    "is_archived": "The channel is archived; a person must unarchive it (a bot cannot) or another be linked.",
    "message_not_found": "The message was deleted.",
    "metadata_too_large": "The marker on the message is too large.",
    "method_not_supported_for_channel_type": "This works in channels only, not in direct messages.",
    "msg_blocks_too_long": "The blocks are too long together (about 13,200 characters); shorten the text.",
    "msg_too_long": "The text is too long: 4,000 characters when changing a message. Shorten it.",
    "name_taken": "A channel of this name exists, perhaps archived or private; it is not ours to use.",
    "no_text": "The message is empty.",
    "not_in_channel": "The bot is not in the channel: invite it with /invite.",
    "posting_to_general_channel_denied": "The workspace does not let apps post into its general channel.",
    "restricted_action": "A setting of the workspace forbids this; ask its administrator.",
    "team_added_to_org": "The workspace is being moved into an organization; wait until that is done.",
    "too_many_bookmarks": "The channel has as many bookmarks as Slack allows.",
    "user_is_restricted": "Guests cannot do this.",
}

# Refusals of `conversations.invite` that are about one person, not about the channel.
ABOUT_A_PERSON: Final = frozenset(
    {
        "already_in_channel",
        "cant_invite",
        "cant_invite_self",
        "invitee_cant_see_channel",
        "no_external_invite_permission",
        "no_user",
        "org_user_not_in_team",
        "ura_max_channels",
        "user_is_bot",
        "user_is_restricted",
        "user_is_ultra_restricted",
        "user_not_found",
    }
)
IN_ALREADY: Final = frozenset({"already_in_channel", "cant_invite_self"})


class SomeRefused(Refused):
    """A refusal that names people: `errors` as Slack gives them, [{"user", "ok": false, "error"}]."""

    errors: tuple[dict[str, Any], ...] = ()


REASONS: Final[dict[str, str]] = {
    "cant_invite": "the workspace does not let the bot invite this person",
    "invitee_cant_see_channel": "this person may not see the channel",
    "no_external_invite_permission": "this person belongs to another organization",
    "no_user": "no such person in Slack",
    "org_user_not_in_team": "this person is not in this workspace",
    "ura_max_channels": "a single-channel guest, in another channel already",
    "user_is_bot": "a bot",
    "user_is_restricted": "a guest, who cannot be invited by the bot",
    "user_is_ultra_restricted": "a single-channel guest, who cannot be invited by the bot",
    "user_not_found": "no such person in Slack",
}


def error_of(
    operation: str, body: dict[str, Any], retry_after: float, secrets: tuple[str, ...]
) -> ServiceError:
    """Our error for an `ok: false` answer. `retry_after` in seconds, for rate limits."""
    code = str(body.get("error") or "unknown_error")
    detail = _detail(body, secrets)
    if code in LIMITED:
        return RateLimited(SERVICE, operation, retry_after, detail)
    if code in MAY_HAVE_HAPPENED:
        return Ambiguous(SERVICE, operation, code, detail)
    if code in CREDENTIALS:
        hint = CREDENTIALS[code].format(needed=body.get("needed") or "that Slack names in its documents")
        return CredentialsRefused(SERVICE, operation, code, detail, hint)
    errors = body.get("errors")
    if isinstance(errors, list) and errors:
        refusal = SomeRefused(SERVICE, operation, code, detail, HINTS.get(code, ""))
        refusal.errors = tuple(item for item in errors if isinstance(item, dict))
        return refusal
    return Refused(SERVICE, operation, code, detail, HINTS.get(code, ""))


def _detail(body: dict[str, Any], secrets: tuple[str, ...]) -> str:
    metadata = body.get("response_metadata")
    messages = metadata.get("messages") if isinstance(metadata, dict) else None
    said = [str(message) for message in messages] if isinstance(messages, list) else []
    if isinstance(body.get("detail"), str):
        said.insert(0, body["detail"])
    return short("; ".join(said), secrets)
