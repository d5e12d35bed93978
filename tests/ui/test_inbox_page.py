"""The inbox: names without a campaign are decided with one press, what moved is shown, and all of it is undone."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Route, expect

from tests.ui.asking import ask
from tests.ui.visiting import THEMES, WIDTHS, OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]
NAME = "weddingszn|wedding_szn"


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_group_is_accessible_and_quiet(open_page: OpenPage, width: int) -> None:
    visit = await open_page("/attribution/inbox", width=width)
    await visit.page.get_by_role("button", name=re.compile(f"^({NAME}).*open$")).click()
    await expect(visit.page.get_by_role("dialog")).to_contain_text("Which campaign is meant?")
    await visit.settle()
    await visit.check("inbox-group", themes=THEMES)


async def test_a_name_on_two_websites_says_which_is_which(open_page: OpenPage) -> None:
    visit = await open_page(None)

    async def twice(route: Route) -> None:
        answer = await route.fetch()
        body = await answer.json()
        first = body["inbox"][0]
        body["inbox"] = [{**first, "key": f"{first['key']}{site}", "website_id": site} for site in ("11", "12")]
        await route.fulfill(response=answer, json=body)

    await visit.page.route("**/attribution/inbox?*", twice)
    await visit.go("/attribution/inbox")
    for site in ("11", "12"):
        row = visit.page.get_by_role("row").filter(has_text=f"Website {site}")
        await expect(row.get_by_role("button", name=re.compile(f"Website {site}, .* visits: open$"))).to_have_count(1)


async def test_attribution_leads_to_the_inbox_with_the_number_that_waits(open_page: OpenPage) -> None:
    visit = await open_page("/attribution")
    waiting = (await ask(visit, "GET", "/attribution/inbox?limit=1"))["count"]
    await visit.page.get_by_role("main").get_by_role("link", name=f"Inbox ({waiting})").click()
    await expect(visit.page.get_by_role("heading", name="Inbox", level=1)).to_be_visible()
    await expect(visit.page.get_by_role("tab", name=f"Open ({waiting})")).to_be_visible()


async def test_an_approval_shows_what_moved_and_is_undone(open_page: OpenPage) -> None:
    visit = await open_page("/attribution/inbox")
    page = visit.page
    before = await ask(visit, "GET", "/attribution/stats?conversion_type=purchase")
    waiting = (await ask(visit, "GET", "/attribution/inbox?suggested=true"))["inbox"]
    group = next(each for each in waiting if each["at_stake"] and each["at_stake"][0]["credit_minor"] > 0)
    name, campaign = group["name"], group["suggestion"]["campaign"]
    await page.get_by_label("Search names").fill(name)
    await page.get_by_role("button", name=re.compile(f"^{re.escape(name)}.*open$")).click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text(f"Most like {campaign}")
    await dialog.get_by_role("button", name="Approve").click()
    status = page.get_by_role("status").filter(has_text="visits changed")
    await expect(status).to_contain_text(f"means {campaign}", timeout=60_000)
    await expect(status.get_by_role("link", name=campaign)).to_be_visible()
    await expect(status).to_contain_text(re.compile(r"\+₹[\d,.]+: why\?.*₹[\d,.]+ → ₹[\d,.]+"))
    await expect(page.get_by_text("No names match these filters")).to_be_visible()
    moved = await ask(visit, "GET", "/attribution/stats?conversion_type=purchase")
    assert moved != before

    await page.get_by_role("tab", name="Decisions").click()
    row = page.get_by_role("row").filter(has_text=campaign).first
    await expect(row).to_contain_text("In force")
    await row.get_by_role("button", name=re.compile("^Undo")).click()
    await expect(page.get_by_role("status").filter(has_text="Taken back:")).to_be_visible(timeout=60_000)
    await expect(row).to_contain_text("Taken back")
    assert await ask(visit, "GET", "/attribution/stats?conversion_type=purchase") == before


async def test_a_name_is_ignored_and_comes_back(open_page: OpenPage) -> None:
    visit = await open_page("/attribution/inbox?q=tofu")
    page = visit.page
    await page.get_by_role("button", name=re.compile("^sarees.tofu.*open$", re.IGNORECASE)).click()
    await page.get_by_role("dialog").get_by_role("button", name="It is no campaign").click()
    status = page.get_by_role("status").filter(has_text="Ignored:")
    await expect(status).to_contain_text("means no campaign", timeout=60_000)
    await page.get_by_role("tab", name="Ignored").click()
    await expect(page.get_by_role("button", name=re.compile("^sarees.tofu", re.IGNORECASE))).to_be_visible()
    await status.get_by_role("button", name="Undo").click()
    await expect(page.get_by_role("status").filter(has_text="is back in the inbox")).to_be_visible(timeout=60_000)
    await expect(page.get_by_text("Nothing is ignored")).to_be_visible()


async def test_filters_stand_in_the_address_and_survive_back_and_reload(open_page: OpenPage) -> None:
    visit = await open_page("/attribution/inbox")
    page = visit.page
    await page.get_by_label("Platform", exact=True).select_option("google")
    await expect(page.get_by_role("button", name=re.compile("^shopping.all.*open$", re.IGNORECASE))).to_be_visible()
    await page.get_by_role("tab", name="Matched by likeness").click()
    await page.go_back()
    await visit.settle()
    assert visit.search() == {"platform": "google"}
    await page.reload()
    await visit.settle()
    await expect(page.get_by_label("Platform", exact=True)).to_have_value("google")


async def test_who_may_not_write_sees_and_decides_nothing(open_page: OpenPage) -> None:
    visit = await open_page("/attribution/inbox", email="viewer@example.com")
    page = visit.page
    await expect(page.get_by_role("table")).to_be_visible()
    assert await page.get_by_role("button", name=re.compile("^Approve")).count() == 0
    await page.get_by_role("button", name=re.compile(f"^({NAME}).*open$")).click()
    await expect(page.get_by_role("dialog")).to_contain_text("Most like")
    assert await page.get_by_role("dialog").get_by_role("combobox").count() == 0


async def test_a_refused_decision_says_why(open_page: OpenPage) -> None:
    visit = await open_page("/attribution/inbox")
    page = visit.page

    async def refuse(route: Route) -> None:
        problem = {"type": "about:blank", "title": "Not found", "status": 404, "detail": "It was decided meanwhile."}
        await route.fulfill(status=404, json=problem, content_type="application/problem+json")

    await page.route("**/attribution/inbox/*/approve", refuse)
    await page.get_by_role("button", name=re.compile("^Approve: ")).first.click()
    await expect(page.get_by_text("It was decided meanwhile.")).to_be_visible()
