"""A visit to the pages in Chromium: signed in, watched for errors and for what the content security policy refuses."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from playwright.async_api import ConsoleMessage, Page, Request, expect

ROOT = Path(__file__).parents[2]
UI = ROOT / "adplanning_plugin" / "admin" / "ui"
AXE = UI / "node_modules" / "axe-core" / "axe.min.js"
SURVEY = Path(__file__).with_name("survey.js")
SHOTS = os.environ.get("ADPLANNING_UI_SHOTS")
"""The folder for pictures of all that is checked, for people to look at; without it none is taken."""
WIDTHS = (1440, 390)
THEMES = ("light", "dark")
REPORT_CSP = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`refused by the policy: ${event.effectiveDirective} ${event.blockedURI} ${event.sample}`))
"""
TODAY = datetime.now(UTC).date()
YEAR = f"from={TODAY - timedelta(days=366)}&to={TODAY + timedelta(days=1)}"
"""All of the history, whichever day of whichever year it is read on."""
PATIENCE = 30.0
"""Seconds for a page to have what it asked for."""
PAINTED = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
BUSY = "main [aria-busy=true], [role=dialog] [aria-busy=true]"


@dataclass(frozen=True)
class Site:
    """Where the store with its pages is served."""

    origin: str
    database_url: str

    def url(self, path: str = "/") -> str:
        """Of a page: `path` is below the pages' own mount."""
        return f"{self.origin}/app/ad-planning{path}"


class Visit:
    """One browser tab, signed in, at one width and in one theme."""

    def __init__(self, site: Site, page: Page, width: int, theme: str) -> None:
        self.site, self.page, self.width, self.theme = site, page, width, theme
        self.errors: list[str] = []
        """Errors and warnings of the console, exceptions, and what the policy refused."""
        page.on("console", self._said)
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        self._open: set[Request] = set()
        page.on("request", self._asked)
        page.on("requestfinished", self._answered)
        page.on("requestfailed", self._answered)

    def _asked(self, request: Request) -> None:
        self._open.add(request)

    def _answered(self, request: Request) -> None:
        self._open.discard(request)

    def _said(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.errors.append(message.text)

    async def go(self, path: str) -> None:
        """Open a page of ours and wait until it has what it asked for."""
        await self.page.goto(self.site.url(path))
        await self.settle()

    async def settle(self) -> None:
        """Wait until nothing is being loaded: for a tenth of a second no request is open, and nothing is busy."""
        await self.page.locator("h1").first.wait_for()
        calm, patience = 0, time.monotonic() + PATIENCE
        while calm < 3:
            await asyncio.sleep(0.03)
            calm = calm + 1 if not self._open else 0
            assert time.monotonic() < patience, f"Still open: {', '.join(each.url for each in self._open)}"
        await expect(self.page.locator(BUSY)).to_have_count(0, timeout=PATIENCE * 1000)

    async def close(self) -> None:
        """Close the tab, and forget what its pages keep in the profile: the theme."""
        if self.page.url.startswith(self.site.origin):
            await self.page.evaluate("localStorage.clear()")
        await self.page.close()

    async def become(self, width: int, theme: str) -> None:
        """The same page in another window and theme, without loading it anew."""
        if (width, theme) == (self.width, self.theme):
            return
        self.width, self.theme = width, theme
        await self.page.set_viewport_size({"width": width, "height": 900})
        await self.page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
        await self.page.evaluate(PAINTED)  # what measures its own width does so between two frames
        await self.settle()

    async def axe(self, *rules: str) -> list[str]:
        """What axe finds wrong with the page as it stands, dialogs included; by all its rules, or by those named."""
        if not await self.page.evaluate("typeof axe === 'object'"):
            await self.page.evaluate(AXE.read_text(encoding="utf-8"))
        return await self.survey("violations", list(rules) or None)

    async def survey(self, what: str, *given: Any) -> Any:
        """The answer of a function of survey.js."""
        if not await self.page.evaluate("typeof adplanningSurvey === 'object'"):
            await self.page.evaluate(SURVEY.read_text(encoding="utf-8"))
        return await self.page.evaluate(f"(given) => adplanningSurvey.{what}(...given)", list(given))

    async def scrolls_sideways(self) -> bool:
        """Whether the page is wider than the window."""
        return bool(await self.page.evaluate("document.documentElement.scrollWidth > window.innerWidth"))

    async def shot(self, name: str) -> None:
        """Keep a picture of the whole page, where pictures are wanted."""
        if SHOTS:
            path = Path(SHOTS) / f"{name}-{self.width}-{self.theme}.png"
            await self.page.screenshot(path=path, full_page=True, animations="disabled")

    async def check(self, name: str, *, widths: Sequence[int] = (), themes: Sequence[str] = ()) -> None:
        """Nothing that axe finds, nothing sideways, nothing that moves, nothing on the console.

        The page stays as it stands, and is looked at in each width and theme that is named; else in its own.
        """
        was, wrong = (self.width, self.theme), list[str]()
        for width in widths or (self.width,):
            for number, theme in enumerate(themes or (self.theme,)):
                await self.become(width, theme)
                await self.shot(name)
                # A theme changes colours alone: what else axe looks at is the same in each.
                found = await self.axe(*(["color-contrast"] if number else []))
                if await self.scrolls_sideways():
                    found.append("the page scrolls sideways")
                found += [f"{each} moves" for each in await self.survey("moving")]
                wrong += [f"{width} {theme}: {each}" for each in found]
        await self.become(*was)
        assert not wrong, "\n".join(wrong)
        assert not self.errors, "\n".join(self.errors)

    def search(self) -> dict[str, Any]:
        """The address's parameters."""
        return dict(parse_qsl(urlsplit(self.page.url).query))


OpenPage = Callable[..., Awaitable[Visit]]
