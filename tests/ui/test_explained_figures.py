"""Each figure that is credit, or that credit is of, opens what is behind it: on each page, in tile, table and chart."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import expect

from tests.ui.asking import ask
from tests.ui.visiting import OpenPage, Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]

RETURNS = {"Revenue", "Total revenue", "ROAS", "New-customer ROAS", "New-cust. ROAS", "MER", "Orders", "CAC", "Margin",
           "New customers", "Cost per new customer", "Cost per order", "ROI", "Refunds"}  # fmt: skip
CREDITED = {"Credit", "Credited", "Value", "Revenue", "Refunded", "Share", "ROAS", "Without a visit", "Attributed",
            "Not attributed", "Converted", "Conversion rate"}  # fmt: skip
EXTRA = "hidden=%2Broi,%2Bcpa,%2Bnew,%2Brefunds,%2Bcac,%2Bnew_roas,%2Bmargin,%2Bcredit,%2Brefunded"
DAYS = "range=last_90_days"
PAGES: dict[str, set[str]] = {
    f"/?{DAYS}": RETURNS | {"Converted", "Conversion rate"},
    f"/metrics?{DAYS}": {*RETURNS, "Converted"} - {"Revenue"},
    f"/campaigns?{DAYS}&{EXTRA}": RETURNS,
    f"/roi?{DAYS}&{EXTRA}": RETURNS,
    f"/roi?{DAYS}&{EXTRA}&by=ad&basis=click&chart=revenue&model=linear": RETURNS,
    f"/roi?{DAYS}&by=channel&chart=cac&compare=true": RETURNS,
    f"/attribution?{DAYS}&by=campaign": CREDITED,
    f"/attribution?{DAYS}&by=channel&count=all": CREDITED,
    f"/attribution?{DAYS}&view=models&by=channel": {"MODELS"},
    f"/attribution?{DAYS}&view=touches&converted=true&{EXTRA}": CREDITED - {"Converted"},
    f"/attribution/models?{DAYS}&by=channel": {"MODELS"},
    f"/attribution/models?{DAYS}&by=platform&view=compare": {"MODELS"},
    f"/attribution/reconciliation?{DAYS}": CREDITED,
}
# Every tile, table cell and bar that is named so, with whether it has an explanation; what is not known has none. Two
# tables are of no credit: the orders by whether they are joined, and how alike the models' orders are.
FIGURES = """(names) => {
  const found = []
  const told = (element) => element.textContent.replace(/: why\\?.*$/s, "").trim()
  const add = (where, name, element) => {
    const text = element ? told(element) : ""
    if (!names.includes(name) || !text || /^[–-]$/.test(text)) return
    found.push({ where, name, text, has: Boolean(element.querySelector("[data-explains]")) })
  }
  const all = (selector, within = document) => [...within.querySelectorAll(selector)]
  for (const tile of all("[data-figure]")) add("tile", tile.dataset.figure, tile.querySelector(".figure"))
  for (const table of all("table")) {
    if (/^(orders by their visits|Rank correlation)$/.test(table.caption?.textContent ?? "")) continue
    const heads = all("thead th", table).map((head) => head.textContent.trim())
    for (const row of all("tbody tr, tfoot tr", table))
      [...row.children].forEach((cell, at) => add("table", heads[at], cell))
  }
  for (const chart of all("figure[data-measure]"))
    for (const bar of all("ul > li", chart))
      add("bar", chart.dataset.measure, bar.querySelector(".figure .font-medium"))
  return found
}"""


async def figures(visit: Visit, names: set[str]) -> list[dict[str, Any]]:
    """What is named so on the page as it stands; the charts' tables too."""
    if "MODELS" in names:
        models = await ask(visit, "GET", "/attribution/models")
        names = {each["label"] for each in models["models"]}
    found: list[dict[str, Any]] = await visit.page.evaluate(FIGURES, sorted(names))
    charts = visit.page.get_by_role("button", name=re.compile("^Show .* as a table$"))
    while await charts.count():
        await charts.first.click()
    return found + await visit.page.evaluate(FIGURES, sorted(names))


async def test_no_figure_of_credit_is_without_its_explanation(open_page: OpenPage) -> None:
    visit = await open_page(None)
    await visit.go("/attribution")
    campaigns = (await ask(visit, "GET", "/ad-campaigns?order=-revenue&limit=1"))["ad_campaigns"]
    campaign = f"/campaigns/{campaigns[0]['id']}?{DAYS}&sets=none"
    pages = PAGES | {campaign: RETURNS | CREDITED - {"Value", "Refunded"}, f"{campaign}&tab=touches": RETURNS}
    lacking: list[tuple[str, dict[str, Any]]] = []
    for path, names in pages.items():
        await visit.go(path)
        if path == campaign:
            await visit.page.get_by_role("button", name="Open all").click()
        found = await figures(visit, names)
        assert len(found) > 3, path
        lacking += [(path, each) for each in found if not each["has"]]
    assert lacking == []


async def test_a_ratio_says_how_it_follows_from_the_orders_behind_it(open_page: OpenPage) -> None:
    visit = await open_page(f"/roi?{DAYS}")
    page = visit.page
    drawer = page.get_by_role("dialog", name="What is behind this figure?")
    for tile, sentence in (
        ("ROAS", "of revenue ÷ .* of spend = "),
        ("CAC", "of spend ÷ .* new customers = "),
        ("Margin", "less that cost"),
    ):
        figure = page.locator(f"[data-figure='{tile}'] [data-explains]")
        written = re.split(r"[:\n]", await figure.inner_text())[0].strip()
        await figure.click()
        said = drawer.get_by_text(re.compile(sentence))
        await expect(said).to_be_visible()
        assert written in await said.inner_text()
        await page.keyboard.press("Escape")
        await expect(drawer).to_have_count(0)
    revenue = page.locator("[data-figure='Revenue'] [data-explains]")
    written = (await revenue.inner_text()).partition(":")[0].strip()
    await revenue.click()
    await expect(drawer.get_by_text(written).first).to_be_visible()
    await drawer.get_by_role("button", name=re.compile("^Order ")).first.click()
    await expect(page.get_by_role("dialog", name="Why this credit?").get_by_text("Who gets what")).to_be_visible()
    await page.reload()
    await page.get_by_role("button", name="All of the figure").click()
    await expect(drawer.get_by_text(written).first).to_be_visible()
    await visit.check("explain-report")


async def test_each_share_of_a_conversion_opens_its_explanation(open_page: OpenPage) -> None:
    visit = await open_page(None)
    await visit.go("/attribution")
    listed = await ask(visit, "GET", "/attribution/conversions?group_by=channel&kind=touch&limit=1&is_revenue=true")
    conversion = listed["conversions"][0]["conversion_id"]
    one = visit.page.get_by_role("dialog", name="Why this credit?")
    for path in (f"/conversions/{conversion}", f"/journeys?tab=conversions&open={conversion}"):
        await visit.go(path)
        await visit.page.get_by_role("button", name=re.compile("why\\? This share")).first.click()
        await expect(one.get_by_role("heading", name="Who gets what")).to_be_visible()


async def test_who_decided_is_called_by_name_and_the_money_that_moved_is_explained(open_page: OpenPage) -> None:
    visit = await open_page(None)
    await visit.go("/attribution/inbox")
    groups = (await ask(visit, "GET", "/attribution/inbox?order=-value&limit=50"))["inbox"]
    holding = next(each for each in groups if any(stake["credit_minor"] > 0 for stake in each["at_stake"]))
    campaign = (await ask(visit, "GET", "/ad-campaigns?limit=1"))["ad_campaigns"][0]["id"]
    approved = f"/attribution/inbox/{holding['key']}/approve"
    decided = (await ask(visit, "POST", approved, {"ad_campaign_id": campaign}))["alias"]
    try:
        await visit.go(f"/attribution/inbox?view=decisions&decided={decided['id']}")
        page = visit.page
        await expect(page.get_by_role("button", name="Undo", exact=True)).to_be_visible(timeout=30_000)
        row = page.locator("tbody tr").first
        await expect(row.get_by_text(re.compile(r" by (?!user)\w+ \w+"))).to_be_visible()
        await page.get_by_role("button", name=re.compile("why\\? What .* holds now")).first.click()
        await expect(
            page.get_by_role("dialog", name="What is behind this figure?").get_by_text("Credit")
        ).to_be_visible()
        # A visit that the decision moved names it, in the explanation of what it led to.
        asked = f"campaign={campaign}&resolution_method=fuzzy_name_match&converted=true&limit=200"
        touches = (await ask(visit, "GET", f"/attribution?{asked}"))["attributions"]
        touch = next(each["id"] for each in touches if each["resolution_reason"] == "alias")
        led = (await ask(visit, "GET", f"/attribution/{touch}/conversions?window=lifetime"))["conversions"][0]
        await visit.go(f"/attribution?explain=conversion:{led['conversion_id']}&explain_window=lifetime")
        why = page.get_by_role("dialog", name="Why this credit?")
        link = why.get_by_role("link", name=re.compile("approved|given this campaign")).first
        await expect(link).to_have_attribute("href", re.compile(f"decided={decided['id']}"))
        await visit.check("explain-decision")
    finally:
        await ask(visit, "POST", f"/attribution/aliases/{decided['id']}/revert")
