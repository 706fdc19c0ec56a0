"""Files of Zoom's cloud recordings: a transcript, by the address and the token of its webhook.

The token opens the recording, so it goes to Zoom's own hosts alone, and nowhere a redirect leads.
"""

from __future__ import annotations

from urllib.parse import urlsplit

import httpx

from integration.errors import Ambiguous, Refused, Unreachable
from integration.services.http import Bearer, trust, user_agent

SERVICE, OPERATION = "zoom", "recording.download"
ZOOM_DOMAINS = ("zoom.us", "zoom.com", "zoomgov.com")
MAX_BYTES = 10 * 1024 * 1024
REDIRECTS = 3


class ZoomFiles:
    """Downloads text. `api_url` names the one other host that is trusted: where Zoom's API is."""

    def __init__(self, api_url: str, timeout: float = 10.0) -> None:
        self._api_host = urlsplit(api_url).netloc
        self._client = httpx.AsyncClient(
            verify=trust(), timeout=timeout, headers={"User-Agent": user_agent()}
        )

    async def aclose(self) -> None:
        await self._client.aclose()

    async def text(self, url: str, token: str) -> str:
        """The file's text. Raises Refused, Ambiguous or Unreachable; reading again is safe."""
        auth: Bearer | None = Bearer(token)
        for _ in range(REDIRECTS + 1):
            if auth is not None and not self._is_zooms(url):
                raise Refused(SERVICE, OPERATION, "foreign host", urlsplit(url).netloc)
            answer, content = await self._get(url, auth)
            if answer.has_redirect_location:
                url = str(answer.url.join(answer.headers["location"]))
                auth = auth if self._is_zooms(url) else None
                continue
            if answer.status_code >= 500 or answer.status_code in (408, 429):
                raise Ambiguous(SERVICE, OPERATION, f"HTTP {answer.status_code}", "")
            if not answer.is_success:
                hint = "The link of a recording holds for 24 hours."
                raise Refused(SERVICE, OPERATION, f"HTTP {answer.status_code}", "", hint)
            if answer.headers.get("content-type", "").startswith("text/html"):
                raise Refused(SERVICE, OPERATION, "no transcript", "Zoom answers with a page to log in")
            return content.decode("utf-8", "replace")
        raise Refused(SERVICE, OPERATION, "too many redirects", "")

    async def _get(self, url: str, auth: Bearer | None) -> tuple[httpx.Response, bytes]:
        try:
            async with self._client.stream("GET", url, auth=auth) as answer:
                content = b""
                async for chunk in answer.aiter_bytes():
                    content += chunk
                    if len(content) > MAX_BYTES:
                        raise Refused(SERVICE, OPERATION, "too large", f"over {MAX_BYTES} bytes")
                return answer, content
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            problem = type(error).__name__
        # Raised here, not in the handler: a chained httpx error carries the request with its token.
        raise Unreachable(SERVICE, OPERATION, "not read", problem)

    def _is_zooms(self, url: str) -> bool:
        parts = urlsplit(url)
        if parts.netloc == self._api_host:
            return True
        host = (parts.hostname or "").lower()
        return parts.scheme == "https" and any(
            host == domain or host.endswith(f".{domain}") for domain in ZOOM_DOMAINS
        )
