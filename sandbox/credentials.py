"""What the emulators accept. All fake and fixed, so that a client can be pointed at any sandbox."""

from __future__ import annotations

SLACK_BOT_TOKEN = "xoxb-sandbox-not-a-secret"
SLACK_APP_TOKEN = "xapp-sandbox-not-a-secret"
SLACK_SIGNING_SECRET = "sandbox-slack-signing-secret"

ZOOM_ACCOUNT_ID = "sandbox-account"
ZOOM_CLIENT_ID = "sandbox-zoom-client"
ZOOM_CLIENT_SECRET = "sandbox-zoom-client-secret"
ZOOM_WEBHOOK_SECRET = "sandbox-zoom-webhook-secret"

PORT_CLIENT_ID = "sandbox-port-client"
PORT_CLIENT_SECRET = "sandbox-port-client-secret"

STATUSPAGE_API_KEY = "sandbox-statuspage-key-not-a-secret"
STATUSPAGE_WEBHOOK_SECRET = "sandbox-statuspage-path"
"""Statuspage signs nothing; whoever listens to it may put this into the path of his address."""

MAIL_FROM = "incidents@example.com"
"""Not a secret: the mailbox takes mail from anybody, unless a login is set."""
