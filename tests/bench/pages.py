"""The admin pages in Chromium: when they are painted, whether they jump, how fast a list turns, Lighthouse's scores."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

from playwright.async_api import Browser, Page, async_playwright, expect

import hatch_build
from tests.bench import data
from tests.bench.harness import ROUNDS, BenchError, Section, median, spread
from tests.bench.ingest import Web, served
from tests.bench.server import BenchDatabase, database, version
from tests.bench.store import MAIN, TOKEN
from tests.chromium import chromium_path
from tests.databases import aside
from tests.ui.lighthouse import scoring

APP = "/app/ad-planning"
ROWS = 100_000
LOOKED_AT = {"dashboard": "/", "conversions": "/conversions", "ROI": "/roi"}
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
HEADERS = {"authorization": f"Bearer {TOKEN}"}
SLOW = {"offline": False, "latency": 150, "downloadThroughput": 1_638_400 / 8, "uploadThroughput": 750_000 / 8}
"""What Lighthouse calls a slow 4G; the processor is slowed down four times."""
_PAINTED = """
() => new Promise((resolve) => {
  const found = { lcp: 0, cls: 0 }
  new PerformanceObserver((list) => list.getEntries().forEach((each) => { found.lcp = each.startTime }))
    .observe({ type: "largest-contentful-paint", buffered: true })
  const shifted = (each) => { if (!each.hadRecentInput) found.cls += each.value }
  new PerformanceObserver((list) => list.getEntries().forEach(shifted))
    .observe({ type: "layout-shift", buffered: true })
  setTimeout(() => resolve(found), 100)
})
"""
_TURN = """
() => new Promise((resolve) => {
  const list = document.querySelector("main table tbody")
  const before = list.innerText
  const next = [...document.querySelectorAll("main nav button")].find((each) => each.textContent.includes("Next"))
  const began = performance.now()
  const watch = () => {
    const now = document.querySelector("main table tbody")
    // Painted: the frame after the one in which the rows changed.
    if (now && now.innerText !== before) requestAnimationFrame(() => resolve(performance.now() - began))
    else requestAnimationFrame(watch)
  }
  next.click()
  watch()
})
"""


def run() -> Section:
    """All rows of the section."""
    chromium = chromium_path()
    if chromium is None:
        raise BenchError("there is no Chromium on this machine; name one in ADPLANNING_CHROMIUM.")
    if not (hatch_build.STATIC / "index.html").is_file():
        raise BenchError("the admin pages are not built: run `python hatch_build.py build`.")
    section = Section(name="admin pages")
    with database("pages") as made:
        aside(lambda: _fill(made))
        with served("plugin", made.url) as web:
            asyncio.run(_browse(section, web, chromium))
            _lighthouse(section, web, chromium)
        section.note(
            f"{version(made)}; {ROWS:,} conversions of one tenant within a year, 200 campaigns with daily spend."
        )
    section.note(
        "Browser, web process and database share the machine's cores. Mobile: 390 px, 1.6 Mbit/s, 150 ms of latency, "
        "a processor four times slower. Every load has an empty cache."
    )
    return section


async def _fill(made: BenchDatabase) -> None:
    connection: Any = await made.connect(MAIN)
    await data.touches(connection, MAIN, ROWS // 4, 1)
    await data.conversions(connection, MAIN, ROWS // 4, each=4)
    await data.visits(connection, MAIN, ROWS // 4, 1)
    await data.campaigns(connection, MAIN)
    await data.spend(connection, MAIN, 365)
    await connection.close()
    await made.analyze()


async def _browse(section: Section, web: Web, chromium: str) -> None:
    origin = f"http://localhost:{web.port}{APP}"
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=chromium, headless=True, args=FLAGS)
        shifts: list[float] = []
        for name, path in LOOKED_AT.items():
            for mobile in (False, True):
                loads = [await _load(browser, origin + path, mobile=mobile) for _ in range(ROUNDS)]
                shifts += [each["cls"] for each in loads]
                times = [each["lcp"] / 1000 for each in loads]
                kind, limit = ("throttled mobile", 2.5) if mobile else ("desktop", 0.8)
                section.at_most(f"LCP of {name}, {kind}", median(times), limit, "s", f" ({spread(times)})")
        section.at_most("CLS, the worst of all loads", max(shifts), 0.02, "")
        await _turns(section, browser, origin)
        await browser.close()


async def _load(browser: Browser, url: str, *, mobile: bool) -> dict[str, float]:
    """One visit with an empty cache: when its largest part was painted, and how far things moved."""
    width, height = (390, 844) if mobile else (1440, 900)
    context = await browser.new_context(viewport={"width": width, "height": height}, extra_http_headers=HEADERS)
    page = await context.new_page()
    if mobile:
        wire: Any = await context.new_cdp_session(page)
        await wire.send("Network.enable")
        await wire.send("Network.emulateNetworkConditions", SLOW)
        await wire.send("Emulation.setCPUThrottlingRate", {"rate": 4})
    await page.goto(url)
    await _settled(page)
    found = await page.evaluate(_PAINTED)
    await context.close()
    return found


async def _settled(page: Page) -> None:
    await page.locator("main h1").wait_for()
    await page.wait_for_load_state("networkidle")
    await expect(page.locator("main [aria-busy=true]")).to_have_count(0)


async def _turns(section: Section, browser: Browser, origin: str) -> None:
    context = await browser.new_context(viewport={"width": 1440, "height": 900}, extra_http_headers=HEADERS)
    page = await context.new_page()
    today = datetime.now(UTC).date()
    await page.goto(f"{origin}/conversions?from={today - timedelta(days=364)}&to={today}")
    await _settled(page)
    said = await page.get_by_role("navigation", name="Pages").inner_text()
    times: list[float] = []
    for number in range(4 * ROUNDS):
        took = await page.evaluate(_TURN)
        await _settled(page)
        if number:
            times.append(took)
    section.at_most(
        "click to next page painted", median(times), 150, "ms", f" ({spread(times)}; {said.splitlines()[0]})"
    )
    await context.close()


# --- Lighthouse ---


def _lighthouse(section: Section, web: Web, chromium: str) -> None:
    for name, path in LOOKED_AT.items():
        for preset, floor in (("mobile", 90), ("desktop", 97)):
            url, taken = f"http://localhost:{web.port}{APP}{path}", []
            for _ in range(min(ROUNDS, 3)):
                try:
                    found, lost = scoring.scores(url, preset, chromium, HEADERS, "performance", "accessibility")
                except hatch_build.BuildError as problem:
                    section.add("Lighthouse", "not taken", "", met=None)
                    section.note(f"Lighthouse could not be run: {problem}")
                    return
                taken.append(found)
                print(*(f"   accessibility: {title}\n" for title in lost), sep="", end="", flush=True)
            fast = median([each["performance"] for each in taken])
            section.at_least(f"Lighthouse performance of {name}, {preset}", fast, floor, "")
            section.at_least(
                f"Lighthouse accessibility of {name}, {preset}", min(each["accessibility"] for each in taken), 100, ""
            )
