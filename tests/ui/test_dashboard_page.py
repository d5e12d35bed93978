"""The dashboard: coverage first, live figures of every area, comparison, freshness, claims, and a store that is new."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.ui.visiting import THEMES, WIDTHS, OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]
AREAS = ("Ad performance", "Social content", "Lead pipeline", "Conversions", "Journeys", "Campaign attribution")
BROKEN = {"title": "Internal error", "status": 500, "code": "internal", "detail": "It broke.", "incident": "inc_1"}
PROBLEM = "application/problem+json"
Change = Callable[[dict[str, Any]], None]
SHIFTS = """window.shifts = []; new PerformanceObserver((list) => list.getEntries().forEach((each) => {
  const of = each.sources.map((one) => one.node?.textContent?.slice(0, 40))
  window.shifts.push({ value: each.value, at: each.startTime, of })
})).observe({ type: "layout-shift", buffered: true })"""


async def answered(page: Page, pattern: str, change: Change) -> None:
    """The server's own answer, changed on its way."""

    async def answer(route) -> None:  # type: ignore[no-untyped-def]
        given = await route.fetch()
        body = await given.json()
        change(body)
        await route.fulfill(json=body)

    await page.route(pattern, answer)


def source_of(body: dict[str, Any], name: str) -> dict[str, Any]:
    return next(each for each in body["sources"] if each["source"] == name)


@pytest.mark.parametrize("width", WIDTHS)
async def test_all_sources_and_why_are_accessible_while_they_are_open(open_page: OpenPage, width: int) -> None:
    visit = await open_page("/", width=width)
    await visit.page.get_by_role("button", name="All sources").click()
    sources = visit.page.get_by_role("dialog", name="How fresh the figures are")
    await expect(sources.get_by_text("Meta spend")).to_be_visible()
    await visit.check("dashboard-sources", themes=THEMES)
    await visit.page.keyboard.press("Escape")
    await expect(sources).to_be_hidden()
    await visit.page.get_by_role("button", name=re.compile("^Why does (Meta|Google) say")).first.click()
    await expect(visit.page.get_by_role("dialog", name=re.compile("^Why does"))).to_be_visible()
    await visit.settle()
    await visit.check("dashboard-why", themes=THEMES)


async def test_coverage_stands_first_and_every_area_has_live_figures(open_page: OpenPage) -> None:
    visit = await open_page("/")
    headings = await visit.page.locator("main").get_by_role("heading", level=2).all_inner_texts()
    assert headings[0] == "Coverage"
    for title in AREAS:
        area = visit.page.get_by_role("region", name=title, exact=True).last
        await expect(area.locator("dd").first).to_have_text(re.compile(r"\d"))


async def test_the_comparison_is_switched_off_in_the_date_control_and_stays_off(open_page: OpenPage) -> None:
    visit = await open_page("/")
    page = visit.page
    chart = page.get_by_role("region", name="Revenue and ad spend")
    await expect(chart.get_by_text("Revenue before")).to_be_visible()
    await expect(page.get_by_text(re.compile(r"^from ₹")).first).to_be_visible()
    await page.get_by_role("button", name=re.compile("Last 30 days")).click()
    await page.get_by_role("checkbox", name="Compare with the period before").uncheck()
    await page.keyboard.press("Escape")
    await visit.settle()
    assert visit.search() == {"compare": "none"}
    await page.reload()
    await visit.settle()
    await expect(chart.get_by_text("Revenue before")).to_have_count(0)
    await expect(page.get_by_text(re.compile(r"^from ₹"))).to_have_count(0)


async def test_the_chart_has_its_days_as_a_table_and_never_falls_below_its_axis(open_page: OpenPage) -> None:
    visit = await open_page("/?range=last_month")
    chart = visit.page.get_by_role("region", name="Revenue and ad spend")
    floor = await chart.evaluate(
        """(element) => {
          const axis = element.querySelector('svg[role=img] line').getBoundingClientRect().bottom
          const lines = [...element.querySelectorAll('svg[role=img] path[fill=none]')]
          return Math.max(...lines.map((line) => line.getBoundingClientRect().bottom)) - axis
        }"""
    )
    assert floor <= 1.5
    await chart.get_by_role("button", name="Show Revenue and ad spend by day as a table").click()
    rows = chart.get_by_role("table").get_by_role("row")
    assert await rows.count() in range(29, 33)
    await expect(rows.nth(1)).to_contain_text("₹")


async def test_spend_that_is_not_reported_yet_is_not_drawn_as_none(open_page: OpenPage) -> None:
    visit = await open_page("/")
    chart = visit.page.get_by_role("region", name="Revenue and ad spend")
    await expect(chart).to_contain_text("Spend is reported up to")
    await chart.get_by_role("button", name="Show Revenue and ad spend by day as a table").click()
    today = chart.get_by_role("table").get_by_role("row").last
    await expect(today.get_by_role("cell").nth(2)).to_have_text("–")


async def test_top_performers_are_ranked_as_chosen_and_keep_it_in_the_address(open_page: OpenPage) -> None:
    visit = await open_page("/")
    card = visit.page.get_by_role("region", name="Top performers")
    await card.get_by_role("combobox", name="Of").select_option(label="Campaigns")
    await card.get_by_role("combobox", name="Ranked by").select_option(label="by ROAS")
    await visit.settle()
    assert visit.search() == {"top": "campaign", "top_by": "roas"}
    await visit.page.reload()
    await visit.settle()
    figures = await card.locator("li .figure > .font-medium").all_inner_texts()
    values = [float(text.partition("×")[0]) for text in figures]
    assert values == sorted(values, reverse=True)
    await card.get_by_role("link").first.click()
    await visit.page.wait_for_url("**/campaigns/*")


async def test_a_figure_leads_to_its_page_with_the_period(open_page: OpenPage) -> None:
    visit = await open_page("/?range=last_90_days")
    await visit.page.get_by_role("link", name="Leads", exact=True).click()
    await visit.settle()
    assert visit.search() == {"range": "last_90_days", "type": "lead_form_submission"}


async def test_a_source_that_lags_says_so_and_what_to_do(open_page: OpenPage) -> None:
    visit = await open_page(None)

    def stale(body: dict[str, Any]) -> None:
        said = {
            "detail": "The last day reported is 2026-11-17.",
            "action": "Fetch the days since 2026-11-17 from meta.",
        }
        source_of(body, "spend:meta").update(state="stale", last_day="2026-11-17", **said)

    await answered(visit.page, "**/freshness", stale)
    await visit.go("/")
    lags = visit.page.get_by_role("list", name="What lags")
    await expect(lags).to_contain_text("Meta spend: stale. The last day reported is 17 Nov 2026. Fetch the days since")
    await expect(visit.page.get_by_role("region", name="Freshness").get_by_text("Stale", exact=True)).to_be_visible()
    await visit.check("dashboard-stale")
    await lags.get_by_role("link", name="Open Settings").first.click()
    await visit.settle()
    assert visit.search() == {"tab": "spend"}


async def test_missing_rates_are_named_with_the_way_to_add_them(open_page: OpenPage) -> None:
    visit = await open_page(None)

    def missing(body: dict[str, Any]) -> None:
        body["dashboard"]["kpis"].update(missing_rates=["USD"], spend=None, roas=None)

    await answered(visit.page, "**/dashboard?*", missing)
    await visit.go("/")
    said = visit.page.get_by_role("status").filter(has_text="USD")
    await expect(said).to_contain_text("is missing")
    await said.get_by_role("link", name="Add exchange rates").click()
    await visit.settle()
    assert visit.search() == {"tab": "rates"}


async def test_the_model_in_use_is_named_with_the_way_to_change_it(open_page: OpenPage) -> None:
    visit = await open_page("/")
    await expect(visit.page.get_by_text("Credit: last non-direct, visits within 30 days")).to_be_visible()
    await visit.page.get_by_role("link", name="Change model and window").click()
    await visit.settle()
    assert visit.search() == {"tab": "attribution"}


async def test_a_new_store_is_told_what_to_do_first(open_page: OpenPage) -> None:
    visit = await open_page(None)

    def nothing(body: dict[str, Any]) -> None:
        for each in body["sources"]:
            if each["kind"] in {"conversions", "spend", "sweep"}:
                each.update(state="empty", last_at=None, last_day=None)

    def no_orders(body: dict[str, Any]) -> None:
        body["dashboard"]["coverage"]["orders"] = 0

    await answered(visit.page, "**/freshness", nothing)
    await answered(visit.page, "**/dashboard?*", no_orders)
    await visit.go("/")
    start = visit.page.get_by_role("region", name="Three steps to the first figures")
    await expect(start.get_by_role("listitem")).to_have_count(3)
    await expect(start.get_by_text("Measure visits: done")).to_be_visible()
    await visit.check("dashboard-new")
    await start.get_by_role("link", name="Linked data").click()
    await visit.page.wait_for_url("**/settings/links")


async def test_a_period_without_orders_is_not_a_new_store(open_page: OpenPage) -> None:
    visit = await open_page("/?from=2001-01-01&to=2001-01-31")
    await expect(visit.page.get_by_text("There are no orders in this period.")).to_be_visible()
    await expect(visit.page.get_by_text("No campaign cost anything in this period")).to_be_visible()
    await visit.check("dashboard-empty")


async def test_a_server_error_is_shown_with_its_code_and_tried_again(open_page: OpenPage) -> None:
    visit = await open_page(None)
    broken = True

    async def answer(route) -> None:  # type: ignore[no-untyped-def]
        if broken:
            await route.fulfill(status=500, content_type=PROBLEM, json=BROKEN)
        else:
            await route.continue_()

    await visit.page.route("**/dashboard?*", answer)
    await visit.page.goto(visit.site.url("/"))
    alert = visit.page.get_by_role("alert")
    await expect(alert).to_contain_text("It broke.")
    await expect(alert).to_contain_text("inc_1")
    await expect(visit.page.get_by_role("region", name="Freshness")).to_contain_text("Orders")
    broken = False
    await alert.get_by_role("button", name="Try again").click()
    await expect(visit.page.get_by_role("region", name="Coverage")).to_be_visible()


@pytest.mark.parametrize("part", ["**/freshness", "**/metrics?*", "**/top-performers?*", "**/trends?*"])
async def test_figures_stand_while_a_part_beside_them_fails(open_page: OpenPage, part: str) -> None:
    visit = await open_page(None)
    await visit.page.route(part, lambda route: route.fulfill(status=500, content_type=PROBLEM, json=BROKEN))
    await visit.page.goto(visit.site.url("/"))
    await expect(visit.page.get_by_role("region", name="Coverage")).to_be_visible()
    await expect(visit.page.get_by_role("region", name="Top campaigns")).to_be_visible()
    if part != "**/trends?*":
        await expect(visit.page.get_by_text("It broke.").first).to_be_visible()


@pytest.mark.parametrize("part", ["**/dashboard?*", "**/freshness"])
async def test_a_slow_server_shows_what_is_to_come_and_moves_nothing_when_it_is_there(
    open_page: OpenPage, part: str
) -> None:
    visit = await open_page(None, width=390)
    held: list[Callable[[], Awaitable[None]]] = []

    async def hold(route) -> None:  # type: ignore[no-untyped-def]
        held.append(route.continue_)

    await visit.page.route(part, hold)
    await visit.page.add_init_script(SHIFTS)
    await visit.page.goto(visit.site.url("/"))
    await expect(visit.page.get_by_role("status").filter(has_text="Loading")).to_be_attached()
    skeleton = visit.page.locator("main .skeleton").last
    await expect(skeleton).to_be_visible()
    await held[0]()
    await expect(visit.page.get_by_role("region", name="Freshness")).to_be_visible()
    await visit.settle()
    shifts = await visit.page.evaluate("window.shifts")
    assert sum(each["value"] for each in shifts) <= 0.02, shifts


async def test_who_may_only_read_sees_figures_and_no_way_into_operations(open_page: OpenPage) -> None:
    visit = await open_page("/", email="viewer@example.com")
    await expect(visit.page.get_by_role("region", name="Coverage")).to_be_visible()
    await expect(visit.page.get_by_role("link", name=re.compile("Operations"))).to_have_count(0)
    assert visit.errors == []
