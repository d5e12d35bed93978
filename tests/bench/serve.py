"""`python -m tests.bench.serve KIND PORT`: one web process for the load; the database is ADPLANNING_BENCH_URL.

Kinds: `plugin` is the plugin as installed; `inserts` is the same with an awaited INSERT for each request in place of
the shared flush; `echo` reads the same body with msgspec and answers, without checks and without a database.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from typing import Any

import asyncpg
import msgspec
import uvicorn
from litestar import Litestar

from adplanning_plugin.tracking.flush import EventRow, Flusher
from tests.bench.store import MAIN, install, make_key

_COLUMNS = EventRow.__struct_fields__
_JSON = ("utm", "click_ids", "properties")
_VALUES = ", ".join(f"${n}::text::jsonb" if name in _JSON else f"${n}" for n, name in enumerate(_COLUMNS, 2))
SINGLE_INSERT = (
    f"INSERT INTO adplanning.event (tenant_id, {', '.join(_COLUMNS)}) VALUES ($1, {_VALUES}) "
    "ON CONFLICT (tenant_id, occurred_at, id) DO NOTHING RETURNING occurred_at, id"
)


class SingleInserts:
    """What the flush replaces: one INSERT a request, each its own transaction on a pooled connection."""

    def __init__(self, pool: asyncpg.Pool[Any]) -> None:
        self._pool = pool

    async def submit(self, tenant_id: str, rows: Sequence[EventRow]) -> list[bool]:
        """Store the rows, one statement and one commit each."""
        async with self._pool.acquire() as connection:
            return [await connection.fetchrow(SINGLE_INSERT, tenant_id, *_values(row)) is not None for row in rows]

    async def drain(self) -> None:
        """Nothing waits here."""


def _values(row: EventRow) -> list[Any]:
    return [bytes(each).decode() if isinstance(each, msgspec.Raw) else each for each in msgspec.structs.astuple(row)]


def plugin_app(url: str, *, single: bool) -> Litestar:
    """The store with the plugin."""
    plugin = install(url)

    async def begin() -> None:
        await make_key(plugin)
        if single:
            settings = {
                "app.tenant_id": MAIN,
                "jit": "off",
            }  # set once a connection: the cheapest way to enter a tenant
            pool = await asyncpg.create_pool(url, min_size=8, max_size=8, server_settings=settings)
            plugin.runtime.put(SingleInserts(pool), Flusher)

    app = Litestar(plugins=[plugin])
    app.on_startup.append(begin)
    return app


class _Event(msgspec.Struct):
    name: str
    id: str
    occurred_at: str
    url: str
    referrer: str | None = None


class _Body(msgspec.Struct):
    events: list[_Event]
    key: str | None = None
    consent: dict[str, bool] | None = None


_decoder = msgspec.json.Decoder(_Body)


async def echo(scope: Any, receive: Any, send: Any) -> None:
    """Read the body and answer with how many events it held."""
    if scope["type"] == "lifespan":
        while (await receive())["type"] != "lifespan.shutdown":
            await send({"type": "lifespan.startup.complete"})
        await send({"type": "lifespan.shutdown.complete"})
        return
    body, more = b"", True
    while more:
        message = await receive()
        body += message.get("body", b"")
        more = message.get("more_body", False)
    content = msgspec.json.encode({"accepted": len(_decoder.decode(body).events), "duplicate": 0, "rejected": []})
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(content)).encode())]
    await send({"type": "http.response.start", "status": 202, "headers": headers})
    await send({"type": "http.response.body", "body": content})


def main(kind: str, port: int) -> None:
    """Serve until ended."""
    app: Any = echo if kind == "echo" else plugin_app(os.environ["ADPLANNING_BENCH_URL"], single=kind == "inserts")
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="warning", access_log=False, backlog=1024)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
