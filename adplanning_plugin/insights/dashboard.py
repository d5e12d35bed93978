"""Dashboard: the headline figures of a period, coverage first, and how they moved against the period before."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.insights.coverage import coverage
from adplanning_plugin.insights.figures import change, money, ratio
from adplanning_plugin.insights.lines import headline
from adplanning_plugin.insights.periods import Period, any_period, local_day, rate_day
from adplanning_plugin.insights.roi import Question, Report, ask, report
from adplanning_plugin.insights.sums import KEPT, Summing, summing, sums_of
from adplanning_plugin.kernel.paging import AnySelect
from adplanning_plugin.kernel.runtime import Runtime, Tenant
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import COUNTED, visit_totals
from adplanning_plugin.tracking import conversion_table as conversion

KPIS = ("spend", "revenue", "orders", "conversions", "leads", "sessions", "roas", "mer", "new_customers", "cac")
LEAD = "lead_form_submission"


class Overview(msgspec.Struct, kw_only=True):
    """Coverage, KPIs and their change; and the report that they are read from."""

    body: dict[str, Any]
    report: Report
    question: Question


async def overview(session: AsyncSession, runtime: Runtime, tenant: Tenant, period: Period) -> Overview:
    """The headline figures by the tenant's default model and window, and each one's change."""
    question = await ask(session, tenant, period)
    found = await report(session, runtime.get(Links), question)
    now = await _kpis(session, runtime, tenant, question, found)
    earlier = question.before()
    before = await _kpis(session, runtime, tenant, earlier, await report(session, runtime.get(Links), earlier))
    body = {
        "period": period.wire(),
        "previous_period": earlier.period.wire(),
        "coverage": await coverage(session, tenant.id, period, tenant.currency),
        "kpis": now,
        "previous": before,
        "change": {name: change(_number(now[name]), _number(before[name])) for name in KPIS},
    }
    return Overview(body=body, report=found, question=question)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


async def _kpis(
    session: AsyncSession, runtime: Runtime, tenant: Tenant, question: Question, found: Report
) -> dict[str, Any]:
    period = question.period
    counts = await _conversion_counts(session, tenant, period)
    visits = await visit_totals(session, runtime, tenant.id, period.start, period.end)
    return {
        **headline(found.total, found.store, tenant.currency),
        **counts,
        "sessions": visits.sessions,
        "conversion_rate": ratio(visits.converted_sessions, visits.sessions),
        "model": question.model,
        "window_days": question.window_days,
        "rates": found.rates,
        "missing_rates": found.missing_rates,
        "account_zones": found.account_zones,
    }


def counted_conversions(tenant_id: str, period: Period, quote: str | None = None) -> AnySelect:
    """Conversions that count, of every type: day, currency, conversions, leads and `total_value` (minor units).

    Days that no rate of `quote` is needed for are one, whose day is NULL.
    """
    day = local_day(conversion.c.occurred_at, period.zone).label("day")
    if quote is not None:
        day = rate_day(day, conversion.c.currency, quote)
    return (
        select(
            day,
            conversion.c.currency,
            func.sum(conversion.c.value).label("total_value"),
            func.count().label("conversions"),
            func.count().filter(conversion.c.conversion_type == LEAD).label("leads"),
        )
        .where(
            conversion.c.tenant_id == tenant_id,
            conversion.c.deleted_at.is_(None),
            conversion.c.status.in_(COUNTED),
            conversion.c.occurred_at >= period.start,
            conversion.c.occurred_at < period.end,
        )
        .group_by(day, conversion.c.currency)
    )


@lru_cache(maxsize=KEPT)
def _counting(tenant_id: str, currency: str, zone: str) -> Summing:
    query = counted_conversions(tenant_id, any_period(zone), currency)
    return summing(query, tenant_id, currency, keys=(), money=("total_value",))


async def _conversion_counts(session: AsyncSession, tenant: Tenant, period: Period) -> dict[str, Any]:
    """Conversions of every type, leads, and `total_value`: the sum of all conversion values, which is not revenue."""
    found = await sums_of(session, _counting(tenant.id, tenant.currency, period.zone), period.values())
    total = found.whole()
    value = 0 if not total.counts else total.minor("total_value")
    return {
        "conversions": int(total.counts.get("conversions", 0)),
        "leads": int(total.counts.get("leads", 0)),
        **money("total_value", value, tenant.currency),
    }
