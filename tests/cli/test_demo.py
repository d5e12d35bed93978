"""The demo as anyone starts it: opens, tells the truth, has figures, keeps its data, and leaves nothing running."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from adplanning_plugin.embedded import home
from adplanning_plugin.embedded.server import free_port
from tests.databases import ROOT

pytestmark = [pytest.mark.slow, pytest.mark.processes]
PATIENCE = 300.0


@contextmanager
def demo(folder: Path, port: int) -> Iterator[httpx.Client]:
    """The running demo; at the end Ctrl-C, and nothing of it is left."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("ADPLANNING_", "STORE_"))}
    settings = {"ADPLANNING_DEMO_PORT": str(port), "ADPLANNING_DEMO_DIR": str(folder), "ADPLANNING_DEMO_SCALE": "0.02"}
    folder.parent.mkdir(parents=True, exist_ok=True)
    with (folder.parent / "said.txt").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "host_example.demo"],
            cwd=ROOT, env={**clean, **settings}, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            start_new_session=True,
        )  # fmt: skip
    try:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=30) as client:
            _wait(client, process, folder.parent / "said.txt")
            yield client
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 0
        assert _group(process.pid) == []
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait(10)


def _wait(client: httpx.Client, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        assert process.poll() is None, log.read_text()
        try:
            if client.get("/health").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.2)
    raise AssertionError(f"not open after {PATIENCE:g} s: {log.read_text()}")


def _group(leader: int) -> list[str]:
    """Processes that the demo started, its servers included, which lead groups of their own."""
    said = subprocess.run(["ps", "-eo", "pid=,ppid=,sess=,args="], capture_output=True, text=True, check=True)
    return [line for line in said.stdout.splitlines() if str(leader) in line.split()[1:3]]


def _signed_in(client: httpx.Client, email: str) -> dict[str, str]:
    answer = client.post("/auth/login", json={"email": email, "password": "demo"})
    answer.raise_for_status()
    client.cookies.clear()
    return {"authorization": f"Bearer {answer.json()['token']}"}


@pytest.fixture
def folder() -> Iterator[Path]:
    """Where the servers can enter, whoever runs the tests."""
    made = home(f"demo-test-{os.getpid()}")
    yield made / "data"
    shutil.rmtree(made, ignore_errors=True)


def test_the_demo_opens_shows_figures_and_opens_again_with_the_same_data(folder: Path) -> None:
    port = free_port()
    with demo(folder, port) as client:
        truth = client.get("/demo/truth").json()
        assert {order["tenant"] for order in truth["orders"]} == {"101", "202"}
        figures = {}
        for email in ("admin@example.com", "admin@second.example.com"):
            bearer = _signed_in(client, email)
            assert client.get("/admin/ad-planning/dashboard").status_code == 401
            answer = client.get("/admin/ad-planning/conversions?conversion_type=purchase&limit=1", headers=bearer)
            figures[email] = answer.json()["count"]
            dashboard = client.get("/admin/ad-planning/dashboard", headers=bearer)
            assert dashboard.status_code == 200, dashboard.text
            roi = client.get("/admin/ad-planning/roi?by=campaign&compare=previous", headers=bearer)
            assert roi.status_code == 200, roi.text
        assert 0 < sum(figures.values()) <= len(truth["orders"])
    with demo(folder, port) as client:
        assert client.get("/demo/truth").json() == truth
        bearer = _signed_in(client, "admin@example.com")
        answer = client.get("/admin/ad-planning/conversions?conversion_type=purchase&limit=1", headers=bearer)
        assert answer.json()["count"] == figures["admin@example.com"]
