"""auth.*, api.*, team.*, bots.*, users.* and usergroups.*: who there is."""

from __future__ import annotations

from sandbox.slack import render, state
from sandbox.slack.errors import SlackError
from sandbox.slack.methods import Context, Method, page
from sandbox.world import Json

_ICON = {
    f"image_{size}": f"https://a.slack-edge.com/sandbox-{size}.png" for size in (34, 44, 68, 88, 102, 132)
}


async def api_test(context: Context) -> Json:
    sent = {name: value for name, value in context.args.values.items() if name != "token"}
    if error := context.args.text("error"):
        raise SlackError(error, args=sent)
    return {"args": sent}


async def auth_test(context: Context) -> Json:
    return {
        "url": f"https://{state.TEAM_DOMAIN}.slack.com/",
        "team": "Sandbox",
        "user": context.store.users[context.me].name,
        "team_id": state.TEAM_ID,
        "user_id": context.me,
        "bot_id": context.app.bot_id,
        "is_enterprise_install": False,
    }


async def team_info(context: Context) -> Json:
    if context.args.text("team") not in ("", state.TEAM_ID):
        raise SlackError("team_not_found")
    team = {
        "id": state.TEAM_ID,
        "name": "Sandbox",
        "url": f"https://{state.TEAM_DOMAIN}.slack.com/",
        "domain": state.TEAM_DOMAIN,
        "email_domain": "example.com",
        "icon": {**_ICON, "image_default": True},
        "avatar_base_url": "https://ca.slack-edge.com/",
        "is_verified": False,
    }
    return {"team": team}


async def bot_info(context: Context) -> Json:
    wanted = context.args.text("bot") or context.app.bot_id
    for app in context.store.apps.values():
        if app.bot_id == wanted:
            profile = render.bot_profile(context.store, app)
            return {"bot": {key: value for key, value in profile.items() if key != "team"}}
    raise SlackError("bot_not_found")


async def user_info(context: Context) -> Json:
    found = context.store.users.get(context.args.text("user"))
    if found is None:
        raise SlackError("user_not_found")
    return {"user": _shown(context, render.user(found))}


async def user_list(context: Context) -> Json:
    limit = min(max(context.args.number("limit", 0), 0), 1000) or 1000
    people, cursor = page(
        list(context.store.users.values()), lambda one: str(one.id), limit, context.args.text("cursor")
    )
    return {
        "members": [_shown(context, render.user(one)) for one in people],
        "cache_ts": int(context.store.now()),
        "response_metadata": {"next_cursor": cursor},
    }


def _shown(context: Context, user: Json) -> Json:
    """Addresses are told only to tokens with users:read.email."""
    if "users:read.email" not in context.app.scopes:
        user["profile"].pop("email", None)
    return user


async def lookup(context: Context) -> Json:
    """Deactivated people and bots are not found."""
    found = context.store.user_by_email(context.args.need("email"))
    if found is None:
        raise SlackError("users_not_found")
    return {"user": render.user(found)}


async def profile(context: Context) -> Json:
    found = context.store.users.get(context.args.text("user") or context.me)
    if found is None:
        raise SlackError("user_not_found")
    return {"profile": _shown(context, render.user(found))["profile"]}


async def groups(context: Context) -> Json:
    users, count = context.args.flag("include_users"), context.args.flag("include_count")
    hidden = {"users": users, "user_count": count}
    shown = [
        {key: value for key, value in group.items() if hidden.get(key, True)}
        for group in context.store.usergroups.values()
    ]
    return {"usergroups": shown}


async def group_users(context: Context) -> Json:
    found = context.store.usergroups.get(context.args.need("usergroup"))
    if found is None:
        raise SlackError("no_such_subteam")
    return {"users": list(found["users"])}


METHODS = [
    Method("api.test", api_test, tier=4, open=True),
    Method("auth.test", auth_test),
    Method("team.info", team_info, ("team:read",), 3, json=False),
    Method("bots.info", bot_info, ("users:read",), 3, json=False),
    Method("users.info", user_info, ("users:read",), 4, json=False),
    Method("users.list", user_list, ("users:read",), 2, json=False),
    Method("users.lookupByEmail", lookup, ("users:read.email",), 3, json=False),
    Method("users.profile.get", profile, ("users.profile:read",), 4, json=False),
    Method("usergroups.list", groups, ("usergroups:read",), 2, json=False),
    Method("usergroups.users.list", group_users, ("usergroups:read",), 2, json=False),
]
