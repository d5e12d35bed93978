"""Customers: found by what one knows of them, one page each, exported and erased; hidden from who may not see them."""

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.async_api import expect

from tests.ui.test_conversions import ask
from tests.ui.visiting import THEMES, WIDTHS, OpenPage, Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]


def read(path: Path) -> Any:
    return json.loads(path.read_text())


async def buyer(visit: Visit) -> str:
    """The id of a customer with an order by an advertisement."""
    found = await ask(visit, "GET", "/conversions?conversion_type=purchase&platform=google&is_revenue=true&limit=100")
    return next(each["person_id"] for each in found["conversions"] if each["person_id"])


async def somebody_new(visit: Visit, email: str) -> str:
    """The id of a customer who has just opened an account."""
    async with httpx.AsyncClient(base_url=visit.site.origin, follow_redirects=True) as shopper:
        answer = await shopper.post("/login", data={"email": email, "password": "quite long", "new": "1"})
    assert answer.is_success, answer.text
    [row] = (await ask(visit, "GET", f"/customers?q={email}"))["customers"]
    return str(row["id"])


@pytest.mark.parametrize("width", WIDTHS)
async def test_a_profile_is_accessible_and_quiet(open_page: OpenPage, width: int) -> None:
    visit = await open_page("/customers", width=width)
    person = await buyer(visit)
    await visit.go(f"/customers/{person}")
    await expect(visit.page.get_by_role("region", name="Orders")).to_be_visible()
    await expect(
        visit.page.get_by_role("region", name="Everything they did").get_by_role("listitem").first
    ).to_be_visible()
    await visit.check("customer", themes=THEMES)


async def test_a_customer_is_found_by_address_and_filtered_by_kind(open_page: OpenPage) -> None:
    visit = await open_page("/customers")
    page = visit.page
    person = await buyer(visit)
    profile = (await ask(visit, "GET", f"/customers/{person}/profile"))["customer"]
    await page.get_by_role("searchbox").fill(profile["email"].upper())
    await expect(page.get_by_role("link", name=profile["name"])).to_have_count(1)
    await page.get_by_role("link", name=profile["name"]).click()
    await expect(page.get_by_role("heading", name=profile["name"], level=1)).to_be_visible()
    history = page.get_by_role("region", name="Everything they did")
    await history.get_by_label("Kind").select_option("purchase")
    await expect(history.get_by_text(re.compile("Order "))).not_to_have_count(0)
    await expect(history.get_by_text("Page view", exact=True)).to_have_count(1)  # the choice alone
    await page.reload()
    await expect(history.get_by_label("Kind")).to_have_value("purchase")


async def test_export_and_erasure_with_a_typed_confirmation_and_a_receipt(open_page: OpenPage) -> None:
    visit = await open_page("/customers")
    page = visit.page
    person = await somebody_new(visit, "erase.me@customers-page.example")
    await visit.go(f"/customers/{person}")
    await page.get_by_role("button", name="Export").click()
    async with page.expect_download() as saving:
        await page.get_by_role("menuitem", name="Everything, as JSON").click()
    saved = read(await (await saving.value).path())
    assert saved["store"]["person"][0]["email"] == "erase.me@customers-page.example"

    await page.get_by_role("button", name="Erase").click()
    dialog = page.get_by_role("dialog", name="Erase this customer?")
    act = dialog.get_by_role("button", name="Erase for good")
    await dialog.get_by_role("textbox").fill("not the id")
    await expect(act).to_be_disabled()
    await dialog.get_by_role("textbox").fill(person)
    await act.click()
    receipt = page.get_by_role("dialog", name="Erasure")
    await expect(receipt.get_by_text("Done")).to_be_visible(timeout=60_000)
    await expect(receipt.get_by_text("the store's own")).to_be_visible()
    await receipt.get_by_role("button", name="Close", exact=True).last.click()

    await visit.go(f"/customers/{person}")
    await expect(page.get_by_text("Erased", exact=True).first).to_be_visible()
    await expect(page.get_by_text("erase.me@")).to_have_count(0)
    await visit.go("/customers?tab=erasures")
    await page.get_by_role("row").nth(1).get_by_role("button").first.click()
    await expect(page.get_by_role("dialog", name="Receipt of an erasure").get_by_text("Whose")).to_be_visible()
    await visit.check("customers-receipt")


async def test_a_marketer_sees_figures_and_nobodys_name(open_page: OpenPage) -> None:
    visit = await open_page("/customers", email="marketer@example.com")
    page = visit.page
    await expect(page.get_by_role("tab", name="Erasures")).to_have_count(0)
    await expect(page.get_by_role("searchbox")).to_have_count(0)
    await expect(page.get_by_role("link", name=re.compile(r"^Customer \d+$"))).not_to_have_count(0)
    person = await buyer(visit)
    await visit.go(f"/customers/{person}")
    await expect(page.get_by_text("Name and address are hidden")).to_be_visible()
    for button in ("Erase", "Export"):
        await expect(page.get_by_role("button", name=button)).to_have_count(0)
    assert "@" not in await page.locator("main").inner_text()


async def test_nobody_of_that_id_and_the_stores_own_page_of_a_customer(open_page: OpenPage) -> None:
    visit = await open_page("/customers/no-such-person")
    page = visit.page
    await expect(page.get_by_role("heading", name="Customer not found")).to_be_visible()
    person = await buyer(visit)
    visit.errors.clear()  # the 404 above
    await page.goto(f"{visit.site.origin}/app/customers/{person}")
    widget = page.locator("adplanning-person-journey")
    await expect(widget.get_by_role("link", name=re.compile("in ad planning"))).to_be_visible()
    await expect(widget.get_by_text(re.compile("came by"))).to_be_visible()
    assert [found for found in await visit.axe() if "adplanning" in found] == []
    assert visit.errors == []
