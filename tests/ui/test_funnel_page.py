"""The funnel's page: steps are chosen, moved and named; what is lost is told; the address keeps it all."""

import pytest
from playwright.async_api import expect

from tests.ui.visiting import THEMES, WIDTHS, OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PAGE = "/journeys/funnel?range=last_90_days"


async def test_the_page_stands_at_every_width(open_page: OpenPage) -> None:
    visit = await open_page(f"{PAGE}&by=channel")
    await visit.settle()
    await expect(visit.page.get_by_role("heading", name="By channel")).to_be_visible()
    await visit.check("funnel", widths=WIDTHS, themes=THEMES)


async def test_a_funnel_is_built_step_by_step_and_kept_in_the_address(open_page: OpenPage) -> None:
    visit = await open_page(PAGE)
    await visit.settle()
    page = visit.page
    await page.get_by_role("button", name="Take step 2 away").click()
    await page.get_by_role("button", name="Add a step").click()
    await page.get_by_role("button", name="Move step 4 up").click()
    await page.get_by_role("combobox", name="Step 1").select_option("page:")
    await expect(page.get_by_text("Name the page or the event").first).to_be_visible()
    await page.get_by_label("Page of step 1").fill("/product*")
    await page.keyboard.press("Enter")
    await page.get_by_role("combobox", name="Window").select_option("7")
    await visit.settle()
    found = visit.search()
    assert found["steps"].split(",") == ["page:/product*", "intent", "retention", "conversion"]
    assert found["days"] == "7"
    await page.go_back()
    await page.go_forward()
    await expect(page.get_by_label("Page of step 1")).to_have_value("/product*")
    await expect(page.get_by_text("went all the way").first).to_be_visible()


async def test_the_chart_is_a_table_too_and_a_stage_is_looked_at_alone(open_page: OpenPage) -> None:
    visit = await open_page(PAGE)
    await visit.settle()
    await visit.page.get_by_role("button", name="Show Funnel as a table").click()
    await expect(visit.page.get_by_role("columnheader", name="Lost before it")).to_be_visible()
    lost = visit.page.get_by_role("region", name="Where journeys end")
    await lost.get_by_role("button", name="Intent", exact=True).click()
    await expect(lost.get_by_role("heading", name="What they did last, intent alone")).to_be_visible()
    assert visit.search()["stage"] == "intent"


async def test_a_server_that_fails_says_so_and_can_be_asked_again(open_page: OpenPage) -> None:
    visit = await open_page(None)
    await visit.page.route(
        "**/admin/ad-planning/journeys/funnel**",
        lambda route: route.fulfill(
            status=500,
            content_type="application/problem+json",
            body='{"title": "Internal error", "status": 500, "code": "internal", "detail": "Something went wrong."}',
        ),
    )
    await visit.go(PAGE)
    await expect(visit.page.get_by_role("button", name="Try again").first).to_be_visible()
