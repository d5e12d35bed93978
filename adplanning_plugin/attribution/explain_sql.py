"""Explanation queries: what a conversion is known by, and every touch that could be one of its own. Reads only.

Which touches count is asked of the very tables that credit is computed from; the rest is read beside them, to say why
it does not.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import Row, Table, TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.credit_sql import touches_of_conversions
from adplanning_plugin.identity import component_table, denylist_table, edge_table
from adplanning_plugin.tracking import conversion_table, order_visit_table

MOST_LINKS = 500
"""Edges of one identifier that are looked at, the strongest and latest: a shared mailbox has a million."""
MOST_LEFT_OUT = 300
"""Touches without a share that are listed, those nearest to the conversion."""

_conversion, _order_visit, _component, _edge, _denylist = (
    cast("Table", table).fullname
    for table in (conversion_table, order_visit_table, component_table, edge_table, denylist_table)
)


def conversion_facts() -> TextClause:
    """The conversion with its order's consent and stamp; of a deleted one the row that is left."""
    return text(
        f"""
        SELECT c.*, v.consent, v.method AS stamp_method, v.stamped_at
        FROM {_conversion} c
        LEFT JOIN {_order_visit} v ON v.tenant_id = :tenant AND v.order_id = c.order_id
        WHERE c.tenant_id = :tenant AND c.id = :id
        """  # noqa: S608 - table names of our own; every value is a parameter
    )


@lru_cache(maxsize=1)
def links_of_conversion() -> TextClause:
    """Edges of the identifiers that the conversion names, that its own visitor has, or that are one with those.

    Columns: how (named: of the order's own person or address; claimed: of a lead's; visitor: of the conversion's own
    visitor; joined: of whoever is one with them), the edge, denied, reaches (its visitor's touches are the
    conversion's).
    """
    counted = touches_of_conversions(conversion=_conversion, order_visit=_order_visit, component=_component)
    return text(
        f"""
        {counted}, conv AS (
          SELECT c.visitor_id, c.lead_id, 'person:' || c.person_id AS by_person, c.identifier AS by_identifier
          FROM {_conversion} c WHERE c.tenant_id = :tenant AND c.id = :ids
        ), known AS (
          SELECT identifier, min(how) AS how FROM (
            SELECT n.identifier, CASE WHEN lead_id IS NULL THEN 'named' ELSE 'claimed' END AS how
            FROM conv, unnest(ARRAY[by_person, by_identifier]) AS n (identifier) WHERE n.identifier IS NOT NULL
            UNION ALL
            SELECT mine.identifier, 'visitor' FROM conv
            JOIN {_edge} mine ON mine.tenant_id = :tenant AND mine.visitor_id = conv.visitor_id
            UNION ALL
            (SELECT m.node, 'joined' FROM (SELECT DISTINCT component_id FROM named) n
             JOIN {_component} m
               ON m.tenant_id = :tenant AND m.component_id = n.component_id AND NOT m.is_visitor
             ORDER BY m.node LIMIT :most)
          ) k GROUP BY 1
        )
        SELECT k.how, e.visitor_id, e.identifier, e.kind, e.strength, e.source, e.first_seen_at, e.last_seen_at,
               e.revoked_at, EXISTS (SELECT 1 FROM reach r WHERE r.visitor_id = e.visitor_id) AS reaches,
               EXISTS (SELECT 1 FROM {_denylist} d WHERE d.tenant_id = :tenant AND d.identifier = k.identifier
                       AND d.allowed_at IS NULL) AS denied
        FROM known k
        CROSS JOIN LATERAL (
          SELECT * FROM {_edge} x WHERE x.tenant_id = :tenant AND x.identifier = k.identifier
          ORDER BY x.strength DESC, x.revoked_at NULLS FIRST, x.last_seen_at DESC, x.visitor_id LIMIT :most
        ) e
        ORDER BY k.how, e.identifier, e.last_seen_at DESC, e.visitor_id, e.kind
        """  # noqa: S608 - table names of our own; every value is a parameter
    )


@lru_cache(maxsize=1)
def touches_considered() -> TextClause:
    """Touches of these visitors, of the conversion's session and of its person, and what has a share as stored.

    Columns: the touch; `counts` (it is one of the conversion's, whatever the window); `credited` (it has a row of
    credit in the window); left_out (how many there are that are neither, listed or not).
    """
    counted = touches_of_conversions(conversion=_conversion, order_visit=_order_visit, component=_component)
    return text(
        f"""
        {counted}, held AS (
          SELECT c.touch_id FROM adplanning.credit c
          WHERE c.tenant_id = :tenant AND c.conversion_id = :ids AND c.window_days = :days
            AND c.rule_version = :version AND c.touch_id <> ''
        ), near AS (
          SELECT t.id FROM adplanning.touchpoint t
          WHERE t.tenant_id = :tenant AND t.visitor_id = ANY(CAST(:visitors AS text[]))
          UNION SELECT t.id FROM adplanning.touchpoint t WHERE t.tenant_id = :tenant AND t.session_id = :visit
          UNION SELECT t.id FROM adplanning.touchpoint t WHERE t.tenant_id = :tenant AND t.person_id = :person
          UNION SELECT touch_id FROM hits
          UNION SELECT touch_id FROM held
        ), judged AS (
          SELECT n.id, EXISTS (SELECT 1 FROM hits h WHERE h.touch_id = n.id) AS counts,
                 EXISTS (SELECT 1 FROM held h WHERE h.touch_id = n.id) AS credited
          FROM near n
        ), ranked AS (
          SELECT t.*, j.counts, j.credited, count(*) FILTER (WHERE NOT j.credited) OVER () AS left_out,
                 row_number() OVER (PARTITION BY j.credited
                                    ORDER BY abs(extract(epoch FROM t.occurred_at - CAST(:at AS timestamptz))), t.id)
                   AS nearness
          FROM judged j JOIN adplanning.touchpoint t ON t.tenant_id = :tenant AND t.id = j.id
        )
        SELECT * FROM ranked WHERE credited OR nearness <= :most ORDER BY occurred_at, id COLLATE "C"
        """  # noqa: S608 - table names of our own; every value is a parameter
    )


async def rows_of(session: AsyncSession, statement: TextClause, **values: Any) -> Sequence[Row[Any]]:
    """The statement's rows."""
    return (await session.execute(statement, values)).all()
