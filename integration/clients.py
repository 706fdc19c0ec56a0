"""A client for each service that is set up, as the settings say. None of them calls anybody yet."""

from __future__ import annotations

from integration.budget import Budget
from integration.services.http import Patience
from integration.services.mailer import Mailer
from integration.services.slack import SlackService
from integration.services.statuspage import StatuspageService
from integration.services.zoom import ZoomService
from integration.settings import Settings


def slack_client(settings: Settings, budget: Budget, patience: Patience | None = None) -> SlackService:
    return SlackService(
        settings.slack_api_url, settings.slack_bot_token, budget, settings.effect_timeout_seconds, patience
    )


def zoom_client(settings: Settings, budget: Budget, patience: Patience | None = None) -> ZoomService | None:
    """None where Zoom is not set up."""
    if not settings.zoom_enabled:
        return None
    return ZoomService(
        settings.zoom_api_url,
        settings.zoom_oauth_url,
        settings.zoom_account_id,
        settings.zoom_client_id,
        settings.zoom_client_secret,
        budget,
        settings.effect_timeout_seconds,
        patience,
    )


def statuspage_client(settings: Settings, budget: Budget) -> StatuspageService | None:
    """None where Statuspage is not set up."""
    if not settings.statuspage_enabled:
        return None
    return StatuspageService(
        settings.statuspage_api_url,
        settings.statuspage_api_key,
        budget,
        settings.effect_timeout_seconds,
        per_minute=settings.statuspage_requests_per_minute,
    )


def mail_client(settings: Settings) -> Mailer | None:
    """None where mail is not set up. Raises BadInput for an address or a link that can't be one."""
    if not settings.mail_enabled:
        return None
    return Mailer(
        settings.smtp_host,
        settings.smtp_port,
        settings.smtp_user,
        settings.smtp_password,
        settings.smtp_tls,
        settings.mail_from,
        settings.effect_timeout_seconds,
        unsubscribe=settings.mail_unsubscribe,
    )
