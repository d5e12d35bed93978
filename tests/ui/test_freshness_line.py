"""Every page with figures says how fresh what it shows is."""

import pytest
from playwright.async_api import expect

from tests.ui.visiting import OpenPage

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("/conversions", "Conversions"),
        ("/goals", "Conversions"),
        ("/attribution", "Credit"),
        ("/campaigns", "Meta spend"),
        ("/roi", "Exchange rates"),
    ],
)
async def test_a_page_says_how_far_its_sources_are(open_page: OpenPage, path: str, source: str) -> None:
    visit = await open_page(path)
    await expect(visit.page.get_by_role("link", name="All sources")).to_be_visible()
    line = visit.page.get_by_role("list", name="How fresh the figures are")
    await expect(line).to_contain_text(source)
    await expect(line).not_to_contain_text("Reader")
