"""Filling: components of edges that were written before there were any, asked for or one by one. A pass a day repairs.

What is read before the first pass is done is filled as it is asked for, by whoever cannot do without.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.identity.settings import settings_of
from adplanning_plugin.identity.upkeep import AT_ONCE, hold, keep_in_step, live, refresh
from adplanning_plugin.kernel.days import now
from adplanning_plugin.kernel.jobs import Every, Job, JobContext
from adplanning_plugin.kernel.runtime import Runtime

FILL_JOB = "identity-components"
_EVERY_SECONDS = 300
_AGAIN_AFTER = timedelta(hours=20)
_READER = "identity.components"
_LACKS = (
    "NOT EXISTS (SELECT 1 FROM adplanning.identity_component c"
    " WHERE c.tenant_id = :tenant AND c.node = e.visitor_id AND c.is_visitor)"
)
_NEXT = text(
    f"SELECT DISTINCT e.visitor_id FROM adplanning.identity_edge e"  # noqa: S608
    f" WHERE {live('e')} AND e.visitor_id > :after AND {_LACKS} ORDER BY 1 LIMIT :most"
)
_ASKED = text(
    f"""
    SELECT e.visitor_id FROM adplanning.identity_edge e
    WHERE e.visitor_id = ANY(CAST(:visitors AS text[])) AND {live("e")} AND {_LACKS}
    UNION
    SELECT e.visitor_id FROM adplanning.identity_edge e
    WHERE e.identifier = ANY(CAST(:identifiers AS text[])) AND {live("e")} AND {_LACKS}
    """  # noqa: S608
)
_PASSED = text("SELECT position->>'at' FROM adplanning.watermark WHERE tenant_id = :tenant AND reader = :reader")
_PASS = text(
    "INSERT INTO adplanning.watermark (tenant_id, reader, position)"
    " VALUES (:tenant, :reader, jsonb_build_object('at', CAST(:at AS text)))"
    " ON CONFLICT (tenant_id, reader) DO UPDATE SET position = excluded.position, updated_at = now()"
)
_ANY = text("SELECT EXISTS (SELECT 1 FROM adplanning.identity_edge WHERE tenant_id = :tenant)")


class _Filled:
    """Stores of which this process knows that nothing lacks its component."""

    def __init__(self) -> None:
        self.tenants: set[str] = set()


async def must_be_asked_for(session: AsyncSession, runtime: Runtime, tenant_id: str) -> bool:
    """Whether there may be edges whose components were never written."""
    if not runtime.has(_Filled):
        runtime.put(_Filled())
    filled = runtime.get(_Filled).tenants
    if tenant_id in filled:
        return False
    if await _passed(session, tenant_id) is not None:
        filled.add(tenant_id)
        return False
    return bool((await session.execute(_ANY, {"tenant": tenant_id})).scalar_one())


async def ask_for(
    session: AsyncSession, runtime: Runtime, tenant_id: str, visitors: Sequence[str], identifiers: Sequence[str]
) -> None:
    """Write the components of these now, where they are lacking; while another keeps them, an event does."""
    values = {"tenant": tenant_id, "visitors": list(visitors), "identifiers": list(identifiers)}
    lacking = list((await session.execute(_ASKED, values)).scalars())
    if lacking:
        settings = await settings_of(session, tenant_id)
        await keep_in_step(session, runtime, tenant_id, settings, lacking, ())


async def fill(context: JobContext) -> None:
    """Write what is lacking, some visitors at a time; the first pass that ends lets nobody ask any more."""
    runtime, tenant_id = context.runtime, context.tenant_id
    async with context.transaction() as session:
        passed = await _passed(session, tenant_id)
    began = now()
    if passed is not None and began - passed < _AGAIN_AFTER:
        return
    after, done = "", 0
    while True:
        async with context.transaction() as session:
            await hold(session, tenant_id)
            values: dict[str, Any] = {"tenant": tenant_id, "after": after, "most": AT_ONCE}
            visitors = list((await session.execute(_NEXT, values)).scalars())
            if not visitors:
                at = {"tenant": tenant_id, "reader": _READER, "at": began.isoformat()}
                await session.execute(_PASS, at)
                break
            await refresh(session, runtime, tenant_id, await settings_of(session, tenant_id), visitors, [])
        after, done = visitors[-1], done + len(visitors)
        await context.progress(done)
    await context.progress(done, done)


async def _passed(session: AsyncSession, tenant_id: str) -> datetime | None:
    found = await session.execute(_PASSED, {"tenant": tenant_id, "reader": _READER})
    at = found.scalar_one_or_none()
    return None if at is None else datetime.fromisoformat(at)


JOBS = (Job(name=FILL_JOB, schedule=Every(seconds=_EVERY_SECONDS), run=fill, catch_up="skip"),)
