"""A Chromium in front of the running example store, which listens to its console and to what it sends."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Browser, BrowserContext, ConsoleMessage, Page, Request, async_playwright

from tests.matrix.running import RunningStore, running_store

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
AGENT = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
"""Without the word Headless, which the bot filter knows; as a flag, since a context's own is not sent with beacons."""


class Shopper:
    """One person's browser profile, with one tab."""

    def __init__(self, store: RunningStore, context: BrowserContext, page: Page) -> None:
        self.store, self.context, self.page = store, context, page
        self.errors: list[str] = []
        self.tracked: list[str] = []
        """Paths of the plugin that pages asked for; beacons of a page that is left are not among them."""
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        context.on("request", self._asked)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.errors.append(f"{message.text} at {message.location.get('url')}")

    def _asked(self, request: Request) -> None:
        if "/web/ad-planning/" in request.url:
            self.tracked.append(request.url.rpartition("/")[2])

    async def read(self) -> set[str]:
        """Stay on the page until the tracker has sent what it has; the names of what it sent."""
        asked = self.page.expect_response(lambda response: response.url.endswith("/web/ad-planning/track"))
        async with asked as answer:
            pass
        response = await answer.value
        assert response.status == 202, await response.text()
        sent = json.loads(response.request.post_data or "{}")["events"]
        done = await response.json()
        assert (done["accepted"] + done["duplicate"], done["rejected"]) == (len(sent), [])
        return {event["name"] for event in sent}

    async def new_profile(self) -> BrowserContext:
        """Somebody else's, in the same browser; it ends with this one's browser."""
        browser = self.context.browser
        assert browser is not None
        return await browser.new_context(locale="en-GB")

    async def cookies(self) -> dict[str, str]:
        """Of the store, by name."""
        return {cookie["name"]: cookie["value"] for cookie in await self.context.cookies(self.store.origin)}

    async def land(self, path: str) -> None:
        """Come from an advertisement."""
        await self.page.goto(self.store.origin + path, referer="https://www.google.com/")

    async def answer(self, button: str) -> None:
        """Press Accept or Decline on the banner."""
        await self.page.get_by_role("button", name=button, exact=True).click()
        await self.page.wait_for_load_state()
        assert await self.page.locator("form.consent").count() == 0

    async def buy(self, email: str, *, press: str = "Pay") -> str | None:
        """From the landing page to the button at the payment provider; the order's number where the tab comes back."""
        page = self.page
        await page.get_by_role("link", name="Linen shirt").click()
        await page.get_by_role("button", name="Add to cart").click()
        await page.get_by_role("link", name="Check out").click()
        await page.get_by_label("Email").fill(email)
        await page.get_by_role("button", name="Buy").click()
        await page.wait_for_url(f"{self.store.running.payment_origin}/pay/**")
        await page.get_by_role("button", name=press, exact=True).click()
        if press != "Pay":
            await page.get_by_text("You may close this tab").wait_for()
            await page.close()
            return None
        return await page.locator("#order-number").inner_text()


OpenShopper = Callable[..., Awaitable[Shopper]]


@pytest.fixture
async def store(database_url: str, tmp_path: Path) -> AsyncIterator[RunningStore]:
    """The store as its README starts it: its own sessions count."""
    async with running_store(database_url, tmp_path, "host") as running:
        yield running


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """One Chromium for all tests of a worker; each opens profiles of its own."""
    async with async_playwright() as play:
        running = await play.chromium.launch(
            executable_path=chromium, headless=True, args=[*FLAGS, f"--user-agent={AGENT}"]
        )
        yield running
        await running.close()


@pytest.fixture
async def shopper(store: RunningStore, browser: Browser) -> AsyncIterator[OpenShopper]:
    """A function that opens a fresh profile; extra headers go with each of its requests."""
    async with AsyncExitStack() as stack:

        async def make(**headers: str) -> Shopper:
            context = await browser.new_context(extra_http_headers=headers or None)
            stack.push_async_callback(context.close)
            context.set_default_timeout(60_000)
            return Shopper(store, context, await context.new_page())

        yield make
