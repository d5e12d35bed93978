"""Reconciliation: credit beside the ledger, each order that stands apart, and how much credit rests on."""

from __future__ import annotations

import json
import re

import pytest
from playwright.async_api import Route, expect

from tests.ui.visiting import THEMES, WIDTHS, OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]
APART = {
    "orders": [
        {
            "order_id": "77", "conversion_id": None, "placed_at": "2026-11-01T10:00:00Z", "day": "2026-11-01",
            "cause": "no_conversion", "meaning": "The order was not read yet.", "currency": "INR", "gross": "100.00",
            "gross_minor": 10000, "refunds": "0.00", "refunds_minor": 0, "counted_currency": None,
            "counted_gross": None, "counted_gross_minor": None, "counted_refunds": None,
            "counted_refunds_minor": None, "credited_gross": None, "credited_gross_minor": None,
            "credited_refunds": None, "credited_refunds_minor": None,
        }
    ],
    "count": 1, "offset": 0, "limit": 10,
}  # fmt: skip


async def test_quality_is_accessible_and_quiet(open_page: OpenPage) -> None:
    visit = await open_page("/attribution/reconciliation?view=quality")
    await visit.check("quality", widths=WIDTHS, themes=THEMES)


async def test_the_history_reconciles_and_quality_is_one_step_away(open_page: OpenPage) -> None:
    visit = await open_page("/attribution?range=last_90_days")
    page = visit.page
    await page.get_by_role("main").get_by_role("link", name="Reconciliation").click()
    await expect(page.get_by_text(re.compile("every one is credited, to the last unit"))).to_be_visible()
    await expect(page.get_by_text("Every order reconciles")).to_be_visible()
    assert visit.search() == {"range": "last_90_days"}
    await page.get_by_role("tab", name="Quality").click()
    await expect(page.get_by_role("heading", name="Coverage by day")).to_be_visible()
    await expect(page.get_by_text("Matched to a campaign").first).to_be_visible()
    await page.go_back()
    await expect(page.get_by_text("Every order reconciles")).to_be_visible()


async def test_an_order_that_stands_apart_says_why(open_page: OpenPage) -> None:
    visit = await open_page(None, width=390)

    async def answer(route: Route) -> None:
        await route.fulfill(body=json.dumps(APART), content_type="application/json")

    await visit.page.route("**/attribution/reconciliation/orders*", answer)
    await visit.go("/attribution/reconciliation")
    await expect(visit.page.get_by_text("The order was not read yet.")).to_be_visible()
    await visit.check("reconciliation-apart")


async def test_a_failure_says_so_and_an_empty_period_too(open_page: OpenPage) -> None:
    visit = await open_page("/attribution/reconciliation?from=2001-01-01&to=2001-01-02")
    await expect(visit.page.get_by_text("No orders in this period")).to_be_visible()
    failed = await open_page(None)
    await failed.page.route("**/attribution/quality*", lambda route: route.fulfill(status=500, body="{}"))
    await failed.go("/attribution/reconciliation?view=quality")
    await expect(failed.page.get_by_role("button", name=re.compile("again", re.IGNORECASE)).first).to_be_visible()
