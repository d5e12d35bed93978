"""The attribution settings: lists that are edited, what would change before saving, the rebuild after it, versions."""

import re
from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.ui.asking import ask
from tests.ui.conftest import OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]
TAB = "/settings?tab=attribution"


async def stored(visit: Any) -> dict[str, Any]:
    return (await ask(visit, "GET", "/settings/attribution"))["setting"]


async def put_back(visit: Any, before: dict[str, Any]) -> None:
    await ask(visit, "PUT", "/settings/attribution", {"value": before["value"]})


def versions(page: Page) -> Any:
    return page.get_by_role("table", name="Versions of the attribution settings")


@pytest.mark.parametrize("width", [1440, 390])
async def test_own_channels_are_added_moved_and_tried_before_they_are_saved(open_page: OpenPage, width: int) -> None:
    visit = await open_page(TAB, width=width)
    page = visit.page
    await page.get_by_role("button", name="Add a channel rule").click()
    await page.get_by_label("Rule 1: channel").fill("Paid video of ours")
    await page.get_by_label("Rule 1, condition 1: value").fill("google")
    await page.get_by_role("button", name="Add a channel rule").click()
    await page.get_by_label("Rule 2: channel").fill("Creators")
    await page.get_by_label("Rule 2, condition 1: what").select_option("medium")
    await page.get_by_label("Rule 2, condition 1: how").select_option("contains")
    await page.get_by_label("Rule 2, condition 1: value").fill("c")
    await page.get_by_role("button", name="Move rule 2 up").click()
    await expect(page.get_by_label("Rule 1: channel")).to_have_value("Creators")
    await page.get_by_role("button", name="Delete rule 2").click()
    await page.get_by_label("Another host").fill("https://Pay.Example.com/return")
    await page.get_by_label("Another host").press("Enter")
    await expect(page.get_by_role("button", name="Take pay.example.com off the list")).to_be_visible()
    panel = page.get_by_role("region", name="What would change")
    await panel.get_by_label("Conversions of").select_option("365")
    await panel.get_by_role("button", name="Work it out").click()
    await expect(panel.get_by_text(re.compile(r"\d conversions\."))).to_be_visible(timeout=60_000)
    await panel.get_by_label("Change by").select_option("channels")
    await expect(panel.get_by_text("Creators").first).to_be_visible()
    await visit.check(f"settings-attribution-{width}")
    await page.get_by_role("button", name="Discard the changes").click()
    await expect(page.get_by_label("Rule 1: channel")).to_have_count(0)
    assert (await stored(visit))["value"]["channel_rules"] == []


async def test_a_rule_that_can_never_apply_is_refused_with_the_fix_and_changes_nothing(open_page: OpenPage) -> None:
    visit = await open_page(TAB)
    page, before = visit.page, await stored(visit)
    for number, value in ((1, "tik"), (2, "tiktok")):
        await page.get_by_role("button", name="Add a channel rule").click()
        await page.get_by_label(f"Rule {number}: channel").fill(f"Own {number}")
        await page.get_by_label(f"Rule {number}, condition 1: how").select_option("contains")
        await page.get_by_label(f"Rule {number}, condition 1: value").fill(value)
    await page.get_by_role("button", name="Save", exact=True).click()
    await expect(page.get_by_text("Move it above that rule, or delete it.")).to_be_visible()
    assert await stored(visit) == before
    await visit.shot("settings-attribution-refused")
    assert await visit.axe() == []


async def test_a_saved_change_is_built_beside_and_an_earlier_version_is_taken_again(open_page: OpenPage) -> None:
    visit = await open_page(TAB, theme="dark")
    page, before = visit.page, await stored(visit)
    known = (await ask(visit, "GET", "/attribution/rules"))["rules"][0]["version"]
    try:
        await page.get_by_label("Half-life").fill("100")
        await page.get_by_role("button", name="Save", exact=True).click()
        await expect(page.get_by_text("Attribution: saved")).to_be_visible()
        row = versions(page).get_by_role("row", name=re.compile(f"^{known + 1} "))
        await expect(row.get_by_text("Half-life")).to_be_visible()
        await expect(row.get_by_text("Counts now")).to_be_visible(timeout=60_000)
        await visit.check("settings-attribution-versions")
        await page.get_by_role("button", name=f"Take again version {known}").click()
        dialog = page.get_by_role("dialog", name=f"Take version {known} again?")
        await dialog.get_by_role("button", name="Take it again").click()
        await expect(page.get_by_label("Half-life")).to_have_value(f"{before['value']['half_life_hours']:g}")
        await expect(versions(page).get_by_text(f"Version {known} again")).to_be_visible()
        await visit.check("settings-versions", widths=(390,))
        assert (await stored(visit))["value"] == before["value"]
    finally:
        await put_back(visit, before)


async def test_who_may_only_read_sees_versions_and_takes_none_again(open_page: OpenPage) -> None:
    visit = await open_page(TAB, email="viewer@example.com")
    await expect(versions(visit.page)).to_be_visible()
    await expect(visit.page.get_by_role("button", name="Add a channel rule")).to_be_disabled()
    await expect(visit.page.get_by_role("button", name=re.compile("^Take again"))).to_have_count(0)
    await expect(visit.page.get_by_role("region", name="What would change")).to_have_count(0)
