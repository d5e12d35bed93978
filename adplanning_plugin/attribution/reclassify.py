"""Reclassify: touches read anew by other channel rules, beside what they are until those rules count. No credit here.

Touches are many and their combinations few: each combination is read once, and one statement finds its touches.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

import msgspec
from sqlalchemy import CursorResult, TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.classing import Classing, Reading, class_of, classing_of
from adplanning_plugin.attribution.rules import RuleState, rule_state
from adplanning_plugin.attribution.turns import turn_to_change

APPLIED = 10_000
"""Touches that one transaction gives their new class."""

_CLICKS = "ARRAY(SELECT jsonb_object_keys(coalesce(nullif(t.click_ids, 'null'), '{}')) ORDER BY 1)"
_TAGGED = "coalesce(t.campaign_key, t.term, t.content) IS NOT NULL"
_KEY = f"""jsonb_build_array(t.source, t.medium, t.campaign, {_CLICKS}, t.referrer_host, {_TAGGED})::text"""
_CLASS = "channel, platform, is_direct, is_excluded"


def _combinations(of: str) -> TextClause:
    return text(
        f"""
        SELECT {_KEY} AS key, {_CLASS} FROM adplanning.touchpoint t
        WHERE t.tenant_id = :tenant {of} GROUP BY 1, 2, 3, 4, 5
        """  # noqa: S608 - columns of our own; every value is a parameter
    )


def _beside(of: str) -> TextClause:
    return text(
        f"""
        INSERT INTO adplanning.touchpoint_class (tenant_id, rule_version, touch_id, {_CLASS})
        SELECT :tenant, :version, t.id, r.channel, r.platform, r.is_direct, r.is_excluded
        FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(key text, channel text, platform text, is_direct boolean,
                                                           is_excluded boolean)
        JOIN adplanning.touchpoint t ON {_KEY} = r.key
        WHERE t.tenant_id = :tenant {of}
          AND (t.channel, t.platform, t.is_direct, t.is_excluded)
              IS DISTINCT FROM (r.channel, r.platform, r.is_direct, r.is_excluded)
        ON CONFLICT (tenant_id, rule_version, touch_id) DO UPDATE SET
          channel = excluded.channel, platform = excluded.platform, is_direct = excluded.is_direct,
          is_excluded = excluded.is_excluded
        """  # noqa: S608
    )


_COUNTED = text(
    f"""
    SELECT {_KEY} AS key, count(*) AS touches FROM adplanning.touchpoint t
    WHERE t.tenant_id = :tenant AND t.occurred_at >= :since AND t.occurred_at < :until GROUP BY 1
    """  # noqa: S608
)
_READ_BESIDE = text(
    """
    SELECT count(*) AS touches, count(*) FILTER (WHERE k.is_excluded AND NOT t.is_excluded) AS excluded
    FROM adplanning.touchpoint_class k JOIN adplanning.touchpoint t ON t.tenant_id = k.tenant_id AND t.id = k.touch_id
    WHERE k.tenant_id = :tenant AND k.rule_version = :version AND t.occurred_at >= :since AND t.occurred_at < :until
    """
)
_ANY, _NAMED = "", "AND t.id = ANY(CAST(:ids AS text[]))"
_SINCE = "AND t.occurred_at >= :since AND t.occurred_at < :until"
_FORGET = text(
    "DELETE FROM adplanning.touchpoint_class WHERE tenant_id = :tenant AND touch_id = ANY(CAST(:ids AS text[]))"
)
_HOLDS = text(
    "SELECT EXISTS (SELECT FROM adplanning.touchpoint_class WHERE tenant_id = :tenant AND rule_version = :version)"
)
_APPLY = text(
    """
    WITH taken AS (
      DELETE FROM adplanning.touchpoint_class WHERE tenant_id = :tenant AND ctid = ANY(ARRAY(
        SELECT ctid FROM adplanning.touchpoint_class WHERE tenant_id = :tenant AND rule_version = :version LIMIT :most))
      RETURNING touch_id, channel, platform, is_direct, is_excluded
    ), applied AS (
      UPDATE adplanning.touchpoint t
      SET channel = s.channel, platform = s.platform, is_direct = s.is_direct, is_excluded = s.is_excluded,
          version = t.version + 1, updated_at = now()
      FROM taken s WHERE t.tenant_id = :tenant AND t.id = s.touch_id
    )
    SELECT count(*) FROM taken
    """
)
_DROP = text("DELETE FROM adplanning.touchpoint_class WHERE tenant_id = :tenant AND NOT rule_version = ANY(:kept)")


async def active_classing(session: AsyncSession, tenant_id: str) -> Classing:
    """How touches are read at present; take the turn to change them first."""
    return classing_of((await rule_state(session, tenant_id)).active.settings)


async def classify_all(session: AsyncSession, tenant_id: str, version: int, classing: Classing, **period: Any) -> None:
    """Write down, for this version, every touch (of a period: since, until) that it reads otherwise than it is."""
    await _write(session, _SINCE if period else _ANY, {"tenant": tenant_id, **period}, version, classing)


async def classify_changed(session: AsyncSession, tenant_id: str, touch_ids: Sequence[str]) -> None:
    """The same for touches just written, by the version that is building: they are as the active one reads them."""
    if not touch_ids:
        return
    where = {"tenant": tenant_id, "ids": list(touch_ids)}
    await session.execute(_FORGET, where)
    state = await rule_state(session, tenant_id)
    if state.building is None or not state.is_classified:
        return
    classing = classing_of(state.building.settings)
    if classing != classing_of(state.active.settings):
        await _write(session, _NAMED, where, state.building.version, classing)


async def _write(session: AsyncSession, of: str, where: dict[str, Any], version: int, classing: Classing) -> None:
    found = (await session.execute(_combinations(of), where)).all()
    rows: dict[str, dict[str, Any]] = {}
    for row in found:
        wanted = msgspec.structs.asdict(class_of(classing, reading_of(row.key)))
        if any(getattr(row, name) != value for name, value in wanted.items()):
            rows[row.key] = {"key": row.key, **wanted}
    if rows:
        values = {**where, "version": version, "rows": msgspec.json.encode(list(rows.values())).decode()}
        await session.execute(_beside(of), values)


def reading_of(key: str) -> Reading:
    """What a combination says."""
    source, medium, campaign, clicks, host, tagged = msgspec.json.decode(key)
    return Reading(
        source=source, medium=medium, campaign=campaign, clicks=tuple(clicks), referrer_host=host, is_tagged=tagged
    )


async def reads_beside(session: AsyncSession, tenant_id: str, version: int) -> bool:
    """Whether some touches are read otherwise by this version than they are."""
    return bool((await session.execute(_HOLDS, {"tenant": tenant_id, "version": version})).scalar_one())


async def touches_by_reading(
    session: AsyncSession, tenant_id: str, since: datetime, until: datetime
) -> list[tuple[Reading, int]]:
    """How many touches of a period said what."""
    values = {"tenant": tenant_id, "since": since, "until": until}
    return [(reading_of(row.key), int(row.touches)) for row in await session.execute(_COUNTED, values)]


async def count_beside(
    session: AsyncSession, tenant_id: str, version: int, since: datetime, until: datetime
) -> tuple[int, int]:
    """(touches that this version reads otherwise, those of them that it excludes) in a period."""
    values = {"tenant": tenant_id, "version": version, "since": since, "until": until}
    row = (await session.execute(_READ_BESIDE, values)).one()
    return int(row.touches), int(row.excluded)


async def apply_classes(session: AsyncSession, tenant_id: str, version: int, most: int = APPLIED) -> int:
    """Give touches the class that the now active version reads; returns how many."""
    if not await reads_beside(session, tenant_id, version):
        return 0
    await turn_to_change(session, tenant_id)
    values = {"tenant": tenant_id, "version": version, "most": most}
    return int((await session.execute(_APPLY, values)).scalar_one())


async def drop_classes(session: AsyncSession, tenant_id: str, state: RuleState) -> int:
    """Forget what versions read that count no more."""
    kept = [rules.version for rules in (state.active, state.building) if rules is not None]
    return cast("CursorResult[Any]", await session.execute(_DROP, {"tenant": tenant_id, "kept": kept})).rowcount
