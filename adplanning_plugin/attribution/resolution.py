"""Resolution: gives touches their campaigns, set-wise. Each distinct thing that touches name is looked up once."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec
from sqlalchemy import TextClause, func, select, text
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.late import announce_due, conversions_with
from adplanning_plugin.attribution.models import Touchpoint
from adplanning_plugin.attribution.resolvers import AdObject, Ambiguous, Campaign, Catalogue, Match, Named, resolve
from adplanning_plugin.kernel.database import any_of
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links, write_back

BATCH = 10_000
"""Touches of one transaction in a bulk run."""
START = (datetime(1, 1, 1, tzinfo=UTC), "")

_NAMED = """jsonb_build_array(campaign_key, campaign, source, platform, website_id, term, content,
  coalesce(click_ids->>'gad_campaignid', click_ids->>'hsa_cam'), click_ids->>'hsa_grp', click_ids->>'hsa_ad')::text"""
_PAGE = """
  SELECT id FROM adplanning.touchpoint
  WHERE tenant_id = :tenant AND resolution_method = 'unresolved'
    AND (occurred_at, id) > (CAST(:after AS timestamptz), CAST(:after_id AS text))
  ORDER BY occurred_at, id LIMIT :batch"""
_GIVEN = """
  SELECT id FROM adplanning.touchpoint
  WHERE tenant_id = :tenant AND id = ANY(CAST(:ids AS text[]))
    AND resolution_method NOT IN ('manual', 'not_applicable')"""


def _distinct(chosen: str) -> TextClause:
    return text(
        f"""
        SELECT {_NAMED} AS named, count(*) AS touches, max(t.occurred_at) AS latest
        FROM adplanning.touchpoint t WHERE tenant_id = :tenant AND id IN ({chosen}) GROUP BY 1
        """  # noqa: S608 - fragments of our own; every value is a parameter
    )


def _update(chosen: str) -> TextClause:
    return text(
        f"""
        UPDATE adplanning.touchpoint t SET
          is_resolved = m.campaign IS NOT NULL, resolution_method = m.method, resolution_reason = m.reason,
          confidence = m.confidence, ad_campaign_id = m.campaign, ad_set_id = m.ad_set, ad_id = m.ad,
          resolved_at = CASE WHEN m.campaign IS NOT NULL THEN now() END, version = t.version + 1, updated_at = now()
        FROM (SELECT id AS touch_id, {_NAMED} AS named FROM adplanning.touchpoint
              WHERE tenant_id = :tenant AND id IN ({chosen})) c
        JOIN unnest(CAST(:named AS text[]), CAST(:campaigns AS text[]), CAST(:ad_sets AS text[]), CAST(:ads AS text[]),
                    CAST(:methods AS text[]), CAST(:reasons AS text[]), CAST(:confidences AS float8[]))
          AS m(named, campaign, ad_set, ad, method, reason, confidence) ON m.named = c.named
        WHERE t.tenant_id = :tenant AND t.id = c.touch_id
          AND (t.resolution_method, t.resolution_reason, t.confidence, t.ad_campaign_id, t.ad_set_id, t.ad_id)
              IS DISTINCT FROM (m.method, m.reason, m.confidence, m.campaign, m.ad_set, m.ad)
        RETURNING t.id, t.session_id, t.origin, t.ad_campaign_id, t.is_resolved
        """  # noqa: S608 - fragments of our own; every value is a parameter
    )


_DISTINCT_PAGE, _UPDATE_PAGE = _distinct(_PAGE), _update(_PAGE)
_DISTINCT_GIVEN, _UPDATE_GIVEN = _distinct(_GIVEN), _update(_GIVEN)
# Not `id IN (page) ORDER BY … LIMIT 1`: the planner then walks every touch backwards and looks each up in the page.
_END_OF_PAGE = text(
    f"""
    SELECT p.occurred_at, p.id FROM ({_PAGE.replace("SELECT id", "SELECT occurred_at, id", 1)}) p
    ORDER BY p.occurred_at DESC, p.id DESC LIMIT 1
    """  # noqa: S608 - fragments of our own; every value is a parameter
)


class Resolved(msgspec.Struct, frozen=True, kw_only=True):
    """What one pass did."""

    seen: int = 0
    resolved: int = 0
    ambiguous: int = 0
    """Distinct things named that fit several campaigns."""
    position: tuple[datetime, str] | None = None
    """Where the next page begins; None: there is none."""


async def load_catalogue(session: AsyncSession, runtime: Runtime, tenant_id: str) -> Catalogue:
    """The tenant's campaigns, ad sets and ads, read through the links."""
    links = runtime.get(Links)
    if not links.has("ad_campaign"):
        return Catalogue(())
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
        return Catalogue(campaigns, ad_sets)
    a, s = links.selectable("ad", tenant_id).c, links.selectable("ad_set", tenant_id).c
    rows = await session.execute(select(a.id, a.platform_id, a.name, s.ad_campaign_id, s.id).where(s.id == a.ad_set_id))
    return Catalogue(campaigns, ad_sets, [AdObject(*row) for row in rows])


async def resolve_touches(
    session: AsyncSession,
    runtime: Runtime,
    tenant_id: str,
    touch_ids: Sequence[str],
    catalogue: Catalogue | None = None,
) -> Resolved:
    """Resolve these touches anew; manual assignments and touches that name no campaign stay as they are."""
    if not touch_ids:
        return Resolved()
    values = {"tenant": tenant_id, "ids": list(touch_ids)}
    return await _resolve(session, runtime, tenant_id, (_DISTINCT_GIVEN, _UPDATE_GIVEN), values, catalogue)


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
    end = (await session.execute(_END_OF_PAGE, values)).first()
    if end is None:
        return Resolved()
    done = await _resolve(session, runtime, tenant_id, (_DISTINCT_PAGE, _UPDATE_PAGE), values, catalogue)
    return msgspec.structs.replace(done, position=(end.occurred_at, end.id))


async def _resolve(
    session: AsyncSession,
    runtime: Runtime,
    tenant_id: str,
    statements: tuple[TextClause, TextClause],
    values: dict[str, Any],
    catalogue: Catalogue | None,
) -> Resolved:
    distinct, update = statements
    named = (await session.execute(distinct, values)).all()
    if not named:
        return Resolved()
    known = catalogue or await load_catalogue(session, runtime, tenant_id)
    answers = [resolve(_read(row.named), known) for row in named]
    matches = [answer if isinstance(answer, Match) else None for answer in answers]
    outcome: dict[str, Any] = {
        "named": [row.named for row in named],
        "campaigns": [match.campaign_id if match else None for match in matches],
        "ad_sets": [match.ad_set_id if match else None for match in matches],
        "ads": [match.ad_id if match else None for match in matches],
        "methods": [match.method if match else "unresolved" for match in matches],
        "reasons": [_reason(answer) for answer in answers],
        "confidences": [match.confidence if match else None for match in matches],
    }
    changed = (await session.execute(update, values | outcome)).all()
    await tell(session, runtime, tenant_id, [row.id for row in changed])
    return Resolved(
        seen=sum(row.touches for row in named),
        resolved=sum(row.touches for row, match in zip(named, matches, strict=True) if match),
        ambiguous=sum(isinstance(answer, Ambiguous) for answer in answers),
    )


async def tell(session: AsyncSession, runtime: Runtime, tenant_id: str, touch_ids: Sequence[str]) -> None:
    """Pass on that touches have another campaign: credit that names them is due, host sessions get theirs back."""
    if not touch_ids:
        return
    await announce_due(session, runtime, tenant_id, await conversions_with(session, tenant_id, touch_ids))
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


def _read(named: str) -> Named:
    key, campaign, source, platform, website, term, content, click_campaign, click_set, click_ad = msgspec.json.decode(
        named
    )
    return Named(
        key=key,
        campaign=campaign,
        source=source,
        platform=platform,
        website_id=website,
        term=term,
        content=content,
        click_campaign=click_campaign,
        click_ad_set=click_set,
        click_ad=click_ad,
    )


def _reason(answer: Match | Ambiguous | None) -> str | None:
    if isinstance(answer, Match):
        return None
    return "ambiguous" if isinstance(answer, Ambiguous) else "unknown_campaign"
