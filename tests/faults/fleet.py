"""Fleet: the store's processes, started, killed and counted; none of them outlives whoever started it."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import IO, Any

import httpx

from adplanning_plugin.embedded.server import free_port

ROOT = Path(__file__).parents[2]
STARTS_WITHIN = 40.0
"""A process that imports everything on a machine that is busy with other tests."""


class Fleet:
    """Processes of the store on one database: `web`, `worker`, `scheduler`."""

    def __init__(self, database_url: str, log: IO[bytes] | int = subprocess.DEVNULL, **settings: str) -> None:
        self.port = free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self._log = log
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith("ADPLANNING_")},
            "ADPLANNING_DATABASE_URL": database_url,
            "PYTHONPATH": str(ROOT),
            **settings,
        }
        self._started = tempfile.TemporaryDirectory(prefix="adplanning-fleet-")
        self._environment["FAULTS_STARTED"] = self._started.name
        self.running: list[subprocess.Popen[bytes]] = []

    def start(self, kind: str, **settings: str) -> subprocess.Popen[bytes]:
        """Start one; it works once it has imported what it needs."""
        more = [str(self.port)] if kind == "web" else []
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.faults.process", kind, str(os.getpid()), *more],
            cwd=ROOT,
            env={**self._environment, **settings},
            stdin=subprocess.DEVNULL,
            stdout=self._log,
            stderr=self._log,
            start_new_session=True,  # Ctrl-C is the caller's to handle
        )
        self.running.append(process)
        return process

    def kill(self, process: subprocess.Popen[bytes]) -> None:
        """`kill -9`, and nobody else's process: this one has not been waited for yet."""
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        self.running.remove(process)

    async def is_up(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until the web process answers.

        Raises:
            AssertionError: it ended instead.
        """
        async with asyncio.timeout(STARTS_WITHIN), httpx.AsyncClient() as client:
            while True:
                assert process.poll() is None, f"the web process ended with status {process.returncode}"
                try:
                    answer = await client.get(f"{self.base}/health", timeout=2.0)
                    if answer.status_code == 200:
                        return
                except httpx.TransportError:
                    pass
                await asyncio.sleep(0.05)

    async def has_started(self, process: subprocess.Popen[bytes]) -> None:
        """Wait until a process of any kind has imported everything and reached the database.

        Raises:
            AssertionError: it ended instead.
        """
        said = Path(self._started.name, str(process.pid))
        async with asyncio.timeout(STARTS_WITHIN):
            while not said.exists():  # noqa: ASYNC240 - a look at one name, and another process tells
                assert process.poll() is None, f"a process ended with status {process.returncode}"
                await asyncio.sleep(0.05)

    async def web(self, **settings: str) -> subprocess.Popen[bytes]:
        """A web process that answers."""
        process = self.start("web", **settings)
        await self.is_up(process)
        return process

    def close(self) -> None:
        """Nothing is left running."""
        for process in [*self.running]:
            self.kill(process)
        self._started.cleanup()


class Receiver:
    """The world outside: notes each call and its idempotency key, and holds answers back while told to."""

    def __init__(self) -> None:
        self.calls: list[tuple[str, str]] = []
        self.called = threading.Event()
        self.answers = threading.Event()
        self.answers.set()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                outer.calls.append((self.path, self.headers["Idempotency-Key"]))
                outer.called.set()
                outer.answers.wait(60)
                try:
                    self.send_response(200)
                    self.send_header("content-length", "0")
                    self.end_headers()
                except OSError:
                    """Whoever asked was killed."""

            def log_message(self, *_: Any) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._server.handle_error = lambda *_: None  # type: ignore[method-assign] - a killed client is no news
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        """Answer whoever still waits, and listen no more."""
        self.answers.set()
        self._server.shutdown()
        self._server.server_close()


def memory_of(process: subprocess.Popen[bytes]) -> int:
    """Resident bytes of a process."""
    said = subprocess.run(["ps", "-o", "rss=", "-p", str(process.pid)], capture_output=True, text=True, check=True)
    return int(said.stdout) * 1024


async def within(seconds: float, condition: Callable[[], Any], why: str) -> float:
    """How long it took until the condition held.

    Raises:
        AssertionError: longer than it may.
    """
    begun = time.monotonic()
    while True:
        try:
            if await condition():
                return time.monotonic() - begun
        except OSError:  # whoever is asked is away, too
            pass
        assert time.monotonic() - begun < seconds, f"{why}: not within {seconds:g} s"
        await asyncio.sleep(0.2)
