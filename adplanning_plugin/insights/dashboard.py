"""Dashboard: the headline figures of a period, coverage first, and how they moved against the period before."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution import canonical_model, current_rules, model_position, parse_window
from adplanning_plugin.insights.coverage import coverage
from adplanning_plugin.insights.figures import change, cost_per, ratio
from adplanning_plugin.insights.periods import Period
from adplanning_plugin.insights.roi import Line, Question, Report, report, store_totals
from adplanning_plugin.kernel.money import to_major
from adplanning_plugin.kernel.runtime import Runtime, Tenant
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import conversion_table as conversion
from adplanning_plugin.tracking import visit_totals

KPIS = ("spend", "revenue", "orders", "conversions", "leads", "sessions", "roas", "mer", "new_customers", "cac")


async def ask(
    session: AsyncSession,
    tenant: Tenant,
    period: Period,
    *,
    by: str = "campaign",
    model: str | None = None,
    window: str | None = None,
    basis: str = "order",
) -> Question:
    """A report's question, with the tenant's default model and window where the caller names none.

    Raises:
        Invalid: a model, window or basis that there is not.
    """
    rules = await current_rules(session, tenant.id)
    chosen = canonical_model(model or rules.default_model)
    position = model_position(rules, chosen)
    days = parse_window(rules, window)
    return Question(
        tenant_id=tenant.id,
        period=period,
        currency=tenant.currency,
        by=by,  # type: ignore[arg-type]
        model=chosen,
        model_position=position,
        window_days=days,
        basis=basis,  # type: ignore[arg-type]
    )


async def overview(session: AsyncSession, runtime: Runtime, tenant: Tenant, period: Period) -> dict[str, Any]:
    """Coverage, KPIs, and each KPI's change against the period before."""
    links = runtime.get(Links)
    now = await _kpis(session, runtime, links, tenant, period)
    before = await _kpis(session, runtime, links, tenant, period.before())
    return {
        "period": period.wire(),
        "previous_period": period.before().wire(),
        "coverage": await coverage(session, tenant.id, period, tenant.currency),
        "kpis": now,
        "previous": before,
        "change": {name: change(_number(now[name]), _number(before[name])) for name in KPIS},
    }


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


async def _kpis(
    session: AsyncSession, runtime: Runtime, links: Links, tenant: Tenant, period: Period
) -> dict[str, Any]:
    question = await ask(session, tenant, period)
    found = await report(session, links, question)
    store = await store_totals(session, question)
    counts = await _conversion_counts(session, tenant, period)
    visits = await visit_totals(session, runtime, tenant.id, period.start, period.end)
    return {
        **headline(found, store, tenant.currency),
        **counts,
        "sessions": visits.sessions,
        "conversion_rate": ratio(visits.converted_sessions, visits.sessions),
        "model": question.model,
        "window_days": question.window_days,
        "rates": found.rates,
        "missing_rates": found.missing_rates,
        "account_zones": found.account_zones,
    }


def headline(found: Report, store: Line, currency: str) -> dict[str, Any]:
    """Store-wide money and ratios. ROAS is revenue credited to touches that cost; MER is all revenue over all spend."""
    spend = found.total.spend
    credited = [line for line in found.lines if line.kind == "touch" and line.key]
    paid = [line for line in credited if line.spend]
    known = all(line.revenue is not None for line in paid)
    paid_revenue = sum(line.revenue or 0 for line in paid) if known else None
    paid_new = sum(line.new_revenue or 0 for line in paid) if known else None
    margin = None if store.cost is None or store.costed_revenue is None else store.costed_revenue - store.cost
    money = {
        "spend": spend,
        "revenue": store.revenue,
        "refunds": store.refunds,
        "attributed_revenue": paid_revenue,
        "margin": margin,
    }
    out: dict[str, Any] = {"currency": currency}
    for name, minor in money.items():
        out[name] = None if minor is None else to_major(minor, currency)
        out[f"{name}_minor"] = minor
    spent = spend or None
    out |= {
        "orders": int(store.orders),
        "new_customers": int(store.new_customers),
        "roas": ratio(paid_revenue, spent),
        "mer": ratio(store.revenue, spent),
        "new_customer_roas": ratio(paid_new, spent),
        "cac": cost_per(spent, store.new_customers, currency),
        "cpa": cost_per(spent, sum(line.orders for line in paid), currency),
        "impressions": found.total.impressions,
        "clicks": found.total.clicks,
        "ctr": ratio(found.total.clicks, found.total.impressions),
        "cpc": cost_per(spent, found.total.clicks, currency),
        "platform_conversions": found.total.platform_conversions,
    }
    return out


async def _conversion_counts(session: AsyncSession, tenant: Tenant, period: Period) -> dict[str, Any]:
    """Conversions of every type, leads, and `total_value`: the sum of all conversion values, which is not revenue."""
    counted = select(
        func.count(),
        func.count().filter(conversion.c.conversion_type == "lead_form_submission"),
        func.coalesce(func.sum(conversion.c.value).filter(conversion.c.currency == tenant.currency), 0),
    ).where(
        conversion.c.tenant_id == tenant.id,
        conversion.c.deleted_at.is_(None),
        conversion.c.status != "cancelled",
        conversion.c.occurred_at >= period.start,
        conversion.c.occurred_at < period.end,
    )
    total, leads, value = (await session.execute(counted)).one()
    return {
        "conversions": int(total),
        "leads": int(leads),
        "total_value": to_major(int(value), tenant.currency),
        "total_value_minor": int(value),
    }
