"""Coverage: how many orders are joined to a visit, and why the rest are not; every other figure inherits it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, and_, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution import credit_table as credit
from adplanning_plugin.attribution import of_active
from adplanning_plugin.insights.figures import money, ratio
from adplanning_plugin.insights.periods import Period, local_day
from adplanning_plugin.insights.revenue import revenue_conversions
from adplanning_plugin.insights.sums import Sums, converted, rounded
from adplanning_plugin.tracking import conversion_table as conversion
from adplanning_plugin.tracking import order_visit_table as visit

CAUSES: Sequence[tuple[str, str]] = (
    ("no_consent", "The shopper declined to be measured"),
    ("blocked", "Consent was given, but no visit arrived: a blocker, or a page without capture"),
    ("offline", "Taken offline: there is no visit to find"),
    ("renewal", "A renewal: charged without a visit"),
    ("unknown", "No trace of a visit, and nothing that says why"),
)
JOINED = "joined"
LIFETIME = 0


def meaning(name: str) -> str:
    """The sentence of a cause."""
    return "The order is joined to a visit" if name == JOINED else dict(CAUSES)[name]


def cause(tenant_id: str) -> ColumnElement[str]:
    """SQL: `joined`, or the first cause that explains why an order has no visit.

    An online order is joined by its own stamp, or through a visitor that a strong identity edge links to its buyer.
    """
    linked = (
        select(credit.c.conversion_id)
        .where(
            credit.c.tenant_id == conversion.c.tenant_id,
            credit.c.conversion_id == conversion.c.id,
            credit.c.window_days == LIFETIME,
            credit.c.touch_id != "",
            of_active(tenant_id),
        )
        .correlate(conversion)
        .exists()
    )
    return case(
        (func.coalesce(visit.c.visitor_id, visit.c.session_id).is_not(None), JOINED),
        (conversion.c.sales_channel == "renewal", "renewal"),
        (conversion.c.sales_channel == "offline", "offline"),
        (linked, JOINED),
        (visit.c.consent == "denied", "no_consent"),
        (visit.c.consent == "granted", "blocked"),
        else_="unknown",
    )


def orders_with_cause(tenant_id: str, period: Period) -> FromClause:
    """The period's revenue orders, one row each, with `cause` and what it was read from."""
    return (
        select(
            conversion.c.id.label("conversion_id"),
            conversion.c.order_id,
            conversion.c.occurred_at,
            conversion.c.value,
            conversion.c.refunded,
            conversion.c.currency,
            func.coalesce(conversion.c.sales_channel, "online").label("sales_channel"),
            visit.c.method,
            visit.c.consent,
            cause(tenant_id).label("cause"),
        )
        .select_from(
            conversion.outerjoin(
                visit, and_(visit.c.tenant_id == conversion.c.tenant_id, visit.c.order_id == conversion.c.order_id)
            )
        )
        .where(revenue_conversions(tenant_id, period))
        .subquery("orders_with_cause")
    )


async def coverage(session: AsyncSession, tenant_id: str, period: Period, currency: str) -> dict[str, Any]:
    """The waterfall: orders and net revenue joined, and lost by cause; shares are of all orders of the period."""
    rows = orders_with_cause(tenant_id, period)
    day = local_day(rows.c.occurred_at, period.zone).label("day")
    query = select(
        rows.c.cause,
        day,
        rows.c.currency,
        func.sum(rows.c.value - rows.c.refunded).label("revenue"),
        func.count().label("orders"),
    ).group_by(rows.c.cause, day, rows.c.currency)
    found = await converted(session, query, tenant_id, currency, keys=("cause",), money=("revenue",))
    sums = {name: found.by_key.get((name,), Sums()) for name in (JOINED, *(name for name, _ in CAUSES))}
    orders = {name: int(each.counts.get("orders", 0)) for name, each in sums.items()}
    parts = rounded(sums, "revenue")
    revenue = {name: parts[name] if each.money or each.unknown else 0 for name, each in sums.items()}
    whole = found.whole()
    total = sum(orders.values())
    return {
        "orders": total,
        **money("revenue", whole.minor("revenue") if total else 0, currency),
        "joined": orders[JOINED],
        "joined_share": ratio(orders[JOINED], total),
        "joined_share_online": ratio(orders[JOINED], total - orders["offline"] - orders["renewal"]),
        **money("joined_revenue", revenue[JOINED], currency),
        "currency": currency,
        "missing_rates": sorted(found.missing),
        "lost": [
            {
                "cause": name,
                "meaning": meaning,
                "orders": orders[name],
                "share": ratio(orders[name], total),
                **money("revenue", revenue[name], currency),
            }
            for name, meaning in CAUSES
        ],
    }
