"""Five questions of a marketer, each answered within eight clicks from the dashboard, and answered rightly."""

from __future__ import annotations

import csv
import re
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.ui.counting import Clicks
from tests.ui.surveying import ask
from tests.ui.visiting import OpenPage, Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
async def dashboard(open_page: OpenPage) -> Visit:
    """Where each question starts."""
    return await open_page("/")


async def answer(visit: Visit, path: str) -> Any:
    """What the API says."""
    return await ask(visit.page.context.request, visit.site, path)


def sidebar(page: Page, name: str) -> Locator:
    """The link to a page."""
    return page.get_by_role("navigation", name="Ad planning").get_by_role("link", name=name, exact=True)


def figure(text: str) -> float:
    """A figure as it is written, in any grouping and currency; the minus too."""
    found = re.search(r"[-−+]?[^\d\s]?([\d,]+(\.\d+)?)", text)
    assert found is not None, text
    return float(found[1].replace(",", "")) * (-1 if found[0][0] in "-−" else 1)


async def last_month(visit: Visit) -> str:
    """The store's last calendar month, as the API takes it."""
    today = date.fromisoformat((await answer(visit, "/dashboard"))["dashboard"]["period"]["to_date"])
    end = today.replace(day=1) - timedelta(days=1)
    return f"from_date={end.replace(day=1)}&to_date={end}"


async def shown_days(visit: Visit) -> str:
    """The days that pages show unless others are chosen."""
    period = (await answer(visit, "/dashboard"))["dashboard"]["period"]
    return f"from_date={period['from_date']}&to_date={period['to_date']}"


async def test_which_campaign_paid_back_last_month(dashboard: Visit) -> None:
    page, clicks = dashboard.page, await Clicks.of(dashboard.page)
    await sidebar(page, "ROI").click()
    await expect(page.get_by_role("heading", name="ROI", level=1)).to_be_visible()
    await dashboard.settle()
    await page.get_by_role("button", name=re.compile("^Period")).click()
    await page.get_by_role("button", name=re.compile("^Last month")).click()
    await page.get_by_role("columnheader", name="ROAS", exact=True).get_by_role("button").click()
    await dashboard.settle()
    table = page.get_by_role("table").filter(has=page.get_by_role("columnheader", name="Campaign"))
    shown = [await row.inner_text() for row in await table.locator("tbody tr").all()]
    clicks.within()

    lines = (await answer(dashboard, f"/roi?by=campaign&{await last_month(dashboard)}"))["roi"]
    paid = sorted((each for each in lines if (each["roas"] or 0) >= 1), key=lambda each: -each["roas"])
    assert [text.split("\n")[0].split("\t")[0].strip() for text in shown if "(pays back)" in text.split("\t")[4]] == [
        each["name"] for each in paid
    ]
    best = max((each for each in lines if each["roas"] is not None), key=lambda each: each["roas"])
    assert f"{best['roas']:.2f}×" in shown[0]
    assert best["name"] in shown[0]


async def test_why_an_order_is_credited_so(dashboard: Visit) -> None:
    asked = f"conversion_type=purchase&limit=40&{await shown_days(dashboard)}"
    bought = await answer(dashboard, f"/conversions?{asked}")
    details = [(await answer(dashboard, f"/conversions/{each['id']}"))["conversion"] for each in bought["conversions"]]
    order = max(details, key=lambda each: len(each["attribution"]["touches"]) if each["attribution"] else 0)
    touches = {each["id"]: each for each in order["attribution"]["touches"]}
    assert touches, "No order of the history has a touch: there is nothing to be credited."

    page, clicks = dashboard.page, await Clicks.of(dashboard.page)
    await page.locator("main").get_by_role("link", name="Orders", exact=True).click()
    search = page.get_by_role("searchbox").or_(page.get_by_placeholder("Order")).first
    await search.click()
    await search.fill(str(order["order_id"]))
    await expect(page.get_by_role("button", name=re.compile(": open$"))).to_have_count(1)
    await page.get_by_role("button", name=re.compile(": open$")).click()
    drawer = page.get_by_role("dialog", name="Conversion")
    for model, label in (("last_non_direct", "Last non-direct"), ("linear", "Linear"), ("first_click", "First click")):
        await drawer.get_by_role("tab", name=label).click()
        path = drawer.get_by_role("list", name=re.compile(f"by {label}"))
        steps = [await step.inner_text() for step in await path.get_by_role("listitem").all()]
        (credit,) = [each["credit"] for each in order["attribution"]["models"] if each["model"] == model]
        weights = {each["touch_id"]: each["weight"] for each in credit}
        shares = [float(found[1]) for step in steps if (found := re.search(r"([\d.]+)\s?%", step))]
        expected = [round(100 * weights.get(each, 0), 1) for each in touches]
        assert sorted(shares) == pytest.approx(sorted(expected), abs=0.1), steps
        for each, weight in weights.items():
            if weight and touches.get(each, {}).get("campaign_name"):
                assert any(touches[each]["campaign_name"] in step for step in steps)
    clicks.within()


async def test_which_orders_are_missing_and_why(dashboard: Visit) -> None:
    coverage = (await answer(dashboard, "/coverage"))["coverage"]
    most = max(coverage["lost"], key=lambda each: each["orders"])
    assert most["orders"], "No order of the history is missing: there is nothing to be found."
    cause = most["cause"].replace("_", " ").capitalize()
    page, clicks = dashboard.page, await Clicks.of(dashboard.page)
    await page.get_by_role("link", name="See the orders").or_(sidebar(page, "Coverage")).first.click()
    causes = page.get_by_role("main")
    for each in coverage["lost"]:
        if each["orders"]:
            await expect(causes.get_by_text(each["meaning"]).first).to_be_visible()
    await page.get_by_role("button", name=re.compile(f"^See these.*{cause}|^See this.*{cause}")).click()
    await dashboard.settle()
    orders = page.get_by_role("region", name="orders").locator("tbody tr")
    await expect(orders).to_have_count(most["orders"])
    said = [await row.inner_text() for row in await orders.all()]
    clicks.within()

    listed = (await answer(dashboard, f"/coverage/orders?cause={most['cause']}"))["orders"]
    assert {each["order_id"] for each in listed} == {
        found for each in listed for row in said if (found := each["order_id"]) in row
    }
    assert all(each["sentence"].rstrip(".") in "\n".join(said) for each in listed)


async def test_why_meta_says_another_number(dashboard: Visit) -> None:
    (meta,) = (await answer(dashboard, "/discrepancies?by=platform&platform=meta"))["discrepancies"]
    page, clicks = dashboard.page, await Clicks.of(dashboard.page)
    await sidebar(page, "ROI").click()
    await page.get_by_role("group", name="Lines by").get_by_role("button", name="Platforms").click()
    why = page.get_by_role("button", name="Why does Meta say something else?")
    claimed = figure(await page.get_by_role("cell").filter(has=why).inner_text())
    await why.click()
    drawer = page.get_by_role("dialog", name=re.compile("^Why does Meta"))
    await expect(drawer.get_by_text("This store counts").first).to_be_visible()
    sides = [await each.inner_text() for each in await drawer.locator("dl > div").all()]
    steps = [await each.inner_text() for each in await drawer.locator("figure li").all()]
    clicks.within()

    assert claimed == meta["claimed"]["conversions"]
    assert [figure(side.split("\n")[1]) for side in sides] == [
        meta[side]["conversions"] for side in ("claimed", "ours", "difference")
    ]
    assert len(steps) == len(meta["parts"]) + 2
    for part, step in zip(meta["parts"], steps[1:-1], strict=True):
        assert part["title"] in step
        assert part["sentence"].rstrip(".") in step
        written = "Not known" if part["conversions"] is None else f"{abs(part['conversions']):,.0f}"
        assert step.split("\n")[-1].lstrip("-−+") == written, step
    assert sum(part["conversions"] or 0 for part in meta["parts"]) == meta["difference"]["conversions"]


async def test_these_rows_are_exported(dashboard: Visit, tmp_path: Path) -> None:
    page, clicks = dashboard.page, await Clicks.of(dashboard.page)
    await page.locator("main").get_by_role("link", name="Orders", exact=True).click()
    await page.get_by_role("combobox", name="Platform").select_option("google")
    await page.get_by_role("columnheader", name="Value").get_by_role("button").click()
    await dashboard.settle()
    async with page.expect_download() as started:
        await page.get_by_role("button", name="Export CSV").click()
    clicks.within()

    await (await started.value).save_as(tmp_path / "rows.csv")
    with (tmp_path / "rows.csv").open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    asked = f"conversion_type=purchase&platform=google&order=-value&limit=200&{await shown_days(dashboard)}"
    wanted: list[Any] = []
    while True:
        part = await answer(dashboard, f"/conversions?{asked}&offset={len(wanted)}")
        wanted += part["conversions"]
        if len(wanted) >= part["count"]:
            break
    assert len(rows) > 1
    assert [row["id"] for row in rows] == [each["id"] for each in wanted]
    assert [float(row["conversion_value"]) for row in rows] == [float(each["value"]) for each in wanted]
