"""Metrics over the whole screen: every section with its page, Escape and Back, comparison, failures, the print."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from tests.ui.visiting import THEMES, WIDTHS, OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]
SECTIONS = (
    "Overview", "Ad performance", "Social content", "Lead pipeline", "Conversions", "Customer funnel",
    "Campaign attribution",
)  # fmt: skip
HEADLINES = ("Ad spend", "Total revenue", "Total conversions", "Total leads", "Social posts", "ROAS")


@pytest.mark.parametrize("width", WIDTHS)
async def test_it_is_accessible_and_quiet_at_every_width_and_in_every_theme(open_page: OpenPage, width: int) -> None:
    visit = await open_page("/metrics", width=width)
    await visit.page.get_by_role("button", name=re.compile("Last 30 days")).click()
    await visit.check("metrics-period", themes=THEMES)


async def test_the_six_headline_figures_and_every_section_are_there(open_page: OpenPage) -> None:
    visit = await open_page("/metrics")
    dialog = visit.page.get_by_role("dialog", name="Metrics")
    overview = dialog.get_by_role("region", name="Overview")
    for title in HEADLINES:
        await expect(overview.get_by_text(title, exact=True)).to_be_visible()
    for title in SECTIONS:
        await expect(dialog.get_by_role("region", name=title, exact=True)).to_be_visible()
    campaigns = dialog.get_by_role("table", name="Campaigns that cost most").get_by_role("row")
    await expect(campaigns).to_have_count(4)
    await campaigns.nth(1).get_by_role("link").click()
    await visit.page.wait_for_url("**/campaigns/*")


async def test_a_section_leads_to_its_page_with_the_period(open_page: OpenPage) -> None:
    visit = await open_page("/metrics?range=last_90_days")
    leads = visit.page.get_by_role("region", name="Lead pipeline")
    await leads.get_by_role("link", name="Open Conversions").click()
    await visit.settle()
    assert visit.search() == {"range": "last_90_days", "type": "lead_form_submission"}


@pytest.mark.parametrize("way", ["Escape", "Close", "Back"])
async def test_it_opens_from_the_dashboard_and_gives_the_focus_back(open_page: OpenPage, way: str) -> None:
    visit = await open_page("/?range=last_90_days")
    page = visit.page
    opener = page.get_by_role("link", name="View Metrics")
    await opener.focus()
    await page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Metrics")
    await expect(dialog).to_be_visible()
    await visit.settle()
    assert visit.search() == {"range": "last_90_days"}
    if way == "Escape":
        await page.keyboard.press("Escape")
    elif way == "Close":
        await dialog.get_by_role("button", name="Close").click()
    else:
        await page.go_back()
    await expect(dialog).to_be_hidden()
    await expect(page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()
    await expect(opener).to_be_focused()
    assert visit.search() == {"range": "last_90_days"}


async def test_escape_leaves_it_even_after_other_dates_were_looked_at(open_page: OpenPage) -> None:
    visit = await open_page("/")
    page = visit.page
    await page.get_by_role("link", name="View Metrics").click()
    await visit.settle()
    for key in "97":
        await page.keyboard.press("d")
        await page.keyboard.press(key)
        await visit.settle()
    assert visit.search() == {"range": "last_7_days"}
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_it_opens_by_its_own_address_and_closes_to_the_dashboard(open_page: OpenPage) -> None:
    visit = await open_page(None)
    await visit.go("/metrics?compare=none")
    await expect(visit.page.get_by_text(", compared with")).to_have_count(0)
    await visit.page.keyboard.press("Escape")
    await expect(visit.page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()


async def test_a_section_that_failed_or_is_not_there_says_so_beside_the_others(open_page: OpenPage) -> None:
    visit = await open_page(None)

    async def answer(route) -> None:  # type: ignore[no-untyped-def]
        given = await route.fetch()
        body = await given.json()
        metrics = body["metrics"]
        metrics["sections"] = [
            each for each in metrics["sections"] if each["key"] not in {"lead_pipeline", "attribution"}
        ]
        failed = {
            "key": "attribution",
            "title": "Campaign attribution",
            "page": "attribution",
            "message": "No touch <b>.",
        }
        await route.fulfill(json={"metrics": {**metrics, "failed": [failed], "not_available": ["lead_pipeline"]}})

    await visit.page.route("**/metrics?*", answer)
    await visit.go("/metrics")
    dialog = visit.page.get_by_role("dialog")
    await expect(dialog.get_by_role("alert")).to_contain_text("No touch <b>.")
    await expect(dialog.get_by_role("region", name="Not available")).to_contain_text("Lead pipeline")
    await expect(dialog.get_by_role("region", name="Overview")).to_be_visible()
    await visit.check("metrics-failed")


async def test_a_section_of_another_domain_is_shown_without_a_view_of_its_own(open_page: OpenPage) -> None:
    visit = await open_page(None)
    data = {
        "total_scored": 1200, "average": "4999.50", "average_minor": 499950, "currency": "INR", "churn_rate": 0.125,
        "tiers": {"platinum": 3, "gold": 9}, "recent": [{"id": "e1", "name": "<i>Button</i>", "status": "running"}],
    }  # fmt: skip

    async def answer(route) -> None:  # type: ignore[no-untyped-def]
        given = await route.fetch()
        body = await given.json()
        body["metrics"]["sections"].append({"key": "scores", "title": "Customer scores", "page": "", "data": data})
        await route.fulfill(json=body)

    await visit.page.route("**/metrics?*", answer)
    await visit.go("/metrics")
    section = visit.page.get_by_role("region", name="Customer scores")
    for text in ("1,200", "₹4,999.50", "12.5%", "Platinum", "<i>Button</i>", "Running"):
        await expect(section.get_by_text(text, exact=True).first).to_be_visible()
    await expect(section.get_by_role("link")).to_have_count(0)
    await visit.check("metrics-other")


async def test_a_server_error_is_shown_with_its_code(open_page: OpenPage) -> None:
    visit = await open_page(None)
    problem = {"title": "Internal error", "status": 500, "code": "internal", "detail": "It broke."}
    await visit.page.route(
        "**/metrics?*", lambda route: route.fulfill(status=500, content_type="application/problem+json", json=problem)
    )
    await visit.page.goto(visit.site.url("/metrics"))
    alert = visit.page.get_by_role("dialog").get_by_role("alert")
    await expect(alert).to_contain_text("It broke.")
    await expect(alert).to_contain_text("internal")
    await expect(alert.get_by_role("button", name="Try again")).to_be_visible()


async def test_it_is_printed_whole_and_alone(open_page: OpenPage) -> None:
    visit = await open_page("/metrics")
    await visit.page.emulate_media(media="print")
    dialog = visit.page.get_by_role("dialog", name="Metrics")
    await expect(visit.page.get_by_role("navigation", name="Ad planning")).to_be_hidden()
    await expect(dialog.get_by_role("button", name="Close")).to_be_hidden()
    box = await dialog.bounding_box()
    assert box is not None
    last = await dialog.get_by_role("region", name="Campaign attribution").bounding_box()
    assert last is not None
    assert box["y"] + box["height"] >= last["y"] + last["height"] > 900


async def test_why_a_platform_says_something_else_opens_over_it_and_closes_alone(open_page: OpenPage) -> None:
    visit = await open_page("/metrics")
    await visit.page.get_by_role("button", name="Why do the platforms say something else?").click()
    why = visit.page.get_by_role("dialog", name=re.compile("^Why do"))
    await expect(why).to_be_visible()
    await visit.settle()
    assert await visit.axe() == []
    await visit.page.keyboard.press("Escape")
    await expect(why).to_be_hidden()
    await expect(visit.page.get_by_role("dialog", name="Metrics")).to_be_visible()
