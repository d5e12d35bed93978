"""Conversions' journeys: found, narrowed, opened beside the list with touches, credit, order and customer."""

import pytest
from playwright.async_api import expect

from tests.ui.visiting import THEMES, WIDTHS, OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TAB = "/journeys?tab=conversions&range=last_90_days"


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_journey_opens_beside_the_list_at_every_width(open_page: OpenPage, width: int) -> None:
    visit = await open_page(TAB, width=width)
    await visit.settle()
    await visit.page.get_by_role("button", name="Journey to").first.click()
    drawer = visit.page.get_by_role("dialog", name="Journey to a conversion")
    await expect(drawer.get_by_role("heading", name="Credit by model")).to_be_visible()
    await visit.check("journeys-conversion", themes=THEMES)


async def test_touches_unfold_and_credit_changes_with_the_model(open_page: OpenPage) -> None:
    visit = await open_page(f"{TAB}&order=-touches")
    await visit.settle()
    await visit.page.get_by_role("button", name="Journey to").first.click()
    drawer = visit.page.get_by_role("dialog")
    touches = drawer.get_by_role("group", name="Touches in time").get_by_role("button")
    await touches.first.click()
    await expect(drawer.get_by_text("To the conversion")).to_be_visible()
    await drawer.get_by_role("tab", name="First click").click()
    shares = drawer.get_by_role("list", name="Credit by First click").get_by_role("listitem")
    await expect(shares.first).to_contain_text("100.0%")
    assert visit.search()["model"] == "first_click"
    await expect(drawer.get_by_role("heading", name="Customer")).to_be_visible()


async def test_search_and_filters_stand_in_the_address_and_come_back(open_page: OpenPage) -> None:
    visit = await open_page(TAB)
    await visit.settle()
    first = visit.page.get_by_role("row").nth(1)
    order = (await first.get_by_role("cell").first.inner_text()).strip()
    await visit.page.get_by_label("Order or email").fill(order)
    await expect(visit.page.get_by_role("button", name="Journey to")).to_have_count(1)
    await visit.page.get_by_role("combobox", name="Customers").select_option("new")
    await visit.settle()
    await visit.page.reload()
    await visit.settle()
    found = visit.search()
    assert (found["q"], found["who"]) == (order, "new")
    await visit.page.get_by_role("button", name="Clear").first.click()
    await expect(visit.page.get_by_role("button", name="Journey to").nth(5)).to_be_visible()


async def test_who_may_not_see_people_sees_journeys_without_them(open_page: OpenPage) -> None:
    visit = await open_page(TAB, email="viewer@example.com")
    await visit.settle()
    await expect(visit.page.get_by_role("columnheader", name="Customer")).to_be_visible()
    await expect(visit.page.get_by_role("columnheader", name="Email")).to_have_count(0)
    await expect(visit.page.get_by_text("@mail.example")).to_have_count(0)
