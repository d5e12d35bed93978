"""Edges from storefront moments: a login, a signed link. It writes through `identity` and decides nothing."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from adplanning_plugin.identity import Edge, link, person_identifier
from adplanning_plugin.kernel.days import now
from adplanning_plugin.tracking.tokens import read_link

if TYPE_CHECKING:
    from collections.abc import Sequence

    from adplanning_plugin.kernel.runtime import Runtime
    from adplanning_plugin.tracking.presence import Visit

_MAX_WAITING = 200
_waiting: set[asyncio.Task[None]] = set()


async def write_edges(runtime: Runtime, tenant_id: str, edges: Sequence[Edge]) -> bool:
    """Write edges in a transaction of their own; False, and a line in the log, when that fails or takes too long."""
    try:
        async with asyncio.timeout(2), runtime.database.transaction(tenant_id) as session:
            await link(session, runtime, tenant_id, edges)
    except Exception as error:  # noqa: BLE001 - a login or a page goes on without its edge
        runtime.log.warning("identity edge not written: %s", type(error).__name__)
        return False
    return True


def link_visitor(runtime: Runtime, visit: Visit, token: str) -> None:
    """A landing with `?adp_link=`: link its visitor to the person it was signed for, without delaying the page."""
    person_id = read_link(runtime, visit.tenant_id, token)
    if person_id is None or visit.visitor_id is None or len(_waiting) >= _MAX_WAITING:
        return
    edge = Edge(visit.visitor_id, person_identifier(person_id), "signed_link", "link", now())
    task = asyncio.get_running_loop().create_task(_write(runtime, visit.tenant_id, edge), name="adplanning-link")
    _waiting.add(task)
    task.add_done_callback(_waiting.discard)


async def settle() -> None:
    """Wait for edges that are being written (shutdown)."""
    if _waiting:
        await asyncio.wait(set(_waiting))


async def _write(runtime: Runtime, tenant_id: str, edge: Edge) -> None:
    await write_edges(runtime, tenant_id, [edge])
