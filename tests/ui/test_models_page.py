"""Models compared: where they disagree, side by side, and the data-driven model's fit, as people use them."""

import pytest
from playwright.async_api import expect

from tests.ui.visiting import OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]
PATH = "/attribution/models"


async def test_the_disagreement_is_drawn_tabled_and_judged_against_the_target(open_page: OpenPage) -> None:
    visit = await open_page("/attribution?view=models")
    page = visit.page
    await page.get_by_role("link", name="Where the models disagree").click()
    await expect(page.get_by_role("heading", level=1, name="Models compared")).to_be_visible()
    chart = page.get_by_role("img", name="Places under each model")
    await expect(chart).to_be_visible()
    await page.get_by_role("button", name="Show Places under each model as a table").click()
    await expect(page.get_by_role("table", name="Places under each model")).to_be_visible()
    decisions = page.get_by_role("table", name="Decisions by model")
    await expect(decisions).to_contain_text("Last non-direct")
    await visit.check("models")

    await page.get_by_label("Target ROAS").fill("0.01")
    await expect(decisions).to_contain_text("Increase")
    await page.get_by_label("Target ROAS").fill("100")
    await expect(decisions).not_to_contain_text("Increase")
    await expect(decisions).to_contain_text("Cut")
    assert visit.search()["target"] == "100"
    await page.reload()
    await expect(page.get_by_label("Target ROAS")).to_have_value("100")
    await page.get_by_label("Target ROAS").fill("none")
    await expect(page.get_by_text("Write a number above 0")).to_be_visible()


async def test_every_model_has_its_column_by_campaign_and_by_channel(open_page: OpenPage) -> None:
    visit = await open_page(f"{PATH}?view=compare", width=390, theme="dark")
    page = visit.page
    lines = page.get_by_role("list", name="Credited revenue by model")
    await expect(lines).to_contain_text("Last non-direct")
    await page.get_by_label("Group").select_option("channel")
    await expect(lines).to_contain_text("Paid Social")
    await visit.check("models-compare")
    await page.go_back()
    await expect(page.get_by_label("Group")).to_have_value("campaign")


async def test_a_fit_is_asked_for_and_shows_its_effects_with_what_they_rest_on(open_page: OpenPage) -> None:
    visit = await open_page(f"{PATH}?view=fit", width=1440, theme="light")
    page = visit.page
    await expect(page.get_by_role("heading", name="Data-driven credit")).to_be_visible()
    await page.get_by_role("button", name="Fit now…").click()
    dialog = page.get_by_role("dialog", name="Fit the data-driven model")
    await dialog.get_by_label("Model", exact=True).select_option("leave_one_out")
    await expect(dialog.get_by_label("Order")).to_have_count(0)
    await dialog.get_by_label("Days up to yesterday").fill("3")
    await dialog.get_by_role("button", name="Start the fit").click()
    await expect(dialog.get_by_text("Write a number of days from 7 to 1,100.")).to_be_visible()
    await visit.check("models-fit-dialog")
    await dialog.get_by_label("Days up to yesterday").fill("364")
    await dialog.get_by_role("button", name="Start the fit").click()
    await expect(page.get_by_role("heading", name="Leave one out")).to_be_visible()
    await expect(page.get_by_role("img", name="Effects with their intervals")).to_be_visible(timeout=60_000)
    await expect(page.get_by_text("it is not", exact=False).first).to_be_visible()
    effects = page.get_by_role("table", name="Effects and credit")
    await expect(effects).to_contain_text("Paid Search")
    await page.get_by_role("button", name="Adopt…").click()
    asked = page.get_by_role("dialog", name="Share credit by this fit?")
    await expect(asked).to_contain_text("All other models stay as they are")
    await visit.check("models-fit")
    await asked.get_by_role("button", name="Cancel").click()
    assert visit.search()["fit"].startswith("fit_")


async def test_a_reader_sees_the_fit_and_neither_makes_nor_adopts_one(open_page: OpenPage) -> None:
    visit = await open_page(f"{PATH}?view=fit", email="viewer@example.com", width=390, theme="light")
    page = visit.page
    await expect(page.get_by_role("heading", name="Data-driven credit")).to_be_visible()
    assert await page.get_by_role("button", name="Fit now…").count() == 0
    assert await page.get_by_role("button", name="Adopt…").count() == 0
    await visit.check("models-reader")


async def test_a_server_error_can_be_tried_again_and_an_empty_period_says_what_to_do(open_page: OpenPage) -> None:
    visit = await open_page(None)
    page = visit.page
    await page.route("**/attribution/disagreement?*", lambda route: route.fulfill(status=500, body="{}"))
    await visit.go(PATH)
    again = page.get_by_role("button", name="Try again")
    await expect(again).to_be_visible()
    await page.unroute("**/attribution/disagreement?*")
    await again.click()
    await expect(page.get_by_role("img", name="Places under each model")).to_be_visible()
    await visit.go(f"{PATH}?range=custom&from=2001-01-01&to=2001-01-02")
    await expect(page.get_by_text("Nothing to compare in this period")).to_be_visible()
