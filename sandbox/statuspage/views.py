"""The account's objects as Statuspage prints them."""

from __future__ import annotations

from typing import Any

from sandbox.statuspage import rules
from sandbox.statuspage.state import (
    Component,
    Group,
    Incident,
    Page,
    Postmortem,
    Store,
    Subscriber,
    Template,
    Update,
)
from sandbox.world import iso

Json = dict[str, Any]

SWITCHES = (
    "scheduled_remind_prior",
    "scheduled_auto_in_progress",
    "scheduled_auto_completed",
    "auto_transition_to_maintenance_state",
    "auto_transition_to_operational_state",
    "auto_transition_deliver_notifications_at_start",
    "auto_transition_deliver_notifications_at_end",
)
"""Switches of a scheduled maintenance, off unless given, but for the two about notifications."""

_ON = ("auto_transition_deliver_notifications_at_start", "auto_transition_deliver_notifications_at_end")

_PAGE: Json = {
    "page_description": None,
    "headline": None,
    "branding": "basic",
    "subdomain": None,
    "domain": None,
    "url": None,
    "support_url": None,
    "hidden_from_search": False,
    "allow_page_subscribers": True,
    "allow_incident_subscribers": True,
    "allow_email_subscribers": True,
    "allow_sms_subscribers": True,
    "allow_rss_atom_feeds": True,
    "allow_webhook_subscribers": True,
    "notifications_from_email": None,
    "notifications_email_footer": None,
    "activity_score": 0,
    "twitter_username": None,
    "viewers_must_be_team_members": False,
    "ip_restrictions": None,
    "city": None,
    "state": None,
    "country": None,
    "css_body_background_color": "#ffffff",
    "css_font_color": "#333333",
    "css_light_font_color": "#aaaaaa",
    "css_greens": "#2fcc66",
    "css_yellows": "#f1c40f",
    "css_oranges": "#e67e22",
    "css_blues": "#3498db",
    "css_reds": "#e74c3c",
    "css_border_color": "#e0e0e0",
    "css_graph_color": "#3498db",
    "css_link_color": "#3498db",
    "css_no_data": "#b3bac5",
    "favicon_logo": None,
    "transactional_logo": None,
    "hero_cover": None,
    "email_logo": None,
    "twitter_logo": None,
}

EMBED: Json = {
    "position": "bottom-right",
    "incident_background_color": "#e74c3c",
    "incident_text_color": "#ffffff",
    "maintenance_background_color": "#3498db",
    "maintenance_text_color": "#ffffff",
}

PAGE_SETTINGS = frozenset(_PAGE) - {"activity_score"}


def when(at: float | None) -> str | None:
    return None if at is None else iso(at)


def switch(incident: Incident, name: str) -> bool:
    return incident.flags.get(name, name in _ON)


def page(one: Page) -> Json:
    return {
        "id": one.id,
        "created_at": iso(one.created),
        "updated_at": iso(one.updated),
        "name": one.name,
        "time_zone": one.time_zone,
        **_PAGE,
        **one.more,
    }


def embed(one: Page) -> Json:
    return {"page_id": one.id, **EMBED, **one.embed}


def component(one: Component) -> Json:
    return {
        "id": one.id,
        "page_id": one.page_id,
        "group_id": one.group_id,
        "created_at": iso(one.created),
        "updated_at": iso(one.updated),
        "group": False,
        "name": one.name,
        "description": one.description,
        "position": one.position,
        "status": one.status,
        "showcase": one.showcase,
        "only_show_if_degraded": one.only_show_if_degraded,
        "automation_email": f"component+{one.id}@notifications.example.com",
        "start_date": one.start_date,
    }


def group_as_component(one: Group, store: Store) -> Json:
    """A group in the list of components: `group` true, and the worst status of its members."""
    return {
        "id": one.id,
        "page_id": one.page_id,
        "group_id": None,
        "created_at": iso(one.created),
        "updated_at": iso(one.updated),
        "group": True,
        "name": one.name,
        "description": one.description,
        "position": one.position,
        "status": rules.worst_status(c.status for c in store.members(one)),
        "showcase": False,
        "only_show_if_degraded": False,
        "automation_email": None,
        "start_date": None,
    }


def group(one: Group, store: Store) -> Json:
    """As the published file types it: `position` text and `components` no list, so here null.

    The example beside that type shows a list of ids, which `store.live_groups` answers instead. The
    members are told by each component's `group_id` either way.
    """
    members = [c.id for c in store.members(one)]
    return {
        "id": one.id,
        "page_id": one.page_id,
        "name": one.name,
        "description": one.description,
        "components": members if store.live_groups else None,
        "position": one.position if store.live_groups else str(one.position),
        "created_at": iso(one.created),
        "updated_at": iso(one.updated),
    }


def update(one: Update) -> Json:
    return {
        "id": one.id,
        "incident_id": one.incident_id,
        "status": one.status,
        "body": one.body,
        "created_at": iso(one.created),
        "updated_at": iso(one.updated),
        "display_at": iso(one.display),
        "affected_components": one.affected,
        "deliver_notifications": one.deliver,
        "wants_twitter_update": one.wants_twitter,
        "twitter_updated_at": None,
        "tweet_id": None,
        "custom_tweet": None,
    }


def shortlink(one: Incident, store: Store) -> str:
    return f"{store.web}/{one.code}"


def incident(one: Incident, store: Store) -> Json:
    listed = [store.components[key] for key in one.component_ids if key in store.components]
    after = one.postmortem
    published = after is not None and after.published is not None
    return {
        "id": one.id,
        "page_id": one.page_id,
        "name": one.name,
        "status": one.status,
        "created_at": iso(one.created),
        "updated_at": iso(one.updated),
        "started_at": iso(one.created),
        "monitoring_at": when(one.monitoring_at),
        "resolved_at": when(one.resolved_at),
        "impact": one.impact,
        "impact_override": one.impact_override,
        "shortlink": shortlink(one, store),
        "scheduled_for": when(one.scheduled_for),
        "scheduled_until": when(one.scheduled_until),
        "scheduled_reminded_at": when(one.reminded),
        **{name: switch(one, name) and one.scheduled for name in SWITCHES},
        "metadata": one.metadata,
        "reminder_intervals": one.reminder_intervals,
        "backfilled": one.backfilled,
        "incident_updates": [update(u) for u in one.newest_first()],
        "incident_impacts": [],
        "components": [component(c) for c in listed],
        "postmortem_body": after.body if after and published else None,
        "postmortem_body_last_updated_at": when(after.body_updated) if after else None,
        "postmortem_ignored": False,
        "postmortem_published_at": when(after.published) if after else None,
        "postmortem_notified_subscribers": bool(after and published and after.notify_subscribers),
        "postmortem_notified_twitter": bool(after and published and after.notify_twitter),
    }


def postmortem(one: Postmortem) -> Json:
    return {
        "preview_key": one.preview_key,
        "body": one.body,
        "body_updated_at": when(one.body_updated),
        "body_draft": one.draft,
        "body_draft_updated_at": when(one.draft_updated),
        "published_at": when(one.published),
        "notify_subscribers": one.notify_subscribers,
        "notify_twitter": one.notify_twitter,
        "custom_tweet": one.custom_tweet,
        "created_at": iso(one.created),
        "updated_at": iso(one.updated),
    }


def subscriber(one: Subscriber) -> Json:
    return {
        "id": one.id,
        "skip_confirmation_notification": one.skip_confirmation,
        "mode": one.mode,
        "email": one.email,
        "endpoint": one.endpoint,
        "phone_number": one.phone_number,
        "phone_country": one.phone_country,
        "display_phone_number": one.phone_number,
        "obfuscated_channel_name": None if one.channel is None else f"#{'*' * 7}{one.channel[-2:]}",
        "workspace_name": one.workspace,
        "quarantined_at": when(one.quarantined),
        "purge_at": None if one.quarantined is None else iso(one.quarantined + 14 * 86_400),
        "components": one.component_ids,
        "page_access_user_id": None,
        "created_at": iso(one.created),
    }


def template(one: Template, store: Store) -> Json:
    listed = [store.components[key] for key in one.component_ids if key in store.components]
    return {
        "id": one.id,
        "components": [component(c) for c in listed],
        "name": one.name,
        "title": one.title,
        "body": one.body,
        "group_id": one.group_id,
        "update_status": one.update_status,
        "should_tweet": one.should_tweet,
        "should_send_notifications": one.should_send_notifications,
    }
