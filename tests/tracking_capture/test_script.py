"""The tracker: small, built from the source that is read, and doing in a real browser what it promises."""

# ruff: noqa: E501
from __future__ import annotations

import asyncio
import gzip
import json
import socket
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn
from playwright.async_api import BrowserContext, async_playwright

from adplanning_plugin.tracking.build_tracker import BUILT, source_digest
from adplanning_plugin.tracking.script import script
from tests.tracking_capture.conftest import KEY, Shop

PATH = "/web/ad-planning/tracker.js"


def test_the_script_is_at_most_two_kilobytes_and_built_from_its_source() -> None:
    built = BUILT.read_bytes()
    assert len(gzip.compress(built, 9)) <= 2048
    assert built.startswith(f"/*{source_digest()}*/".encode()), "run python -m adplanning_plugin.tracking.build_tracker"


async def test_the_script_is_served_with_a_tag_and_cached(shop: Shop) -> None:
    async with shop.browser() as browser:
        first = await browser.get(PATH)
        again = await browser.get(PATH, headers={"if-none-match": first.headers["etag"]})
        pinned = await browser.get(f"{PATH}?v=1")

    assert first.status_code == 200
    assert first.content == script()[0]
    assert first.headers["content-type"] == "text/javascript; charset=utf-8"
    assert "max-age=3600" in first.headers["cache-control"]
    assert (again.status_code, again.content) == (304, b"")
    assert "immutable" in pinned.headers["cache-control"]


SCRIPTED = f"""<!doctype html><title>Shop</title><body style="height:4000px">
<script>window.dataLayer=window.dataLayer||[];function gtag(){{dataLayer.push(arguments)}}</script>
<script src="{PATH}" data-key="{KEY}"></script>
<button data-adp="add_to_cart">Add</button><a href="https://elsewhere.example/p?x=1" onclick="event.preventDefault()">away</a>
<form id="contact" action="/send" onsubmit="event.preventDefault()"><input name="mail"><button id="send">Send</button></form>
"""


class Page:
    """A browser page on the running store."""

    def __init__(self, shop: Shop, context: BrowserContext, address: str) -> None:
        self.shop, self.context, self.address = shop, context, address

    async def open(self, path: str) -> Any:
        page = await self.context.new_page()
        await page.goto(self.address + path)
        return page

    async def stored(self, *names: str) -> list[Any]:
        """Wait until events of these names are stored, then return all."""
        async with asyncio.timeout(20):
            while True:
                rows = await self.shop.events()
                if set(names) <= {row.name for row in rows}:
                    return rows
                await asyncio.sleep(0.05)


@pytest.fixture
async def live(shop: Shop, chromium: str, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Page]:
    """The store served over loopback, and a Chromium in front of it."""
    from tests.tracking_capture import conftest

    monkeypatch.setattr(conftest, "PAGE", SCRIPTED)
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    server = uvicorn.Server(uvicorn.Config(shop.app, log_level="warning", lifespan="off"))
    task = asyncio.create_task(server.serve([listener]))
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        agent = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36"
        context = await browser.new_context(user_agent=agent)
        yield Page(shop, context, f"http://localhost:{port}")
        await browser.close()
    server.should_exit = True
    await task


in_browser = pytest.mark.browser


@in_browser
async def test_nothing_is_stored_before_an_answer_and_the_landing_is_known_after_it(live: Page) -> None:
    page = await live.open("/?utm_source=meta&fbclid=f1")
    await page.wait_for_timeout(1500)
    assert await live.shop.events() == []
    assert await live.context.cookies() == []
    assert await page.evaluate("localStorage.length") == 0

    await page.evaluate("adp('consent', {analytics: true, ads: true})")
    (view,) = await live.stored("page_view")
    cookies = {cookie["name"]: cookie for cookie in await live.context.cookies()}
    assert (view.utm, view.click_ids) == ({"source": "meta"}, {"fbclid": "f1"})
    assert view.visitor_id == cookies["_adp_vid"]["value"]
    assert cookies["_adp_vid"]["httpOnly"]
    assert cookies["_adp_consent"]["value"] == "analytics.ads"


@in_browser
async def test_clicks_forms_scroll_time_and_route_changes_arrive_in_one_visit(live: Page) -> None:
    await live.context.add_cookies([{"name": "_adp_consent", "value": "analytics", "url": live.address}])
    page = await live.open("/?utm_source=meta")
    await page.click("[data-adp]")
    await page.click("text=away")
    await page.click("#send")
    await page.evaluate("scrollTo(0, 2000)")
    await page.wait_for_timeout(1100)
    await page.evaluate("history.pushState({}, '', '/route')")
    await page.evaluate("adp('custom_thing', {properties: {size: 'L'}})")
    await page.close(run_before_unload=False)

    rows = await live.stored(
        "page_view", "add_to_cart", "click", "form_submit", "scroll", "time_on_page", "custom_thing"
    )
    assert len({row.session_id for row in rows}) == len({row.visitor_id for row in rows}) == 1
    views = [row for row in rows if row.name == "page_view"]
    # The server's landing and the script's first view are one row, told apart from the route change.
    assert [(row.path, row.source) for row in views] == [("/", "server"), ("/route", "tracker")]
    by_name = {row.name: row for row in rows}
    assert by_name["scroll"].scroll >= 50
    assert by_name["scroll"].path == "/"
    assert by_name["time_on_page"].seconds >= 1
    assert by_name["click"].properties["href"] == "https://elsewhere.example/p"
    assert by_name["form_submit"].properties == {"form": "contact", "action": "/send"}
    assert by_name["custom_thing"].properties == {"size": "L"}


@in_browser
async def test_a_denied_visitor_is_counted_and_leaves_nothing_in_the_browser(live: Page) -> None:
    page = await live.open("/?utm_source=meta&fbclid=f1")
    await page.evaluate("adp('consent', {})")
    (view,) = await live.stored("page_view")

    assert (view.visitor_id, view.session_id, view.utm, view.click_ids) == (None, None, None, None)
    assert {cookie["name"] for cookie in await live.context.cookies()} == {"_adp_consent"}
    assert await page.evaluate("localStorage.length") == 0


@in_browser
async def test_google_consent_mode_is_heard_when_the_banner_updates_it(live: Page) -> None:
    page = await live.open("/?gclid=g1&utm_source=google")
    await page.evaluate("gtag('consent', 'default', {analytics_storage: 'denied', ad_storage: 'denied'})")
    await page.evaluate("gtag('consent', 'update', {analytics_storage: 'granted', ad_storage: 'granted'})")

    (view,) = await live.stored("page_view")
    assert (view.utm, view.click_ids) == ({"source": "google"}, {"gclid": "g1"})
    assert view.visitor_id is not None


@in_browser
async def test_what_an_outage_refused_is_sent_again_and_stored_once(live: Page) -> None:
    await live.context.add_cookies([{"name": "_adp_consent", "value": "analytics", "url": live.address}])
    refused: list[str] = []

    async def outage(route: Any) -> None:
        refused.append(route.request.post_data)
        await route.fulfill(status=503, body="{}")

    await live.context.route("**/track", outage)
    page = await live.open("/")
    await page.evaluate("adp('add_to_cart', {})")
    while "add_to_cart" not in "".join(refused):
        await page.wait_for_timeout(50)
    kept = json.loads(await page.evaluate("new Promise(r=>setTimeout(()=>r(localStorage.getItem('_adp_queue')),300))"))
    assert "add_to_cart" in {event["name"] for event in kept}
    await live.context.unroute("**/track")
    await page.goto(live.address + "/product/1")

    rows = await live.stored("add_to_cart")
    (carted,) = {event["id"] for event in kept if event["name"] == "add_to_cart"}
    assert carted in {event["id"] for body in refused for event in json.loads(body)["events"]}
    assert [row.id for row in rows if row.name == "add_to_cart"] == [carted]
