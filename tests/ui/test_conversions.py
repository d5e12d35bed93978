"""Conversions: figures that follow the filters, credit by model and window; entering, changing, deleting by hand."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from playwright.async_api import Locator, Page, Request, expect

from tests.ui.visiting import THEMES, WIDTHS, OpenPage, Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]

API = "/admin/ad-planning"


async def ask(visit: Visit, method: str, path: str, body: Any = None) -> Any:
    """What the admin API answers to whoever visits."""
    requests, origin = visit.page.context.request, visit.site.origin
    me = await (await requests.get(f"{origin}{API}/me")).json()
    answer = await requests.fetch(
        f"{origin}{API}{path}", method=method, data=body, headers={"x-csrf-token": me["csrf_token"]}
    )
    assert answer.ok, await answer.text()
    return await answer.json()


async def enter(visit: Visit, **fields: Any) -> dict[str, Any]:
    """A conversion of one's own, made by the API."""
    given = {"conversion_type": "custom", "conversion_value": "10", "currency": "INR", **fields}
    return (await ask(visit, "POST", "/conversions", given))["conversion"]


def tile(page: Page, title: str) -> Locator:
    """The figure under a title."""
    return page.locator("main").get_by_text(title, exact=True).locator("xpath=../..").locator("span.figure").first


@pytest.mark.parametrize("width", WIDTHS)
async def test_list_detail_and_form_are_accessible_and_quiet(open_page: OpenPage, width: int) -> None:
    visit = await open_page("/conversions?more=1", width=width)
    await visit.check("conversions-filters", themes=THEMES)
    await visit.page.get_by_role("button", name="Enter a conversion").click()
    await visit.page.get_by_role("button", name="More fields").click()
    await visit.check("conversions-form", themes=THEMES)
    [row] = (await ask(visit, "GET", "/conversions?conversion_type=purchase&limit=1"))["conversions"]
    await visit.go(f"/conversions/{row['id']}")
    await visit.check("conversion-page", themes=THEMES)


async def test_rows_name_the_source_and_the_campaign_that_attribution_found(open_page: OpenPage) -> None:
    visit = await open_page("/conversions?type=purchase&figures=0&range=last_90_days")
    page = visit.page
    rows = (await ask(visit, "GET", "/conversions?conversion_type=purchase&limit=100"))["conversions"]
    row = next(each for each in rows if each["campaign_name"] and each["source"] == "google")
    await page.get_by_role("searchbox", name="Search conversions").fill(row["order_id"])
    await expect(page.get_by_text("1 – 1 of 1")).to_be_visible()
    cells = page.get_by_role("row").nth(1)
    await expect(cells.get_by_text("Google", exact=True).first).to_be_visible()
    await expect(cells.get_by_role("link", name=row["campaign_name"])).to_have_attribute(
        "href", re.compile(rf"/campaigns/{row['ad_campaign_id']}$")
    )


async def test_figures_follow_the_filters_and_all_of_it_survives_back_and_reload(open_page: OpenPage) -> None:
    visit = await open_page("/conversions")
    page = visit.page
    whole = (await tile(page, "Conversions").inner_text()).replace(",", "")
    asked: list[str] = []

    def note(sent: Request) -> None:
        if "/conversions/stats" in sent.url and "group_by" in sent.url:
            asked.append(sent.url.partition("?")[2])

    page.on("request", note)
    await page.get_by_role("list", name="By type").get_by_role("button", name=re.compile("Purchase")).click()
    await visit.settle()
    stats = await ask(visit, "GET", f"/conversions/stats?{asked[-1]}")
    assert "conversion_type=purchase" in asked[-1]
    assert stats["total_conversions"] < int(whole)
    await expect(tile(page, "Conversions")).to_have_text(f"{stats['total_conversions']:,}")
    await page.get_by_role("combobox", name="Group by").select_option("campaign")
    await page.get_by_role("combobox", name="Measure").select_option("value")
    await page.get_by_role("button", name="More filters").click()
    await page.get_by_role("textbox", name="From INR").fill("2000")
    await visit.settle()
    wanted = {"type": "purchase", "chart": "campaign", "measure": "value", "more": "1", "min": "2000"}
    await expect(page).to_have_url(re.compile("min=2000"))
    assert wanted.items() <= visit.search().items()
    await page.reload()
    await visit.settle()
    assert wanted.items() <= visit.search().items()
    await expect(page.get_by_role("textbox", name="From INR")).to_have_value("2000")
    await expect(page.get_by_role("combobox", name="Group by")).to_have_value("campaign")
    await page.go_back()
    await visit.settle()
    assert "more" not in visit.search()
    assert visit.errors == []


async def test_credit_is_told_by_model_and_window_and_sums_to_the_value(open_page: OpenPage) -> None:
    visit = await open_page(None)
    found: dict[str, Any] | None = None
    for row in (await ask(visit, "GET", "/conversions?conversion_type=purchase&limit=100"))["conversions"]:
        credit = (await ask(visit, "GET", f"/conversions/{row['id']}/credit?window=90"))["credit"]
        if credit and len(credit["touches"]) > 2:
            found = row
            break
    assert found is not None
    await visit.go(f"/conversions/{found['id']}")
    page = visit.page
    for name in ("Linear", "First click", "Position based"):
        await page.get_by_role("tab", name=name).click()
        timeline = page.get_by_role("list", name=re.compile("Touches with their credit"))
        parts = [amount(text) for text in await timeline.locator("p.figure > :first-child").all_inner_texts()]
        assert round(sum(parts), 2) == float(found["value"]), name
    await page.get_by_role("combobox", name="Lookback window").select_option("1")
    await visit.settle()
    short = (await ask(visit, "GET", f"/conversions/{found['id']}/credit?window=1"))["credit"]
    steps = page.get_by_role("list", name=re.compile("Touches with their credit")).get_by_role("listitem")
    unattributed = sum(
        each["unattributed"]
        for each in next(model for model in short["models"] if model["model"] == "position_based")["credit"]
    )
    await expect(steps).to_have_count(len(short["touches"]) + unattributed + 1)
    assert visit.search() == {"tab": "position_based", "lookback": "1"}


def amount(text: str) -> float:
    """₹1,23,456.78 as a number."""
    return float(re.sub(r"[^0-9.]", "", text.split("\n", maxsplit=1)[0]))


async def test_entering_changing_and_deleting_a_conversion(open_page: OpenPage) -> None:
    visit = await open_page("/conversions?figures=0")
    page = visit.page
    keys: list[str | None] = []

    def note(sent: Request) -> None:
        if sent.method == "POST":
            keys.append(sent.headers.get("idempotency-key"))

    page.on("request", note)
    await page.get_by_role("button", name="Enter a conversion").click()
    form = page.get_by_role("dialog", name="Enter a conversion")
    await form.get_by_label("Type").select_option("custom")
    await form.get_by_label("Value").fill("12,50")
    await form.get_by_role("button", name="Enter it").click()
    await expect(form.get_by_text("An amount such as 500 or 49.90")).to_be_visible()
    await expect(form.get_by_label("Value")).to_have_attribute("aria-invalid", "true")
    assert keys == []
    await form.get_by_label("Value").fill("12.50")
    await form.get_by_label("Currency").fill("ZZZ")
    await form.get_by_role("button", name="Enter it").click()
    await expect(form.get_by_label("Currency")).to_have_attribute("aria-invalid", "true")
    await form.get_by_label("Currency").fill("INR")
    await form.get_by_label("Source (utm_source)").fill("<b>fair</b>")
    await form.get_by_label("Properties").fill("note = =1+1")
    await form.get_by_role("button", name="Enter it").click()
    drawer = page.get_by_role("dialog", name="Conversion")
    await expect(drawer.get_by_text("₹12.50").first).to_be_visible()
    await expect(drawer.get_by_text("<b>fair</b>").first).to_be_visible()
    await expect(drawer.get_by_text("=1+1")).to_be_visible()
    assert len(keys) == 2
    assert all(keys)
    assert keys[0] != keys[1], "another content is another request"
    made = visit.search()["open"]

    await drawer.get_by_role("button", name="Edit", exact=True).click()
    edit = page.get_by_role("dialog", name="Edit the conversion")
    await edit.get_by_label("Value").fill("20")
    await ask(
        visit,
        "PUT",
        f"/conversions/{made}",
        {"version": 1, "utm_medium": "stall", "conversion_value": "15", "currency": "INR"},
    )
    await edit.get_by_role("button", name="Save").click()
    stale = page.get_by_role("dialog", name="Somebody changed this while you were editing")
    await expect(stale.get_by_role("row", name=re.compile(r"Value 20 15\.00"))).to_be_visible()
    assert await visit.axe() == []
    await stale.get_by_role("button", name="Save mine over it").click()
    await expect(drawer.get_by_text("₹20.00").first).to_be_visible()

    await drawer.get_by_role("button", name="Delete").click()
    await page.get_by_role("button", name="Delete the conversion").click()
    await expect(page.get_by_text("Conversion deleted")).to_be_visible()
    await expect(drawer).to_have_count(0)
    await visit.go(f"/conversions/{made}")
    await expect(page.get_by_role("heading", name="Conversion not found")).to_be_visible()


async def test_what_mirrors_an_order_says_so_and_takes_notes_only(open_page: OpenPage) -> None:
    visit = await open_page(None)
    [row] = (await ask(visit, "GET", "/conversions?origin=order&limit=1"))["conversions"]
    await visit.go(f"/conversions/{row['id']}")
    page = visit.page
    await expect(page.get_by_text(f"This mirrors order {row['order_id']}")).to_be_visible()
    await expect(page.get_by_role("button", name="Delete")).to_have_count(0)
    await page.get_by_role("button", name="Add notes").click()
    await page.get_by_role("textbox", name="Notes").fill("seen by = Asha")
    await page.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Asha")).to_be_visible()
    assert visit.errors == []


async def test_who_may_only_read_sees_everything_and_changes_nothing(open_page: OpenPage) -> None:
    visit = await open_page("/conversions", email="viewer@example.com")
    await expect(visit.page.get_by_role("button", name="Enter a conversion")).to_have_count(0)
    await visit.page.get_by_role("button", name=re.compile(": open$")).first.click()
    drawer = visit.page.get_by_role("dialog", name="Conversion")
    await expect(drawer.get_by_text("Credit", exact=True)).to_be_visible()
    await expect(drawer.get_by_role("button", name=re.compile("^(Edit|Delete|Add notes)$"))).to_have_count(0)
    assert visit.errors == []


async def test_errors_and_emptiness_say_what_to_do_next(open_page: OpenPage) -> None:
    visit = await open_page(None)
    page = visit.page
    broken = True

    async def answer(route: Any) -> None:
        if not broken:
            return await route.continue_()
        problem = {
            "title": "The database is down",
            "status": 500,
            "code": "internal_error",
            "detail": "Try again soon.",
        }
        return await route.fulfill(status=500, content_type="application/problem+json", body=json.dumps(problem))

    await page.route(re.compile(r"/admin/ad-planning/conversions\?"), answer)
    await visit.go("/conversions?figures=0")
    await expect(page.get_by_role("alert")).to_contain_text("internal_error")
    broken = False
    await page.get_by_role("button", name="Try again").click()
    await expect(page.get_by_role("alert")).to_have_count(0)
    await visit.go("/conversions?from=2001-01-01&to=2001-01-31")
    await expect(page.get_by_text("No conversions in this period")).to_be_visible()
    await visit.go("/conversions?q=nothing-is-called-so")
    await page.get_by_role("button", name="Clear filters").click()
    await expect(page.get_by_text(re.compile(r"1 – 25 of"))).to_be_visible()
    assert visit.search() == {}


async def test_the_export_holds_exactly_what_is_filtered(open_page: OpenPage) -> None:
    visit = await open_page("/conversions?type=lead_form_submission&figures=0")
    page = visit.page
    count = int((await page.get_by_text(re.compile(r"of [\d,]+$")).first.inner_text()).split("of ")[1].replace(",", ""))
    async with page.expect_download() as waiting:
        await page.get_by_role("button", name="Export CSV").click()
    text = (await (await waiting.value).path()).read_text()
    lines = text.strip().splitlines()
    assert len(lines) == count + 1
    assert {"source", "campaign_name"} <= set(lines[0].split(","))
    assert all("lead_form_submission" in line for line in lines[1:])
