"""A customer's browsers: why each is theirs, taken back and restored; an address that links nobody, and may again."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from tests.ui.asking import ask
from tests.ui.visiting import OpenPage, Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]


async def somebody(visit: Visit) -> tuple[str, str]:
    """A customer with browsers of theirs, of whom nothing was taken back, and one of these."""
    customers = (await ask(visit, "GET", "/customers?limit=50"))["customers"]
    for each in customers:
        identity = (await ask(visit, "GET", f"/identity/people/{each['id']}"))["identity"]
        browsers = [browser["id"] for browser in identity["visitors"] if not browser["claimed"]]
        if browsers and not any(edge["revoked_at"] for edge in identity["edges"]):
            return each["id"], browsers[0]
    raise AssertionError("the example store has no customer with a browser")


async def test_a_browser_is_taken_back_with_a_reason_and_restored(open_page: OpenPage) -> None:
    visit = await open_page("/customers")
    person, browser = await somebody(visit)
    await visit.go(f"/customers/{person}")
    page = visit.page
    row = page.get_by_role("list", name="Browsers").get_by_role("listitem").filter(has_text=browser)
    await expect(row).to_contain_text("Linked")
    await row.get_by_role("button", name="Not theirs").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("get back exactly what they had")
    await dialog.get_by_label("Why").fill("A friend's phone.")
    await visit.check("identity-not-theirs")
    await dialog.get_by_role("button", name="Take it back").click()
    taken = page.get_by_role("list", name="Taken back").get_by_role("listitem").filter(has_text=browser)
    await expect(taken).to_contain_text("A friend's phone.")
    await expect(row).to_have_count(0)
    await visit.check("identity-taken-back")
    await taken.get_by_role("button", name="Restore").click()
    await expect(taken).to_have_count(0)
    await expect(row).to_contain_text("Linked")


async def test_without_the_permission_for_personal_data_no_browser_is_shown(open_page: OpenPage) -> None:
    visit = await open_page("/customers")
    person, _ = await somebody(visit)
    other = await open_page(f"/customers/{person}", email="viewer@example.com")
    await expect(other.page.get_by_role("heading", name="Browsers")).to_have_count(0)


@pytest.mark.parametrize(("width", "theme"), [(1440, "light"), (390, "dark")])
async def test_an_address_links_nobody_until_it_is_allowed(open_page: OpenPage, width: int, theme: str) -> None:
    visit = await open_page("/settings?tab=identity", width=width, theme=theme)
    page = visit.page
    await page.get_by_role("button", name="Add", exact=True).click()
    dialog = page.get_by_role("dialog")
    reason = f"The till's own address, {width}."
    await dialog.get_by_label("Address", exact=True).fill(f"till-{width}@example.com")
    await dialog.get_by_label("Why").fill(reason)
    await visit.check("identity-deny")
    await dialog.get_by_role("button", name="Add to the list").click()
    await expect(page.get_by_text(reason)).to_be_visible()
    await expect(page.get_by_text("till-")).to_have_count(0)
    row = page.get_by_role("row" if width > 600 else "listitem").filter(has_text=reason)
    await row.get_by_role("button", name="Allow").click()
    await page.get_by_role("dialog").get_by_role("button", name="Allow").click()
    await expect(page.get_by_text(reason)).to_have_count(0)
