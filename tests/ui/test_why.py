"""Why a platform says something else: the difference in causes that sum to it, beside each of its figures."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pytest
from playwright.async_api import Locator, expect

from tests.ui.test_campaigns import asked
from tests.ui.visiting import THEMES, WIDTHS, OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]
QUESTION = re.compile("^Why do")


def figures(texts: list[str]) -> list[Decimal]:
    return [Decimal(re.sub(r"[^\d.-]", "", text)) for text in texts if text.strip() != "Not known"]


async def steps(drawer: Locator) -> list[str]:
    """The amounts from what the store counts to what the platform claims."""
    return [await row.locator("p").last.inner_text() for row in await drawer.locator("figure ol > li").all()]


async def test_the_drawer_is_accessible_at_every_width_and_in_every_theme(open_page: OpenPage) -> None:
    visit = await open_page("/roi?why=all")
    await expect(visit.page.get_by_role("dialog", name="Why do the platforms say something else?")).to_be_visible()
    await visit.settle()
    await visit.check("why", widths=WIDTHS, themes=THEMES)


@pytest.mark.parametrize("measure", ["Conversions", "Value"])
async def test_the_parts_sum_to_what_the_platform_claims(open_page: OpenPage, measure: str) -> None:
    visit = await open_page("/campaigns?platform=meta")
    page = visit.page
    name = await page.get_by_role("row").nth(1).get_by_role("link").first.inner_text()
    await page.get_by_role("row").nth(1).get_by_role("button", name=QUESTION).click()
    drawer = page.get_by_role("dialog", name="Why does Meta say something else?")
    await drawer.get_by_role("tab", name=measure).click()
    await visit.settle()
    await expect(drawer).to_contain_text(name)
    first, *parts, last = figures(await steps(drawer))
    assert parts
    assert first + sum(parts) == last
    campaign = (await asked(visit, "/ad-campaigns?platform=meta&limit=1"))["ad_campaigns"][0]
    claimed = campaign["platform_conversions"] if measure == "Conversions" else campaign["platform_value"]
    assert last == Decimal(str(claimed))
    await expect(drawer.get_by_text("Not known").first).to_be_visible()
    await expect(drawer).to_contain_text("Views without a click")


async def test_the_platforms_window_is_chosen_and_kept_in_the_address(open_page: OpenPage) -> None:
    visit = await open_page("/roi?by=platform")
    page = visit.page
    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="Meta"))
    await row.get_by_role("button", name=QUESTION).click()
    drawer = page.get_by_role("dialog", name="Why does Meta say something else?")
    await expect(drawer).to_contain_text("within 7 days of a click (its default)")
    await drawer.get_by_role("combobox", name="Window of the platform").select_option("1")
    await expect(drawer).to_contain_text("within a day of a click")
    await page.reload()
    await expect(drawer).to_contain_text("within a day of a click")
    assert {key: visit.search()[key] for key in ("why", "why_window")} == {"why": "platform:meta", "why_window": "1"}
    first, *parts, last = figures(await steps(drawer))
    assert first + sum(parts) == last


async def test_escape_gives_the_focus_back_to_the_question(open_page: OpenPage) -> None:
    visit = await open_page("/campaigns")
    question = visit.page.get_by_role("button", name=QUESTION).first
    await question.focus()
    await visit.page.keyboard.press("Enter")
    drawer = visit.page.get_by_role("dialog", name=QUESTION)
    await expect(drawer.locator("figure")).to_be_visible()
    await visit.page.keyboard.press("Escape")
    await expect(drawer).to_be_hidden()
    await expect(question).to_be_focused()
    assert visit.search() == {}


async def test_all_platforms_lead_to_each_and_to_the_orders_that_cannot_be_joined(open_page: OpenPage) -> None:
    visit = await open_page("/roi")
    page = visit.page
    await page.get_by_role("button", name=re.compile("Why is it not what we count")).click()
    drawer = page.get_by_role("dialog", name=QUESTION)
    await expect(drawer.get_by_role("link", name="See these orders")).to_have_attribute("href", re.compile("/coverage"))
    await drawer.get_by_role("button", name="Why does Google say something else?").click()
    await expect(page.get_by_role("dialog", name="Why does Google say something else?")).to_be_visible()


async def test_a_campaigns_claim_leads_to_the_question(open_page: OpenPage) -> None:
    visit = await open_page("/campaigns?platform=google")
    await visit.page.get_by_role("row").nth(1).get_by_role("link").first.click()
    await visit.page.get_by_role("button", name=re.compile("^Why not .* Why does Google say")).click()
    drawer = visit.page.get_by_role("dialog", name="Why does Google say something else?")
    await expect(drawer).to_contain_text("What weighs most")
    async with visit.page.expect_download() as started:
        await drawer.get_by_role("button", name="Export CSV").click()
    text = (await (await started.value).path()).read_text(encoding="utf-8-sig")
    assert "not_explained_conversions" in text.splitlines()[0]
    assert len(text.strip().splitlines()) == 2


async def test_what_a_platform_does_not_tell_is_said_and_never_zero(open_page: OpenPage) -> None:
    visit = await open_page(None)

    async def answer(route: Any) -> None:
        response = await route.fetch()
        body = await response.json()
        none = {"conversions": None, "value": None, "value_minor": None}
        line = body["discrepancies"][0]
        line |= {"state": "insufficient_data", "claimed": none, "difference": none}
        line["missing"] = [
            "Meta gives no conversions for this period.",
            "A rate is missing: add it under exchange rates.",
        ]
        line["parts"] = [{**part, **none} for part in line["parts"]]
        await route.fulfill(response=response, json=body)

    await visit.page.route("**/discrepancies?*", answer)
    await visit.go("/roi?why=platform:meta")
    drawer = visit.page.get_by_role("dialog", name=QUESTION)
    await expect(drawer.get_by_role("status").first).to_contain_text("Meta gives no conversions")
    await expect(drawer.get_by_role("link", name="Add exchange rates")).to_be_visible()
    await expect(drawer).to_contain_text("How far the two are apart is not known")
    assert (await steps(drawer))[-1] == "Not known"


async def test_errors_and_nothing_to_compare_are_said(open_page: OpenPage) -> None:
    visit = await open_page(None)
    broken = {"title": "Internal error", "status": 500, "code": "internal", "detail": "It broke.", "incident": "inc_9"}
    await visit.page.route(
        "**/discrepancies?*",
        lambda route: route.fulfill(status=500, content_type="application/problem+json", json=broken),
    )
    await visit.page.goto(visit.site.url("/roi?why=all"))
    drawer = visit.page.get_by_role("dialog", name=QUESTION)
    await expect(drawer.get_by_role("alert")).to_contain_text("inc_9")
    await visit.page.unroute("**/discrepancies?*")
    await drawer.get_by_role("button", name="Try again").click()
    await expect(drawer.locator("figure")).to_be_visible()
    await visit.go("/roi?why=campaign:nobody")
    await expect(drawer.get_by_text("There is nothing to compare in these days")).to_be_visible()
