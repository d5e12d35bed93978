"""Lighthouse finds nothing to say about the accessibility of the pages that people open most."""

import asyncio

import httpx
import pytest

from host_example.catalogue import PASSWORD
from tests.ui.conftest import OWNER
from tests.ui.lighthouse import scoring
from tests.ui.visiting import Site

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.mark.parametrize(("path", "preset"), [("/", "mobile"), ("/conversions", "desktop"), ("/roi", "mobile")])
async def test_accessibility_is_a_hundred(site: Site, chromium: str, path: str, preset: str) -> None:
    async with httpx.AsyncClient() as client:
        login = await client.post(f"{site.origin}/auth/login", json={"email": OWNER, "password": PASSWORD})
    headers = {"authorization": f"Bearer {login.json()['token']}"}
    url = f"{site.origin}/app/ad-planning{path}"
    found, lost = await asyncio.to_thread(scoring.scores, url, preset, chromium, headers, "accessibility")
    assert (found, lost) == ({"accessibility": 100}, [])
