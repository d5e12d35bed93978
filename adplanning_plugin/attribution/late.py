"""Late: which credited conversions a new, changed or removed touch concerns, and telling that their credit is due."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import cast

from sqlalchemy import Table, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.models import Credit, Touchpoint
from adplanning_plugin.identity import component_table, edge_table
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
_edge, _component = (cast("Table", table).fullname for table in (edge_table, component_table))

_CREDITED = "c.attribution_version IS NOT NULL AND c.deleted_at IS NULL"
# The reverse of what credit reaches: the visit itself, and whoever is one with its visitor. What was never credited is
# due anyway.
_CONCERNED = text(
    f"""
    WITH touch AS MATERIALIZED (
      SELECT * FROM unnest(CAST(:visitors AS text[]), CAST(:sessions AS text[]), CAST(:people AS text[]),
                           CAST(:times AS timestamptz[])) AS t(visitor_id, session_id, person_id, at)
    ), own AS MATERIALIZED (
      SELECT c.component_id, min(t.at) AS at FROM touch t
      JOIN {_component} c ON c.tenant_id = :tenant AND c.node = t.visitor_id AND c.is_visitor
      GROUP BY 1
    ), kin AS MATERIALIZED (
      SELECT m.node AS visitor_id, o.at FROM own o
      JOIN {_component} m ON m.tenant_id = :tenant AND m.component_id = o.component_id AND m.is_visitor
    ), named AS MATERIALIZED (
      SELECT m.node AS identifier, o.at FROM own o
      JOIN {_component} m ON m.tenant_id = :tenant AND m.component_id = o.component_id AND NOT m.is_visitor
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


# Credited conversions that reach more since these visitors came to others. One that was on the visitors' side reaches
# everybody's touches now; one that was on the others' side reaches the visitors'.
_NEWLY_REACHED = text(
    f"""
    WITH one AS MATERIALIZED (
      SELECT m.component_id, m.node, m.is_visitor, m.node = ANY(CAST(:visitors AS text[])) AS came
      FROM (SELECT DISTINCT c.component_id FROM {_component} c
            WHERE c.tenant_id = :tenant AND c.is_visitor AND c.node = ANY(CAST(:visitors AS text[]))) mine
      JOIN {_component} m ON m.tenant_id = :tenant AND m.component_id = mine.component_id
    ), named AS MATERIALIZED (
      SELECT o.component_id, o.node, NOT EXISTS (
        SELECT 1 FROM {_edge} e JOIN one other ON other.node = e.visitor_id AND other.is_visitor AND NOT other.came
        WHERE e.tenant_id = :tenant AND e.identifier = o.node AND e.strength = 2 AND e.revoked_at IS NULL) AS came
      FROM one o WHERE NOT o.is_visitor
    ), reached AS (
      SELECT c.id, c.occurred_at, c.visitor_id AS own, n.component_id, n.came FROM named n
      JOIN {_conversion.fullname} c ON c.tenant_id = :tenant AND c.person_id = substr(n.node, 8)
      WHERE n.node LIKE 'person:%' AND {_CREDITED}
      UNION ALL
      SELECT c.id, c.occurred_at, c.visitor_id, n.component_id, n.came FROM named n
      JOIN {_conversion.fullname} c ON c.tenant_id = :tenant AND c.identifier = n.node
      WHERE {_CREDITED}
      UNION ALL
      SELECT c.id, c.occurred_at, c.visitor_id, o.component_id, o.came FROM one o
      JOIN {_conversion.fullname} c ON c.tenant_id = :tenant AND c.visitor_id = o.node
      WHERE o.is_visitor AND {_CREDITED} AND (c.lead_id IS NOT NULL OR (c.person_id IS NULL AND c.identifier IS NULL))
    )
    SELECT DISTINCT r.id FROM reached r
    WHERE EXISTS (
      SELECT 1 FROM one o JOIN adplanning.touchpoint t
        ON t.tenant_id = :tenant AND t.visitor_id = o.node AND t.occurred_at <= r.occurred_at
      WHERE o.component_id = r.component_id AND o.is_visitor AND (o.came OR r.came)
        AND o.node IS DISTINCT FROM r.own)
    ORDER BY 1
    """  # noqa: S608 - table names of our own; every value is a parameter
)
# Credited conversions of whoever these visitors were ever one with: what they lost is no longer written anywhere.
_ONCE_REACHED = text(
    f"""
    WITH mine AS MATERIALIZED (
      SELECT DISTINCT e.identifier FROM {_edge} e
      WHERE e.tenant_id = :tenant AND e.visitor_id = ANY(CAST(:visitors AS text[]))
    )
    SELECT c.id FROM mine m
    JOIN {_conversion.fullname} c ON c.tenant_id = :tenant AND c.person_id = substr(m.identifier, 8)
    WHERE m.identifier LIKE 'person:%' AND {_CREDITED}
    UNION
    SELECT c.id FROM mine m JOIN {_conversion.fullname} c ON c.tenant_id = :tenant AND c.identifier = m.identifier
    WHERE {_CREDITED}
    UNION
    SELECT c.id FROM {_conversion.fullname} c
    WHERE c.tenant_id = :tenant AND c.visitor_id = ANY(CAST(:visitors AS text[])) AND {_CREDITED}
    ORDER BY 1
    """  # noqa: S608 - table names of our own; every value is a parameter
)


async def conversions_of_linked(session: AsyncSession, tenant_id: str, visitor_ids: Sequence[str]) -> list[str]:
    """Credited conversions that visitors which came to others may have a share in, or those others in theirs."""
    values = {"tenant": tenant_id, "visitors": list(visitor_ids)}
    return list((await session.execute(_NEWLY_REACHED, values)).scalars())


async def conversions_of_unlinked(session: AsyncSession, tenant_id: str, visitor_ids: Sequence[str]) -> list[str]:
    """Credited conversions that visitors which ceased to be one may have had a share in."""
    values = {"tenant": tenant_id, "visitors": list(visitor_ids)}
    return list((await session.execute(_ONCE_REACHED, values)).scalars())


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
