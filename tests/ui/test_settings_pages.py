"""Settings, keys, exchange rates and typed-in spend: changed, refused beside the field, undone, never lost."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import Page, expect

from tests.ui.asking import ask
from tests.ui.visiting import THEMES, WIDTHS, OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TABS = ["general", "attribution", "revenue", "privacy", "identity", "rates", "spend"]


async def save(page: Page) -> None:
    await page.get_by_role("button", name="Save", exact=True).click()


@pytest.mark.parametrize("tab", TABS)
async def test_each_tab_is_accessible_and_quiet(open_page: OpenPage, tab: str) -> None:
    visit = await open_page(f"/settings?tab={tab}")
    await visit.check(f"settings-{tab}", widths=WIDTHS, themes=THEMES)


@pytest.mark.parametrize("width", WIDTHS)
async def test_the_dialogs_are_accessible(open_page: OpenPage, width: int) -> None:
    visit = await open_page("/settings?tab=rates", width=width)
    page = visit.page
    await page.get_by_role("button", name="Import CSV").click()
    await page.get_by_role("button", name="Put an example in").click()
    await visit.check("settings-import", themes=THEMES)
    await page.keyboard.press("Escape")
    await visit.go("/settings?tab=spend")
    await page.get_by_role("button", name="Add spend").first.click()
    await page.get_by_role("dialog").get_by_role("button", name="Add the spend").click()
    await expect(page.get_by_text("Enter what was spent, such as 1250.00.")).to_be_visible()
    await visit.check("settings-spend-form", themes=THEMES)
    await visit.go("/settings/keys")
    await page.get_by_role("button", name="Make a key").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await visit.check("keys-form", themes=THEMES)


async def test_a_setting_is_checked_beside_its_field_saved_and_undone(open_page: OpenPage) -> None:
    visit = await open_page("/settings?tab=identity")
    page = visit.page
    hours = page.get_by_label("Take a visit of up to")
    await hours.fill("900")
    await hours.blur()
    await expect(page.get_by_text("Enter at most 720.")).to_be_visible()
    assert await visit.axe() == []
    before = await ask(visit, "GET", "/settings/identity")
    await hours.fill("36")
    await save(page)
    await expect(page.get_by_text("Who is who: saved")).to_be_visible()
    assert (await ask(visit, "GET", "/settings/identity"))["setting"]["value"]["visit_hours_before_order"] == 36
    await page.get_by_role("button", name="Undo").click()
    await expect(page.get_by_text("as it was before")).to_be_visible()
    assert (await ask(visit, "GET", "/settings/identity"))["setting"]["value"] == before["setting"]["value"]
    await expect(hours).to_have_value(str(before["setting"]["value"]["visit_hours_before_order"]))


async def test_what_the_server_refuses_stands_beside_the_field_it_names(open_page: OpenPage) -> None:
    visit = await open_page("/settings?tab=attribution")
    page = visit.page
    await page.get_by_label("Share of the first visit").fill("70")
    await expect(page.get_by_text("can have 100 % together at most")).to_be_visible()
    await save(page)
    said = page.get_by_text(re.compile("position_first and position_last must sum to at most 1"))
    await expect(said).to_be_visible()
    await expect(page.get_by_label("Share of the first visit")).to_have_attribute("aria-invalid", "true")


async def test_a_change_that_came_in_between_is_shown_beside_ones_own(open_page: OpenPage) -> None:
    visit = await open_page("/settings?tab=identity")
    page = visit.page
    first = (await ask(visit, "GET", "/settings/identity"))["setting"]
    await page.get_by_label("Take a visit of up to").fill("12")
    body = {"value": {"visit_hours_before_order": 48}, "version": first["version"]}
    await ask(visit, "PUT", "/settings/identity", body)
    await save(page)
    stale = page.get_by_role("dialog", name=re.compile("Somebody changed this"))
    await expect(stale.get_by_role("row", name=re.compile("12 hours before 48 hours before"))).to_be_visible()
    assert await visit.axe() == []
    await stale.get_by_role("button", name="Save mine over it").click()
    await expect(page.get_by_text("Who is who: saved")).to_be_visible()
    now = (await ask(visit, "GET", "/settings/identity"))["setting"]
    assert now["value"]["visit_hours_before_order"] == 12
    await ask(visit, "PUT", "/settings/identity", {"value": first["value"], "version": now["version"]})


async def test_what_is_not_saved_is_not_left_by_accident(open_page: OpenPage) -> None:
    visit = await open_page("/settings?tab=revenue")
    page = visit.page
    await page.get_by_label("Without tax").uncheck()
    await page.get_by_role("tab", name="General").click()
    ask_first = page.get_by_role("dialog", name="Leave without saving?")
    await ask_first.get_by_role("button", name="Cancel").click()
    await expect(page.get_by_label("Without tax")).not_to_be_checked()
    await page.get_by_role("tab", name="General").click()
    await ask_first.get_by_role("button", name="Leave").click()
    await expect(page.get_by_text("Asia/Kolkata").first).to_be_visible()


async def test_who_may_only_read_sees_every_setting_and_changes_none(open_page: OpenPage) -> None:
    visit = await open_page("/settings?tab=attribution", email="viewer@example.com")
    page = visit.page
    await expect(page.get_by_label("Half-life")).to_be_disabled()
    await expect(page.get_by_role("button", name="Save", exact=True)).to_have_count(0)
    await visit.check("settings-read-only")
    for path in ("/settings?tab=rates", "/settings?tab=spend", "/settings/keys"):
        await visit.go(path)
        await expect(page.get_by_role("button", name=re.compile("^(Add|Import|Make|Delete|Actions)"))).to_have_count(0)


async def test_a_key_is_shown_once_switched_off_and_revoked(open_page: OpenPage) -> None:
    visit = await open_page("/settings/keys")
    page = visit.page
    await page.get_by_role("button", name="Make a key").click()
    form = page.get_by_role("dialog", name="Make a key")
    await form.get_by_label("Name").fill("Pop-up shop <b>")
    await form.get_by_label("Origins").fill("popup.example/cart")
    await form.get_by_role("button", name="Make the key").click()
    await expect(form.get_by_text("write it like https://shop.example")).to_be_visible()
    await form.get_by_label("Origins").fill("https://popup.example\nhttps://*.popup.example")
    await form.get_by_role("button", name="Make the key").click()
    made = page.get_by_role("dialog", name="The key is made")
    key = await made.get_by_text(re.compile("^pk_")).inner_text()
    await expect(made.get_by_text(f'tracker.js" data-key="{key}"')).to_be_visible()
    assert await visit.axe() == []
    await made.get_by_role("button", name="I have copied it").click()
    await expect(page.get_by_text(key, exact=True)).to_have_count(0)
    row = page.get_by_role("row", name=re.compile("Pop-up shop <b>"))
    await expect(row.get_by_text("https://*.popup.example")).to_be_visible()
    await row.get_by_role("button", name="Actions for Pop-up shop <b>").click()
    await page.get_by_role("menuitem", name="Switch off").click()
    await expect(row.get_by_text("Off", exact=True)).to_be_visible()
    await page.get_by_role("button", name="Undo").click()
    await expect(row.get_by_text("On", exact=True)).to_be_visible()
    await row.get_by_role("button", name="Actions for Pop-up shop <b>").click()
    await page.get_by_role("menuitem", name="Revoke for good").click()
    await page.get_by_role("dialog").get_by_role("button", name="Revoke the key").click()
    await expect(row).to_have_count(0)


async def test_a_rate_is_added_and_a_file_is_taken_whole_or_not_at_all(open_page: OpenPage) -> None:
    visit = await open_page("/settings?tab=rates&base=CHF")
    page = visit.page
    await page.get_by_role("button", name="Add a rate").click()
    form = page.get_by_role("dialog", name="Add a rate")
    await form.get_by_label("From currency").fill("xyz")
    await form.get_by_role("textbox", name="Rate").fill("95.5")
    await form.get_by_role("button", name="Add the rate").click()
    await expect(form.get_by_text("must be an ISO 4217 code")).to_be_visible()
    await form.get_by_label("From currency").fill("chf")
    await form.get_by_role("button", name="Add the rate").click()
    await expect(page.get_by_text("1 CHF = 95.5000 INR").first).to_be_visible()
    await page.get_by_role("button", name="Import CSV").click()
    dialog = page.get_by_role("dialog", name="Import exchange rates")
    box = dialog.get_by_label("Or paste the rows")
    await box.fill("day;base;quote;rate\n2026-01-05;CHF;INR;94")
    await expect(dialog.get_by_text("separated by semicolons")).to_be_visible()
    await box.fill("day,base,quote,rate\n2026-01-05,CHF,INR,94\n2026-01-06,CHF,INR,-3")
    await dialog.get_by_role("button", name="Import 2 rows").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("Row 2: rate must be a positive number")
    assert await visit.axe() == []
    await box.fill("day,base,quote,rate\n2026-01-05,CHF,INR,94\n2026-01-06,CHF,INR,94.25")
    await dialog.get_by_role("button", name="Import 2 rows").click()
    await expect(page.get_by_text("1 CHF = 94.2500 INR")).to_be_visible()
    assert visit.search() == {"tab": "rates", "base": "CHF"}


async def test_spend_is_typed_in_changed_deleted_and_brought_back(open_page: OpenPage) -> None:
    visit = await open_page("/settings?tab=spend&platform=print")
    page = visit.page
    await page.get_by_role("button", name="Add spend").first.click()
    form = page.get_by_role("dialog", name="Add spend")
    await form.get_by_role("combobox", name="Platform").fill("print")
    await form.get_by_role("combobox", name="Campaign").fill("weave-magazine")
    await form.get_by_label("Its name").fill("=Weave magazine")
    await form.get_by_role("textbox", name="Spend").fill("12500,50")
    await form.get_by_role("button", name="Add the spend").click()
    row = page.get_by_role("row", name=re.compile("=Weave magazine"))
    await expect(row.get_by_text("₹12,500.50")).to_be_visible()
    await row.get_by_role("button", name=re.compile("^Edit")).click()
    edit = page.get_by_role("dialog", name="Edit spend")
    await edit.get_by_role("textbox", name="Spend").fill("13000")
    await edit.get_by_role("button", name="Save").click()
    await expect(row.get_by_text("₹13,000.00")).to_be_visible()
    async with page.expect_download() as started:
        await page.get_by_role("button", name="Export CSV").click()
    assert "'=Weave magazine" in (await (await started.value).path()).read_text(encoding="utf-8-sig")
    await row.get_by_role("button", name=re.compile("^Delete")).click()
    await expect(row).to_have_count(0)
    await page.get_by_role("button", name="Undo").click()
    await expect(row.get_by_text("₹13,000.00")).to_be_visible()
    await row.get_by_role("button", name=re.compile("^Delete")).click()
    await expect(row).to_have_count(0)


async def test_zone_and_currency_are_the_hosts(open_page: OpenPage) -> None:
    visit = await open_page("/settings", email="admin@second.example.com")
    store = visit.page.get_by_role("region", name="The store")
    await expect(store.get_by_text("EUR", exact=True)).to_be_visible()
    await expect(store.get_by_role("textbox")).to_have_count(0)
