"""A server that is slow, broken or refuses, seen from the pages: skeletons, the problem with its code, a way on."""

from __future__ import annotations

import asyncio
import re

import pytest
from playwright.async_api import Route, expect

from tests.ui.surveying import API, Registered, registered
from tests.ui.test_every_page import heading_of
from tests.ui.visiting import BUSY, OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]
LISTS = [page for page in registered() if not page.is_of_one]
FRAME = re.compile(r"/(me|ui/manifest)(\?|$)")
PROBLEM = {"title": "Internal error", "status": 500, "code": "internal", "detail": "It broke.", "incident": "inc_7"}


@pytest.mark.parametrize("entry", LISTS, ids=[page.name for page in LISTS])
async def test_a_broken_server_is_shown_with_its_code_and_tried_again(open_page: OpenPage, entry: Registered) -> None:
    visit = await open_page(None)
    broken = True

    async def answer(route: Route) -> None:
        if broken and not FRAME.search(route.request.url):
            await route.fulfill(status=500, content_type="application/problem+json", json=PROBLEM)
        else:
            await route.continue_()

    await visit.page.route(f"**{API}/**", answer)
    await visit.page.goto(visit.site.url(entry.path))
    alert = visit.page.get_by_role("alert").filter(has_text="inc_7").first
    await expect(alert).to_be_visible()
    await expect(heading_of(visit.page)).to_be_visible()
    assert await visit.axe() == []
    assert not [said for said in visit.errors if "500" not in said]
    broken = False
    again = visit.page.get_by_role("button", name="Try again")
    for _ in range(8):  # Each part of a page that asks for itself fails for itself.
        if await again.count():
            await again.first.click()
            await visit.settle()
    await expect(visit.page.get_by_text("inc_7")).to_have_count(0)


async def test_a_slow_server_shows_what_will_come_and_moves_nothing_when_it_does(open_page: OpenPage) -> None:
    visit = await open_page(None)
    come = asyncio.Event()

    async def late(route: Route) -> None:
        if not FRAME.search(route.request.url):
            await come.wait()
        await route.continue_()

    await visit.page.route(f"**{API}/**", late)
    await visit.page.goto(visit.site.url("/conversions"))
    await expect(visit.page.locator(BUSY).first).to_be_visible()
    await expect(visit.page.get_by_role("heading", name="Conversions", level=1)).to_be_visible()
    await visit.shot("waiting-conversions")
    assert await visit.axe() == []
    tall = await visit.page.evaluate("document.documentElement.scrollHeight")
    come.set()
    await visit.settle()
    now = await visit.page.evaluate("document.documentElement.scrollHeight")
    assert abs(now - tall) <= 0.1 * now, f"{tall} px while it waits, {now} px when it is there"
    assert visit.errors == []


async def test_who_may_only_read_is_offered_nothing_else(open_page: OpenPage) -> None:
    visit = await open_page("/conversions", email="viewer@example.com")
    await expect(visit.page.get_by_role("button", name="Export CSV")).to_be_visible()
    await expect(visit.page.get_by_role("button", name="Enter a conversion")).to_have_count(0)
    await visit.page.get_by_role("button", name=re.compile(": open$")).first.click()
    drawer = visit.page.get_by_role("dialog", name="Conversion")
    await expect(drawer.get_by_text("Attribution model").or_(drawer.get_by_role("tablist")).first).to_be_visible()
    await expect(drawer.get_by_role("button", name=re.compile("Delete|Cancel"))).to_have_count(0)
    assert visit.errors == []
