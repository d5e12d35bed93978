"""Nearby: the visit of an order's buyer shortly before it, where the order itself names none. It writes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

from sqlalchemy import DateTime, FromClause, Select, cast, func, literal, select, union_all
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.identity import IdentitySettings, email_identifier_sql, visitor_edges
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.settings import load
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import basis
from adplanning_plugin.tracking.models import Conversion, OrderVisit, Session


class Nearby(NamedTuple):
    """An order's visit as its buyer's edges tell it."""

    order_id: str
    visitor_id: str
    session_id: str
    method: str
    """login (the edge names the person) or email (it names the address)."""


async def nearby_visits(
    session: AsyncSession, runtime: Runtime, tenant_id: str, order_ids: Sequence[str]
) -> list[Nearby]:
    """For each of these orders the latest session of a visitor that a strong edge links to its person or address.

    Online orders only: a renewal and a till have no visit, even where their buyer looked around that day.
    """
    settings, _ = await load(session, tenant_id, IdentitySettings)
    if not order_ids or not settings.visit_hours_before_order:
        return []
    links = runtime.get(Links)
    order = links.by_ids("order", tenant_id, order_ids)
    online = basis.sales_channel(order) == "online"
    person = literal("person:").op("||")(order.c.person_id)

    def named(identifier: Any, method: str, rank: int) -> Select[*tuple[Any, ...]]:
        return select(
            order.c.id.label("order_id"),
            cast(order.c.placed_at, DateTime(timezone=True)).label("placed_at"),
            identifier.label("identifier"),
            literal(method).label("method"),
            literal(rank).label("rank"),
        ).where(online, identifier.is_not(None), order.c.placed_at.is_not(None))

    buyer = union_all(named(person, "login", 1), named(email_identifier_sql(order.c.email, runtime), "email", 2)).cte(
        "buyer"
    )
    edges = visitor_edges(tenant_id)
    known = select(buyer, edges.c.visitor_id).join(edges, edges.c.identifier == buyer.c.identifier).cte("known_visitor")
    visitors = [row for row in await session.scalars(select(known.c.visitor_id).distinct()) if row]
    if not visitors:
        return []
    visit = _sessions(links, tenant_id, visitors)
    earliest = known.c.placed_at - func.make_interval(0, 0, 0, 0, settings.visit_hours_before_order)
    found = (
        select(known.c.order_id, visit.c.visitor_id, visit.c.id, known.c.method)
        .join(visit, visit.c.visitor_id == known.c.visitor_id)
        .where(visit.c.started_at <= known.c.placed_at, visit.c.started_at >= earliest)
        .ext(distinct_on(known.c.order_id))
        .order_by(known.c.order_id, known.c.rank, visit.c.started_at.desc(), visit.c.id)
    )
    return [Nearby(*row) for row in await session.execute(found)]


async def orders_without_visit(session: AsyncSession, tenant_id: str, visitor_ids: Sequence[str]) -> list[str]:
    """Orders that were stamped with no visit, and whose person or address is linked to one of these visitors."""
    edges, stamp, c = visitor_edges(tenant_id), OrderVisit.__table__.c, Conversion.__table__.c
    mine = select(edges.c.identifier).where(edges.c.visitor_id.in_(visitor_ids)).cte("identifier")
    people = select(func.substr(mine.c.identifier, len("person:") + 1)).where(mine.c.identifier.startswith("person:"))
    found = (
        select(c.order_id)
        .join(OrderVisit, (stamp.tenant_id == tenant_id) & (stamp.order_id == c.order_id))
        .where(
            c.tenant_id == tenant_id,
            c.identifier.in_(select(mine.c.identifier)) | c.person_id.in_(people),
            c.deleted_at.is_(None),
            stamp.method == "none",
            stamp.consent != "denied",
        )
        .distinct()
    )
    return [row for row in await session.scalars(found) if row]


async def orders_by_edges(session: AsyncSession, tenant_id: str, visitor_ids: Sequence[str]) -> list[str]:
    """Orders whose visit is one of these visitors' only because an edge said so."""
    stamp, c = OrderVisit.__table__.c, Conversion.__table__.c
    found = (
        select(c.order_id)
        .join(OrderVisit, (stamp.tenant_id == tenant_id) & (stamp.order_id == c.order_id))
        .where(c.tenant_id == tenant_id, c.visitor_id.in_(visitor_ids), stamp.method.in_(("login", "email")))
        .order_by(c.order_id)
    )
    return [row for row in await session.scalars(found) if row]


def _sessions(links: Links, tenant_id: str, visitors: Sequence[str]) -> FromClause:
    """Sessions of these visitors, the store's and our own: id, visitor_id, started_at."""
    own = select(Session.id, Session.visitor_id, Session.started_at).where(
        Session.tenant_id == tenant_id, Session.visitor_id.in_(visitors)
    )
    if not links.provides("analytics_session", "visitor_id"):
        return own.subquery("visit")
    host = links.by_ids("analytics_session", tenant_id, visitors, column="visitor_id")
    started = cast(host.c.started_at, DateTime(timezone=True))
    return union_all(own, select(host.c.id, host.c.visitor_id, started.label("started_at"))).subquery("visit")
