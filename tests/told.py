"""Facts to tell of: an incident, its room, notes and communications; and wild words."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from hypothesis import strategies as st

from integration.models.communication import Communication, Receipt, Step
from integration.models.incident import Incident, WarRoom
from integration.timeline import NoteFacts

START = datetime(2026, 3, 14, 9, 0, tzinfo=UTC)
INCIDENT = Incident(
    identifier="INC-42",
    title="Checkout is slow",
    status="resolved",
    severity="sev1",
    services=("checkout-api", "payments"),
    started_at=START,
    url="https://port.example.com/incidentEntity?identifier=INC-42",
)
ROOM = WarRoom(
    identifier="INC-42",
    incident="INC-42",
    state="closed",
    channel_id="C0ROOM000",
    channel_name="inc-42-checkout",
    channel_url="https://chat.example.com/archives/C0ROOM000",
    opened_at=START + timedelta(minutes=5),
    closed_at=START + timedelta(minutes=95),
)

# What means something to Slack, to Markdown, to HTML or to Port's tables.
CHARGED = (
    *(
        "<!here>",
        "<!channel>",
        "<@U0123ABCD>",
        "<!subteam^S0123ABCD|@ops>",
        "<#C0123ABCD>",
        "@channel",
        "@here",
    ),
    *(
        "@everyone",
        "&lt;!here&gt;",
        "&#64;channel",
        "<script>alert(1)</script>",
        "<img src=x onerror=a>",
        "<!--",
    ),
    *(
        "](javascript:alert(1))",
        "[x](https://evil.example.com/@here)",
        "![x](https://evil.example.com/p.png)",
    ),
    *("<https://evil.example.com|label>", "https://a.example.com/b_c?d=e&f=g", "data:text/html,x", "[x]: /y"),
    *(
        "|",
        "\\",
        "`",
        "```",
        "~~~",
        "*",
        "**",
        "_",
        "~~",
        "#",
        "- ",
        "1. ",
        "> ",
        "\n",
        "\n\n",
        "    ",
        "|---|",
    ),
    *(
        "---",
        "===",
        "\r\n",
        "\t",
        "\x00",
        "\u202e",
        "\u2028",
        "\u200b",
        "🔥",
        "é",
        "&",
        "&amp;",
        "]]>",
        "word",
    ),
)
WILD = st.one_of(
    st.text(max_size=400),
    st.lists(st.one_of(st.sampled_from(CHARGED), st.text(max_size=12)), max_size=60).map("".join),
    st.builds(lambda piece, n: piece * n, st.sampled_from(CHARGED), st.integers(1, 900)),
)


def note(kind: str, text: str, minute: float = 0, **more: Any) -> NoteFacts:
    base: dict[str, Any] = {
        "identifier": f"C0ROOM000-{minute}",
        "author": "responder",
        "permalink": f"https://chat.example.com/archives/C0ROOM000/p{int(minute * 10):06}",
    }
    return NoteFacts(kind=kind, text=text, said_at=START + timedelta(minutes=minute), **base | more)


def sent(key: str, minute: float = 0, *, state: Any = "sent", reason: str = "", **step: Any) -> Communication:
    at = START + timedelta(minutes=minute)
    link = f"https://chat.example.com/archives/{step.get('destination', '')}/{key}"
    base = {"operation": "post_message", "purpose": "update", "incident": "INC-42", "run": f"r_{key}"}
    return Communication(
        step=Step(key=key, **base | step),
        state=state,
        reason=reason,
        receipt=Receipt(data={}, permalink=link, at=at) if state == "sent" else None,
        intended_at=at - timedelta(seconds=1),
    )
