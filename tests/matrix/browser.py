"""A browser made of HTTP requests: cookies, redirects, referrers and fetch metadata as Chromium sends them.

It renders nothing. Where its page carries the tracker and nothing blocks it, it posts what the script would post.
"""

from __future__ import annotations

import asyncio
import html
import json
import re
import secrets
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import SplitResult, urlencode, urljoin, urlsplit

from tests.matrix.cookies import Jar
from tests.matrix.wire import Answer, Wire

AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
PURPOSES = ("analytics", "ads", "personalisation", "profiling")
_SCRIPT = re.compile(r"<script[^>]*\bsrc=\"([^\"]+)\"[^>]*\bdata-key=\"([^\"]+)\"([^>]*)>")
_SEEN = re.compile(r'adp;desc="([^."]+)\.(\d+)"')
_REFERRER_POLICY = re.compile(r"<meta name=\"referrer\" content=\"([^\"]+)\"")
_HOPS = 10


class Page:
    """The document that is shown, and what the tracker on it would have queued."""

    def __init__(self, url: str, referrer: str, response: Answer) -> None:
        self.url, self.referrer, self.status, self.text = url, referrer, response.status, response.text
        self.policy = found[1] if (found := _REFERRER_POLICY.search(self.text)) else "strict-origin-when-cross-origin"
        tag = _SCRIPT.search(self.text)
        self.script = html.unescape(tag[1]) if tag else None
        self.key = tag[2] if tag else ""
        self.server_knows = tag is not None and 'data-consent="server"' in tag[3]
        mark = _SEEN.search(response.header("server-timing") or "")
        self.seen = (mark[1], int(mark[2])) if mark else None


class Browser:
    """One shopper's browser, with a tab that shows one page at a time."""

    def __init__(self, address: str, *, blocks_script: bool = False) -> None:
        self._wire = Wire()
        self._address = address
        self.blocks_script = blocks_script
        self.jar = Jar()
        self.page: Page | None = None
        self.headers: dict[str, str] = {}
        self.sent: list[dict[str, Any]] = []
        """Answers to what the tracker posted."""
        self._queue: list[dict[str, Any]] = []
        self._answer: dict[str, bool] | None = None

    async def __aenter__(self) -> Browser:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._wire.close()

    # --- navigation ----------------------------------------------------------------------------------------------

    async def open(self, url: str, *, referrer: str = "") -> Page:
        """Type or click a URL outside of the shop; `referrer` is the page that led here."""
        return await self._navigate("GET", url, None, referrer, None)

    async def click(self, path: str) -> Page:
        """Follow a link of the page."""
        page = self._shown()
        return await self._navigate("GET", urljoin(page.url, path), None, page.url, page)

    async def submit(self, path: str, **fields: str) -> Page:
        """Submit a form of the page."""
        page = self._shown()
        return await self._navigate("POST", urljoin(page.url, path), urlencode(fields).encode(), page.url, page)

    async def close(self) -> None:
        """Close the tab: the script's beacon still leaves."""
        await self._leave()
        self.page = None

    async def _navigate(self, method: str, url: str, body: bytes | None, referrer: str, initiator: Page | None) -> Page:
        """Leave the page (its beacon races the navigation, as in a browser) and follow redirects to the next one."""
        leaving = asyncio.create_task(self._leave())
        policy = initiator.policy if initiator else "strict-origin-when-cross-origin"
        from_site = _site(urlsplit(initiator.url if initiator else referrer or url))
        crossed = False
        for _ in range(_HOPS):
            parts = urlsplit(url)
            crossed = crossed or _site(parts) != from_site
            sent_referrer = _referrer(referrer, parts, policy)
            headers = {
                "accept": "text/html,application/xhtml+xml",
                "sec-fetch-dest": "document",
                "sec-fetch-mode": "navigate",
                "sec-fetch-site": "none" if not referrer else "cross-site" if crossed else "same-origin",
                "upgrade-insecure-requests": "1",
            }
            if sent_referrer:
                headers["referer"] = sent_referrer
            if body is not None:
                headers["content-type"] = "application/x-www-form-urlencoded"
                headers["origin"] = _origin(urlsplit(referrer))
            answer = await self._send(method, url, body, headers, same_site=not crossed, navigates=method == "GET")
            target = answer.header("location")
            if answer.status not in (301, 302, 303, 307, 308) or target is None:
                await leaving
                self.page = Page(url, sent_referrer, answer)
                self._view()
                return self.page
            url = urljoin(url, target)
            if answer.status == 303 or (method == "POST" and answer.status in (301, 302)):
                method, body = "GET", None
        raise AssertionError(f"more than {_HOPS} redirects, the last one to {url}")

    async def _send(
        self, method: str, url: str, body: bytes | None, headers: dict[str, str], *, same_site: bool, navigates: bool
    ) -> Answer:
        parts = urlsplit(url)
        cookies = self.jar.header(parts, same_site=same_site, navigates=navigates)
        every = {"user-agent": AGENT, "x-forwarded-for": self._address, **self.headers, **headers}
        if cookies:
            every["cookie"] = cookies
        answer = await self._wire.send(method, parts, every, body)
        for value in answer.all("set-cookie"):
            self.jar.keep(parts, value)
        return answer

    def _shown(self) -> Page:
        assert self.page is not None, "the tab is closed"
        return self.page

    # --- what tracker.js does ------------------------------------------------------------------------------------

    @property
    def _runs(self) -> bool:
        return self.page is not None and self.page.script is not None and not self.blocks_script

    def _view(self) -> None:
        """The page view is queued as soon as the script runs, under the id that the server counted it by."""
        self._queue = []
        if not self._runs:
            return
        page = self._shown()
        known = self.jar.get("_adp_consent")
        self._answer = None if known is None else {name: name in known.split(".") for name in PURPOSES}
        event = self._event("page_view")
        if page.seen is not None:
            at = datetime.fromtimestamp(page.seen[1] / 1000, UTC)
            event |= {"id": page.seen[0], "occurred_at": at.isoformat(timespec="milliseconds")}
        self._queue.append(event)

    def _event(self, name: str, **fields: Any) -> dict[str, Any]:
        page = self._shown()
        at = datetime.now(UTC) + timedelta(seconds=self.jar.ahead)
        identity = {"name": name, "id": secrets.token_hex(10), "occurred_at": at.isoformat(timespec="milliseconds")}
        return {**identity, "url": page.url, "referrer": page.referrer, **fields}

    async def read(self) -> None:
        """Stay on the page for more than a second: what is queued is sent."""
        await self._flush()

    async def _leave(self) -> None:
        if self._runs:
            self._queue += [self._event("scroll", scroll=80), self._event("time_on_page", seconds=4)]
            await self._flush()

    async def _flush(self) -> None:
        """Nothing is sent before an answer to the banner, and what was not sent goes with its page."""
        if not self._runs or not self._queue or (self._answer is None and not self._shown().server_knows):
            return
        events, self._queue = self._queue, []
        self.sent.append(await self._post("/track", {"events": events}))

    async def consent(self, granted: bool) -> None:
        """What a banner without a reload does: it keeps the store's cookie, and tells the tracker if there is one."""
        page = self._shown()
        self.jar.set(urlsplit(page.url), "store_consent", "granted" if granted else "denied", 15_552_000)
        if not self._runs:
            return
        self._answer = dict.fromkeys(PURPOSES, granted)
        value = ".".join(PURPOSES) if granted else "none"
        self.jar.set(urlsplit(page.url), "_adp_consent", value, 15_724_800)
        own = page.referrer.startswith(_origin(urlsplit(page.url)))
        await self._post("/consent", {"landing": {"url": page.referrer if own else ""}})
        await self._flush()

    async def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        page = self._shown()
        assert page.script is not None
        endpoint = urljoin(page.url, page.script).rpartition("/")[0] + path
        body |= {"key": page.key, "gpc": False}
        if self._answer is not None:
            body["consent"] = self._answer
        headers = {
            "content-type": "text/plain;charset=UTF-8",
            "origin": _origin(urlsplit(page.url)),
            "referer": page.url,
            "sec-fetch-dest": "empty",
            "sec-fetch-mode": "cors",
            "sec-fetch-site": "same-origin",
        }
        answer = await self._send("POST", endpoint, json.dumps(body).encode(), headers, same_site=True, navigates=False)
        assert answer.status in {200, 202}, answer.text
        return json.loads(answer.body)


def _origin(parts: SplitResult) -> str:
    return f"{parts.scheme}://{parts.netloc}"


def _site(parts: SplitResult) -> tuple[str, str]:
    """Scheme and registrable name; the hosts of the tests are their own."""
    return parts.scheme, parts.hostname or ""


def _referrer(page: str, target: SplitResult, policy: str) -> str:
    """The Referer header that a page's policy lets out."""
    if not page:
        return ""
    parts = urlsplit(page)
    if parts.scheme == "https" and target.scheme == "http":
        return ""
    if policy == "origin" or _origin(parts) != _origin(target):
        return _origin(parts) + "/"
    return parts._replace(fragment="").geturl()
