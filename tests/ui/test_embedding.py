"""Hosts without a session: the bearer token of `window.adplanning`, alone and by message, as docs/pages.md has it."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from host_example.catalogue import PASSWORD
from tests.ui.visiting import ROOT, OpenPage, Visit

pytestmark = [pytest.mark.browser, pytest.mark.slow]


async def stranger(open_page: OpenPage) -> tuple[Visit, str]:
    """A tab without a cookie, and a token that would let it in."""
    visit = await open_page(None, email=None)
    login = await visit.page.context.request.post(
        f"{visit.site.origin}/auth/login", data={"email": "admin@example.com", "password": PASSWORD}
    )
    token = (await login.json())["token"]
    await visit.page.context.clear_cookies()
    return visit, token


def documented() -> tuple[str, str]:
    """The two scripts of docs/pages.md: in the frame, and around it."""
    text = (ROOT / "docs" / "pages.md").read_text(encoding="utf-8")
    inside, around = [found for found in re.findall(r"```js\n(.*?)```", text, re.DOTALL) if "postMessage" in found]
    return inside, around


async def test_a_token_of_the_hosts_signs_every_request_and_is_kept_nowhere(open_page: OpenPage) -> None:
    visit, token = await stranger(open_page)
    await visit.page.add_init_script(f"window.adplanning = {{token: async () => '{token}'}}")
    await visit.go("/conversions?type=purchase")
    await expect(visit.page.get_by_role("row").nth(1)).to_be_visible()
    async with visit.page.expect_download():
        await visit.page.get_by_role("button", name="Export CSV").click()
    kept = await visit.page.evaluate(
        "JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie, location.href])"
    )
    assert token not in kept
    assert await visit.page.context.cookies() == []
    assert visit.errors == []


async def test_a_token_comes_to_a_frame_by_message(open_page: OpenPage) -> None:
    visit, token = await stranger(open_page)
    inside, around = documented()
    origin = visit.site.origin
    await visit.page.add_init_script(f"if (top !== self) {{ {inside.replace('https://admin.store.example', origin)} }}")
    host = f"""<!doctype html><title>Host</title><iframe title="Advertising" width="1200" height="800"></iframe><script>
      const currentToken = () => "{token}"
      {around.replace("https://shop.example", origin)}
      frame.src = "/app/ad-planning/conversions?chrome=none"
    </script>"""
    await visit.page.route("**/app/host", lambda route: route.fulfill(body=host, content_type="text/html"))
    await visit.page.goto(f"{origin}/app/host")
    framed = visit.page.frame_locator("iframe")
    await expect(framed.get_by_role("heading", name="Conversions", level=1)).to_be_visible()
    await expect(framed.get_by_role("row").nth(1)).to_be_visible()
    await expect(framed.get_by_role("navigation", name="Ad planning")).to_have_count(0)
