"""The frame: loads without an error, signs in by the host, keeps its address, stands inside the host's own admin."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from host_example.catalogue import PASSWORD
from tests.ui.visiting import THEMES, WIDTHS, OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_drawer_and_a_menu_are_accessible_while_they_are_open(open_page: OpenPage, width: int) -> None:
    visit = await open_page("/conversions", width=width)
    await visit.page.get_by_role("button", name=re.compile("Last 30 days")).click()
    await visit.check("period", themes=THEMES)
    await visit.page.keyboard.press("Escape")
    await visit.page.get_by_role("button", name=re.compile(": open$")).first.click()
    await expect(visit.page.get_by_role("dialog", name="Conversion")).to_be_visible()
    await visit.settle()
    await visit.check("conversion", themes=THEMES)


async def test_who_is_not_signed_in_comes_back_to_the_page_they_wanted(open_page: OpenPage) -> None:
    visit = await open_page(None, email=None)
    page = visit.page
    await page.goto(visit.site.url("/conversions?type=purchase"))
    await page.wait_for_url("**/app/login?next=**")
    await page.get_by_label("Email").fill("admin@example.com")
    await page.get_by_label("Password").fill("wrong")
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("alert")).to_have_text("Email or password is wrong.")
    await page.get_by_label("Email").fill("admin@example.com")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("heading", name="Conversions", level=1)).to_be_visible()
    assert visit.search() == {"type": "purchase"}


async def test_the_login_leads_to_no_other_site(open_page: OpenPage) -> None:
    visit = await open_page(None, email=None)
    page = visit.page
    await page.goto(f"{visit.site.origin}/app/login?next=//evil.example/app/")
    await page.get_by_label("Email").fill("admin@example.com")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await expect(page).to_have_url(f"{visit.site.origin}/app")


async def test_filters_survive_reload_and_back(open_page: OpenPage) -> None:
    visit = await open_page("/conversions")
    page = visit.page
    types = page.get_by_role("combobox", name="Type")
    await types.select_option(label="Purchase")
    await page.get_by_role("button", name="Value", exact=True).click()
    await visit.settle()
    assert visit.search() == {"type": "purchase", "order": "-value"}
    await page.reload()
    await visit.settle()
    await expect(types).to_have_value("purchase")
    await expect(page.get_by_role("columnheader", name="Value")).to_have_attribute("aria-sort", "descending")
    await page.go_back()
    await page.go_back()
    await visit.settle()
    await expect(types).to_have_value("")
    assert visit.search() == {}


async def test_the_period_is_chosen_by_key_and_kept_in_the_address(open_page: OpenPage) -> None:
    visit = await open_page("/")
    await visit.page.keyboard.press("d")
    await visit.page.keyboard.press("9")
    await visit.settle()
    assert visit.search() == {"range": "last_90_days"}
    await visit.page.reload()
    await expect(visit.page.get_by_role("button", name=re.compile("Last 90 days"))).to_be_visible()


async def test_the_export_has_exactly_what_is_filtered(open_page: OpenPage) -> None:
    visit = await open_page("/conversions?type=purchase&range=last_90_days")
    page = visit.page
    said = await page.get_by_role("navigation", name="Pages").inner_text()
    async with page.expect_download() as started:
        await page.get_by_role("button", name="Export CSV").click()
    path = await (await started.value).path()
    lines = path.read_text(encoding="utf-8-sig").strip().splitlines()
    found = re.search(r"of ([\d,]+)", said)
    assert found is not None
    assert len(lines) - 1 == int(found[1].replace(",", ""))
    kinds = {line.split(",")[lines[0].split(",").index("conversion_type")] for line in lines[1:]}
    assert kinds == {"purchase"}


async def test_the_keyboard_opens_a_row_and_comes_back_to_it(open_page: OpenPage) -> None:
    visit = await open_page("/conversions?type=purchase")
    opener = visit.page.get_by_role("button", name=re.compile(": open$")).first
    await opener.focus()
    await visit.page.keyboard.press("Enter")
    drawer = visit.page.get_by_role("dialog", name="Conversion")
    await expect(drawer.get_by_role("tab", name="Last click")).to_be_visible()
    await visit.page.keyboard.press("Escape")
    await expect(drawer).to_be_hidden()
    await expect(opener).to_be_focused()


async def test_a_missing_scope_hides_the_page_and_says_so(open_page: OpenPage) -> None:
    visit = await open_page("/", email="viewer@example.com")
    pages = visit.page.get_by_role("navigation", name="Ad planning")
    await expect(pages.get_by_role("link", name="Conversions")).to_be_visible()
    await visit.page.route(
        "**/ui/manifest", lambda route: route.fulfill(json={"groups": [], "pages": [], "widgets": []})
    )
    await visit.page.reload()
    await expect(visit.page.get_by_text("Your account may not open this page")).to_be_visible()


async def test_a_server_error_is_shown_with_its_code_and_tried_again(open_page: OpenPage) -> None:
    visit = await open_page(None)
    problem = {"title": "Internal error", "status": 500, "code": "internal", "detail": "It broke.", "incident": "inc_1"}
    broken = True

    async def answer(route) -> None:  # type: ignore[no-untyped-def]
        if broken:
            await route.fulfill(status=500, content_type="application/problem+json", json=problem)
        else:
            await route.continue_()

    await visit.page.route("**/conversions?*", answer)
    await visit.page.goto(visit.site.url("/conversions"))
    alert = visit.page.get_by_role("alert")
    await expect(alert).to_contain_text("It broke.")
    await expect(alert).to_contain_text("inc_1")
    broken = False
    await alert.get_by_role("button", name="Try again").click()
    await expect(visit.page.get_by_role("row").nth(1)).to_be_visible()


async def test_a_narrow_screen_has_the_pages_in_a_drawer(open_page: OpenPage) -> None:
    visit = await open_page("/", width=390)
    await visit.page.get_by_role("button", name="Open the menu").click()
    menu = visit.page.get_by_role("dialog", name="Menu")
    await expect(menu).to_be_visible()
    assert await visit.axe() == []
    await menu.get_by_role("link", name="Conversions").click()
    await expect(visit.page.get_by_role("heading", name="Conversions", level=1)).to_be_focused()
    await expect(menu).to_be_hidden()


async def test_the_skip_link_leads_past_the_navigation(open_page: OpenPage) -> None:
    visit = await open_page("/")
    await visit.page.keyboard.press("Tab")
    await expect(visit.page.get_by_role("button", name="Skip to the page")).to_be_focused()
    await visit.page.keyboard.press("Enter")
    await expect(visit.page.locator("main")).to_be_focused()


async def test_another_theme_is_there_at_once_where_motion_is_not_wanted(open_page: OpenPage) -> None:
    visit = await open_page("/attribution/reconciliation", width=390, theme="dark")
    await visit.page.evaluate("""() => {
        globalThis.begun = []
        document.addEventListener("transitionrun", (event) => begun.push(event.propertyName))
    }""")
    await visit.become(390, "light")
    assert await visit.page.evaluate("begun") == []


async def test_the_theme_is_chosen_and_kept(open_page: OpenPage) -> None:
    visit = await open_page("/", theme="light")
    await visit.page.get_by_role("radio", name="Dark").click()
    await visit.page.reload()
    await visit.settle()
    assert await visit.page.evaluate("getComputedStyle(document.documentElement).backgroundColor") == "rgb(24, 24, 27)"


async def test_the_hosts_admin_shows_an_orders_attribution_and_the_pages_in_a_frame(open_page: OpenPage) -> None:
    visit = await open_page("/conversions?type=purchase&platform=meta")
    page = visit.page
    number = await page.get_by_role("row").nth(1).get_by_role("cell").nth(6).inner_text()
    await page.goto(f"{visit.site.origin}/app/orders/{number}")
    widget = page.locator("adplanning-order-attribution")
    await expect(widget.get_by_text("100%")).to_be_visible()
    await widget.get_by_role("combobox", name="Attribution model").select_option("linear")
    await expect(widget.get_by_role("combobox", name="Attribution model")).to_be_focused()
    assert [found for found in await visit.axe() if "adplanning" in found] == []
    await page.goto(f"{visit.site.origin}/app/advertising")
    framed = page.frame_locator("iframe")
    await expect(framed.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()
    await expect(framed.get_by_role("navigation", name="Ad planning")).to_have_count(0)
    assert visit.errors == []
