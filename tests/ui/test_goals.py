"""Goals: written with a live preview, told in words, switched, changed beside somebody else, deleted; or only read."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Locator, Page, Request, expect

from tests.ui.test_conversions import ask
from tests.ui.visiting import THEMES, WIDTHS, OpenPage, Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]


async def add(form: Locator, kind: str) -> None:
    """Another condition."""
    await form.get_by_role("button", name="Add a condition").click()
    await form.page.get_by_role("menuitem", name=kind).click()


def preview(page: Page) -> Locator:
    """What is said to match, where it can be seen."""
    return page.get_by_role("region", name="Preview").filter(visible=True)


async def make(visit: Visit, **fields: Any) -> dict[str, Any]:
    """A goal, made by the API."""
    given = {"name": "Saree seen", "goal_type": "page_view", "conditions": {"pathname_pattern": "/products/indigo*"}}
    return (await ask(visit, "POST", "/goals", {**given, **fields}))["goal"]


@pytest.mark.parametrize("width", WIDTHS)
async def test_builder_and_page_are_accessible_and_quiet(open_page: OpenPage, width: int) -> None:
    visit = await open_page("/goals", width=width)
    page = visit.page
    await page.get_by_role("button", name="New goal").click()
    form = page.get_by_role("dialog", name="New goal")
    await add(form, "Page")
    await add(form, "Another condition")
    await form.get_by_role("button", name="Create the goal").click()
    await expect(form.get_by_text("Give it a name.")).to_be_visible()
    await visit.settle()
    await visit.check("goals-builder", themes=THEMES)
    [goal] = (await ask(visit, "GET", "/goals?goal_type=add_to_cart&limit=1"))["goals"]
    await visit.go(f"/goals/{goal['id']}")
    await visit.check("goal", themes=THEMES)


async def test_a_goal_is_written_with_a_live_preview_and_lives_at_its_own_address(open_page: OpenPage) -> None:
    visit = await open_page("/goals")
    page = visit.page
    keys: list[str | None] = []

    def note(sent: Request) -> None:
        if sent.method == "POST" and sent.url.endswith("/goals"):
            keys.append(sent.headers.get("idempotency-key"))

    page.on("request", note)
    await page.get_by_role("button", name="New goal").click()
    form = page.get_by_role("dialog", name="New goal")
    await add(form, "Page")
    await form.get_by_label("Page", exact=True).fill("/products/*")
    wanted = {"name": "x", "goal_type": "page_view", "conditions": {"pathname_pattern": "/products/*"}}
    found = (await ask(visit, "POST", "/goals/preview", wanted))["preview"]
    assert found["count"] > 0
    await expect(preview(page)).to_contain_text(f"{found['count']:,} events")
    await expect(preview(page)).to_contain_text(found["sample"][0]["path"])
    await form.get_by_label("Name", exact=True).fill("A product <i>seen</i>")
    await form.get_by_label("Value of a hit").fill("2.50")
    await form.get_by_label("Priority").fill("7")
    await form.get_by_role("button", name="Create the goal").click()
    await expect(page.get_by_role("heading", name="A product <i>seen</i>")).to_be_visible()
    assert len(keys) == 1
    assert keys[0]
    await expect(page.get_by_text("Page is /products/*")).to_be_visible()
    await expect(page.get_by_text("₹2.50")).to_be_visible()
    await page.get_by_role("button", name="Delete", exact=True).click()
    await page.get_by_role("button", name="Delete the goal").click()
    await expect(page).to_have_url(re.compile("/goals$"))
    await expect(page.get_by_text("A product <i>seen</i>")).to_have_count(0)
    assert visit.errors == []


async def test_what_is_wrong_stands_beside_its_condition_before_and_after_the_answer(open_page: OpenPage) -> None:
    visit = await open_page("/goals")
    page = visit.page
    await page.get_by_role("button", name="New goal").click()
    form = page.get_by_role("dialog", name="New goal")
    await form.get_by_label("Name", exact=True).fill("Deep readers")
    await form.get_by_label("What counts").select_option("scroll_depth")
    await add(form, "Scrolled, at least (%)")
    await form.get_by_role("button", name="Create the goal").click()
    field = form.get_by_label("Scrolled, at least (%)", exact=True)
    await expect(form.get_by_text("Fill this in, or take the condition away.")).to_be_visible()
    await expect(field).to_be_focused()
    await field.fill("200")
    await expect(form.get_by_text("This must be a number from 0 to 100.")).to_be_visible()
    await expect(field).to_have_attribute("aria-invalid", "true")
    await field.fill("50")
    await expect(field).not_to_have_attribute("aria-invalid", "true")
    await form.get_by_label("What counts").select_option("custom")
    await form.get_by_role("button", name="Take away: Scrolled, at least (%)").click()
    await expect(preview(page)).to_contain_text("would count every event")
    await add(form, "Another condition")
    condition = form.get_by_role("group", name="Conditions")
    await condition.get_by_label("Another condition", exact=True).select_option("properties.<name>")
    await condition.get_by_label("Property's name").fill("plan")
    await condition.get_by_label("Comparison").select_option("gte")
    await condition.get_by_label("Compared with").fill("many")
    await expect(condition.get_by_text("This must be a number.")).to_be_visible()
    await condition.get_by_label("Compared with").fill("3")
    await expect(preview(page)).to_contain_text("Would have matched in the last 30 days")
    await form.get_by_label("What counts").select_option("purchase")
    await condition.get_by_label("Another condition", exact=True).select_option("sales_channel")
    await condition.get_by_label("Compared with").fill("online")
    await condition.get_by_label("Comparison").select_option("eq")
    await expect(preview(page)).to_contain_text(re.compile(r"[\d,]+ orders"))


async def test_a_stale_edit_shows_both_versions(open_page: OpenPage) -> None:
    visit = await open_page(None)
    goal = await make(visit)
    await visit.go(f"/goals/{goal['id']}")
    page = visit.page
    await page.get_by_role("button", name="Edit", exact=True).click()
    form = page.get_by_role("dialog", name="Edit Saree seen")
    await form.get_by_label("Name", exact=True).fill("Mine")
    theirs = {"version": 1, "conditions": {"pathname_pattern": "/products/*", "min_value": 500}}
    await ask(visit, "PUT", f"/goals/{goal['id']}", theirs)
    await form.get_by_role("button", name="Save").click()
    stale = page.get_by_role("dialog", name="Somebody changed this while you were editing")
    await expect(stale.get_by_role("row", name="Name Mine Saree seen")).to_be_visible()
    await expect(stale.get_by_role("row", name=re.compile(r"^Conditions .*indigo.*₹500"))).to_be_visible()
    await stale.get_by_role("button", name="Use the saved version").click()
    await expect(form.get_by_label("Name", exact=True)).to_have_value("Saree seen")
    await expect(form.get_by_label("Value, at least (INR)")).to_have_value("500")
    await form.get_by_label("Priority").fill("4")
    await form.get_by_role("button", name="Save").click()
    await expect(page.get_by_text("Goal saved")).to_be_visible()
    saved = (await ask(visit, "GET", f"/goals/{goal['id']}"))["goal"]
    assert (saved["priority"], saved["conditions"]["min_value"], saved["version"]) == (4, "500", 3)
    await ask(visit, "DELETE", f"/goals/{goal['id']}")


async def test_a_goal_is_switched_off_in_the_list_and_its_hits_lead_to_them(open_page: OpenPage) -> None:
    visit = await open_page(None)
    goal = await make(visit, name="Switched", goal_type="custom", conditions={"event_name": "never"})
    await visit.go("/goals?range=last_90_days")
    page = visit.page
    await page.get_by_role("switch", name="Switched is active").click()
    await expect(page.get_by_role("switch", name="Switched is active")).to_have_attribute("aria-checked", "false")
    assert (await ask(visit, "GET", f"/goals/{goal['id']}"))["goal"]["is_active"] is False
    row = page.get_by_role("row", name=re.compile("Add to cart"))
    hits = await row.get_by_role("link", name=re.compile(r"^[\d,]+$")).inner_text()
    await row.get_by_role("link", name=re.compile(r"^[\d,]+$")).click()
    await visit.settle()
    await expect(page.get_by_role("heading", name="Conversions", level=1)).to_be_visible()
    await expect(page.get_by_text(re.compile(rf"of (about )?{hits}$"))).to_be_visible()
    await page.go_back()
    await visit.settle()
    assert visit.search() == {"range": "last_90_days"}
    await page.get_by_role("combobox", name="Active").select_option("off")
    await visit.settle()
    await page.reload()
    await expect(page.get_by_role("button", name="Switched: open")).to_be_visible()
    await expect(page.get_by_role("button", name="Add to cart: open")).to_have_count(0)
    await ask(visit, "DELETE", f"/goals/{goal['id']}")
    assert visit.errors == []


async def test_who_may_only_read_sees_goals_and_their_preview(open_page: OpenPage) -> None:
    visit = await open_page("/goals", email="viewer@example.com")
    page = visit.page
    await expect(page.get_by_role("button", name="New goal")).to_have_count(0)
    await expect(page.get_by_role("switch").first).to_be_disabled()
    await page.get_by_role("button", name="Add to cart: open").click()
    await expect(preview(page)).to_contain_text("events")
    await expect(page.get_by_role("button", name=re.compile("^(Edit|Delete)$"))).to_have_count(0)
    await visit.go("/goals/goal_none")
    await expect(page.get_by_role("heading", name="Goal not found")).to_be_visible()
