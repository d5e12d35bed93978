"""Attribution: sums lead to the visits behind them, models stand side by side, visits are matched and assigned."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

import pytest
from playwright.async_api import Route, expect

from tests.ui.asking import ask
from tests.ui.visiting import THEMES, WIDTHS, YEAR, OpenPage, Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]
VIEWS = [("models", "attribution-models"), ("touches", "attribution-visits")]


async def unmatched_visit(visit: Visit) -> dict[str, object]:
    listed = await ask(visit, "GET", "/attribution?resolution_method=unresolved&limit=1")
    return listed["attributions"][0]


async def open_visit(open_page: OpenPage, touch: dict[str, object]) -> Visit:
    return await open_page(f"/attribution?view=touches&{YEAR}&method=unresolved&open={touch['id']}")


@pytest.mark.parametrize(("view", "name"), VIEWS)
async def test_each_view_is_accessible_and_quiet(open_page: OpenPage, view: str, name: str) -> None:
    visit = await open_page(f"/attribution?view={view}")
    await visit.check(name, widths=WIDTHS, themes=THEMES)


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_visit_and_the_dialog_of_a_bulk_run_are_accessible(open_page: OpenPage, width: int) -> None:
    visit = await open_page("/attribution?view=touches&converted=true", width=width)
    page = visit.page
    await page.get_by_role("button", name=re.compile(": open$")).first.click()
    await expect(page.get_by_role("heading", name="What it led to")).to_be_visible()
    await visit.settle()
    await visit.check("attribution-visit", themes=THEMES)
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="More ways to match visits").click()
    await page.get_by_role("menuitem", name=re.compile("in the background")).click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await visit.check("attribution-bulk", themes=THEMES)


async def test_a_sum_leads_to_exactly_the_visits_behind_it(open_page: OpenPage) -> None:
    visit = await open_page("/attribution?by=channel&range=last_90_days")
    page = visit.page
    link = page.get_by_role("link", name=re.compile("visits of Paid Search"))
    await link.click()
    await visit.settle()
    assert visit.search() == {
        "view": "touches", "converted": "true", "channel": "Paid Search", "range": "last_90_days",
    }  # fmt: skip
    await page.reload()
    await visit.settle()
    await expect(page.get_by_role("combobox", name="Channel")).to_have_value("Paid Search")
    await expect(page.get_by_role("table").get_by_text("No", exact=True)).to_have_count(0)
    await page.go_back()
    await visit.settle()
    assert visit.search() == {"by": "channel", "range": "last_90_days"}


async def test_a_visit_leads_to_its_order_and_its_visitors_other_visits(open_page: OpenPage) -> None:
    visit = await open_page("/attribution?view=touches&converted=true&channel=Paid+Search&range=last_90_days")
    page = visit.page
    await page.get_by_role("button", name=re.compile(": open$")).first.click()
    await expect(page.get_by_role("heading", name="What it led to")).to_be_visible()
    await page.get_by_role("button", name="All their visits").click()
    await visit.settle()
    assert set(visit.search()) == {"view", "range", "visitor"}
    await page.get_by_role("button", name=re.compile("^Take away visitor")).click()
    await visit.settle()
    assert "visitor" not in visit.search()


async def test_model_and_window_go_along_to_other_pages(open_page: OpenPage) -> None:
    visit = await open_page("/attribution")
    page = visit.page
    await page.get_by_role("combobox", name="Credit by").select_option("first_click")
    await page.get_by_role("combobox", name="Visits within").select_option("7")
    await visit.settle()
    assert visit.search() == {"model": "first_click", "window": "7"}
    await expect(page.get_by_text("All of it to the first visit.")).to_be_visible()
    await page.get_by_role("link", name="ROI", exact=True).last.click()
    await visit.settle()
    assert urlsplit(page.url).path.endswith("/roi")
    assert visit.search() == {"model": "first_click", "window": "7"}


async def test_every_model_stands_beside_the_others_and_says_where_it_differs(open_page: OpenPage) -> None:
    visit = await open_page("/attribution?view=models&by=channel&range=last_90_days")
    page = visit.page
    heads = await page.get_by_role("columnheader").all_inner_texts()
    assert heads[1:7] == ["Last click", "First click", "Linear", "Time decay", "Position based", "Last non-direct"]
    await expect(page.get_by_text("depends most on the model")).to_be_visible()
    await page.get_by_role("combobox", name="Group").select_option("campaign")
    await page.get_by_role("combobox", name="Figure").select_option("roas")
    await visit.settle()
    await expect(page.get_by_role("cell", name=re.compile(r"^\d+\.\d\d× \(")).first).to_be_visible()
    async with page.expect_download() as started:
        await page.get_by_role("button", name="Export CSV").click()
    head = (await (await started.value).path()).read_text(encoding="utf-8-sig").splitlines()[0]
    assert "first_click_net" in head.split(",")


async def test_a_visit_is_assigned_by_hand_and_that_is_undone(open_page: OpenPage) -> None:
    first = await open_page(f"/attribution?view=touches&method=unresolved&{YEAR}")
    touch = await unmatched_visit(first)
    visit = await open_visit(open_page, touch)
    page = visit.page
    drawer = page.get_by_role("dialog", name="Visit")
    await drawer.get_by_role("combobox", name="Campaign").fill("Brand")
    await drawer.get_by_role("option", name="Brand", exact=True).click()
    await drawer.get_by_role("button", name="Assign", exact=True).click()
    await expect(drawer.get_by_text("Assigned by hand")).to_be_visible()
    await expect(drawer.get_by_role("link", name="Brand", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Undo").click()
    await expect(drawer.get_by_text("No match", exact=True)).to_be_visible()
    after = (await ask(visit, "GET", f"/attribution/{touch['id']}"))["attribution"]
    assert (after["resolution_method"], after["ad_campaign_id"]) == ("unresolved", None)


async def test_an_assignment_that_came_in_between_is_shown_beside_ones_own(open_page: OpenPage) -> None:
    first = await open_page(f"/attribution?view=touches&method=unresolved&{YEAR}")
    touch = await unmatched_visit(first)
    visit = await open_visit(open_page, touch)
    page = visit.page
    campaigns = (await ask(visit, "GET", "/ad-campaigns?q=Retargeting&show=all"))["ad_campaigns"]
    await ask(visit, "PUT", f"/attribution/{touch['id']}", {"ad_campaign_id": campaigns[0]["id"]})
    drawer = page.get_by_role("dialog", name="Visit")
    await drawer.get_by_role("combobox", name="Campaign").fill("Brand")
    await drawer.get_by_role("option", name="Brand", exact=True).click()
    await drawer.get_by_role("button", name="Assign", exact=True).click()
    stale = page.get_by_role("dialog", name=re.compile("Somebody changed this"))
    await expect(stale.get_by_role("row", name=re.compile("Campaign Brand"))).to_be_visible()
    await stale.get_by_role("button", name="Save mine over it").click()
    await expect(drawer.get_by_role("link", name="Brand", exact=True)).to_be_visible()
    await drawer.get_by_role("button", name="Take the assignment back").click()
    await expect(drawer.get_by_text("No match", exact=True)).to_be_visible()


async def test_matching_now_says_what_came_of_it(open_page: OpenPage) -> None:
    visit = await open_page("/attribution")
    await visit.page.get_by_role("button", name="Match visits", exact=True).click()
    await expect(visit.page.get_by_text(re.compile("visits matched|looked up already"))).to_be_visible()


async def test_a_bulk_run_shows_its_progress_also_after_a_reload(open_page: OpenPage) -> None:
    visit = await open_page("/attribution")
    page = visit.page
    await page.get_by_role("button", name="More ways to match visits").click()
    await page.get_by_role("menuitem", name=re.compile("in the background")).click()
    await page.get_by_role("button", name="Start").click()
    await expect(page.get_by_text(re.compile("^(Matching visits|Done: )"))).to_be_visible()
    assert visit.search()["work"].startswith("work_")
    await page.reload()
    await expect(page.get_by_text(re.compile("^Done: "))).to_be_visible(timeout=60_000)
    await page.get_by_role("button", name="Hide the progress").click()
    await expect(page.get_by_text(re.compile("^Done: "))).to_be_hidden()
    assert visit.search() == {}


async def test_who_may_only_read_sees_the_figures_and_no_action(open_page: OpenPage) -> None:
    visit = await open_page("/attribution?view=touches", email="viewer@example.com")
    page = visit.page
    await expect(page.get_by_role("button", name="Match visits")).to_have_count(0)
    await page.get_by_role("button", name=re.compile(": open$")).first.click()
    await expect(page.get_by_role("heading", name="What it led to")).to_be_visible()
    await expect(page.get_by_role("button", name="Assign", exact=True)).to_have_count(0)


async def test_a_period_without_conversions_says_what_to_do(open_page: OpenPage) -> None:
    visit = await open_page("/attribution?from=2001-01-01&to=2001-01-31")
    await expect(visit.page.get_by_text("No orders in this period")).to_be_visible()
    await visit.go("/attribution?view=touches&from=2001-01-01&to=2001-01-31&channel=Email")
    await expect(visit.page.get_by_text("No visits match these filters")).to_be_visible()
    await visit.check("attribution-empty")


async def test_a_failure_of_the_server_is_said_with_its_code_and_tried_again(open_page: OpenPage) -> None:
    visit = await open_page(None)
    page = visit.page
    broken = True

    async def answer(route: Route) -> None:
        if not broken:
            await route.continue_()
            return
        problem = {
            "type": "about:blank",
            "title": "It broke",
            "status": 500,
            "detail": "Nothing works.",
            "code": "broken",
        }
        await route.fulfill(status=500, json=problem, content_type="application/problem+json")

    await page.route("**/attribution/stats?*", answer)
    await visit.go("/attribution")
    await expect(page.get_by_role("alert")).to_contain_text("broken")
    broken = False
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("heading", name="What brought the orders")).to_be_visible()
