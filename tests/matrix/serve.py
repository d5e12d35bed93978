"""`python -m tests.matrix.serve SETTINGS`: the example store and, on another origin, the payment, in one process.

SETTINGS is a JSON object: database_url, port, payment_port, sessions ("own" or "host"). The advertising is seeded; the
store has no orders and no visits but those that a test makes. Nothing of the plugin is replaced.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx
import uvicorn
from litestar import Litestar

from adplanning_plugin import AdPlanning
from adplanning_plugin.kernel.keys import register_key
from adplanning_plugin.options import CookieOptions, DatabaseOptions, IngestOptions, Options
from host_example import payment, security
from host_example.app import create_app
from host_example.catalogue import MAIN
from host_example.history import History, connect, load
from host_example.history.advertising import DAILY, write_accounts
from host_example.history.plan import KHADI
from host_example.settings import StoreSettings

SECRET = "the matrix signs its cookies with this, and nothing else does"
SPEND_MINOR = 120_000
"""What the campaign Brand spent today, in paise."""
BRAND_AD = 70_1111


@dataclass(frozen=True)
class Running:
    """What the process is told."""

    database_url: str
    port: int
    payment_port: int
    sessions: str

    @property
    def origin(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def payment_origin(self) -> str:
        """Another site, not only another port: no cookie of the store's goes there."""
        return f"http://127.0.0.1:{self.payment_port}"


def store(running: Running) -> Litestar:
    """The example store as it is, its plugin with the sessions that are asked for."""
    settings = StoreSettings(
        database_url=running.database_url,
        secret=SECRET,
        payment_url=running.payment_origin,
        record_sessions=running.sessions == "host",
    )
    options = Options(
        database=DatabaseOptions(url=running.database_url),
        cookie=CookieOptions(secure=False),
        ingest=IngestOptions(trusted_proxies=1),
        secret=SECRET,
        sessions="host" if running.sessions == "host" else "own",
    )
    app = create_app(settings, options=options)
    plugin = app.plugins.get(AdPlanning)

    async def seed() -> None:
        connection = await connect(running.database_url)
        today = datetime.now(ZoneInfo(KHADI.timezone)).date()
        history = History(seed=0, end_day=today)
        write_accounts(history, KHADI, today - timedelta(days=364))
        history.add("ad_daily", DAILY, [(600_001, MAIN, BRAND_AD, today, SPEND_MINOR, 4_000, 90, 0, 0, 0)])
        await load(connection, history)
        await connection.close()
        async with plugin.runtime.database.transaction(str(MAIN)) as session:
            await register_key(session, str(MAIN), settings.publishable_key, [running.origin], "matrix")

    app.on_startup.append(seed)
    return app


class Provider:
    """The payment provider; its webhooks leave over one pool, so that a hundred of them cost what they weigh."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(timeout=30)

    async def deliver(self, url: str, body: dict[str, str]) -> None:
        answer = await self._client.post(url, json=body)
        answer.raise_for_status()

    def app(self) -> Litestar:
        return payment.create_app(StoreSettings.payment_secret, deliver=self.deliver)


async def run(running: Running) -> None:
    """Serve both until told to stop."""
    servers = [_server(store(running), running.port), _server(Provider().app(), running.payment_port)]
    serving = [asyncio.create_task(server.serve()) for server in servers]
    await asyncio.wait(serving, return_when=asyncio.FIRST_COMPLETED)
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*serving)


def _server(app: Any, port: int) -> uvicorn.Server:
    limits = {"backlog": 512, "timeout_keep_alive": 60}
    return uvicorn.Server(uvicorn.Config(app, "127.0.0.1", port, log_level="warning", access_log=False, **limits))


if __name__ == "__main__":
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # The store's passwords cost as much time as the whole of their purchases; what they protect here is nothing.
    security._COST["n"] = 16
    asyncio.run(run(Running(**json.loads(sys.argv[1]))))
