"""The example store with its history, served once a session, and tabs in Chromium that are signed in to its pages."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import httpx
import pytest
from playwright.async_api import Browser, BrowserContext, async_playwright

from adplanning_plugin.admin.pages import STATIC
from host_example.catalogue import PASSWORD
from tests.databases import PostgresServer
from tests.ui.visiting import AXE, REPORT_CSP, ROOT, OpenPage, Site, Visit

FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
]  # fmt: skip
SCALE = 0.05
START_SECONDS = 240.0
OWNER = "admin@example.com"


@pytest.fixture(scope="session")
def built() -> None:
    """The pages are there to be shown."""
    if os.environ.get("ADPLANNING_SKIP_UI", "") not in {"", "0"}:
        pytest.skip("ADPLANNING_SKIP_UI is set: the pages are not built")
    missing = [str(path) for path in (STATIC / "index.html", AXE) if not path.is_file()]
    assert not missing, f"{', '.join(missing)}: run `python hatch_build.py build` first"


@pytest.fixture(scope="session")
def history_database(postgres_server: PostgresServer, template_database: str, worker_name: str) -> Iterator[str]:
    """A database that the whole session shares: tests read it, or change only what they made themselves."""
    name = f"test_ui_{os.getpid()}_{worker_name}"
    yield postgres_server.create(name, template_database)
    postgres_server.drop(name)


@pytest.fixture(scope="session")
def site(built: None, history_database: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """The store, serving; `ADPLANNING_UI_SITE=http://localhost:9000` takes one that runs already (the demo)."""
    running = os.environ.get("ADPLANNING_UI_SITE")
    if running:
        yield Site(running.rstrip("/"), history_database)
        return
    log = tmp_path_factory.mktemp("ui") / "store.log"
    port, payment_port = _free_port(), _free_port()
    settings = {"database_url": history_database, "port": port, "payment_port": payment_port, "scale": SCALE}
    command = [sys.executable, "-m", "tests.ui.serve", json.dumps(settings)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)
    try:
        _answers(f"http://localhost:{port}/health", process, log)
        yield Site(f"http://localhost:{port}", history_database)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@pytest.fixture(scope="session")
async def browser(chromium: str) -> AsyncIterator[Browser]:
    """One Chromium; each visit has a profile of its own."""
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=chromium, headless=True, args=FLAGS)
        yield browser
        await browser.close()


async def profile(site: Site, browser: Browser, email: str | None) -> BrowserContext:
    """A profile of the browser, where somebody is signed in."""
    context = await browser.new_context(reduced_motion="reduce", locale="en-GB", accept_downloads=True)
    context.set_default_timeout(30_000)
    await context.add_init_script(REPORT_CSP)
    if email is not None:
        login = await context.request.post(f"{site.origin}/auth/login", data={"email": email, "password": PASSWORD})
        assert login.ok, await login.text()
    return context


@pytest.fixture(scope="session")
def profiles() -> dict[str, BrowserContext]:
    """Of everybody who has signed in: what their first page fetched is there for all that follow."""
    return {}


@pytest.fixture
async def open_page(site: Site, browser: Browser, profiles: dict[str, BrowserContext]) -> AsyncIterator[OpenPage]:
    """`visit = await open_page("/conversions", width=390, theme="dark", email="viewer@example.com")`.

    `email=None` is nobody, in a fresh profile; `path=None` opens no page yet, for those who want to listen or to
    interfere first.
    """
    async with AsyncExitStack() as stack:

        async def open_page(
            path: str | None = "/", *, email: str | None = OWNER, width: int = 1440, theme: str = "light"
        ) -> Visit:
            if email is None:
                context = await profile(site, browser, None)
                stack.push_async_callback(context.close)
            elif email in profiles:
                context = profiles[email]
            else:
                context = profiles[email] = await profile(site, browser, email)
            visit = Visit(site, await context.new_page(), width, theme)
            stack.push_async_callback(visit.close)
            await visit.page.set_viewport_size({"width": width, "height": 900})
            await visit.page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
            if path is not None:
                await visit.go(path)
            return visit

        yield open_page


def _answers(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    with httpx.Client(timeout=5) as client:
        while True:
            try:
                if client.get(url).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            said = log.read_text(errors="replace")[-6_000:]
            assert process.poll() is None, f"the store ended at its start:\n{said}"
            assert time.monotonic() < until, f"the store is not up after {START_SECONDS:g} s:\n{said}"
            time.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
