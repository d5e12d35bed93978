"""What is asked of every page of the registry: seen, read aloud, zoomed, walked by keyboard, kept by its address."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Locator, Page, expect

from tests.ui.surveying import Registered, address, registered, walk
from tests.ui.visiting import THEMES, WIDTHS, OpenPage, Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PAGES = registered()
EVERY_PAGE = pytest.mark.parametrize("entry", PAGES, ids=[page.name for page in PAGES])
INSTEAD = {"Page not found", "Not allowed", "Something went wrong"}
ZOOMED = 640
"""A window of 1280 px at 200 %."""


@pytest.fixture
async def visit(open_page: OpenPage) -> Visit:
    """A tab that shows nothing yet."""
    return await open_page(None)


def heading_of(page: Page) -> Locator:
    """What the page calls itself; one that fills the screen as a dialog has its heading there."""
    return page.get_by_role("dialog").get_by_role("heading").or_(page.get_by_role("heading", level=1)).first


async def open_entry(visit: Visit, entry: Registered) -> None:
    """The page itself, not what stands in its place."""
    await visit.page.goto(visit.site.url(await address(entry, visit.site, visit.page.context.request)))
    await visit.settle()
    assert await heading_of(visit.page).inner_text() not in INSTEAD


@EVERY_PAGE
async def test_it_can_be_read_by_everybody_at_every_width_in_every_theme_and_zoomed(
    visit: Visit, entry: Registered
) -> None:
    await open_entry(visit, entry)
    await visit.check(f"page-{entry.name}", widths=WIDTHS, themes=THEMES)
    await visit.become(390, "light")
    assert await visit.survey("scrollers") == []  # nothing has to be scrolled sideways, tables included
    await visit.become(ZOOMED, "light")
    assert not await visit.scrolls_sideways()


@EVERY_PAGE
async def test_the_keyboard_reaches_every_control_and_shows_where_it_is(visit: Visit, entry: Registered) -> None:
    await open_entry(visit, entry)
    assert await walk(visit) == {"missed": [], "unseen": [], "deaf": []}


@EVERY_PAGE
async def test_its_address_can_be_kept_and_back_leads_back(visit: Visit, entry: Registered) -> None:
    page = visit.page
    heading = heading_of(page)
    await page.goto(visit.site.url("/conversions" if entry.path != "/conversions" else "/"))
    await visit.settle()
    before = await heading.inner_text()
    if entry.is_of_one:
        await open_entry(visit, entry)
    else:
        await (
            page.get_by_role("navigation", name="Ad planning")
            .locator(f'a[href$="/app/ad-planning{entry.path}"]')
            .click()
        )
        await expect(heading).not_to_have_text(before)
    await visit.settle()
    title, kept = await heading.inner_text(), page.url
    assert re.search(r"\w", await page.title())
    await page.reload()
    await expect(heading).to_have_text(title)
    assert page.url == kept
    await visit.settle()
    await page.go_back()
    await expect(heading).to_have_text(before)
    assert visit.errors == []


async def test_nothing_moves_while_a_page_waits(visit: Visit) -> None:
    await visit.page.route("**/admin/ad-planning/conversions?*", lambda _: None)
    await visit.page.goto(visit.site.url("/conversions"))
    await expect(visit.page.locator("main [aria-busy=true]").first).to_be_visible()
    assert await visit.survey("moving") == []
    await visit.page.unroute_all(behavior="ignoreErrors")


@pytest.mark.parametrize("path", ["/", "/conversions", "/roi"])
async def test_on_paper_a_page_is_light_says_its_days_and_fits(visit: Visit, path: str) -> None:
    await visit.page.goto(visit.site.url(path))
    await visit.become(794, "dark")  # A4 at 96 dots an inch
    await visit.page.emulate_media(media="print", color_scheme="dark")
    await expect(visit.page.locator("header .print-only")).to_have_text(re.compile(r"\d{4} – .*\d{4}, Asia/Kolkata"))
    await expect(visit.page.get_by_role("navigation", name="Ad planning")).to_be_hidden()
    await expect(visit.page.get_by_role("button", name=re.compile("^Period"))).to_be_hidden()
    assert await visit.page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert not await visit.scrolls_sideways()
    await visit.shot(f"paper-{path.strip('/') or 'dashboard'}")
