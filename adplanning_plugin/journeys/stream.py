"""Stream: new tracked events bring their visitors further, set-wise, behind the kernel's watermark."""

from __future__ import annotations

from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.journeys.activity import event, reads_own_events, tracked
from adplanning_plugin.journeys.progress import merge
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.watermark import StreamReader


async def read_events(runtime: Runtime, session: AsyncSession, tenant_id: str, low_xid: int, high_xid: int) -> int:
    """Take in the events that transactions low ≤ xid < high wrote; returns how many subjects came further."""
    if not reads_own_events(runtime):
        return 0
    rows = tracked(tenant_id, event.c.xid >= low_xid, event.c.xid < high_xid)
    return await merge(session, runtime, tenant_id, rows)


READER = StreamReader(id="journeys.progress", advance=read_events)
