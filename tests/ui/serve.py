"""`python -m tests.ui.serve SETTINGS`: the example store with a small year of history, for the pages to show.

SETTINGS is a JSON object: database_url, port, scale. The payment provider listens on the next port.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
from typing import Any

import uvicorn

from host_example import payment, security
from host_example.app import create_app
from host_example.catalogue import SHOPS
from host_example.demo_data import Truth, prepare
from host_example.settings import StoreSettings
from tests.history import same_every_day

SECRET = "the pages' tests sign with this, and nothing else does"


async def run(database_url: str, port: int, payment_port: int, scale: float) -> None:
    """Load what is not there yet, then serve until told to stop."""
    origin = f"http://localhost:{port}"
    settings = StoreSettings(database_url=database_url, secret=SECRET, payment_url=f"http://127.0.0.1:{payment_port}")
    with same_every_day():
        await prepare(settings, {row[0]: [origin] for row in SHOPS}, Truth(), lambda *_: None, scale)
    applications: list[tuple[Any, int]] = [
        (create_app(settings), port),
        (payment.create_app(settings.payment_secret), payment_port),
    ]
    servers = [
        uvicorn.Server(uvicorn.Config(application, "127.0.0.1", each, log_level="warning", access_log=False))
        for application, each in applications
    ]
    serving = [asyncio.create_task(server.serve()) for server in servers]
    await asyncio.wait(serving, return_when=asyncio.FIRST_COMPLETED)
    for server in servers:
        server.should_exit = True
    await asyncio.gather(*serving)


if __name__ == "__main__":
    for chatty in ("httpx", "taskiq", "alembic"):
        logging.getLogger(chatty).setLevel(logging.WARNING)
    # The store's passwords cost as much time as the whole of their pages; what they protect here is nothing.
    security._COST["n"] = 16
    asyncio.run(run(**json.loads(sys.argv[1])))
