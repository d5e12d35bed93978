"""Naming: what the rows of an entity are called, for answers that people read. It decides nothing by a name."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.links.registry import Links


async def names_by_id(
    session: AsyncSession, links: Links, tenant_id: str, entity: str, ids: Iterable[str | None] | None
) -> dict[str, str]:
    """Names by id, of rows that have one; nothing where the store has no such entity.

    Args:
        ids: which rows, those without an id passed over; None: all, for an export that is streamed.
    """
    wanted = None if ids is None else sorted({each for each in ids if each})
    if wanted == [] or not links.has(entity) or not links.provides(entity, "name"):
        return {}
    rows = links.selectable(entity, tenant_id) if wanted is None else links.by_ids(entity, tenant_id, wanted)
    return {row.id: row.name for row in await session.execute(select(rows.c.id, rows.c.name)) if row.name}
