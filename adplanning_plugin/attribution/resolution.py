"""Resolution: gives touches their campaigns, set-wise. Each distinct thing that touches name is looked up once."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
from sqlalchemy import Row, TextClause, func, select, text
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.alias_rows import decided_names
from adplanning_plugin.attribution.late import announce_due, announce_touched, conversions_with
from adplanning_plugin.attribution.models import Touchpoint
from adplanning_plugin.attribution.resolvers import (
    AdObject,
    Ambiguous,
    Answer,
    Campaign,
    Catalogue,
    Ignored,
    Match,
    Named,
    resolve,
)
from adplanning_plugin.attribution.turns import turn_to_change
from adplanning_plugin.kernel.database import any_of
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links, write_back

FEW = 50
"""Distinct names that are looked up in place."""
BATCH = 10_000
"""Touches of one transaction in a bulk run."""
Recredit = Callable[[AsyncSession, Runtime, str, list[str]], Awaitable[Any]]
START = (datetime(1, 1, 1, tzinfo=UTC), "")

# What a touch says about its campaign, by the names of `Named`.
_NAMED = """campaign_key AS key, campaign, source, platform, website_id, term, content,
  coalesce(click_ids->>'gad_campaignid', click_ids->>'hsa_cam') AS click_campaign,
  click_ids->>'hsa_grp' AS click_ad_set, click_ids->>'hsa_ad' AS click_ad"""
_NAMES = Named.__struct_fields__


def _distinct(chosen: str) -> TextClause:
    """Each distinct thing that the chosen touches name, with their ids and versions; where the last of them stands."""
    return text(
        f"""
        SELECT {", ".join(_NAMES)}, array_agg(id) AS ids, array_agg(version) AS versions,
               max(occurred_at) FILTER (WHERE is_last) AS end_at, max(id) FILTER (WHERE is_last) AS end_id
        FROM (
          SELECT *, lead(id) OVER (ORDER BY occurred_at, id) IS NULL AS is_last
          FROM (SELECT id, version, occurred_at, {_NAMED} FROM adplanning.touchpoint
                WHERE tenant_id = :tenant AND {chosen}) c
        ) t GROUP BY {", ".join(_NAMES)}
        """  # noqa: S608 - fragments of our own; every value is a parameter
    )


_DISTINCT_PAGE = _distinct(
    """resolution_method = 'unresolved'
       AND (occurred_at, id) > (CAST(:after AS timestamptz), CAST(:after_id AS text))
       ORDER BY occurred_at, id LIMIT :batch"""
)
_DISTINCT_GIVEN = _distinct("id = ANY(CAST(:ids AS text[])) AND resolution_method NOT IN ('manual', 'not_applicable')")
# By version: what somebody changed since it was read is theirs to resolve. In order of id, as the others lock them. A
# row says all of its touch: two lists to be joined would be taken for ten rows each, and compared row with row.
_UPDATE = text(
    """
    UPDATE adplanning.touchpoint t SET
      is_resolved = m.campaign IS NOT NULL, resolution_method = m.method, resolution_reason = m.reason,
      confidence = m.confidence, ad_campaign_id = m.campaign, ad_set_id = m.ad_set, ad_id = m.ad,
      resolved_at = CASE WHEN m.campaign IS NOT NULL THEN now() END, version = t.version + 1, updated_at = now()
    FROM (SELECT * FROM unnest(CAST(:touches AS text[]), CAST(:versions AS bigint[]), CAST(:campaigns AS text[]),
                               CAST(:ad_sets AS text[]), CAST(:ads AS text[]), CAST(:methods AS text[]),
                               CAST(:reasons AS text[]), CAST(:confidences AS float8[]))
            AS u(touch_id, version, campaign, ad_set, ad, method, reason, confidence) ORDER BY touch_id) m
    WHERE t.tenant_id = :tenant AND t.id = m.touch_id AND t.version = m.version
      AND (t.resolution_method, t.resolution_reason, t.confidence, t.ad_campaign_id, t.ad_set_id, t.ad_id)
          IS DISTINCT FROM (m.method, m.reason, m.confidence, m.campaign, m.ad_set, m.ad)
    RETURNING t.id
    """
)


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """What one pass did."""

    seen: int = 0
    resolved: int = 0
    ambiguous: int = 0
    """Distinct things named that fit several campaigns."""
    position: tuple[datetime, str] | None = None
    """Where the next page begins; None: there is none."""
    changed: tuple[str, ...] = ()
    """Touches whose campaign is another one now, or is said another way."""


async def load_catalogue(session: AsyncSession, runtime: Runtime, tenant_id: str) -> Catalogue:
    """The tenant's campaigns, ad sets and ads, read through the links, and what was decided about names."""
    links = runtime.get(Links)
    if not links.has("ad_campaign"):
        return Catalogue(())
    aliases = await decided_names(session, tenant_id)
    c = links.selectable("ad_campaign", tenant_id).c
    rows = await session.execute(select(c.id, c.platform_id, c.platform, c.name, c.website_id))
    campaigns = [
        Campaign(
            id=row.id,
            platform_id=row.platform_id,
            platform=row.platform or "",
            name=row.name,
            website_id=row.website_id,
        )
        for row in rows
    ]
    ad_sets: list[AdObject] = []
    if links.has("ad_set"):
        s = links.selectable("ad_set", tenant_id).c
        rows = await session.execute(select(s.id, s.platform_id, s.name, s.ad_campaign_id, s.id))
        ad_sets = [AdObject(*row) for row in rows]
    if not (ad_sets and links.has("ad")):
        return Catalogue(campaigns, ad_sets, aliases=aliases)
    a, s = links.selectable("ad", tenant_id).c, links.selectable("ad_set", tenant_id).c
    rows = await session.execute(select(a.id, a.platform_id, a.name, s.ad_campaign_id, s.id).where(s.id == a.ad_set_id))
    return Catalogue(campaigns, ad_sets, [AdObject(*row) for row in rows], aliases)


async def resolve_touches(
    session: AsyncSession,
    runtime: Runtime,
    tenant_id: str,
    touch_ids: Sequence[str],
    catalogue: Catalogue | None = None,
    *,
    credit: Recredit = announce_due,
) -> Resolved:
    """Resolve these touches anew; manual assignments and touches that name no campaign stay as they are.

    Args:
        credit: what is done about the conversions whose credit names another campaign now.
    """
    if not touch_ids:
        return Resolved()
    values = {"tenant": tenant_id, "ids": list(touch_ids)}
    named = (await session.execute(_DISTINCT_GIVEN, values)).all()
    return await _resolve(session, runtime, tenant_id, named, catalogue, credit)


async def resolve_page(
    session: AsyncSession,
    runtime: Runtime,
    tenant_id: str,
    after: tuple[datetime, str] = START,
    catalogue: Catalogue | None = None,
    batch: int = BATCH,
) -> Resolved:
    """Resolve the next page of what is pending, oldest first; `position` of the answer goes on from there."""
    values = {"tenant": tenant_id, "after": after[0], "after_id": after[1], "batch": batch}
    named = (await session.execute(_DISTINCT_PAGE, values)).all()
    done = await _resolve(session, runtime, tenant_id, named, catalogue)
    end = next(((row.end_at, row.end_id) for row in named if row.end_at is not None), None)
    return msgspec.structs.replace(done, position=end)


async def _resolve(
    session: AsyncSession,
    runtime: Runtime,
    tenant_id: str,
    named: Sequence[Row[Any]],
    catalogue: Catalogue | None,
    credit: Recredit = announce_due,
) -> Resolved:
    if not named:
        return Resolved()
    known = catalogue or await load_catalogue(session, runtime, tenant_id)
    wanted = [Named(**dict(zip(_NAMES, row, strict=False))) for row in named]
    # Unknown names are compared with all campaigns: many of them would hold up every other request.
    work = partial(_answers, wanted, known)
    answers = await asyncio.to_thread(work) if len(wanted) > FEW else work()
    touches = [
        (touch_id, version, *said)
        for row, said in zip(named, map(_said, answers), strict=True)
        for touch_id, version in zip(row.ids, row.versions, strict=True)
    ]
    outcome = dict(zip(_OUTCOME, map(list, zip(*touches, strict=True)), strict=True))
    await turn_to_change(session, tenant_id)
    changed = list((await session.execute(_UPDATE, {"tenant": tenant_id, **outcome})).scalars())
    await tell(session, runtime, tenant_id, changed, credit=credit)
    return Resolved(
        changed=tuple(changed),
        seen=len(touches),
        resolved=sum(isinstance(answer, Match) * len(row.ids) for row, answer in zip(named, answers, strict=True)),
        ambiguous=sum(isinstance(answer, Ambiguous) for answer in answers),
    )


def _answers(wanted: Sequence[Named], catalogue: Catalogue) -> list[Answer]:
    return [resolve(named, catalogue) for named in wanted]


async def tell(
    session: AsyncSession,
    runtime: Runtime,
    tenant_id: str,
    touch_ids: Sequence[str],
    *,
    credit: Recredit = announce_due,
) -> None:
    """Pass on that touches have another campaign: credit that names them is due, host sessions get theirs back."""
    if not touch_ids:
        return
    if due := await conversions_with(session, tenant_id, touch_ids):
        await credit(session, runtime, tenant_id, due)
    await announce_touched(session, runtime, tenant_id, touch_ids=touch_ids)
    links = runtime.get(Links)
    if not links.has("analytics_session"):
        return
    # The session's last campaign: a session may have several touches.
    ours = select(Touchpoint.session_id).where(
        Touchpoint.tenant_id == tenant_id, Touchpoint.id == any_of(touch_ids), Touchpoint.session_id.is_not(None)
    )
    newest_first = aggregate_order_by(
        Touchpoint.ad_campaign_id.expression, Touchpoint.occurred_at.desc(), Touchpoint.id.desc()
    )
    latest = (
        select(Touchpoint.session_id, func.array_agg(newest_first)[1])
        .where(Touchpoint.tenant_id == tenant_id, Touchpoint.session_id.in_(ours), Touchpoint.is_resolved)
        .group_by(Touchpoint.session_id)
    )
    rows = [(str(row[0]), row[1]) for row in await session.execute(latest)]
    await write_back(session, links, tenant_id, "analytics_session", "ad_campaign_id", rows)
    resolved = [(session_id, True) for session_id, _ in rows]
    await write_back(session, links, tenant_id, "analytics_session", "attribution_resolved", resolved)


_OUTCOME = ("touches", "versions", "campaigns", "ad_sets", "ads", "methods", "reasons", "confidences")


def _said(answer: Answer) -> tuple[str | float | None, ...]:
    """What a touch learns: the values of `_OUTCOME` behind its id and version."""
    if isinstance(answer, Match):
        found = answer
        return found.campaign_id, found.ad_set_id, found.ad_id, found.method, found.reason, found.confidence
    no = "ignored" if isinstance(answer, Ignored) else "ambiguous" if isinstance(answer, Ambiguous) else None
    return None, None, None, "unresolved", no or "unknown_campaign", None
