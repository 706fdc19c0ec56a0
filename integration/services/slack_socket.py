"""Slack without an address of our own: Socket Mode, a connection that we open and Slack talks through
(docs.slack.dev/apis/events-api/using-socket-mode). It carries the same as the doors do.

slack-sdk keeps the connection: it answers pings, follows Slack's `disconnect`, and connects again.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
from loguru import logger
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.aiohttp import SocketModeClient
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web.async_client import AsyncWebClient

from integration.errors import Unreachable
from integration.models.base import Json

RENEW_SECONDS: Final = 30.0


@dataclass(frozen=True)
class Takers:
    """Who takes in what Slack says. `event` takes an envelope of the Events API, `interaction` the payload of
    a click, `command` a command's fields; these two answer. `gap`: something may have been missed."""

    event: Callable[[Json], None]
    interaction: Callable[[Json], Awaitable[Json]]
    command: Callable[[Json], Awaitable[Json]]
    gap: Callable[[], None]


async def refusal(api_url: str, app_token: str, seconds: float) -> str:
    """Ask for an address and don't use it: Slack's error code where it refuses, else empty.

    Raises Unreachable.
    """
    web = AsyncWebClient(
        base_url=api_url, timeout=max(1, int(seconds)), retry_handlers=[], trust_env_in_session=True
    )
    web.proxy = None
    try:
        await web.apps_connections_open(app_token=app_token)
    except SlackApiError as problem:
        return str(problem.response.get("error") or f"HTTP {problem.response.status_code}")
    except (aiohttp.ClientError, TimeoutError, OSError) as problem:
        failure = type(problem).__name__
    else:
        return ""
    raise Unreachable("slack", "apps.connections.open", failure)


class SlackSocket:
    """`app_token` is an app-level token (xapp-...) with the scope connections:write."""

    def __init__(self, api_url: str, app_token: str, takers: Takers) -> None:
        self._api_url, self._token, self._takers = api_url, app_token, takers
        self._client: SocketModeClient | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._connections = 0

    async def start(self) -> None:
        """Connect in the background, and again for as long as it takes."""
        web = AsyncWebClient(base_url=self._api_url, timeout=10, retry_handlers=[])
        web.proxy = None  # the session below heeds NO_PROXY, slack-sdk does not
        self._client = client = SocketModeClient(app_token=self._token, web_client=web)
        client.proxy = None
        await client.aiohttp_client_session.close()
        client.aiohttp_client_session = aiohttp.ClientSession(trust_env=True)
        client.message_listeners.append(self._hello)
        client.socket_mode_request_listeners.append(self._request)
        connect: Callable[[], Awaitable[None]] = client.connect
        self._background(connect())
        self._background(self._renew(client))

    async def stop(self) -> None:
        """Close it. Slack offers what it could not deliver to the next connection."""
        if self._client is not None:
            with contextlib.suppress(aiohttp.ClientError, OSError):
                close: Callable[[], Awaitable[None]] = self._client.close
                await close()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _hello(
        self, _client: AsyncBaseSocketModeClient, message: Json, _raw: str | None = None
    ) -> None:
        if message.get("type") != "hello":
            return
        self._connections += 1
        logger.info(f"slack: connected by Socket Mode ({self._connections})")
        if self._connections > 1:
            self._takers.gap()

    async def _request(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        """Taken in first, acknowledged then: what is not acknowledged comes again."""
        answer: Json | None = None
        if request.type == "events_api":
            self._takers.event(request.payload)
        elif request.type == "interactive":
            answer = await self._takers.interaction(request.payload)
        elif request.type == "slash_commands":
            answer = await self._takers.command(request.payload)
        else:
            logger.warning(f"slack: Socket Mode brought an unknown {request.type!r}")
        payload = answer if answer and request.accepts_response_payload else None
        await client.send_socket_mode_response(SocketModeResponse(request.envelope_id, payload))

    async def _renew(self, client: SocketModeClient) -> None:
        """An address is good once. slack-sdk would try a spent one for ever when its connection failed."""
        while True:
            await asyncio.sleep(RENEW_SECONDS)
            if not await client.is_connected():
                client.wss_uri = None

    def _background(self, work: Any) -> None:
        task: asyncio.Task[None] = asyncio.ensure_future(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
