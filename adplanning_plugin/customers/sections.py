"""Sections of a person's page: who they are known as, what they ordered, what they agreed to, how they came."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import Table, and_, func, select, union
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution import touchpoint_table
from adplanning_plugin.hookspecs import Section
from adplanning_plugin.identity import (
    claimed_visitors,
    components,
    person_identifier,
    visitor_edges,
    visitor_table,
    visitors_of,
)
from adplanning_plugin.kernel.database import any_of
from adplanning_plugin.kernel.days import rfc3339
from adplanning_plugin.kernel.money import to_major
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links, names_by_id
from adplanning_plugin.tracking import conversion_table, event_table, order_visit_table

LAST_ORDERS = 10
_conversion = cast("Table", conversion_table).c
_touch = cast("Table", touchpoint_table).c
_event = cast("Table", event_table).c
_visit = cast("Table", order_visit_table).c
_PURPOSES = {"analytics": 1, "ads": 2, "personalisation": 4, "profiling": 8}


def _when(at: datetime | None) -> str | None:
    return None if at is None else rfc3339(at)


async def _visitors(session: AsyncSession, tenant_id: str, person_id: str) -> list[str]:
    return list(await session.scalars(visitors_of(tenant_id, [person_identifier(person_id)])))


async def identity(runtime: Runtime, session: AsyncSession, tenant_id: str, object_id: str) -> Mapping[str, Any] | None:
    """How many browsers and addresses are one with the person, how they came to be, and how many only claim it."""
    del runtime
    part, edges, seen = components(tenant_id), visitor_edges(tenant_id), visitor_table.c
    browser = and_(seen.tenant_id == tenant_id, seen.id == part.c.node, part.c.is_visitor)
    known = (
        select(part.c.node, part.c.is_visitor, seen.first_seen_at, seen.last_seen_at)
        .select_from(part.outerjoin(visitor_table, browser))
        .where(part.c.component_id == person_identifier(object_id))
    )
    nodes = (await session.execute(known)).all()
    visitors = [row.node for row in nodes if row.is_visitor]
    by_kind = select(edges.c.kind, func.count()).where(edges.c.visitor_id == any_of(visitors)).group_by(edges.c.kind)
    claims = claimed_visitors(tenant_id, [object_id])
    claimed = await session.scalar(select(func.count(claims.c.visitor_id.distinct())))
    return {
        "visitors": len(visitors),
        "addresses": sum(1 for row in nodes if row.node.startswith("email:")),
        "claimed_visitors": claimed or 0,
        "links": {row[0]: row[1] for row in (await session.execute(by_kind.order_by(edges.c.kind))).all()},
        "first_seen_at": _when(min((row.first_seen_at for row in nodes if row.first_seen_at), default=None)),
        "last_seen_at": _when(max((row.last_seen_at for row in nodes if row.last_seen_at), default=None)),
    }


async def orders(runtime: Runtime, session: AsyncSession, tenant_id: str, object_id: str) -> Mapping[str, Any] | None:
    """What counts as revenue, by currency, and the last orders whatever their state."""
    del runtime
    mine = and_(
        _conversion.tenant_id == tenant_id,
        _conversion.person_id == object_id,
        _conversion.conversion_type == "purchase",
        _conversion.deleted_at.is_(None),
        ~_conversion.is_test,
    )
    net = _conversion.value - _conversion.refunded
    sums = (
        select(
            _conversion.currency,
            func.count().label("orders"),
            func.sum(net).label("value"),
            func.sum(_conversion.refunded).label("refunded"),
            func.min(_conversion.occurred_at).label("first_at"),
            func.max(_conversion.occurred_at).label("last_at"),
        )
        .where(mine, _conversion.is_revenue)
        .group_by(_conversion.currency)
        .order_by(_conversion.currency)
    )
    totals = (await session.execute(sums)).all()
    names = ("id", "order_id", "occurred_at", "status", "value", "refunded", "currency", "platform", "is_new_customer")
    last = select(*(_conversion[name] for name in names)).where(mine).order_by(_conversion.occurred_at.desc())
    rows = (await session.execute(last.limit(LAST_ORDERS))).all()
    return {
        "orders": sum(row.orders for row in totals),
        "first_at": _when(min((row.first_at for row in totals), default=None)),
        "last_at": _when(max((row.last_at for row in totals), default=None)),
        "totals": [_total(row) for row in totals],
        "last_orders": [_order(row) for row in rows],
    }


def _total(row: Any) -> dict[str, Any]:
    value, average = int(row.value), int(row.value) // row.orders
    return {
        "currency": row.currency,
        "orders": row.orders,
        "value": to_major(value, row.currency),
        "value_minor": value,
        "refunded": to_major(int(row.refunded), row.currency),
        "refunded_minor": int(row.refunded),
        "average": to_major(average, row.currency),
        "average_minor": average,
    }


def _order(row: Any) -> dict[str, Any]:
    return {
        "conversion_id": row.id,
        "order_id": row.order_id,
        "occurred_at": rfc3339(row.occurred_at),
        "status": row.status,
        "value": to_major(row.value, row.currency),
        "value_minor": row.value,
        "refunded": to_major(row.refunded, row.currency),
        "refunded_minor": row.refunded,
        "currency": row.currency,
        "platform": row.platform,
        "is_new_customer": row.is_new_customer,
    }


async def consents(runtime: Runtime, session: AsyncSession, tenant_id: str, object_id: str) -> Mapping[str, Any] | None:
    """The purposes granted with the latest event of the person's browsers, and what their orders were placed under."""
    del runtime
    visitors = await _visitors(session, tenant_id, object_id)
    latest = (
        await session.execute(
            select(_event.consent, _event.occurred_at)
            .where(_event.tenant_id == tenant_id, _event.visitor_id == any_of(visitors))
            .order_by(_event.occurred_at.desc())
            .limit(1)
        )
    ).first()
    by_order = (
        select(_visit.consent, func.count())
        .where(
            _visit.tenant_id == tenant_id,
            _visit.order_id.in_(
                select(_conversion.order_id).where(
                    _conversion.tenant_id == tenant_id, _conversion.person_id == object_id
                )
            ),
        )
        .group_by(_visit.consent)
        .order_by(_visit.consent)
    )
    said = {row[0]: row[1] for row in (await session.execute(by_order)).all()}
    if latest is None and not said:
        return None
    return {
        "purposes": None if latest is None else {name: bool(latest[0] & bit) for name, bit in _PURPOSES.items()},
        "said_at": None if latest is None else rfc3339(latest[1]),
        "orders": said,
    }


async def touches(runtime: Runtime, session: AsyncSession, tenant_id: str, object_id: str) -> Mapping[str, Any] | None:
    """The first and the last touch of the person, with their campaigns' names, and how many there are by channel."""
    mine = visitors_of(tenant_id, [person_identifier(object_id)])
    either = union(
        select(*_TOUCH).where(_touch.tenant_id == tenant_id, _touch.visitor_id.in_(mine)),
        select(*_TOUCH).where(_touch.tenant_id == tenant_id, _touch.person_id == object_id),
    )
    rows: Sequence[Any] = (await session.execute(either)).all()
    if not rows:
        return None
    ordered_rows = sorted(rows, key=lambda row: (row.occurred_at, row.id))
    counts: dict[str, int] = {}
    for row in ordered_rows:
        counts[row.channel] = counts.get(row.channel, 0) + 1
    ends = [each.ad_campaign_id for each in (ordered_rows[0], ordered_rows[-1])]
    names = await names_by_id(session, runtime.get(Links), tenant_id, "ad_campaign", ends)
    return {
        "touches": len(ordered_rows),
        "first": _touched(ordered_rows[0], names),
        "last": _touched(ordered_rows[-1], names),
        "by_channel": dict(sorted(counts.items(), key=lambda item: (-item[1], item[0]))),
    }


_TOUCH = (
    _touch.id, _touch.occurred_at, _touch.source, _touch.medium, _touch.campaign, _touch.channel, _touch.platform,
    _touch.ad_campaign_id,
)  # fmt: skip


def _touched(row: Any, names: Mapping[str, str]) -> dict[str, Any]:
    told = ("id", "source", "medium", "campaign", "channel", "platform", "ad_campaign_id")
    found = {name: getattr(row, name) for name in told}
    return {**found, "campaign_name": names.get(row.ad_campaign_id), "occurred_at": rfc3339(row.occurred_at)}


SECTIONS = (
    Section(key="identity", title="Identity", compute=identity, place="person", order=10),
    Section(key="orders", title="Orders", compute=orders, place="person", order=15, page="conversions"),
    Section(key="touches", title="First and last touch", compute=touches, place="person", order=30, page="attribution"),
    Section(key="consents", title="Consent", compute=consents, place="person", order=90),
)
