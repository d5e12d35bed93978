"""Manual: touches that somebody writes down, changes or takes back, and campaigns assigned by hand. Tracks nothing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.channels import classify
from adplanning_plugin.attribution.classing import Classing, Reading, class_of
from adplanning_plugin.attribution.late import (
    announce_due,
    announce_touched,
    conversions_after,
    conversions_with,
    visits_of,
)
from adplanning_plugin.attribution.models import Touchpoint
from adplanning_plugin.attribution.reclassify import active_classing, classify_changed
from adplanning_plugin.attribution.resolution import load_catalogue, resolve_touches
from adplanning_plugin.attribution.resolvers import AdObject
from adplanning_plugin.attribution.schemas import AssignTouchpoint, NewTouchpoint
from adplanning_plugin.attribution.touchpoints import NOT_APPLICABLE, RESOLVABLE, Stored
from adplanning_plugin.attribution.turns import turn_to_change
from adplanning_plugin.attribution.utm import campaign_key
from adplanning_plugin.kernel.days import now, parse_past
from adplanning_plugin.kernel.errors import Conflict, FieldError, Invalid
from adplanning_plugin.kernel.ids import new_id
from adplanning_plugin.kernel.landing import fold
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links

_TAGS = {"source": "source", "medium": "medium", "campaign": "campaign", "term": "term", "content": "content",
         "utm_id": "id"}  # fmt: skip
_WHOSE = ("visitor_id", "session_id", "person_id")
_LINKED = {"person_id": "person", "website_id": "website"}


async def create_manual(session: AsyncSession, runtime: Runtime, tenant_id: str, given: NewTouchpoint) -> Touchpoint:
    """A touch that somebody writes down: a phone call, a fair, a visit that was not tracked."""
    await turn_to_change(session, tenant_id)
    await _refuse_strangers(session, runtime, tenant_id, {name: getattr(given, name) for name in _LINKED})
    touch = Touchpoint(
        tenant_id=tenant_id,
        id=new_id("touch"),
        origin="manual",
        visitor_id=_visitor(given.visitor_id, given.session_id, given.person_id),
        session_id=given.session_id,
        person_id=given.person_id,
        occurred_at=now() if given.occurred_at is None else parse_past(given.occurred_at, "occurred_at"),
        website_id=given.website_id,
        landing_path=given.landing_path,
    )
    classing = await active_classing(session, tenant_id)
    _describe(touch, {name: getattr(given, field) for field, name in _TAGS.items()}, classing)
    session.add(touch)
    await session.flush()
    if given.ad_campaign_id:
        wish = AssignTouchpoint(ad_campaign_id=given.ad_campaign_id, ad_set_id=given.ad_set_id, ad_id=given.ad_id)
        await assign_campaign(session, runtime, tenant_id, touch, wish)
    await follow_up(session, runtime, tenant_id, Stored(changed=(touch.id,)))
    await session.refresh(touch)
    return touch


def changed_fields(given: AssignTouchpoint) -> dict[str, Any]:
    """What an update says beside the assignment and the version."""
    names = (*_TAGS, *_WHOSE, "occurred_at", "website_id", "landing_path")
    return {name: value for name in names if (value := getattr(given, name)) is not msgspec.UNSET}


async def edit_manual(
    session: AsyncSession, runtime: Runtime, tenant_id: str, touch: Touchpoint, changes: dict[str, Any]
) -> None:
    """Change a touch that was written down by hand; conversions it had a share in, or now may have, are due."""
    await _refuse_strangers(session, runtime, tenant_id, changes)
    before = await conversions_with(session, tenant_id, [touch.id])
    visits = await visits_of(session, tenant_id, [touch.id])
    if "occurred_at" in changes:
        if changes["occurred_at"] is None:
            raise Invalid(
                FieldError("occurred_at", "required", "occurred_at must be a time such as 2026-02-07T10:00:00Z.")
            )
        touch.occurred_at = parse_past(changes["occurred_at"], "occurred_at")
    for name in ("website_id", "landing_path"):
        if name in changes:
            setattr(touch, name, changes[name])
    if any(name in changes for name in _WHOSE):
        touch.session_id = changes.get("session_id", touch.session_id)
        touch.person_id = changes.get("person_id", touch.person_id)
        derived = touch.visitor_id.startswith(("session:", "person:"))
        kept = None if derived else touch.visitor_id
        touch.visitor_id = _visitor(changes.get("visitor_id", kept), touch.session_id, touch.person_id)
    if any(name in changes for name in _TAGS):
        tags: dict[str, str | None] = {
            "source": None if touch.is_direct else touch.source,
            "medium": None if touch.is_direct else touch.medium,
            "campaign": touch.campaign,
            "term": touch.term,
            "content": touch.content,
        }
        key = touch.campaign_key
        wanted = tags | {tag: changes[field] for field, tag in _TAGS.items() if field in changes}
        _describe(touch, wanted, await active_classing(session, tenant_id))
        if not {"campaign", "utm_id"} & set(changes) and key:
            touch.campaign_key = key
            if touch.resolution_method == NOT_APPLICABLE:
                touch.resolution_method = RESOLVABLE
    touch.version += 1
    await session.flush()
    await announce_due(session, runtime, tenant_id, before)
    await announce_touched(session, runtime, tenant_id, visits=visits)
    await follow_up(session, runtime, tenant_id, Stored(changed=(touch.id,)))


async def delete_manual(session: AsyncSession, runtime: Runtime, tenant_id: str, touch: Touchpoint) -> None:
    """Take back a touch that was written down by hand; conversions it had a share in are credited anew.

    Raises:
        Conflict: the touch was tracked.
    """
    if touch.origin != "manual":
        message = "This touch was tracked: only one that was written down by hand can be deleted. Assign it instead."
        raise Conflict(message, code="not_manual")
    due = await conversions_with(session, tenant_id, [touch.id])
    visits = await visits_of(session, tenant_id, [touch.id])
    await session.execute(delete(Touchpoint).where(Touchpoint.tenant_id == tenant_id, Touchpoint.id == touch.id))
    await announce_due(session, runtime, tenant_id, due)
    await announce_touched(session, runtime, tenant_id, visits=visits)


async def follow_up(session: AsyncSession, runtime: Runtime, tenant_id: str, stored: Stored) -> None:
    """New and changed touches get their campaign; conversions they come too late for are due again."""
    told: set[str] = set()
    if stored.changed:
        await classify_changed(session, tenant_id, stored.changed)
        told.update((await resolve_touches(session, runtime, tenant_id, stored.changed)).changed)
    visits = await visits_of(session, tenant_id, stored.changed) if stored.changed else []
    removed = [(visitor, visit, None, at) for visitor, visit, at in stored.removed_visits]
    await announce_due(session, runtime, tenant_id, await conversions_after(session, tenant_id, [*visits, *removed]))
    untold = [each for each in stored.changed if each not in told]
    await announce_touched(session, runtime, tenant_id, touch_ids=untold, visits=removed)


async def assign_campaign(
    session: AsyncSession, runtime: Runtime, tenant_id: str, touch: Touchpoint, given: AssignTouchpoint
) -> None:
    """Write an assignment, or take it away."""
    campaign_id = given.ad_campaign_id or None
    if campaign_id is None:
        touch.resolution_method = RESOLVABLE if touch.campaign_key or touch.content or touch.term else NOT_APPLICABLE
        touch.is_resolved, touch.confidence, touch.resolved_at = False, None, None
        touch.ad_campaign_id = touch.ad_set_id = touch.ad_id = touch.resolution_reason = None
    else:
        known = await load_catalogue(session, runtime, tenant_id)
        if campaign_id not in known.campaigns:
            message = f"ad_campaign_id: there is no campaign {campaign_id!r}; use an id from the linked campaigns."
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


async def _refuse_strangers(session: AsyncSession, runtime: Runtime, tenant_id: str, named: Mapping[str, Any]) -> None:
    """A person or a website that is named must be one of this store."""
    wrong: list[FieldError] = []
    for name, entity in _LINKED.items():
        if host_id := named.get(name):
            rows = runtime.get(Links).by_ids(entity, tenant_id, [host_id])
            if await session.scalar(select(rows.c.id).limit(1)) is None:
                wrong.append(FieldError(name, "unknown", f"{name}: this store has no {entity} {host_id}."))
    if wrong:
        raise Invalid(*wrong)


def _belongs(found: AdObject | None, wanted: str | None, field: str) -> AdObject | None:
    if wanted and found is None:
        raise Invalid(FieldError(field, "unknown", f"{field} {wanted!r} is not one of that campaign."))
    return found


def _describe(touch: Touchpoint, tags: dict[str, str | None], classing: Classing) -> None:
    """Source, channel, platform and what is to be resolved, from tags as a link would carry them."""
    utm = {name: folded for name, value in tags.items() if value and (folded := fold(value))}
    start = classify(utm.get("source"), utm.get("medium"), utm.get("campaign"), (), None, None, bool(utm))
    touch.source, touch.medium, touch.campaign = start.source, start.medium, start.campaign
    touch.term, touch.content = utm.get("term"), utm.get("content")
    touch.campaign_key = campaign_key(utm, None)
    tagged = bool(touch.campaign_key or touch.term or touch.content)
    reading = Reading(source=start.source, medium=start.medium, campaign=start.campaign, is_tagged=tagged)
    read = class_of(classing, reading)
    touch.channel, touch.platform, touch.is_direct, touch.is_excluded = msgspec.structs.astuple(read)
    touch.is_resolved = touch.resolution_method == "manual"
    if not touch.is_resolved:
        touch.resolution_method = RESOLVABLE if touch.campaign_key or touch.content or touch.term else NOT_APPLICABLE
        touch.ad_campaign_id = touch.ad_set_id = touch.ad_id = None
        touch.confidence, touch.resolution_reason, touch.resolved_at = None, None, None


def _visitor(visitor_id: str | None, session_id: str | None, person_id: str | None) -> str:
    if visitor_id:
        return visitor_id
    if session_id:
        return f"session:{session_id}"
    if person_id:
        return f"person:{person_id}"
    message = "Name whose touch it is: visitor_id, session_id or person_id."
    raise Invalid(FieldError("visitor_id", "required", message))
