"""Stamps: which visit an order belongs to, or why there is none, for a batch of orders in one statement."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import (
    ARRAY,
    DateTime,
    FromClause,
    Select,
    String,
    Text,
    and_,
    case,
    cast,
    column,
    func,
    literal,
    null,
    or_,
    select,
    union_all,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.identity import email_identifier_sql, link_from
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links
from adplanning_plugin.tracking.erased import still_to_stamp
from adplanning_plugin.tracking.models import CheckoutBinding, OrderVisit
from adplanning_plugin.tracking.nearby import Nearby, nearby_visits
from adplanning_plugin.tracking.tokens import read_visit

_STAMPED = ("visitor_id", "session_id", "method", "consent")


async def stamp_orders(session: AsyncSession, runtime: Runtime, tenant_id: str, order_ids: Sequence[str]) -> list[str]:
    """Write `order_visit` for linked orders and link their visitors to the orders' person and address.

    The first source that names a visit wins: the request that created the order, the checkout reference, the order's
    signed token, the host's own session, and last a session that the order's buyer is known to have had shortly before.
    A denied consent, said by any of them or by the order itself, beats them all.

    Returns:
        The orders whose stamps are new or changed.
    """
    ids = await still_to_stamp(session, runtime, tenant_id, list(dict.fromkeys(order_ids)))
    if not ids:
        return []
    links = runtime.get(Links)
    orders = links.by_ids("order", tenant_id, ids)
    tokens = await _tokens(session, runtime, tenant_id, orders)
    named: Sequence[str] = ()
    if links.has("analytics_session"):
        found = select(orders.c.session_id).where(orders.c.session_id.is_not(None)).distinct()
        named = (await session.execute(found)).scalars().all()
    picked = _picked(tenant_id, orders, tokens, _host_sessions(links, tenant_id, named)).subquery("picked")
    bare = select(picked.c.order_id).where(picked.c.method == "none", picked.c.consent != "denied")
    around = _nearby_rows(
        await nearby_visits(session, runtime, tenant_id, (await session.execute(bare)).scalars().all())
    )
    stamped = {
        name: func.coalesce(around.c[name], picked.c[name]) if name != "consent" else picked.c.consent
        for name in _STAMPED
    }
    rows = (
        select(literal(tenant_id), picked.c.order_id, *stamped.values(), func.now())
        .select_from(picked.outerjoin(around, around.c.order_id == picked.c.order_id))
        .order_by(picked.c.order_id)
    )
    statement = insert(OrderVisit).from_select(["tenant_id", "order_id", *_STAMPED, "stamped_at"], rows)
    excluded = statement.excluded
    upsert = statement.on_conflict_do_update(
        index_elements=["tenant_id", "order_id"],
        set_={name: excluded[name] for name in (*_STAMPED, "stamped_at")},
        where=or_(*(getattr(OrderVisit, name).is_distinct_from(excluded[name]) for name in _STAMPED)),
    ).returning(OrderVisit.order_id)
    changed = list((await session.execute(upsert)).scalars())
    await link_from(session, runtime, tenant_id, _edges(runtime, tenant_id, orders))
    return changed


async def _tokens(
    session: AsyncSession, runtime: Runtime, tenant_id: str, orders: FromClause
) -> list[tuple[str, str | None, str | None, str]]:
    """The batch's tokens whose signature holds and that were fresh when the order was placed."""
    if not runtime.get(Links).provides("order", "visitor_token"):
        return []
    carrying = select(orders.c.id, orders.c.visitor_token, orders.c.placed_at).where(
        orders.c.visitor_token.is_not(None)
    )
    found: list[tuple[str, str | None, str | None, str]] = []
    for order_id, token, placed_at in (await session.execute(carrying)).all():
        read = read_visit(runtime, tenant_id, token, at=placed_at)
        if read is not None:
            found.append((order_id, read.visitor_id, read.session_id, read.consent))
    return found


def _picked(
    tenant_id: str,
    orders: FromClause,
    tokens: list[tuple[str, str | None, str | None, str]],
    host: FromClause,
) -> Select[*tuple[Any, ...]]:
    stamp, binding = OrderVisit.__table__, CheckoutBinding.__table__
    token = _token_rows(tokens)
    # A request without a visitor was stamped only where it said no.
    said_at_request = stamp.c.method == "request"
    by_request = and_(said_at_request, stamp.c.visitor_id.is_not(None))
    consent = func.coalesce(
        case((orders.c.consent == "denied", "denied")),
        case((said_at_request, stamp.c.consent)),
        func.nullif(binding.c.consent, "unknown"),
        func.nullif(token.c.consent, "unknown"),
        case((orders.c.consent == "granted", "granted")),
        case((host.c.visitor_id.is_not(None), "granted")),
        "unknown",
    )
    denied = consent == "denied"
    method = case(
        (said_at_request, "request"),
        (denied, "none"),
        (binding.c.visitor_id.is_not(None), "checkout_ref"),
        (token.c.visitor_id.is_not(None), "token"),
        (host.c.visitor_id.is_not(None), "session"),
        else_="none",
    )

    def of(name: str) -> Any:
        return case(
            (denied, null()),
            (by_request, stamp.c[name]),
            (binding.c.visitor_id.is_not(None), binding.c[name]),
            (token.c.visitor_id.is_not(None), token.c[name]),
            else_=host.c[name],
        )

    source = (
        orders.outerjoin(stamp, and_(stamp.c.tenant_id == tenant_id, stamp.c.order_id == orders.c.id))
        .outerjoin(
            binding, and_(binding.c.tenant_id == tenant_id, binding.c.checkout_ref == orders.c.checkout_reference)
        )
        .outerjoin(token, token.c.order_id == orders.c.id)
        .outerjoin(host, host.c.session_id == orders.c.session_id)
    )
    return select(
        orders.c.id.label("order_id"),
        of("visitor_id").label("visitor_id"),
        of("session_id").label("session_id"),
        method.label("method"),
        consent.label("consent"),
    ).select_from(source)


def _token_rows(tokens: list[tuple[str, str | None, str | None, str]]) -> FromClause:
    columns = [[row[position] for row in tokens] for position in range(4)]
    return (
        func.unnest(*(cast(values, ARRAY(Text())) for values in columns))
        .table_valued(*(column(name, String) for name in ("order_id", "visitor_id", "session_id", "consent")))
        .render_derived(name="token")
    )


def _nearby_rows(found: Sequence[Nearby]) -> FromClause:
    columns = [[row[position] for row in found] for position in range(4)]
    return (
        func.unnest(*(cast(values, ARRAY(Text())) for values in columns))
        .table_valued(*(column(name, String) for name in ("order_id", "visitor_id", "session_id", "method")))
        .render_derived(name="around")
    )


def _host_sessions(links: Links, tenant_id: str, named: Sequence[str]) -> FromClause:
    """These sessions of the host: (session_id, visitor_id); one that names no visitor is a visitor of its own."""
    if not named:
        nothing: Select[*tuple[Any, ...]] = select(
            cast(null(), Text()).label("session_id"), cast(null(), Text()).label("visitor_id")
        )
        return nothing.where(literal(False)).subquery("host_session")
    sessions = links.by_ids("analytics_session", tenant_id, named)
    own = literal("session:").op("||")(sessions.c.id)
    return select(
        sessions.c.id.label("session_id"), func.coalesce(sessions.c.visitor_id, own).label("visitor_id")
    ).subquery("host_session")


def _edges(runtime: Runtime, tenant_id: str, orders: FromClause) -> FromClause:
    """Strong edges of the stamped orders: the visitor with the order's person, and with its address.

    A visit that was itself found by an edge shows nothing new: it would link a second hop.
    """
    stamp = OrderVisit.__table__
    joined = orders.join(stamp, and_(stamp.c.tenant_id == tenant_id, stamp.c.order_id == orders.c.id))

    def seen(identifier: Any) -> Select[*tuple[Any, ...]]:
        return (
            select(
                stamp.c.visitor_id,
                identifier.label("identifier"),
                literal("order").label("kind"),
                literal("order:").op("||")(orders.c.id).label("source"),
                cast(orders.c.placed_at, DateTime(timezone=True)).label("seen_at"),
            )
            .select_from(joined)
            .where(stamp.c.visitor_id.is_not(None), stamp.c.method.not_in(("login", "email")), identifier.is_not(None))
        )

    person = literal("person:").op("||")(orders.c.person_id)
    return union_all(seen(person), seen(email_identifier_sql(orders.c.email, runtime))).subquery("seen")
