"""Partitions of the event table: months made ahead, months expired, each with row-level security. Run as the owner."""

from __future__ import annotations

import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from adplanning_plugin.kernel.models import SCHEMA, row_security

_MONTHLY = re.compile(r"^event_(\d{4})_(\d{2})$")
_DEFAULT = "event_default"


async def ensure_partitions(
    connection: AsyncConnection, months_ahead: int = 3, *, today: date | None = None
) -> list[str]:
    """Make last month's to `months_ahead` months' partitions and the default one where they are missing.

    A month whose rows already lie in the default partition gets them moved. Returns what was made. Safe to repeat,
    and to run twice at once.
    """
    await connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended('adplanning.partitions', 0))"))
    there = await _partitions(connection)
    made: list[str] = []
    if _DEFAULT not in there:
        await _run(connection, f"CREATE TABLE {SCHEMA}.{_DEFAULT} PARTITION OF {SCHEMA}.event DEFAULT")
        await _secure(connection, _DEFAULT)
        made.append(_DEFAULT)
    for first, following in _months(today or datetime.now(UTC).date(), months_ahead):
        name = f"event_{first:%Y_%m}"
        if name not in there:
            await _make(connection, name, first, following)
            made.append(name)
    for name in there:
        await _secure(connection, name)
    return made


async def drop_expired(connection: AsyncConnection, months: int, *, today: date | None = None) -> list[str]:
    """Drop the partitions whose whole month ended more than `months` months ago; returns their names."""
    day = today or datetime.now(UTC).date()
    oldest = day.year * 12 + day.month - 1 - months
    dropped: list[str] = []
    for name in sorted(await _partitions(connection)):
        match = _MONTHLY.match(name)
        if match and int(match[1]) * 12 + int(match[2]) - 1 < oldest:
            await _run(connection, f"DROP TABLE {SCHEMA}.{name}")
            dropped.append(name)
    year, month = divmod(oldest, 12)
    limit = f"{year:04d}-{month + 1:02d}-01"
    expired = f"occurred_at < '{limit}T00:00:00+00:00'"
    if await _has_rows(connection, expired):
        async with _unforced(connection):
            await _run(connection, f"DELETE FROM {SCHEMA}.{_DEFAULT} WHERE {expired}")  # noqa: S608
    return dropped


async def _make(connection: AsyncConnection, name: str, first: date, following: date) -> None:
    bounds = f"FROM ('{first}T00:00:00+00:00') TO ('{following}T00:00:00+00:00')"
    within = f"occurred_at >= '{first}T00:00:00+00:00' AND occurred_at < '{following}T00:00:00+00:00'"
    if not await _has_rows(connection, within):
        await _run(connection, f"CREATE TABLE {SCHEMA}.{name} PARTITION OF {SCHEMA}.event FOR VALUES {bounds}")
        await _secure(connection, name)
        return
    # PostgreSQL refuses a partition while the default holds its rows: move them first, as the owner without the policy.
    await _run(connection, f"CREATE TABLE {SCHEMA}.{name} (LIKE {SCHEMA}.event INCLUDING ALL)")
    async with _unforced(connection):
        await _run(
            connection,
            f"WITH moved AS (DELETE FROM {SCHEMA}.{_DEFAULT} WHERE {within} RETURNING *) "  # noqa: S608
            f"INSERT INTO {SCHEMA}.{name} SELECT * FROM moved",
        )
    await _run(connection, f"ALTER TABLE {SCHEMA}.event ATTACH PARTITION {SCHEMA}.{name} FOR VALUES {bounds}")
    await _secure(connection, name)


async def _has_rows(connection: AsyncConnection, condition: str) -> bool:
    query = text(f"SELECT EXISTS (SELECT FROM {SCHEMA}.{_DEFAULT} WHERE {condition})")  # noqa: S608
    async with _unforced(connection):
        return bool((await connection.execute(query)).scalar_one())


@asynccontextmanager
async def _unforced(connection: AsyncConnection) -> AsyncGenerator[None]:
    """Let the owner see every tenant's rows of the default partition, inside this transaction."""
    await _run(connection, f"ALTER TABLE {SCHEMA}.{_DEFAULT} NO FORCE ROW LEVEL SECURITY")
    yield
    await _run(connection, f"ALTER TABLE {SCHEMA}.{_DEFAULT} FORCE ROW LEVEL SECURITY")


async def _partitions(connection: AsyncConnection) -> set[str]:
    query = text(
        "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
        "WHERE i.inhparent = to_regclass(:table)"
    )
    return set((await connection.execute(query, {"table": f"{SCHEMA}.event"})).scalars())


async def _secure(connection: AsyncConnection, name: str) -> None:
    """Policies of the parent do not bind who names a partition directly: each has its own."""
    query = text("SELECT relrowsecurity AND relforcerowsecurity FROM pg_class WHERE oid = to_regclass(:table)")
    if not (await connection.execute(query, {"table": f"{SCHEMA}.{name}"})).scalar_one():
        policy = text("SELECT EXISTS (SELECT FROM pg_policies WHERE schemaname = :schema AND tablename = :name)")
        there = (await connection.execute(policy, {"schema": SCHEMA, "name": name})).scalar_one()
        for statement in row_security(f"{SCHEMA}.{name}")[: 2 if there else 3]:
            await _run(connection, statement)


async def _run(connection: AsyncConnection, statement: str) -> None:
    await connection.exec_driver_sql(statement)


def _months(today: date, ahead: int) -> Iterator[tuple[date, date]]:
    """(first day, first day of the month after) from the month before `today` on."""
    start = today.year * 12 + today.month - 2
    for number in range(start, start + ahead + 2):
        year, month = divmod(number, 12)
        following_year, following_month = divmod(number + 1, 12)
        yield date(year, month + 1, 1), date(following_year, following_month + 1, 1)
