"""The Events API: signed envelopes to the request URL, for what the app's bot may see.

docs.slack.dev/apis/events-api: `X-Slack-Signature: v0=hex(HMAC-SHA256(secret, "v0:" + time + ":" + body))`;
the request URL must first echo a `challenge`.
"""

from __future__ import annotations

import hashlib
import hmac
import json

from sandbox.credentials import SLACK_SIGNING_SECRET
from sandbox.deliver import SLACK, Deliverer, Delivery
from sandbox.slack import state
from sandbox.slack.socket import Socket
from sandbox.slack.state import Channel, Store
from sandbox.world import Json

VERIFICATION_TOKEN = "sandbox-legacy-verification-token"


class Events:
    """Where events go and in what envelope. `only` limits the subscribed types; None means all."""

    def __init__(self, store: Store, deliverer: Deliverer, socket: Socket) -> None:
        self.store = store
        self.deliverer = deliverer
        self.socket = socket
        self.clear()

    def clear(self) -> None:
        self.url: str | None = None
        self.only: set[str] | None = None
        self.signing_secret = SLACK_SIGNING_SECRET
        self.deliverer.clear()

    def sign(self, body: bytes) -> dict[str, str]:
        """Headers of one attempt; the time in them is Slack's clock at that attempt."""
        moment = str(int(self.store.now()))
        base = b"v0:" + moment.encode() + b":" + body
        digest = hmac.new(self.signing_secret.encode(), base, hashlib.sha256).hexdigest()
        return {
            "content-type": "application/json",
            "user-agent": "Slackbot 1.0 (+https://api.slack.com/robots)",
            "x-slack-request-timestamp": moment,
            "x-slack-signature": f"v0={digest}",
        }

    async def handshake(self, url: str) -> str | None:
        """Ask `url` to echo a challenge. None when it did, otherwise what was wrong, for a person."""
        challenge = self.store.world.ids.mixed(52)
        asked = {"token": VERIFICATION_TOKEN, "challenge": challenge, "type": "url_verification"}
        body = json.dumps(asked).encode()
        answer = await self.deliverer.attempt("slack", "url_verification", url, body, self.sign(body))
        if answer.status is None:
            return f"no answer from {url}: {answer.reason}"
        if not answer.accepted:
            return f"{url} answered {answer.status} to the challenge, not 200"
        if _echoed(answer.body) != challenge:
            return f"{url} did not echo the value of the challenge parameter"
        return None

    def emit(self, event: Json, channel: Channel | None = None, *, members_only: bool = True) -> None:
        """Send one event, if the app subscribed to it and its bot may see it.

        With `members_only` the bot must be in `channel`. Otherwise it's enough that the channel is public,
        as for channel_created.
        """
        reachable = self.socket.enabled or self.url is not None
        if not reachable or (self.only is not None and event["type"] not in self.only):
            return
        if (
            channel is not None
            and state.BOT_USER not in channel.members
            and (members_only or channel.private)
        ):
            return
        envelope, name = self._envelope(event), f"event.{event['type']}"
        if self.socket.enabled:
            self.socket.deliver(name, envelope)
            return
        assert self.url is not None
        body = json.dumps(envelope).encode()
        self.deliverer.deliver(Delivery("slack", name, self.url, body, self.sign, SLACK))

    def _envelope(self, event: Json) -> Json:
        return {
            "token": VERIFICATION_TOKEN,
            "team_id": state.TEAM_ID,
            "context_team_id": state.TEAM_ID,
            "context_enterprise_id": None,
            "api_app_id": state.APP_ID,
            "event": event,
            "type": "event_callback",
            "event_id": self.store.world.ids.upper("Ev", 10),
            "event_time": int(self.store.now()),
            "authorizations": [
                {
                    "enterprise_id": None,
                    "team_id": state.TEAM_ID,
                    "user_id": state.BOT_USER,
                    "is_bot": True,
                    "is_enterprise_install": False,
                }
            ],
            "is_ext_shared_channel": False,
            "event_context": self.store.world.ids.mixed(40),
        }


def _echoed(body: bytes) -> str:
    """The challenge in an answer: Slack takes it as plain text, as JSON or as a form."""
    text = body.decode("utf-8", "replace").strip()
    try:
        found = json.loads(text)
    except ValueError:
        return text.removeprefix("challenge=")
    return str(found.get("challenge", "")) if isinstance(found, dict) else str(found)
