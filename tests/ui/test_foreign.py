"""Pages of other plugins stand in the same frame: an ES module that draws, or a document in an iframe."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Route, expect

from tests.ui.visiting import OpenPage

pytestmark = [pytest.mark.browser, pytest.mark.slow]
MODULE = """
export default (element, context) => {
  const line = document.createElement("p")
  line.textContent = `${context.currency} in ${context.zone} from ${context.api_base}`
  element.append(line)
  context.fetch(`${context.api_base}/me`).then((answer) => line.append(` answered ${answer.status}`))
  return () => document.body.dataset.left = "yes"
}
"""


async def with_pages(open_page: OpenPage, *pages: dict[str, Any]) -> Any:
    visit = await open_page(None)

    async def manifest(route: Route) -> None:
        body = await (await route.fetch()).json()
        for page in pages:
            body["pages"].append({**body["pages"][0], "module": "", "frame": "", "description": "", **page})
            body["groups"][0]["pages"].append(page["key"])
        await route.fulfill(json=body)

    await visit.page.route("**/ui/manifest", manifest)
    await visit.page.route("**/paint/page.js", lambda route: route.fulfill(body=MODULE, content_type="text/javascript"))
    return visit


async def test_a_module_draws_its_page_with_the_stores_context_and_cleans_up(open_page: OpenPage) -> None:
    paint = {"key": "paint", "title": "Paint", "path": "/paint", "module": "/paint/page.js"}
    visit = await with_pages(open_page, paint)
    page = visit.page
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    await page.goto(visit.site.url("/paint"))
    await expect(page.get_by_text("INR in Asia/Kolkata from /admin/ad-planning answered 200")).to_be_visible()
    assert sum(url.endswith("/paint/page.js") for url in asked) == 1
    await page.get_by_role("navigation", name="Ad planning").get_by_role("link", name="Conversions").click()
    await expect(page.get_by_role("heading", name="Conversions", level=1)).to_be_focused()
    await expect(page.locator("body")).to_have_attribute("data-left", "yes")
    assert visit.errors == []


async def test_a_frame_shows_the_other_document(open_page: OpenPage) -> None:
    visit = await with_pages(
        open_page, {"key": "board", "title": "Board", "path": "/board", "frame": "/app/advertising"}
    )
    await visit.go("/board")
    await expect(visit.page.frame_locator("iframe[title=Board]").get_by_role("heading", level=1)).to_have_text(
        "Advertising"
    )
    assert visit.errors == []


async def test_an_address_that_nobody_has_says_so(open_page: OpenPage) -> None:
    visit = await open_page("/nowhere/at/all")
    await expect(visit.page.get_by_role("heading", name="Page not found")).to_be_visible()
    await visit.page.get_by_role("link", name="Open the dashboard").click()
    await expect(visit.page.get_by_role("heading", name="Dashboard")).to_be_focused()
