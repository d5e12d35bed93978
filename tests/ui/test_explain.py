"""Every figure of credit opens what is behind it: the conversions, and of each its touches, in or out and why."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.ui.asking import ask
from tests.ui.visiting import THEMES, WIDTHS, OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_figure_opens_its_conversions_and_each_its_explanation(open_page: OpenPage, width: int) -> None:
    visit = await open_page("/attribution?by=channel&range=last_90_days", width=width)
    page = visit.page
    figure = page.get_by_role("button", name=re.compile("why\\? Value of Paid Search"))
    value = (await figure.inner_text()).partition(":")[0].strip()
    await figure.click()
    drawer = page.get_by_role("dialog", name="What is behind this figure?")
    await expect(drawer.get_by_text(value).first).to_be_visible()
    await visit.check("explain-figure", themes=THEMES)
    await drawer.get_by_role("button", name=re.compile("^Order ")).first.click()
    one = page.get_by_role("dialog", name="Why this credit?")
    await expect(one.get_by_role("heading", name="Who gets what")).to_be_visible()
    await one.get_by_role("tab", name="Linear").click()
    await visit.settle()
    await visit.check("explain-conversion", themes=THEMES)
    await one.get_by_role("button", name="All of the figure").click()
    await expect(drawer).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    assert "explain" not in visit.search()


async def test_each_model_side_by_side_opens_its_own_figure(open_page: OpenPage) -> None:
    visit = await open_page("/attribution?view=models&by=channel&range=last_90_days")
    page = visit.page
    await page.get_by_role("button", name=re.compile("why\\? Paid Search by First click")).click()
    drawer = page.get_by_role("dialog", name="What is behind this figure?")
    await expect(drawer.get_by_text(re.compile("By first click"))).to_be_visible()
    await page.reload()
    await expect(drawer.get_by_text(re.compile("By first click"))).to_be_visible()


async def test_a_conversion_and_a_visit_lead_to_the_explanation(open_page: OpenPage) -> None:
    visit = await open_page(None)
    await visit.go("/attribution")
    listed = await ask(visit, "GET", "/attribution/conversions?group_by=channel&kind=touch&limit=1")
    await visit.go(f"/conversions/{listed['conversions'][0]['conversion_id']}")
    page = visit.page
    await page.get_by_role("button", name="Why this credit?").click()
    drawer = page.get_by_role("dialog", name="Why this credit?")
    await expect(drawer.get_by_role("heading", name="Who gets what")).to_be_visible()
    await drawer.get_by_label("Lookback window").select_option("1")
    await visit.settle()
    await expect(drawer.get_by_text("Sum", exact=True)).to_be_visible()
    await page.keyboard.press("Escape")
    await visit.go("/attribution?view=touches&converted=true&range=last_90_days")
    await page.get_by_role("button", name=re.compile(": open$")).first.click()
    await page.get_by_role("dialog").get_by_role("button", name=re.compile("why\\?")).first.click()
    await expect(drawer.get_by_role("heading", name="Who gets what")).to_be_visible()
    await page.go_back()
    await expect(page.get_by_role("dialog", name="Visit")).to_be_visible()


async def test_a_failure_and_an_address_that_names_nothing_say_so(open_page: OpenPage) -> None:
    visit = await open_page(None)
    await visit.page.route("**/attribution/conversions*", lambda route: route.fulfill(status=500, body="{}"))
    await visit.go("/attribution?explain=figure:channel:touch:::::=Email")
    dialog = visit.page.get_by_role("dialog")
    await expect(dialog.get_by_role("button", name=re.compile("again", re.IGNORECASE))).to_be_visible()
    await visit.go("/attribution?explain=moon")
    await expect(dialog.get_by_text("There is nothing to explain here")).to_be_visible()
