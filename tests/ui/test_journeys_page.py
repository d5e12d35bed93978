"""The journeys page: find an event, open it, follow its person, enter one by hand; and who may do what."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.ui.visiting import YEAR, OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]


async def test_events_are_found_by_stage_and_opened(open_page: OpenPage) -> None:
    visit = await open_page(f"/journeys?{YEAR}")
    page = visit.page
    await page.get_by_role("combobox", name="Stage").select_option("advocacy")
    await visit.settle()
    rows = page.get_by_role("row")
    await expect(rows.nth(1)).to_contain_text("Advocacy")
    await expect(rows.nth(1)).to_contain_text("Feedback")
    assert visit.search()["stage"] == "advocacy"
    await page.get_by_role("button", name=re.compile(": open$")).first.click()
    drawer = page.get_by_role("dialog")
    await expect(drawer).to_contain_text("NPS class")
    await visit.check("journeys-drawer")
    await drawer.get_by_role("button", name=re.compile("Everything this")).click()
    await visit.settle()
    search = visit.search()
    assert "stage" not in search
    assert {"person", "visitor"} & set(search)
    await page.go_back()
    await visit.settle()
    assert visit.search()["stage"] == "advocacy"


async def test_the_second_tab_has_the_way_to_each_conversion(open_page: OpenPage) -> None:
    visit = await open_page(f"/journeys?{YEAR}")
    await visit.page.get_by_role("tab", name="Conversions").click()
    await visit.settle()
    await expect(visit.page.get_by_role("columnheader", name="Way to it")).to_be_visible()


async def test_an_event_is_entered_by_hand_with_what_is_wrong_beside_its_field(open_page: OpenPage) -> None:
    visit = await open_page("/journeys?range=today")
    page = visit.page
    await page.get_by_role("button", name="Enter an event").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Customer id").fill("no such customer")
    await dialog.get_by_label("Name").fill("Trade fair")
    await dialog.get_by_role("button", name="Enter the event").click()
    await expect(dialog).to_contain_text("this store has no person no such customer")
    visit.errors.clear()  # the refusal, which the browser reports
    await visit.check("journeys-form")
    await dialog.get_by_label("Customer id").fill("")
    await dialog.get_by_label("Visitor id").fill("vis_trade_fair")
    await dialog.get_by_role("button", name="Enter the event").click()
    await expect(dialog).to_be_hidden()
    await visit.settle()
    await expect(page.get_by_role("row").nth(1)).to_contain_text("Trade fair")


async def test_a_reader_enters_nothing_and_sees_no_names(open_page: OpenPage) -> None:
    visit = await open_page(f"/journeys?{YEAR}&stage=retention", email="viewer@example.com")
    await expect(visit.page.get_by_role("button", name="Enter an event")).to_have_count(0)
    await expect(visit.page.get_by_role("row").nth(1)).to_contain_text(re.compile(r"Customer \d+|Visitor"))


async def test_the_page_is_whole_on_a_phone_in_the_dark(open_page: OpenPage) -> None:
    visit = await open_page(f"/journeys?{YEAR}", width=390, theme="dark")
    await visit.check("journeys-phone")


async def test_nothing_found_says_so_and_clears(open_page: OpenPage) -> None:
    visit = await open_page(f"/journeys?{YEAR}&q=nothing-is-called-this")
    await visit.page.get_by_role("button", name=re.compile("Clear", re.IGNORECASE)).first.click()
    await visit.settle()
    assert "q" not in visit.search()
