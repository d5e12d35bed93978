"""ROI: what paid back, by whatever one divides it, beside the period before, with a total that reconciles."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from playwright.async_api import Locator, expect

from tests.ui.test_campaigns import BROKEN, asked
from tests.ui.visiting import THEMES, WIDTHS, OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]


async def column(table: Locator, title: str) -> list[str]:
    """The texts of a column, the last line included."""
    heads = [head.strip() for head in await table.get_by_role("columnheader").all_inner_texts()]
    at = heads.index(title)
    rows = (await table.get_by_role("row").all())[1:]
    return [(await row.get_by_role("cell").nth(at).inner_text()).split("\n")[0] for row in rows]


def amount(text: str) -> Decimal:
    return Decimal(re.sub(r"[^\d.-]", "", text) or "0")


async def test_it_is_accessible_at_every_width_and_in_every_theme(open_page: OpenPage) -> None:
    visit = await open_page("/roi?by=channel")
    await visit.check("roi", widths=WIDTHS, themes=THEMES)


@pytest.mark.parametrize("by", ["Campaigns", "Ad sets", "Channels", "Platforms"])
async def test_the_lines_sum_to_the_total_and_the_total_is_the_stores(open_page: OpenPage, by: str) -> None:
    visit = await open_page("/roi?compare=none")
    page = visit.page
    await page.get_by_role("group", name="Lines by").get_by_role("button", name=by, exact=True).click()
    await visit.settle()
    table = page.get_by_role("region", name=by.lower(), exact=True)
    await expect(table.get_by_role("button", name="Next")).to_be_disabled()
    *lines, total = [amount(each) for each in await column(table, "Revenue")]
    assert sum(lines) == total
    overview = (await asked(visit, "/dashboard/overview"))["overview"]["kpis"]
    assert total == Decimal(overview["revenue"])
    *spent, all_spend = [amount(each) for each in await column(table, "Spend")]
    assert sum(spent) == all_spend == Decimal(overview["spend"])


async def test_no_spend_has_no_return_and_is_never_zero(open_page: OpenPage) -> None:
    visit = await open_page("/roi?by=channel&compare=none")
    table = visit.page.get_by_role("region", name="channels", exact=True)
    pairs = zip(await column(table, "Spend"), await column(table, "ROAS"), strict=True)
    without = [roas for spend, roas in list(pairs)[:-1] if amount(spend) == 0]
    assert without
    assert set(without) == {"–"}


async def test_which_campaign_paid_back_last_month(open_page: OpenPage) -> None:
    visit = await open_page("/")
    page = visit.page
    await page.get_by_role("navigation", name="Ad planning").get_by_role("link", name="ROI").click()
    await expect(page.get_by_role("heading", name="ROI", level=1)).to_be_visible()
    await visit.settle()
    await page.get_by_role("button", name=re.compile("Period")).click()
    async with page.expect_response(re.compile("/admin/ad-planning/roi")) as answered:
        await page.get_by_role("button", name=re.compile("^Last month")).click()
    lines = (await (await answered.value).json())["roi"]
    best = max((line for line in lines if line["roas"] is not None), key=lambda line: line["roas"])
    await visit.settle()
    assert visit.search() == {"range": "last_month"}
    chart = page.get_by_role("region", name="Campaigns, best first")
    await expect(chart.get_by_role("listitem").first).to_contain_text(best["name"])
    await expect(chart.locator("figcaption")).to_contain_text(f"{best['name']} leads with {best['roas']:.2f}×")


async def test_comparison_dimension_and_rule_live_in_the_address(open_page: OpenPage) -> None:
    visit = await open_page("/roi")
    page = visit.page
    await expect(page.get_by_role("main")).to_contain_text("from ")
    await page.get_by_role("group", name="Lines by").get_by_role("button", name="Ads", exact=True).click()
    await page.get_by_role("combobox", name="Date of").select_option("click")
    await page.get_by_role("combobox", name="Visits within").select_option("7")
    await visit.settle()
    wanted = {"by": "ad", "basis": "click", "window": "7"}
    assert visit.search() == wanted
    await expect(page.get_by_role("main")).to_contain_text("on the day of the click that earned it")
    await page.reload()
    await visit.settle()
    await expect(page.get_by_role("combobox", name="Visits within")).to_have_value("7")
    await page.go_back()
    await page.go_back()
    await visit.settle()
    assert visit.search() == {"by": "ad"}


async def test_every_line_leads_to_what_is_behind_it(open_page: OpenPage) -> None:
    visit = await open_page("/roi?model=linear")
    page = visit.page
    table = page.get_by_role("region", name="campaigns", exact=True)
    await expect(table.get_by_role("link", name="Unattributed")).to_have_attribute("href", re.compile("/coverage"))
    first = table.get_by_role("row").nth(1).get_by_role("link")
    name = await first.inner_text()
    await first.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(name)
    assert visit.search()["model"] == "linear", "the rule of credit goes along"


async def test_the_export_has_exactly_the_lines_that_are_chosen(open_page: OpenPage) -> None:
    visit = await open_page("/roi?platform=meta&order=-revenue")
    page = visit.page
    table = page.get_by_role("region", name="campaigns", exact=True)
    shown = await table.get_by_role("row").count() - 1
    async with page.expect_download() as started:
        await table.get_by_role("button", name="Export CSV").click()
    lines = (await (await started.value).path()).read_text(encoding="utf-8-sig").strip().splitlines()
    assert len(lines) - 1 == shown > 0
    at = lines[0].split(",").index("revenue_minor")
    amounts = [int(line.split(",")[at]) for line in lines[1:]]
    assert amounts == sorted(amounts, reverse=True)


async def test_a_missing_rate_is_named_and_leads_to_the_rates(open_page: OpenPage) -> None:
    visit = await open_page(None)

    async def answer(route: Any) -> None:
        response = await route.fetch()
        body = await response.json()
        body["missing_rates"] = ["USD"]
        for line in body["roi"]:
            if line["platform"] == "meta":
                line |= {"spend": None, "spend_minor": None, "roas": None, "cac": None}
        await route.fulfill(response=response, json=body)

    await visit.page.route("**/admin/ad-planning/roi?*", answer)
    await visit.go("/roi?platform=meta")
    said = visit.page.get_by_role("status").filter(has_text="USD")
    await expect(said).to_contain_text("The rate from USD to INR is missing")
    await expect(said.get_by_role("link", name="Add exchange rates")).to_be_visible()
    table = visit.page.get_by_role("region", name="campaigns", exact=True)
    assert set(await column(table, "Spend")) == {"–"}
    assert await visit.axe() == []


async def test_errors_nothing_and_no_permission_each_look_different(open_page: OpenPage) -> None:
    visit = await open_page(None)
    page = visit.page
    broken = True

    async def answer(route: Any) -> None:
        if broken:
            await route.fulfill(status=500, content_type="application/problem+json", json=BROKEN)
            return
        response = await route.fetch()
        await route.fulfill(response=response, json={**await response.json(), "roi": []})

    await page.route("**/admin/ad-planning/roi?*", answer)
    await page.goto(visit.site.url("/roi"))
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text("inc_7")
    broken = False
    await alert.get_by_role("button", name="Try again").click()
    await expect(page.get_by_text("Nothing was spent or earned in this period")).to_be_visible()
    await expect(page.get_by_text("No line has a figure for ROAS")).to_be_visible()
    await page.route("**/ui/manifest", lambda route: route.fulfill(json={"groups": [], "pages": [], "widgets": []}))
    await page.reload()
    await expect(page.get_by_text("Your account may not open this page")).to_be_visible()
