"""`python -m tests.ui.picture`: takes docs/dashboard.png, with which the README opens, of the example store's history.

`ADPLANNING_UI_SITE` names a demo that runs already; without it one is started and ended. The history is drawn from one
seed, so two pictures of one day are alike; its days end today.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
from playwright.async_api import async_playwright

from host_example.catalogue import PASSWORD
from tests.chromium import chromium_path
from tests.ui.visiting import ROOT, Site, Visit

PICTURE = ROOT / "docs" / "dashboard.png"
LIMIT = 200_000
"""Bytes: a README is read on phones too."""
HEIGHT = 940
SCALE = "0.3"
PATIENCE = 300.0


@contextmanager
def site() -> Generator[Site]:
    """A demo: the one that is named, or one of this run's own."""
    named = os.environ.get("ADPLANNING_UI_SITE")
    if named:
        yield Site(named.rstrip("/"), "")
        return
    port = _free_port()
    with tempfile.TemporaryDirectory() as folder:
        environment = {
            "ADPLANNING_DEMO_SCALE": SCALE,
            **os.environ,
            "ADPLANNING_DEMO_PORT": str(port),
            "ADPLANNING_DEMO_DIR": folder,
        }
        process = subprocess.Popen([sys.executable, "-m", "host_example.demo"], cwd=ROOT, env=environment)
        try:
            _wait(f"http://localhost:{port}/health", process)
            yield Site(f"http://localhost:{port}", "")
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(60)


def _free_port() -> int:
    """One whose neighbour, the payment provider's, is free as well."""
    while True:
        with socket.socket() as one, socket.socket() as other:
            one.bind(("127.0.0.1", 0))
            port = int(one.getsockname()[1])
            try:
                other.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
            return port


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + PATIENCE
    while True:
        try:
            if httpx.get(url, timeout=5).status_code == 200:
                return
        except httpx.TransportError:
            pass
        if process.poll() is not None or time.monotonic() > until:
            raise SystemExit("The demo did not come up; what it says stands above.")
        time.sleep(0.2)


async def take(site: Site, path: Path) -> None:
    """The dashboard as an owner sees it, at 1440 px in the light theme."""
    chromium = chromium_path()
    if chromium is None:
        raise SystemExit("There is no Chromium on this machine: install it, or name one in ADPLANNING_CHROMIUM.")
    async with async_playwright() as play:
        browser = await play.chromium.launch(executable_path=chromium, headless=True, args=["--no-sandbox"])
        context = await browser.new_context(
            viewport={"width": 1440, "height": HEIGHT}, color_scheme="light", reduced_motion="reduce", locale="en-GB"
        )
        login = await context.request.post(
            f"{site.origin}/auth/login", data={"email": "admin@example.com", "password": PASSWORD}
        )
        if not login.ok:
            raise SystemExit(f"{site.origin} does not let the example store's owner in: is it the demo?")
        visit = Visit(site, await context.new_page(), 1440, "light")
        await visit.go("/")
        await visit.page.screenshot(path=path, animations="disabled", caret="hide")
        await browser.close()


def main() -> int:
    """The command."""
    with site() as found:
        asyncio.run(take(found, PICTURE))
    size = PICTURE.stat().st_size
    print(f"{PICTURE.relative_to(ROOT)}: {size:,} bytes")
    if size > LIMIT:
        print(f"A picture in the README has at most {LIMIT:,} bytes: show less of the page.", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
