"""Coverage: which orders are missing, why, what to do; each figure opens its orders, and each order its conversion."""

from __future__ import annotations

import csv
import re

import pytest
from playwright.async_api import Page, expect

from tests.ui.visiting import THEMES, WIDTHS, YEAR, OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]
EMPTY = "/coverage?from=2001-01-01&to=2001-01-31"
BROKEN = {"title": "Internal error", "status": 500, "code": "internal", "detail": "It broke.", "incident": "inc_1"}


def count_of(text: str) -> int:
    found = re.search(r"of ([\d,]+)", text)
    assert found is not None, text
    return int(found[1].replace(",", ""))


def pager(page: Page):  # type: ignore[no-untyped-def]
    return page.get_by_role("navigation", name="Pages")


@pytest.mark.parametrize("width", WIDTHS)
async def test_it_is_accessible_and_quiet_at_every_width_and_in_every_theme(open_page: OpenPage, width: int) -> None:
    visit = await open_page("/coverage", width=width)
    await visit.page.get_by_role("combobox", name="Show").select_option(label="Orders by cause")
    await visit.page.get_by_role("button", name="Show Orders from all to joined as a table").click()
    await visit.settle()
    await visit.check("coverage-causes", themes=THEMES)


async def test_the_missing_orders_stand_first_and_a_cause_opens_its_own(open_page: OpenPage) -> None:
    visit = await open_page(f"/coverage?{YEAR}")
    page = visit.page
    lost = count_of(await pager(page).inner_text())
    causes = page.get_by_role("button", name=re.compile(r"^See .* order"))
    said = await causes.all_inner_texts()
    figures = {text.split(": ")[1]: int(re.sub(r"\D", "", text.split(":")[0]) or 1) for text in said}
    joined = figures.pop("joined")
    assert sum(figures.values()) == lost > 0
    assert joined > lost
    await causes.filter(has_text="No consent").click()
    await visit.settle()
    assert visit.search()["cause"] == "no_consent"
    assert count_of(await pager(page).inner_text()) == figures["No consent"]
    rows = page.get_by_role("row").filter(has_text="No consent")
    await expect(rows.first).to_contain_text("The shopper declined to be measured")
    await page.go_back()
    await visit.settle()
    assert "cause" not in visit.search()
    assert count_of(await pager(page).inner_text()) == lost


async def test_an_order_leads_to_its_conversion(open_page: OpenPage) -> None:
    visit = await open_page(f"/coverage?{YEAR}&cause=joined")
    link = visit.page.get_by_role("row").nth(1).get_by_role("link")
    number = await link.inner_text()
    await link.click()
    await visit.page.wait_for_url("**/conversions/conv_*")
    await visit.settle()
    await expect(visit.page.locator("main")).to_contain_text(number)


async def test_filters_sorting_and_switches_survive_reload(open_page: OpenPage) -> None:
    visit = await open_page(f"/coverage?{YEAR}")
    page, days = visit.page, visit.search()
    await page.get_by_role("combobox", name="Cause").select_option(label="Blocked")
    await page.get_by_role("button", name="Revenue", exact=True).click()
    await page.get_by_role("combobox", name="Measure").select_option(label="Revenue")
    await page.get_by_role("combobox", name="Grouped").select_option(label="By month")
    await visit.settle()
    wanted = {**days, "cause": "blocked", "order": "-value", "measure": "revenue", "by": "month"}
    assert visit.search() == wanted
    await page.reload()
    await visit.settle()
    await expect(page.get_by_role("combobox", name="Cause")).to_have_value("blocked")
    await expect(page.get_by_role("columnheader", name="Revenue")).to_have_attribute("aria-sort", "descending")
    await expect(page.get_by_role("img", name=re.compile("by month"))).to_be_visible()
    await page.get_by_role("button", name="Clear").click()
    await visit.settle()
    assert "cause" not in visit.search()


async def test_the_export_has_exactly_the_orders_that_are_listed(open_page: OpenPage) -> None:
    visit = await open_page(f"/coverage?{YEAR}&cause=offline")
    count = count_of(await pager(visit.page).inner_text())
    async with visit.page.expect_download() as started:
        await visit.page.get_by_role("button", name="Export CSV").click()
    path = await (await started.value).path()
    rows = list(csv.DictReader(path.read_text(encoding="utf-8-sig").splitlines()))
    assert len(rows) == count > 0
    assert {row["cause"] for row in rows} == {"offline"}


async def test_a_search_that_finds_nothing_says_so_and_is_cleared(open_page: OpenPage) -> None:
    visit = await open_page(f"/coverage?{YEAR}")
    await visit.page.get_by_role("searchbox", name="Search by order number").fill("<b>no such</b>")
    await expect(visit.page.get_by_text("No orders match these filters")).to_be_visible()
    await visit.page.get_by_role("button", name="Clear filters").click()
    await expect(visit.page.get_by_role("row").nth(1)).to_be_visible()
    assert "q" not in visit.search()
    assert visit.errors == []


async def test_a_period_without_orders_says_what_to_do(open_page: OpenPage) -> None:
    visit = await open_page(EMPTY)
    await expect(visit.page.get_by_text("No orders in this period").first).to_be_visible()
    await visit.check("coverage-empty")


async def test_one_broken_part_leaves_the_others_standing_and_is_tried_again(open_page: OpenPage) -> None:
    visit = await open_page(None)
    broken = True

    async def answer(route) -> None:  # type: ignore[no-untyped-def]
        if broken:
            await route.fulfill(status=500, content_type="application/problem+json", json=BROKEN)
        else:
            await route.continue_()

    await visit.page.route("**/coverage/trend?*", answer)
    await visit.page.goto(visit.site.url("/coverage"))
    alert = visit.page.get_by_role("alert")
    await expect(alert).to_contain_text("inc_1")
    await expect(visit.page.get_by_role("row").nth(1)).to_be_visible()
    broken = False
    await alert.get_by_role("button", name="Try again").click()
    await expect(visit.page.get_by_role("img", name=re.compile("Share of orders"))).to_be_visible()


async def test_who_may_only_read_is_not_sent_where_they_may_not_go(open_page: OpenPage) -> None:
    visit = await open_page(None, email="viewer@example.com")
    page = visit.page

    async def without_settings(route) -> None:  # type: ignore[no-untyped-def]
        answer = await route.fetch()
        body = await answer.json()
        body["pages"] = [each for each in body["pages"] if each["key"] not in {"settings", "keys", "links"}]
        await route.fulfill(json=body)

    await page.route("**/ui/manifest", without_settings)
    await visit.go(f"/coverage?{YEAR}")
    await expect(page.get_by_text("This is the shopper's choice.")).to_be_visible()
    await expect(page.get_by_role("link", name="Consent settings")).to_have_count(0)
