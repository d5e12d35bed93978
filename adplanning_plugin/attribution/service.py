"""Service: from landings to touches to campaigns to due credit, and what people decide by hand. No SQL of its own."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.landings import host_landings, own_landings, own_sessions
from adplanning_plugin.attribution.manual import assign_campaign, changed_fields, edit_manual, follow_up
from adplanning_plugin.attribution.models import Touchpoint
from adplanning_plugin.attribution.reclassify import active_classing
from adplanning_plugin.attribution.recovered import sessions_to_read
from adplanning_plugin.attribution.resolution import resolve_touches, tell
from adplanning_plugin.attribution.schemas import AssignTouchpoint
from adplanning_plugin.attribution.touchpoints import store_touches, touches_of
from adplanning_plugin.attribution.turns import turn_to_change
from adplanning_plugin.kernel.errors import Conflict, FieldError, Invalid, NotFound
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import conversion_table, link_sessions

SESSIONS = 2_000
"""Sessions whose landings are read at once."""


def reads_host_sessions(runtime: Runtime) -> bool:
    """Whether linked (or imported) sessions make touches: where the host's count, or where they were imported to us."""
    links = runtime.get(Links)
    return links.has("analytics_session") and (
        runtime.options.sessions == "host" or not links.linked("analytics_session")
    )


async def read_events(runtime: Runtime, session: AsyncSession, tenant_id: str, low_xid: int, high_xid: int) -> int:
    """Stream reader: touches of the sessions that new events begin or give another source.

    Where the store's own sessions count, new events only tell the source of one that names none itself.
    """
    if runtime.options.sessions == "host":
        unsourced = await sessions_to_read(session, runtime, tenant_id, low_xid, high_xid)
        for start in range(0, len(unsourced), SESSIONS):
            await read_host_sessions(session, runtime, tenant_id, unsourced[start : start + SESSIONS])
        return len(unsourced)
    spans = await own_sessions(session, tenant_id, low_xid, high_xid)
    for start in range(0, len(spans), SESSIONS):
        some = spans[start : start + SESSIONS]
        await turn_to_change(session, tenant_id)
        classing = await active_classing(session, tenant_id)
        touches = touches_of(tenant_id, "own", await own_landings(session, tenant_id, some), classing)
        stored = await store_touches(session, tenant_id, "own", touches, [span.session_id for span in some])
        await follow_up(session, runtime, tenant_id, stored)
    return len(spans)


async def read_host_sessions(
    session: AsyncSession, runtime: Runtime, tenant_id: str, session_ids: Sequence[str]
) -> int:
    """Touches of linked sessions, and who was logged in; returns how many touches are new or changed."""
    if not session_ids:
        return 0
    await turn_to_change(session, tenant_id)
    await link_sessions(session, runtime, tenant_id, session_ids)
    if not reads_host_sessions(runtime):
        return 0
    landings = await host_landings(session, runtime, tenant_id, session_ids)
    touches = touches_of(tenant_id, "host", landings, await active_classing(session, tenant_id))
    stored = await store_touches(session, tenant_id, "host", touches, session_ids)
    await follow_up(session, runtime, tenant_id, stored)
    return len(stored.changed)


async def read_sessions_of(
    session: AsyncSession, runtime: Runtime, tenant_id: str, conversion_ids: Sequence[str]
) -> None:
    """Make sure that the visits in which these conversions happened have their touches, before credit is shared."""
    if not reads_host_sessions(runtime):
        return
    c = conversion_table.c
    statement = (
        select(c.session_id)
        .where(c.tenant_id == tenant_id, c.id.in_(conversion_ids), c.session_id.is_not(None))
        .where(
            ~select(Touchpoint.id)
            .where(Touchpoint.tenant_id == tenant_id, Touchpoint.session_id == c.session_id)
            .exists()
        )
        .distinct()
    )
    missing = list((await session.execute(statement)).scalars())
    await read_host_sessions(session, runtime, tenant_id, missing)


async def get_touch(session: AsyncSession, tenant_id: str, touch_id: str, *, lock: bool = False) -> Touchpoint:
    """One touch, or `NotFound`; locked, to be changed."""
    statement = select(Touchpoint).where(Touchpoint.tenant_id == tenant_id, Touchpoint.id == touch_id)
    if lock:
        await turn_to_change(session, tenant_id)
        statement = statement.with_for_update()
    found = (await session.execute(statement)).scalar_one_or_none()
    if found is None:
        raise NotFound(f"There is no attribution {touch_id!r}.")
    return found


async def assign(
    session: AsyncSession, runtime: Runtime, tenant_id: str, touch_id: str, given: AssignTouchpoint
) -> Touchpoint:
    """Assign a touch to a campaign by hand (it survives every later resolution), or, with null, undo that.

    A touch that was written down by hand may have its other fields changed too.

    Raises:
        Conflict: the version is stale, or a tracked touch's fields are to be changed.
        Invalid: the tenant has no such campaign, ad set or ad.
    """
    touch = await get_touch(session, tenant_id, touch_id, lock=True)
    if given.version is not msgspec.UNSET and given.version != touch.version:
        message = f"This attribution is at version {touch.version} by now: read it again and repeat the change."
        raise Conflict(message, code="stale_version")
    changes = changed_fields(given)
    if changes and touch.origin != "manual":
        message = "This touch was tracked, so only its campaign can be assigned; what was tracked stays."
        raise Conflict(message, code="not_manual")
    if changes:
        await edit_manual(session, runtime, tenant_id, touch, changes)
    if given.ad_campaign_id is msgspec.UNSET:
        if not changes:
            raise Invalid(FieldError("ad_campaign_id", "required", "Name the campaign, or null to undo an assignment."))
        await session.refresh(touch)
        return touch
    before = touch.ad_campaign_id
    await assign_campaign(session, runtime, tenant_id, touch, given)
    if given.ad_campaign_id is None:
        await resolve_touches(session, runtime, tenant_id, [touch.id])
    if before != given.ad_campaign_id or given.ad_campaign_id is not None:
        await tell(session, runtime, tenant_id, [touch.id])
    await session.refresh(touch)
    return touch
