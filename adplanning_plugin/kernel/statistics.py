"""Statistics: keeps the planner informed while a backfill grows our tables faster than autovacuum looks at them.

A tenant that the statistics have never seen is taken for one row, and joins of its thousands are planned accordingly.
"""

from __future__ import annotations

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.database import Database
from adplanning_plugin.kernel.models import SCHEMA

_STALE = text(
    """
    SELECT format('%I.%I', s.schemaname, s.relname)
    FROM pg_stat_user_tables s JOIN pg_class c ON c.oid = s.relid
    WHERE s.schemaname = :schema AND pg_has_role(c.relowner, 'USAGE')
      AND s.n_mod_since_analyze > greatest(50, CAST(:share AS float8) * s.n_live_tup)
    """
)


async def count_changes(session: AsyncSession) -> None:
    """Let PostgreSQL count this transaction's changes at its commit, not up to a second later."""
    await session.execute(text("SELECT pg_stat_force_next_flush()"))


async def refresh_statistics(database: Database, share: float = 0.02) -> list[str]:
    """ANALYZE those of our tables of whose rows more than `share` have changed since the last one; returns their names.

    A role that does not own the tables leaves it to autovacuum.
    """
    async with database.system() as session:
        stale = list((await session.execute(_STALE, {"schema": SCHEMA, "share": share})).scalars())
        for table in stale:
            await session.execute(text(f"ANALYZE {table}"))
    return stale
