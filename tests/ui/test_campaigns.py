"""Campaigns: the list and one of them, from the figures down to the orders behind them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import quote

import pytest
from playwright.async_api import expect

from tests.ui.visiting import THEMES, WIDTHS, OpenPage, Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]
BROKEN = {"title": "Internal error", "status": 500, "code": "internal", "detail": "It broke.", "incident": "inc_7"}


async def asked(visit: Visit, path: str) -> dict[str, Any]:
    """What the API says to the same visitor."""
    answer = await visit.page.context.request.get(f"{visit.site.origin}/admin/ad-planning{path}")
    assert answer.ok, await answer.text()
    return await answer.json()


async def the_costliest(visit: Visit) -> dict[str, Any]:
    """The campaign with most spend of the last 30 days."""
    return (await asked(visit, "/ad-campaigns?limit=1&order=-spend"))["ad_campaigns"][0]


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_campaign_is_accessible_at_every_width_and_in_every_theme(open_page: OpenPage, width: int) -> None:
    visit = await open_page("/campaigns", width=width)
    await visit.go(f"/campaigns/{(await the_costliest(visit))['id']}?tab=touches")
    await visit.page.get_by_role("button", name="Open all").click()
    await visit.check("campaign", themes=THEMES)


async def test_the_list_says_what_paid_back_and_leads_to_it(open_page: OpenPage) -> None:
    visit = await open_page("/campaigns?range=last_90_days&order=-roas")
    page = visit.page
    table = await page.get_by_role("table").inner_text()
    said = [(float(roas), word) for roas, word in re.findall(r"([\d.]+)×\s+\((pays back|does not pay back)\)", table)][
        :-1
    ]
    assert said
    assert all((word == "pays back") == (roas >= 1) for roas, word in said), said
    assert said == sorted(said, reverse=True)
    first = page.get_by_role("row").nth(1)
    name = await first.get_by_role("link").first.inner_text()
    await first.get_by_role("link").first.click()
    await expect(page.get_by_role("heading", level=1)).to_have_text(name)
    await visit.settle()
    assert visit.search()["range"] == "last_90_days", "the period goes along"
    await page.get_by_role("link", name="Campaigns").last.click()
    await visit.settle()
    assert visit.search() == {"range": "last_90_days"}


async def test_without_spend_there_is_no_return_on_it(open_page: OpenPage) -> None:
    visit = await open_page("/campaigns")
    row = visit.page.get_by_role("row").filter(has_text="Monsoon Colours")
    cells = await row.get_by_role("cell").all_inner_texts()
    heads = await visit.page.get_by_role("columnheader").all_inner_texts()
    assert dict(zip(heads, cells, strict=True))["ROAS"] == "–"


async def test_filters_survive_reload_and_back_and_the_export_has_what_they_leave(open_page: OpenPage) -> None:
    visit = await open_page("/campaigns")
    page = visit.page
    await page.get_by_role("combobox", name="Platform").select_option(label="Meta")
    await page.get_by_role("combobox", name="Status").select_option(label="Active")
    await page.get_by_role("combobox", name="Credit by").select_option(label="Credit by linear")
    await page.get_by_role("button", name="Revenue", exact=True).click()
    await visit.settle()
    wanted = {"platform": "meta", "status": "active", "model": "linear", "order": "-revenue"}
    assert visit.search() == wanted
    await page.reload()
    await visit.settle()
    shown = await page.get_by_role("navigation", name="Pages").inner_text()
    async with page.expect_download() as started:
        await page.get_by_role("button", name="Export CSV").click()
    lines = (await (await started.value).path()).read_text(encoding="utf-8-sig").strip().splitlines()
    names = lines[0].split(",")
    found = re.search(r"of ([\d,]+)", shown)
    assert found is not None
    assert len(lines) - 1 == int(found[1]) > 0
    assert {line.split(",")[names.index("platform")] for line in lines[1:]} == {"meta"}
    await page.go_back()
    await visit.settle()
    assert "order" not in visit.search()
    await page.get_by_role("searchbox").fill("no such campaign")
    await expect(page.get_by_text("No campaigns match these filters")).to_be_visible()
    await page.get_by_role("button", name="Clear filters").click()
    await visit.settle()
    assert visit.search() == {"model": "linear"}


async def test_columns_are_chosen_and_kept_in_the_address(open_page: OpenPage) -> None:
    visit = await open_page("/campaigns")
    page = visit.page
    await page.get_by_role("button", name="Columns").click()
    await page.get_by_role("menuitemcheckbox", name="Account's zone").click()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("columnheader", name="Account's zone")).to_be_visible()
    await page.reload()
    await expect(page.get_by_role("columnheader", name="Account's zone")).to_be_visible()
    await expect(page.get_by_role("cell", name="America/Los_Angeles").first).to_be_visible()


async def test_the_figures_of_a_campaign_are_the_apis_and_name_its_zone_and_currency(open_page: OpenPage) -> None:
    visit = await open_page("/campaigns?platform=meta")
    campaign = (await asked(visit, "/ad-campaigns?platform=meta&limit=1"))["ad_campaigns"][0]
    await visit.go(f"/campaigns/{campaign['id']}")
    main = visit.page.get_by_role("main")
    await expect(main).to_contain_text(f"{campaign['roas']:.2f}×")
    await expect(main).to_contain_text(f"counts its days in {campaign['account_zone']}")
    await expect(main).to_contain_text(f"bills in {campaign['account_currency']}")
    detail = (await asked(visit, f"/ad-campaigns/{campaign['id']}"))["ad_campaign"]
    models = visit.page.get_by_role("region", name="Credit by model")
    await expect(models.get_by_role("listitem")).to_have_count(len(detail["models"]))


async def test_a_model_is_chosen_where_all_of_them_stand(open_page: OpenPage) -> None:
    visit = await open_page("/campaigns")
    campaign = await the_costliest(visit)
    await visit.go(f"/campaigns/{campaign['id']}")
    page = visit.page
    await page.get_by_role("button", name="First click", exact=True).click()
    await visit.settle()
    assert visit.search() == {"model": "first_click"}
    await expect(page.get_by_role("combobox", name="Credit by")).to_have_value("first_click")
    first = (await asked(visit, f"/ad-campaigns/{campaign['id']}?model=first_click"))["ad_campaign"]
    await expect(page.get_by_role("main")).to_contain_text(f"{first['roas']:.2f}×")


async def test_ad_sets_open_to_their_ads_and_stay_open(open_page: OpenPage) -> None:
    visit = await open_page("/campaigns")
    detail = (await asked(visit, f"/ad-campaigns/{(await the_costliest(visit))['id']}"))["ad_campaign"]
    await visit.go(f"/campaigns/{detail['id']}")
    table = visit.page.get_by_role("table", name="Ad sets and ads")
    sets = len(detail["ad_sets"])
    await expect(table.get_by_role("row")).to_have_count(sets + 2)
    opener = table.get_by_role("button").first
    await opener.press("Enter")
    await expect(opener).to_have_attribute("aria-expanded", "true")
    await expect(table.get_by_role("row")).to_have_count(sets + 2 + len(detail["ad_sets"][0]["ads"]))
    await visit.page.reload()
    await expect(opener).to_have_attribute("aria-expanded", "true")


async def test_a_figure_leads_to_its_orders_and_an_order_to_its_credit(open_page: OpenPage) -> None:
    visit = await open_page("/campaigns")
    campaign = await the_costliest(visit)
    await visit.go(f"/campaigns/{campaign['id']}")
    page = visit.page
    await page.get_by_role("tab", name="Visits that it brought").click()
    await visit.settle()
    assert visit.search() == {"tab": "touches"}
    await expect(page.get_by_role("region", name="visits", exact=True)).to_be_visible()
    await page.get_by_role("tab", name="Credited orders").click()
    orders = page.get_by_role("region", name="credited orders")
    await orders.get_by_role("button", name="Credited").click()
    await visit.settle()
    top = (await asked(visit, f"/ad-campaigns/{campaign['id']}/orders?order=-credited&limit=1"))["orders"][0]
    link = orders.get_by_role("row").nth(1).get_by_role("link")
    await expect(link).to_have_text(top["order_id"])
    await link.click()
    await page.wait_for_url(f"**/conversions/{top['conversion_id']}*")


async def test_what_another_plugin_knows_of_a_campaign_has_a_card(open_page: OpenPage) -> None:
    visit = await open_page("/campaigns")
    campaign = await the_costliest(visit)

    async def answer(route: Any) -> None:
        response = await route.fetch()
        body = await response.json()
        body["ad_campaign"]["sections"] = {"loyalty_club": {"members": 12}, "nothing": None}
        await route.fulfill(response=response, json=body)

    await visit.page.route(f"**/ad-campaigns/{campaign['id']}?*", answer)
    await visit.go(f"/campaigns/{campaign['id']}")
    card = visit.page.get_by_role("region", name="Loyalty club")
    await expect(card).to_contain_text("Members")
    await expect(card).to_contain_text("12")
    await expect(visit.page.get_by_role("region", name="Nothing", exact=True)).to_have_count(0)


async def test_an_address_without_a_campaign_leads_back(open_page: OpenPage) -> None:
    visit = await open_page("/campaigns/none%2Fsuch")
    await visit.page.get_by_role("link", name="See all campaigns").click()
    await expect(visit.page.get_by_role("heading", name="Campaigns", level=1)).to_be_visible()


async def test_text_that_looks_like_markup_or_a_formula_stays_text(open_page: OpenPage) -> None:
    visit = await open_page(None)
    page = visit.page
    name = '=1+1<img src=x onerror="boom">'

    async def answer(route: Any) -> None:
        response = await route.fetch()
        body = await response.json()
        body["ad_campaigns"][0] |= {"name": name, "id": "a/b?c"}
        await route.fulfill(response=response, json=body)

    await page.route("**/admin/ad-planning/ad-campaigns?*", answer)
    await visit.go("/campaigns")
    link = page.get_by_role("link", name=name)
    await expect(link).to_have_attribute("href", re.compile(re.escape(quote("a/b?c", safe=""))))
    assert visit.errors == []


async def test_errors_nothing_and_no_permission_each_look_different(open_page: OpenPage) -> None:
    visit = await open_page(None, email="viewer@example.com")
    page = visit.page
    broken = True

    async def answer(route: Any) -> None:
        if broken:
            await route.fulfill(status=500, content_type="application/problem+json", json=BROKEN)
            return
        response = await route.fetch()
        await route.fulfill(response=response, json={**await response.json(), "ad_campaigns": [], "count": 0})

    await page.route("**/admin/ad-planning/ad-campaigns?*", answer)
    await page.goto(visit.site.url("/campaigns"))
    alert = page.get_by_role("alert")
    await expect(alert).to_contain_text("inc_7")
    broken = False
    await alert.get_by_role("button", name="Try again").click()
    await expect(page.get_by_text("No campaign is known yet")).to_be_visible()
    assert await visit.axe() == []
    await page.unroute("**/admin/ad-planning/ad-campaigns?*")
    await page.reload()
    await expect(page.get_by_role("row").nth(1)).to_be_visible()
    await page.route("**/ui/manifest", lambda route: route.fulfill(json={"groups": [], "pages": [], "widgets": []}))
    await page.reload()
    await expect(page.get_by_text("Your account may not open this page")).to_be_visible()
