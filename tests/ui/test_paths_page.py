"""The page of paths: drawn and listed, written as one chooses, kept in the address."""

import pytest
from playwright.async_api import expect

from tests.ui.visiting import THEMES, WIDTHS, OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PAGE = "/journeys/paths?range=last_90_days"


async def test_the_page_stands_at_every_width(open_page: OpenPage) -> None:
    visit = await open_page(PAGE)
    await visit.settle()
    await expect(visit.page.get_by_role("img", name="journeys converted")).to_be_visible()
    await visit.check("paths", widths=WIDTHS, themes=THEMES)


async def test_paths_are_written_as_chosen_and_the_address_keeps_it(open_page: OpenPage) -> None:
    visit = await open_page(PAGE)
    await visit.settle()
    page = visit.page
    await page.get_by_role("combobox", name="Steps are").select_option("platform")
    await page.get_by_role("combobox", name="Repeats").select_option("frequency")
    await visit.settle()
    paths = page.get_by_role("region", name="Top paths")
    await expect(paths.get_by_text("google(1)").first).to_be_visible()
    await page.get_by_role("checkbox", name="Also journeys without a conversion").uncheck()
    await visit.settle()
    await page.reload()
    await visit.settle()
    found = visit.search()
    assert (found["level"], found["collapse"], found["all"]) == ("platform", "frequency", "0")
    await expect(page.get_by_role("checkbox", name="Also journeys without a conversion")).not_to_be_checked()


async def test_the_flow_is_a_table_too_and_paths_are_a_file(open_page: OpenPage) -> None:
    visit = await open_page(PAGE)
    await visit.settle()
    await visit.page.get_by_role("button", name="Show Flow of paths as a table").click()
    await expect(visit.page.get_by_role("cell", name="Converted", exact=True).first).to_be_visible()
    async with visit.page.expect_download() as download:
        await visit.page.get_by_role("button", name="Export CSV").click()
    assert (await download.value).suggested_filename.startswith("paths")


async def test_a_period_without_anybody_says_so(open_page: OpenPage) -> None:
    visit = await open_page("/journeys/paths?from=2019-01-01&to=2019-01-02")
    await visit.settle()
    await expect(visit.page.get_by_text("No journeys in this period")).to_be_visible()
