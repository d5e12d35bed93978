"""Service: from landings to touches to campaigns to due credit, and what people decide by hand. No SQL of its own."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.channels import classify
from adplanning_plugin.attribution.landings import host_landings, own_landings, own_sessions
from adplanning_plugin.attribution.late import announce_due, conversions_after, visits_of
from adplanning_plugin.attribution.models import Touchpoint
from adplanning_plugin.attribution.resolution import load_catalogue, resolve_touches, tell
from adplanning_plugin.attribution.resolvers import AdObject
from adplanning_plugin.attribution.schemas import AssignTouchpoint, NewTouchpoint
from adplanning_plugin.attribution.touchpoints import NOT_APPLICABLE, RESOLVABLE, Stored, store_touches, touches_of
from adplanning_plugin.attribution.utm import campaign_key
from adplanning_plugin.kernel.days import now, parse_instant
from adplanning_plugin.kernel.errors import Conflict, FieldError, Invalid, NotFound
from adplanning_plugin.kernel.ids import new_id
from adplanning_plugin.kernel.landing import fold
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
    """Stream reader: touches of the sessions that new events begin or give another source."""
    if runtime.options.sessions == "host":
        return 0
    spans = await own_sessions(session, tenant_id, low_xid, high_xid)
    for start in range(0, len(spans), SESSIONS):
        some = spans[start : start + SESSIONS]
        touches = touches_of(tenant_id, "own", await own_landings(session, tenant_id, some))
        stored = await store_touches(session, tenant_id, "own", touches, [span.session_id for span in some])
        await follow_up(session, runtime, tenant_id, stored)
    return len(spans)


async def read_host_sessions(
    session: AsyncSession, runtime: Runtime, tenant_id: str, session_ids: Sequence[str]
) -> int:
    """Touches of linked sessions, and who was logged in; returns how many touches are new or changed."""
    if not session_ids:
        return 0
    await link_sessions(session, runtime, tenant_id, session_ids)
    if not reads_host_sessions(runtime):
        return 0
    landings = await host_landings(session, runtime, tenant_id, session_ids)
    touches = touches_of(tenant_id, "host", landings)
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


async def follow_up(session: AsyncSession, runtime: Runtime, tenant_id: str, stored: Stored) -> None:
    """New and changed touches get their campaign; conversions they come too late for are due again."""
    if stored.changed:
        await resolve_touches(session, runtime, tenant_id, stored.changed)
    visits = await visits_of(session, tenant_id, stored.changed) if stored.changed else []
    visits += [(visitor, visit, None, at) for visitor, visit, at in stored.removed_visits]
    await announce_due(session, runtime, tenant_id, await conversions_after(session, tenant_id, visits))


async def get_touch(session: AsyncSession, tenant_id: str, touch_id: str, *, lock: bool = False) -> Touchpoint:
    """One touch, or `NotFound`."""
    statement = select(Touchpoint).where(Touchpoint.tenant_id == tenant_id, Touchpoint.id == touch_id)
    if lock:
        statement = statement.with_for_update()
    found = (await session.execute(statement)).scalar_one_or_none()
    if found is None:
        raise NotFound(f"There is no attribution {touch_id!r}.")
    return found


async def create_manual(session: AsyncSession, runtime: Runtime, tenant_id: str, given: NewTouchpoint) -> Touchpoint:
    """A touch that somebody writes down: a phone call, a fair, a visit that was not tracked."""
    visitor = given.visitor_id or (f"session:{given.session_id}" if given.session_id else None)
    if visitor is None and given.person_id:
        visitor = f"person:{given.person_id}"
    if visitor is None:
        message = "Name whose touch it is: visitor_id, session_id or person_id."
        raise Invalid(FieldError("visitor_id", "required", message))
    at = parse_instant(given.occurred_at, "occurred_at") if given.occurred_at else now()
    if at > now():
        raise Invalid(FieldError("occurred_at", "in_the_future", "occurred_at must not lie in the future."))
    utm = {
        name: folded
        for name, value in (
            ("source", given.source),
            ("medium", given.medium),
            ("campaign", given.campaign),
            ("term", given.term),
            ("content", given.content),
            ("id", given.utm_id),
        )
        if value and (folded := fold(value))
    }
    start = classify(utm.get("source"), utm.get("medium"), utm.get("campaign"), (), None, None, bool(utm))
    key = campaign_key(utm, None)
    touch = Touchpoint(
        tenant_id=tenant_id,
        id=new_id("touch"),
        origin="manual",
        session_id=given.session_id,
        visitor_id=visitor,
        person_id=given.person_id,
        occurred_at=at,
        website_id=given.website_id,
        source=start.source,
        medium=start.medium,
        campaign=start.campaign,
        term=utm.get("term"),
        content=utm.get("content"),
        campaign_key=key,
        landing_path=given.landing_path,
        channel=start.channel,
        platform=start.platform,
        is_direct=start.is_direct,
        is_resolved=False,
        resolution_method=RESOLVABLE if key or "content" in utm or "term" in utm else NOT_APPLICABLE,
    )
    session.add(touch)
    await session.flush()
    if given.ad_campaign_id:
        wish = AssignTouchpoint(ad_campaign_id=given.ad_campaign_id, ad_set_id=given.ad_set_id, ad_id=given.ad_id)
        await _assign(session, runtime, tenant_id, touch, wish)
    await follow_up(session, runtime, tenant_id, Stored(changed=(touch.id,)))
    await session.refresh(touch)
    return touch


async def assign(
    session: AsyncSession, runtime: Runtime, tenant_id: str, touch_id: str, given: AssignTouchpoint
) -> Touchpoint:
    """Assign a touch to a campaign by hand (it survives every later resolution), or, with null, undo that.

    Raises:
        Conflict: the version is stale.
        Invalid: the tenant has no such campaign, ad set or ad.
    """
    touch = await get_touch(session, tenant_id, touch_id, lock=True)
    if given.version is not msgspec.UNSET and given.version != touch.version:
        message = f"This attribution is at version {touch.version} by now: read it again and repeat the change."
        raise Conflict(message, code="stale_version")
    if given.ad_campaign_id is msgspec.UNSET:
        raise Invalid(FieldError("ad_campaign_id", "required", "Name the campaign, or null to undo an assignment."))
    before = touch.ad_campaign_id
    await _assign(session, runtime, tenant_id, touch, given)
    if given.ad_campaign_id is None:
        await resolve_touches(session, runtime, tenant_id, [touch.id])
    if before != given.ad_campaign_id or given.ad_campaign_id is not None:
        await tell(session, runtime, tenant_id, [touch.id])
    await session.refresh(touch)
    return touch


async def _assign(
    session: AsyncSession, runtime: Runtime, tenant_id: str, touch: Touchpoint, given: AssignTouchpoint
) -> None:
    campaign_id = given.ad_campaign_id or None
    if campaign_id is None:
        touch.resolution_method = RESOLVABLE if touch.campaign_key or touch.content or touch.term else NOT_APPLICABLE
        touch.is_resolved, touch.confidence, touch.resolved_at = False, None, None
        touch.ad_campaign_id = touch.ad_set_id = touch.ad_id = touch.resolution_reason = None
    else:
        known = await load_catalogue(session, runtime, tenant_id)
        if campaign_id not in known.campaigns:
            message = f"There is no campaign {campaign_id!r}: use an id from the linked campaigns."
            raise Invalid(FieldError("ad_campaign_id", "unknown_campaign", message))
        ad_set = _belongs(known.ad_sets.named([given.ad_set_id or None], campaign_id), given.ad_set_id, "ad_set_id")
        ad = _belongs(known.ads.named([given.ad_id or None], campaign_id), given.ad_id, "ad_id")
        touch.ad_campaign_id = campaign_id
        touch.ad_id = ad.id if ad else None
        touch.ad_set_id = ad_set.id if ad_set else ad.ad_set_id if ad else None
        touch.resolution_method, touch.is_resolved = "manual", True
        touch.confidence, touch.resolution_reason, touch.resolved_at = 1.0, None, now()
    touch.version += 1
    await session.flush()


def _belongs(found: AdObject | None, wanted: str | None, field: str) -> AdObject | None:
    if wanted and found is None:
        raise Invalid(FieldError(field, "unknown", f"{field} {wanted!r} is not one of that campaign."))
    return found
