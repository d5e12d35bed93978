"""A running example store for the tests that buy in it: its process, its admin API, and its database to look into."""

from __future__ import annotations

import asyncio
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

import asyncpg
import httpx

from host_example.catalogue import MAIN, PASSWORD
from tests.matrix.serve import Running

ROOT = Path(__file__).parents[2]
START_SECONDS = 60.0
ADMIN = "/admin/ad-planning"


class RunningStore:
    """The store while it runs."""

    def __init__(self, running: Running, log: Path, admin: httpx.AsyncClient) -> None:
        self.running, self.log, self._admin = running, log, admin

    @property
    def origin(self) -> str:
        return self.running.origin

    async def log_in(self) -> None:
        """As the owner; every later call of the admin carries the token."""
        login = await self._admin.post("/auth/login", json={"email": "admin@example.com", "password": PASSWORD})
        self._admin.headers["authorization"] = f"Bearer {login.raise_for_status().json()['token']}"
        self._admin.cookies.clear()

    async def admin(self, path: str, **query: Any) -> dict[str, Any]:
        """What the plugin's admin API answers."""
        answer = await self._admin.get(ADMIN + path, params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def admin_all(self, path: str, name: str, **query: Any) -> list[dict[str, Any]]:
        """Every row of a list."""
        rows: list[dict[str, Any]] = []
        while True:
            page = await self.admin(path, limit=200, offset=len(rows), **query)
            rows += page[name]
            if len(rows) >= page["count"] or not page[name]:
                return rows

    async def mark_paid(self, number: int) -> None:
        """The transfer for an order has arrived, and the owner says so."""
        answer = await self._admin.post(f"/app/orders/{number}/paid")
        assert answer.status_code == 303, answer.text

    async def fetch(self, statement: str, *values: Any) -> list[dict[str, Any]]:
        """Rows of the database, as the store's own role inside its tenant."""
        connection = await asyncpg.connect(self.running.database_url)
        try:
            await connection.execute(f"SET app.tenant_id = '{MAIN}'")
            return [dict(row) for row in await connection.fetch(statement, *values)]
        finally:
            await connection.close()

    async def settled(self, orders: int, patience: float = 120.0) -> None:
        """Wait until that many orders are in the figures, nothing is due, and every event has been read."""
        until = time.monotonic() + patience
        while True:
            # In this order: what a reader finds makes work, and no work makes events.
            seen = (await self.admin("/coverage"))["coverage"]["orders"]
            unread = await self.fetch(_UNREAD)
            due = (await self.admin("/operations/work", status="pending", limit=1))["count"]
            if seen == orders and due == 0 and not unread:
                return
            assert time.monotonic() < until, (
                f"after {patience:g} s {seen} of {orders} orders are in, {due} pieces of work are due and "
                f"{len(unread)} readers are behind; the store's log ends with\n{self.tail()}"
            )
            await asyncio.sleep(0.25)

    def tail(self) -> str:
        """The end of what the process wrote."""
        return self.log.read_text(errors="replace")[-6_000:]


_UNREAD = """
SELECT 1 FROM adplanning.watermark w
WHERE (w.position->>'xid')::bigint <= (SELECT max(xid) FROM adplanning.event e WHERE e.tenant_id = w.tenant_id)
"""


@asynccontextmanager
async def running_store(database_url: str, folder: Path, sessions: str) -> AsyncIterator[RunningStore]:
    """Start the store, give it, and end it; what it wrote to its log is shown where it does not come up."""
    running = Running(database_url=database_url, port=_free_port(), payment_port=_free_port(), sessions=sessions)
    log = folder / "store.log"
    command = [sys.executable, "-m", "tests.matrix.serve", json.dumps(asdict(running))]
    process = _spawn(command, log)
    try:
        async with httpx.AsyncClient(base_url=f"http://localhost:{running.port}", timeout=60) as client:
            store = RunningStore(running, log, client)
            await _open(store, client, process)
            await store.log_in()
            yield store
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            await asyncio.to_thread(process.wait, 20)
        except subprocess.TimeoutExpired:
            process.kill()
            await asyncio.to_thread(process.wait)


def _spawn(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    with log.open("wb") as output:
        return subprocess.Popen(command, cwd=ROOT, stdout=output, stderr=subprocess.STDOUT)


async def _open(store: RunningStore, client: httpx.AsyncClient, process: subprocess.Popen[bytes]) -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            if (await client.get("/health")).status_code == 200:
                return
        except httpx.TransportError:
            pass
        assert process.poll() is None, f"the store ended at its start:\n{store.tail()}"
        assert time.monotonic() < until, f"the store is not up after {START_SECONDS:g} s:\n{store.tail()}"
        await asyncio.sleep(0.1)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
