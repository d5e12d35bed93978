"""Streams: set-wise readers of high-volume rows behind a transaction-snapshot watermark; no row passes through Python.

A row's `xid` is the transaction that wrote it. Everything below the oldest transaction still running is committed and
will never grow, so a reader that takes `low ≤ xid < high` misses no late commit and reads no row twice.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.errors import ConfigurationError
from adplanning_plugin.kernel.events import encode_json
from adplanning_plugin.kernel.runtime import Runtime

_QUERY_CANCELED = "57014"


@dataclass(frozen=True, kw_only=True, slots=True)
class StreamReader:
    """A set-wise, idempotent reader: `advance(runtime, session, tenant_id, low_xid, high_xid)` counts its rows."""

    id: str
    advance: Callable[[Runtime, AsyncSession, str, int, int], Awaitable[int]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Lag:
    """How far a reader is behind: transactions not read yet, and seconds since it last advanced."""

    reader: str
    transactions: int
    seconds: float


class Streams:
    """All stream readers of the installation, in the order in which they were added."""

    def __init__(self) -> None:
        self._readers: dict[str, StreamReader] = {}
        self._cluster: str | None = None

    @property
    def readers(self) -> tuple[StreamReader, ...]:
        """The registered readers."""
        return tuple(self._readers.values())

    def add(self, reader: StreamReader) -> None:
        """Register a reader under its stable id."""
        if reader.id in self._readers:
            raise ConfigurationError(f"The stream reader {reader.id!r} is registered twice: rename or remove one.")
        self._readers[reader.id] = reader

    async def advance(self, runtime: Runtime, tenant_id: str) -> bool:
        """Let every reader read what is complete by now; False where another process is at one of them."""
        alone = True
        for reader in self._readers.values():
            while True:
                outcome = await self._advance(runtime, tenant_id, reader)
                alone = alone and outcome is not None
                if not outcome:
                    break
        return alone

    async def _advance(self, runtime: Runtime, tenant_id: str, reader: StreamReader) -> bool | None:
        """One transaction of one reader: True where more is waiting, None where another process holds it."""
        key = {"tenant": tenant_id, "reader": f"stream:{reader.id}"}
        low = high = 0
        try:
            async with runtime.database.transaction(tenant_id) as session:
                await session.execute(_ENSURE, key)
                row = (await session.execute(_LOCK, key)).first()
                if row is None:
                    return None
                cluster = await self._cluster_id(session)
                position: dict[str, Any] = row.position
                # Taken after the lock, so that it is not older than what the reader before us has written.
                horizon = int((await session.execute(_HORIZON)).scalar_one())
                low = int(position.get("xid", 0))
                if position.get("cluster") != cluster or low > horizon:
                    low = 0  # restored into another cluster, whose transaction numbers start again
                window = position.get("window")
                high = min(horizon, low + int(window)) if window else horizon
                if high <= low:
                    return False
                await reader.advance(runtime, session, tenant_id, low, high)
                moved: dict[str, Any] = {"xid": high, "cluster": cluster}
                if window and high < horizon:
                    moved["window"] = int(window) * 2
                await session.execute(_MOVE, {**key, "position": encode_json(moved)})
                return high < horizon
        except DBAPIError as problem:
            if getattr(problem.orig, "sqlstate", None) != _QUERY_CANCELED or high - low <= 1:
                raise
            await self._narrow(runtime, tenant_id, key, (high - low) // 2)
            return True

    async def _narrow(self, runtime: Runtime, tenant_id: str, key: dict[str, str], window: int) -> None:
        """After a statement timeout: fewer transactions at once, so that a long backlog is still worked off."""
        runtime.log.warning("stream %s took too long; reading %s transactions at a time", key["reader"], window)
        async with runtime.database.transaction(tenant_id) as session:
            await session.execute(_ENSURE, key)
            await session.execute(_NARROW, {**key, "window": window})

    async def lag(self, session: AsyncSession, tenant_id: str) -> list[Lag]:
        """Each reader's distance from now, for the health page."""
        rows = (await session.execute(_LAG, {"tenant": tenant_id})).all()
        found = {row.reader: Lag(reader=row.reader, transactions=row.behind, seconds=row.seconds) for row in rows}
        return [
            found.get(reader, Lag(reader=reader, transactions=0, seconds=0.0))
            for reader in (f"stream:{each}" for each in self._readers)
        ]

    async def _cluster_id(self, session: AsyncSession) -> str:
        """What stays while transaction numbers go on, and changes where they start again (dump and restore)."""
        if self._cluster is None:
            allowed = (await session.execute(_MAY_READ_CONTROL)).scalar_one()
            statement = _SYSTEM_IDENTIFIER if allowed else _OBJECT_IDENTIFIER
            self._cluster = str((await session.execute(statement)).scalar_one())
        return self._cluster


_ENSURE = text(
    "INSERT INTO adplanning.watermark (tenant_id, reader, position) VALUES (:tenant, :reader, '{}')"
    " ON CONFLICT (tenant_id, reader) DO NOTHING"
)
_LOCK = text(
    "SELECT position FROM adplanning.watermark WHERE tenant_id = :tenant AND reader = :reader FOR UPDATE SKIP LOCKED"
)
_HORIZON = text("SELECT pg_snapshot_xmin(pg_current_snapshot())::text::bigint")
_MOVE = text(
    "UPDATE adplanning.watermark SET position = CAST(:position AS jsonb), updated_at = now()"
    " WHERE tenant_id = :tenant AND reader = :reader"
)
_NARROW = text(
    "UPDATE adplanning.watermark SET position = position || jsonb_build_object('window', CAST(:window AS bigint))"
    " WHERE tenant_id = :tenant AND reader = :reader"
)
_LAG = text(
    """
    SELECT reader,
           greatest(0, pg_snapshot_xmax(pg_current_snapshot())::text::bigint - coalesce((position->>'xid')::bigint, 0))
               AS behind,
           extract(epoch FROM now() - updated_at)::float8 AS seconds
    FROM adplanning.watermark WHERE tenant_id = :tenant AND reader LIKE 'stream:%'
    """
)
_MAY_READ_CONTROL = text("SELECT has_function_privilege('pg_catalog.pg_control_system()', 'execute')")
_SYSTEM_IDENTIFIER = text("SELECT system_identifier::text FROM pg_control_system()")
_OBJECT_IDENTIFIER = text(
    "SELECT d.oid::text || ':' || 'adplanning.watermark'::regclass::oid::text FROM pg_database d"
    " WHERE d.datname = current_database()"
)
