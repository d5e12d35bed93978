"""Late: which credited conversions a new, changed or removed touch concerns, and telling that their credit is due."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import Table, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.models import Credit, Touchpoint
from adplanning_plugin.identity import edge_table
from adplanning_plugin.kernel.database import any_of
from adplanning_plugin.kernel.events import publish
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.tracking import conversion_table

DUE = "attribution.due"
"""The event that asks for credit; its data is {"ids": conversion ids}."""
TOUCHED = "touchpoint.changed"
"""The event of touches that are new, changed, resolved anew or gone: {"ids": touches} or {"visitor_ids", "person_ids"}:
whose they are."""
CHUNK = 500

_conversion = cast("Table", conversion_table)
_edge = cast("Table", edge_table)

_CREDITED = "c.attribution_version IS NOT NULL AND c.deleted_at IS NULL"
# The reverse of what credit reaches: the visit itself, and one strong edge away. What was never credited is due anyway.
_CONCERNED = text(
    f"""
    WITH touch AS MATERIALIZED (
      SELECT * FROM unnest(CAST(:visitors AS text[]), CAST(:sessions AS text[]), CAST(:people AS text[]),
                           CAST(:times AS timestamptz[])) AS t(visitor_id, session_id, person_id, at)
    ), kin AS MATERIALIZED (
      SELECT other.visitor_id, min(t.at) AS at, NULL::text AS identifier FROM touch t
      JOIN {_edge.fullname} mine ON mine.tenant_id = :tenant AND mine.visitor_id = t.visitor_id AND mine.strength = 2
      JOIN {_edge.fullname} other
        ON other.tenant_id = :tenant AND other.identifier = mine.identifier AND other.strength = 2
      GROUP BY 1
    ), named AS MATERIALIZED (
      SELECT mine.identifier, min(t.at) AS at FROM touch t
      JOIN {_edge.fullname} mine ON mine.tenant_id = :tenant AND mine.visitor_id = t.visitor_id AND mine.strength = 2
      GROUP BY 1
    )
    SELECT c.id FROM (
      SELECT visitor_id, min(at) AS at
      FROM (SELECT visitor_id, at FROM touch UNION ALL SELECT visitor_id, at FROM kin) u GROUP BY 1
    ) v JOIN {_conversion.fullname} c ON c.tenant_id = :tenant AND c.visitor_id = v.visitor_id
    WHERE c.occurred_at >= v.at AND c.attribution_version IS NOT NULL AND c.deleted_at IS NULL
    UNION
    SELECT c.id FROM (
      SELECT person_id, at FROM touch WHERE person_id IS NOT NULL
      UNION ALL SELECT substr(identifier, 8), at FROM named WHERE identifier LIKE 'person:%'
    ) p JOIN {_conversion.fullname} c ON c.tenant_id = :tenant AND c.person_id = p.person_id
    WHERE c.occurred_at >= p.at AND c.attribution_version IS NOT NULL AND c.deleted_at IS NULL
    UNION
    SELECT c.id FROM touch t JOIN {_conversion.fullname} c ON c.tenant_id = :tenant AND c.session_id = t.session_id
    WHERE c.occurred_at >= t.at AND c.attribution_version IS NOT NULL AND c.deleted_at IS NULL
    UNION
    SELECT c.id FROM named n JOIN {_conversion.fullname} c ON c.tenant_id = :tenant AND c.identifier = n.identifier
    WHERE c.occurred_at >= n.at AND c.attribution_version IS NOT NULL AND c.deleted_at IS NULL
    ORDER BY 1
    """  # noqa: S608 - table names of our own; every value is a parameter
)


# Credited conversions of somebody else's visit, by their own name or (where they have none) by the name of that visit,
# which newly linked visitors' touches may have a share in.
_NEWLY_REACHED = text(
    f"""
    WITH mine AS MATERIALIZED (
      SELECT e.visitor_id, e.identifier FROM {_edge.fullname} e
      WHERE e.tenant_id = :tenant AND e.visitor_id = ANY(CAST(:visitors AS text[])) AND e.strength = 2
    ), reached AS (
      SELECT c.id, c.occurred_at, c.visitor_id AS own, m.visitor_id FROM mine m
      JOIN {_conversion.fullname} c ON c.tenant_id = :tenant AND c.person_id = substr(m.identifier, 8)
      WHERE m.identifier LIKE 'person:%' AND {_CREDITED}
      UNION
      SELECT c.id, c.occurred_at, c.visitor_id, m.visitor_id FROM mine m
      JOIN {_conversion.fullname} c ON c.tenant_id = :tenant AND c.identifier = m.identifier
      WHERE {_CREDITED}
      UNION
      SELECT c.id, c.occurred_at, c.visitor_id, near.visitor_id FROM mine m
      JOIN {_edge.fullname} near ON near.tenant_id = :tenant AND near.identifier = m.identifier AND near.strength = 2
      JOIN {_conversion.fullname} c ON c.tenant_id = :tenant AND c.visitor_id = m.visitor_id
      WHERE {_CREDITED} AND (c.lead_id IS NOT NULL OR (c.person_id IS NULL AND c.identifier IS NULL))
      UNION
      SELECT c.id, c.occurred_at, c.visitor_id, m.visitor_id FROM mine m
      JOIN {_edge.fullname} near ON near.tenant_id = :tenant AND near.identifier = m.identifier AND near.strength = 2
      JOIN {_conversion.fullname} c ON c.tenant_id = :tenant AND c.visitor_id = near.visitor_id
      WHERE {_CREDITED} AND (c.lead_id IS NOT NULL OR (c.person_id IS NULL AND c.identifier IS NULL))
    )
    SELECT DISTINCT r.id FROM reached r
    WHERE r.own IS DISTINCT FROM r.visitor_id AND EXISTS (
      SELECT 1 FROM adplanning.touchpoint t
      WHERE t.tenant_id = :tenant AND t.visitor_id = r.visitor_id AND t.occurred_at <= r.occurred_at)
    ORDER BY 1
    """  # noqa: S608 - table names of our own; every value is a parameter
)


async def conversions_of_linked(session: AsyncSession, tenant_id: str, visitor_ids: Sequence[str]) -> list[str]:
    """Credited conversions that visitors with a new strong edge may have a share in."""
    values = {"tenant": tenant_id, "visitors": list(visitor_ids)}
    return list((await session.execute(_NEWLY_REACHED, values)).scalars())


async def conversions_after(
    session: AsyncSession, tenant_id: str, visits: Sequence[tuple[str, str | None, str | None, datetime]]
) -> list[str]:
    """Credited conversions that touches of these (visitor, session, person, time) may have a share in."""
    if not visits:
        return []
    visitors, sessions, people, times = (list(values) for values in zip(*visits, strict=True))
    values = {"tenant": tenant_id, "visitors": visitors, "sessions": sessions, "people": people, "times": times}
    return list((await session.execute(_CONCERNED, values)).scalars())


async def visits_of(
    session: AsyncSession, tenant_id: str, touch_ids: Sequence[str]
) -> list[tuple[str, str | None, str | None, datetime]]:
    """(visitor, session, person, time) of touches."""
    statement = select(
        Touchpoint.visitor_id, Touchpoint.session_id, Touchpoint.person_id, Touchpoint.occurred_at
    ).where(Touchpoint.tenant_id == tenant_id, Touchpoint.id == any_of(touch_ids))
    return [(row[0], row[1], row[2], row[3]) for row in await session.execute(statement)]


async def conversions_with(session: AsyncSession, tenant_id: str, touch_ids: Sequence[str]) -> list[str]:
    """Conversions in whose credit these touches appear."""
    statement = (
        select(Credit.conversion_id)
        .where(Credit.tenant_id == tenant_id, Credit.touch_id == any_of(touch_ids))
        .distinct()
        .order_by(Credit.conversion_id)
    )
    return list((await session.execute(statement)).scalars())


async def announce_due(session: AsyncSession, runtime: Runtime, tenant_id: str, conversion_ids: Iterable[str]) -> None:
    """Publish that the credit of these conversions is to be computed again, in deliveries that stay short."""
    ids = list(conversion_ids)
    for start in range(0, len(ids), CHUNK):
        await publish(session, runtime, tenant_id, DUE, {"ids": ids[start : start + CHUNK]})


async def announce_touched(
    session: AsyncSession,
    runtime: Runtime,
    tenant_id: str,
    *,
    touch_ids: Sequence[str] = (),
    visits: Iterable[tuple[str, str | None, str | None, datetime]] = (),
) -> None:
    """Publish which touches changed, or whose did where some of them are gone, in deliveries that stay short."""
    for start in range(0, len(touch_ids), CHUNK):
        await publish(session, runtime, tenant_id, TOUCHED, {"ids": list(touch_ids[start : start + CHUNK])})
    whose = sorted({(visitor, person or "") for visitor, _, person, _ in visits})
    for start in range(0, len(whose), CHUNK):
        some = whose[start : start + CHUNK]
        people = sorted({person for _, person in some if person})
        who = {"visitor_ids": sorted({visitor for visitor, _ in some}), "person_ids": people}
        await publish(session, runtime, tenant_id, TOUCHED, who)
