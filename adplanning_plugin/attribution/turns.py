"""Turns: within a store, touches change and credit is computed one after the other. It decides nothing else.

Whoever changes touches then looks for the credit that they concern, and would not see what is computed but not yet
committed; that computation in turn did not see the change. So a change waits for running computations and holds off new
ones until it is committed; computations do not wait for each other. Take the turn before any row is locked.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

_CHANGE, _COMPUTE = (
    text(f"SELECT count({lock}(hashtextextended('adplanning.credit ' || CAST(:tenant AS text), 0)))")
    for lock in ("pg_advisory_xact_lock", "pg_advisory_xact_lock_shared")
)


async def turn_to_change(session: AsyncSession, tenant_id: str) -> None:
    """From here to the end of the transaction no credit of this store is computed elsewhere."""
    await session.execute(_CHANGE, {"tenant": tenant_id})


async def turn_to_compute(session: AsyncSession, tenant_id: str) -> None:
    """From here to the end of the transaction no touch of this store changes elsewhere."""
    await session.execute(_COMPUTE, {"tenant": tenant_id})
