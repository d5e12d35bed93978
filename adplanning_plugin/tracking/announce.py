"""Announce: tells subscribers which conversions were made or changed, in the transaction that did it. Ids only."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.events import publish
from adplanning_plugin.kernel.runtime import Runtime

BATCH = 500
"""Ids in one `conversion.batch`, so that one delivery stays short."""


async def announce(
    session: AsyncSession, runtime: Runtime, tenant_id: str, created: Sequence[str] = (), updated: Sequence[str] = ()
) -> None:
    """Publish `conversion.created` or `conversion.updated` for a single one, `conversion.batch` for many.

    Each carries `{"ids": [...]}`; the single ones carry `id` as well.
    """
    ids = [*created, *updated]
    if len(ids) == 1:
        name = "conversion.created" if created else "conversion.updated"
        await publish(session, runtime, tenant_id, name, {"id": ids[0], "ids": ids})
        return
    for start in range(0, len(ids), BATCH):
        await publish(session, runtime, tenant_id, "conversion.batch", {"ids": ids[start : start + BATCH]})
