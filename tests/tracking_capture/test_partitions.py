"""Months are made ahead and expire whole; every partition is fenced by tenant like its parent."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, date, datetime

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncEngine, create_async_engine

from adplanning_plugin.tracking import drop_expired, ensure_partitions

TODAY = date(2031, 12, 15)


@pytest.fixture
async def owner(database_url: str) -> AsyncIterator[AsyncEngine]:
    engine = create_async_engine(database_url.replace("postgresql://", "postgresql+asyncpg://", 1))
    yield engine
    await engine.dispose()


async def put(engine: AsyncEngine, at: datetime, tenant: str = "main") -> None:
    async with engine.begin() as connection:
        await connection.exec_driver_sql(f"SET LOCAL app.tenant_id = '{tenant}'")
        await connection.execute(
            text(
                "INSERT INTO adplanning.event (tenant_id, occurred_at, id, received_at, name, consent) "
                "VALUES (:tenant, :at, 'e', :at, 'x', 0)"
            ),
            {"tenant": tenant, "at": at},
        )


async def where(engine: AsyncEngine, tenant: str = "main") -> list[str]:
    async with engine.begin() as connection:
        await connection.exec_driver_sql(f"SET LOCAL app.tenant_id = '{tenant}'")
        found = await connection.execute(
            text("SELECT tableoid::regclass::text FROM adplanning.event ORDER BY occurred_at")
        )
        return list(found.scalars())


async def test_months_are_made_once_across_the_turn_of_the_year(owner: AsyncEngine) -> None:
    async with owner.begin() as connection:
        made = await ensure_partitions(connection, 2, today=TODAY)
        again = await ensure_partitions(connection, 2, today=TODAY)

    assert {"event_2031_11", "event_2031_12", "event_2032_01", "event_2032_02"} <= set(made)
    assert again == []
    await put(owner, datetime(2032, 1, 31, 23, 59, tzinfo=UTC))
    assert await where(owner) == ["adplanning.event_2032_01"]


async def test_rows_that_waited_in_the_default_partition_move_into_their_month(owner: AsyncEngine) -> None:
    async with owner.begin() as connection:
        await ensure_partitions(connection, 0, today=date(2026, 1, 1))
    await put(owner, datetime(2031, 12, 3, tzinfo=UTC))
    await put(owner, datetime(2031, 12, 4, tzinfo=UTC), "other")
    assert await where(owner) == ["adplanning.event_default"]
    async with owner.begin() as connection:
        await ensure_partitions(connection, 1, today=TODAY)

    assert await where(owner) == await where(owner, "other") == ["adplanning.event_2031_12"]


async def test_expired_months_go_and_the_others_stay(owner: AsyncEngine) -> None:
    async with owner.begin() as connection:
        await ensure_partitions(connection, 1, today=date(2031, 9, 1))
        await ensure_partitions(connection, 1, today=TODAY)
    for at in (datetime(2031, 8, 1, tzinfo=UTC), datetime(2031, 10, 1, tzinfo=UTC), datetime(2030, 1, 1, tzinfo=UTC)):
        await put(owner, at)
    async with owner.begin() as connection:
        dropped = await drop_expired(connection, 2, today=TODAY)

    assert {"event_2031_08", "event_2031_09"} <= set(dropped)
    assert "event_2031_10" not in dropped
    assert await where(owner) == ["adplanning.event_2031_10"]


async def test_every_partition_is_fenced_by_tenant(owner: AsyncEngine) -> None:
    async with owner.begin() as connection:
        await ensure_partitions(connection, 1, today=TODAY)
    await put(owner, datetime(2031, 12, 3, tzinfo=UTC))
    async with owner.begin() as connection:
        open_ones = await connection.execute(
            text(
                "SELECT c.relname FROM pg_inherits i JOIN pg_class c ON c.oid = i.inhrelid "
                "WHERE i.inhparent = 'adplanning.event'::regclass AND NOT (relrowsecurity AND relforcerowsecurity AND "
                "EXISTS (SELECT FROM pg_policies p WHERE p.schemaname = 'adplanning' AND p.tablename = c.relname))"
            )
        )
        assert open_ones.scalars().all() == []
        await connection.exec_driver_sql("SET LOCAL app.tenant_id = 'other'")
        direct = await connection.execute(text("SELECT count(*) FROM adplanning.event_2031_12"))
        assert direct.scalar_one() == 0
