"""ROI: what each campaign, ad set, ad or channel cost and what its credit returned, in one currency."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Any, Literal

import msgspec
from sqlalchemy import Select, case, func, literal, null, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution import touchpoint_table as touchpoint
from adplanning_plugin.insights import names
from adplanning_plugin.insights.figures import cost_per, ratio
from adplanning_plugin.insights.periods import Period
from adplanning_plugin.insights.rates import rates_used, with_factor
from adplanning_plugin.insights.revenue import Basis, credited, order_revenue
from adplanning_plugin.insights.spend import spend_rows
from adplanning_plugin.kernel.money import to_major
from adplanning_plugin.links import Links

Dimension = Literal["campaign", "ad_set", "ad", "channel", "platform"]
KEYS: Mapping[str, tuple[str, ...]] = {
    "campaign": ("ad_campaign_id",),
    "ad_set": ("ad_campaign_id", "ad_set_id"),
    "ad": ("ad_campaign_id", "ad_set_id", "ad_id"),
    "channel": ("channel",),
    "platform": ("platform",),
}
_COUNTED = ("impressions", "clicks", "leads")
_MONEY = ("spend", "revenue", "refunds", "new_revenue", "cost", "costed_revenue", "platform_value")


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """What a report is asked."""

    tenant_id: str
    period: Period
    currency: str
    by: Dimension = "campaign"
    model: str = "last_non_direct"
    model_position: int = 1
    window_days: int = 30
    basis: Basis = "order"


class Line(msgspec.Struct, kw_only=True):
    """One row of the report; money in minor units of the report's currency, None where a rate is missing."""

    kind: str
    """touch, unattributed, renewal or offline."""
    key: str | None = None
    set_key: str | None = None
    ad_key: str | None = None
    spend: int | None = 0
    revenue: int | None = 0
    refunds: int | None = 0
    new_revenue: int | None = 0
    cost: int | None = None
    costed_revenue: int | None = 0
    platform_value: int | None = None
    orders: float = 0.0
    new_customers: float = 0.0
    impressions: int | None = None
    clicks: int | None = None
    leads: int | None = None
    platform_conversions: float | None = None

    def identity(self) -> tuple[str, str | None, str | None, str | None]:
        """What makes two lines of different periods the same."""
        return self.kind, self.key, self.set_key, self.ad_key


class Report(msgspec.Struct, kw_only=True):
    """Lines, their total, and what the figures rest on."""

    lines: list[Line]
    total: Line
    rates: list[dict[str, Any]]
    missing_rates: list[str]
    account_zones: list[str]


async def report(session: AsyncSession, links: Links, question: Question) -> Report:
    """Spend joined to credit by the question's dimension; every line of either side is in it, and the total reconciles.

    The revenue of all lines is the period's revenue to the minor unit (by order date): what no touch earned is the line
    `unattributed`, renewals and offline orders are lines of their own.
    """
    credit = await _sum(session, credited_query(question), question)
    spend = await _sum(session, _spend_query(links, question), question)
    lines: dict[tuple[str, str | None, str | None, str | None], Line] = {}
    missing: set[str] = set()
    currencies: set[str] = set()
    for row in (*credit, *spend):
        line = Line(kind=row["kind"], **{name: row[name] for name in ("key", "set_key", "ad_key") if name in row})
        line = lines.setdefault(line.identity(), line)
        currencies.update(row["currencies"])
        missing.update(row["missing"] or ())
        _add(line, row)
    ordered = sorted(
        lines.values(), key=lambda line: (line.kind != "touch", -(line.revenue or 0), line.identity()[1] or "")
    )
    rates = await rates_used(
        session,
        question.tenant_id,
        question.currency,
        sorted(currencies),
        question.period.first,
        question.period.last,
    )
    zones = select(func.array_agg(func.distinct(spend_rows(links, question.tenant_id, question.period).c.zone)))
    found = (await session.execute(zones)).scalar_one() or []
    return Report(
        lines=ordered,
        total=_total(ordered),
        rates=rates,
        missing_rates=sorted(missing),
        account_zones=sorted(zone for zone in found if zone),
    )


def credited_query(question: Question) -> Select[Any]:
    """The credit side of the report."""
    return credited(
        question.tenant_id,
        question.period,
        question.by,
        model=question.model_position,
        window_days=question.window_days,
        basis=question.basis,
    )


def _spend_query(links: Links, question: Question) -> Select[Any]:
    rows = spend_rows(links, question.tenant_id, question.period)
    if question.by == "channel":
        channel = _campaign_channels(question)
        source = rows.outerjoin(channel, channel.c.ad_campaign_id == rows.c.ad_campaign_id)
        keys = [func.coalesce(channel.c.channel, "Paid Other").label("key")]
    else:
        source = rows
        keys = [
            rows.c[column].label(name)
            for column, name in zip(KEYS[question.by], ("key", "set_key", "ad_key"), strict=False)
        ]
    return (
        select(
            *keys,
            literal("touch").label("kind"),
            rows.c.day,
            rows.c.currency,
            func.sum(rows.c.spend).label("spend"),
            func.sum(rows.c.platform_value).label("platform_value"),
            func.sum(rows.c.impressions).label("impressions"),
            func.sum(rows.c.clicks).label("clicks"),
            func.sum(rows.c.leads).label("leads"),
            func.sum(rows.c.platform_conversions).label("platform_conversions"),
        )
        .select_from(source)
        .group_by(*keys, rows.c.day, rows.c.currency)
    )


def _campaign_channels(question: Question) -> Any:
    """The channel that a campaign's touches have most often: where its spend belongs."""
    place = func.row_number().over(
        partition_by=touchpoint.c.ad_campaign_id, order_by=(func.count().desc(), touchpoint.c.channel)
    )
    counted = (
        select(touchpoint.c.ad_campaign_id, touchpoint.c.channel, place.label("place"))
        .where(touchpoint.c.tenant_id == question.tenant_id, touchpoint.c.ad_campaign_id.is_not(None))
        .group_by(touchpoint.c.ad_campaign_id, touchpoint.c.channel)
        .subquery()
    )
    return select(counted.c.ad_campaign_id, counted.c.channel).where(counted.c.place == 1).subquery("campaign_channel")


async def _sum(session: AsyncSession, query: Select[Any], question: Question) -> Sequence[Mapping[str, Any]]:
    """Sum a daily query over the days in the report's currency; money is NULL where a day's rate is missing."""
    rows = query.subquery("daily")
    rated = with_factor(rows, question.tenant_id, question.currency).subquery("rated")
    keys = [rated.c[name] for name in ("key", "set_key", "ad_key", "kind") if name in rated.c]
    measures = [
        column
        for column in rated.c
        if column.name not in {"key", "set_key", "ad_key", "kind", "day", "currency", "factor"}
    ]
    sums = [
        (
            case(
                (
                    func.bool_and(rated.c.factor.is_not(None) | (func.coalesce(column, 0) == 0)),
                    func.sum(column * func.coalesce(rated.c.factor, 0)),
                ),
                else_=null(),
            )
            if column.name in _MONEY
            else func.sum(column)
        ).label(column.name)
        for column in measures
    ]
    missing = func.array_agg(func.distinct(rated.c.currency)).filter(rated.c.factor.is_(None))
    found = func.array_agg(func.distinct(rated.c.currency))
    result = await session.execute(
        select(*keys, *sums, missing.label("missing"), found.label("currencies")).group_by(*keys)
    )
    return [dict(row) for row in result.mappings()]


def _add(line: Line, row: Mapping[str, Any]) -> None:
    for name in (*_MONEY, *_COUNTED, "orders", "new_customers", "platform_conversions"):
        if name not in row:
            continue
        value = row[name]
        if name in _MONEY:
            setattr(line, name, None if value is None else int(Decimal(value).quantize(Decimal(1), ROUND_HALF_EVEN)))
        elif name in _COUNTED:
            setattr(line, name, None if value is None else int(value))
        else:
            setattr(line, name, 0.0 if value is None else float(value))


def _total(lines: Sequence[Line]) -> Line:
    total = Line(kind="total", cost=None)
    for name in (*_MONEY, *_COUNTED, "platform_conversions", "orders", "new_customers"):
        values = [getattr(line, name) for line in lines]
        known = [value for value in values if value is not None]
        required = name in {"spend", "revenue", "refunds", "new_revenue", "costed_revenue"}
        setattr(total, name, (sum(known) if len(known) == len(values) or not required else None) if known else None)
    total.spend, total.revenue = (0 if not lines else total.spend), (0 if not lines else total.revenue)
    total.orders, total.new_customers = total.orders or 0.0, total.new_customers or 0.0
    return total


def wire(line: Line, currency: str, labels: names.Names) -> dict[str, Any]:
    """A line as it is answered: money twice, ratios with null where there is no denominator."""
    spend = line.spend
    margin = None if line.cost is None or line.costed_revenue is None else line.costed_revenue - line.cost
    out: dict[str, Any] = {"kind": line.kind, **labels.of(line)}
    for name, minor in (("spend", spend), ("revenue", line.revenue), ("refunds", line.refunds), ("margin", margin)):
        out[name] = None if minor is None else to_major(minor, currency)
        out[f"{name}_minor"] = minor
    spent = spend or None
    profit = None if line.revenue is None or spend is None else line.revenue - spend
    out |= {
        "currency": currency,
        "orders": round(line.orders, 4),
        "new_customers": round(line.new_customers, 4),
        "impressions": line.impressions,
        "clicks": line.clicks,
        "leads": line.leads,
        "roas": ratio(line.revenue, spent),
        "roi": ratio(profit, spent),
        "new_customer_roas": ratio(line.new_revenue, spent),
        "cac": cost_per(spent, line.new_customers, currency),
        "cpa": cost_per(spent, line.orders, currency),
        "cpc": cost_per(spent, line.clicks, currency),
        "cpl": cost_per(spent, line.leads, currency),
        "ctr": ratio(line.clicks, line.impressions),
        "platform_conversions": line.platform_conversions,
        "platform_value": None if line.platform_value is None else to_major(line.platform_value, currency),
    }
    return out


async def store_totals(session: AsyncSession, question: Question) -> Line:
    """Revenue of the whole store in the period, renewals and offline orders included: what MER divides by spend."""
    rows = order_revenue(question.tenant_id, question.period)
    query = select(*[column for column in rows.c if column.name != "sales_channel"], literal("total").label("kind"))
    found = await _sum(session, query, question)
    total = Line(kind="total")
    for row in found:
        _add(total, row)
    return total
