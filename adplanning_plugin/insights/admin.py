"""Admin routes of the figures: dashboard, overview, ROI, top performers, trends, metrics."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter

from adplanning_plugin.insights.dashboard import overview
from adplanning_plugin.insights.figures import change, money, ratio
from adplanning_plugin.insights.lines import Line, LineKey, headline, lines_of, wire
from adplanning_plugin.insights.names import Names, names_of
from adplanning_plugin.insights.periods import read_period
from adplanning_plugin.insights.roi import Dimension, Question, Report, ask, report
from adplanning_plugin.insights.sections import computed, metrics_sections
from adplanning_plugin.insights.sums import Sums
from adplanning_plugin.insights.trends import Grain, trend
from adplanning_plugin.kernel.errors import FieldError, Invalid
from adplanning_plugin.kernel.export import table_response
from adplanning_plugin.kernel.http import AdminCall
from adplanning_plugin.links import Links

Day = Annotated[str | None, QueryParameter(description="A local day such as 2026-02-07; its zone is the store's.")]
Model = Annotated[str | None, QueryParameter(description="Attribution model; the store's default without it.")]
Window = Annotated[str | None, QueryParameter(description="Lookback window: days such as 30, or lifetime.")]
Metric = Literal["revenue", "roas", "orders", "spend", "margin", "clicks", "leads", "new_customers"]
BEST = 5
_NONE = Line(id=LineKey("touch"))
"""A line of nothing: it has all columns."""
COMPARED = ("spend", "revenue", "orders", "roas")
_TEXTS = frozenset({"name", "platform", "status"})
ORDERS = _TEXTS | {
    "spend", "revenue", "refunds", "margin", "orders", "new_customers", "impressions", "clicks", "leads", "roas", "roi",
    "new_customer_roas", "cac", "cpa", "cpc", "cpl", "ctr", "platform_conversions", "platform_value",
}  # fmt: skip


class DashboardController(Controller):
    """What the marketer sees first."""

    path = ""
    tags = ("Dashboard",)

    @get("/dashboard", operation_id="getDashboard", summary="Dashboard: coverage, KPIs, campaigns, trend")
    async def dashboard(
        self, call: NamedDependency[AdminCall], from_date: Day = None, to_date: Day = None
    ) -> dict[str, Any]:
        """Coverage first, then KPIs with their change, the best campaigns and the daily trend."""
        period = read_period(from_date, to_date, call.tenant.zone)
        links = call.runtime.get(Links)
        async with call.reading(heavy=True) as session:
            found = await overview(session, call.runtime, call.tenant, period)
            best = [line for line in found.report.lines if line.id.kind == "touch" and line.id.key][:BEST]
            labels = await names_of(session, links, call.tenant_id, "campaign", best)
            points, _ = await trend(session, call.runtime, call.tenant, period, "day")
        campaigns = [wire(line, call.tenant.currency, labels) for line in best]
        return {"dashboard": {**found.body, "top_campaigns": campaigns, "trend": points}}

    @get("/dashboard/overview", operation_id="getOverview", summary="KPIs of a period and their change")
    async def overview(
        self, call: NamedDependency[AdminCall], from_date: Day = None, to_date: Day = None
    ) -> dict[str, Any]:
        """The dashboard's figures without its lists."""
        period = read_period(from_date, to_date, call.tenant.zone)
        async with call.reading(heavy=True) as session:
            return {"overview": (await overview(session, call.runtime, call.tenant, period)).body}

    @get(["/roi", "/dashboard/roi"], operation_id="getRoi", summary="Spend, credit and their ratios by dimension")
    async def roi(  # noqa: PLR0917 - Litestar passes filters by name
        self,
        call: NamedDependency[AdminCall],
        from_date: Day = None,
        to_date: Day = None,
        by: FromQuery[Dimension] = "campaign",
        model: Model = None,
        window: Window = None,
        basis: Annotated[Literal["order", "click"], QueryParameter(description="Whose date counts.")] = "order",
        compare: Annotated[Literal["previous"] | None, QueryParameter(description="Adds the period before.")] = None,
        platform: Annotated[str | None, QueryParameter(description="Lines of this platform's campaigns alone.")] = None,
        q: Annotated[str | None, QueryParameter(description="Text in the line's or its campaign's name.")] = None,
        order: Annotated[str | None, QueryParameter(description="A column, `-` in front for descending.")] = None,
    ) -> Response[Any]:
        """One line a campaign (ad set, ad, channel, platform); by order date all lines sum to the store's revenue.

        `platform` and `q` choose among the lines; the total stays that of all.
        """
        period = read_period(from_date, to_date, call.tenant.zone)
        links = call.runtime.get(Links)
        async with call.reading(heavy=True) as session:
            question = await ask(session, call.tenant, period, by=by, model=model, window=window, basis=basis)
            now = await report(session, links, question)
            before = None if compare is None else await report(session, links, question.before())
            earlier = before.lines if before else []
            labels = await names_of(session, links, call.tenant_id, by, [*now.lines, *earlier])
        currency = call.tenant.currency
        lines = [wire(line, currency, labels) for line in now.lines]
        columns = [*wire(_NONE, currency, labels), *(("previous", "change") if before is not None else ())]
        total = total_line(now, currency)
        extra = {**basis_of(question, now), "total": total}
        if before is not None:
            lines = _compared(now, before, currency, labels)
            was = total_line(before, currency)
            extra["total"] = {**total, **_moved(total, was)}
            extra["previous_period"] = question.before().period.wire()
        chosen = in_order([line for line in lines if _matches(line, platform, q)], order)
        return table_response(call, "roi", chosen, extra, columns=columns)

    @get(
        ["/top-performers", "/dashboard/top-performers"],
        operation_id="getTopPerformers",
        summary="Campaigns ranked by a figure",
    )
    async def top_performers(
        self,
        call: NamedDependency[AdminCall],
        from_date: Day = None,
        to_date: Day = None,
        by: FromQuery[Dimension] = "campaign",
        metric: Annotated[Metric, QueryParameter(description="The figure that ranks.")] = "revenue",
        limit: Annotated[int, QueryParameter(ge=1, le=50)] = BEST,
        model: Model = None,
        window: Window = None,
    ) -> Response[Any]:
        """The best by the metric; those without a value for it are left out."""
        period = read_period(from_date, to_date, call.tenant.zone)
        links = call.runtime.get(Links)
        async with call.reading(heavy=True) as session:
            question = await ask(session, call.tenant, period, by=by, model=model, window=window)
            found = await report(session, links, question)
            labels = await names_of(session, links, call.tenant_id, by, found.lines)
        rows = [wire(line, call.tenant.currency, labels) for line in found.lines if line.id.kind == "touch"]
        field = f"{metric}_minor" if metric in {"revenue", "spend", "margin"} else metric
        valued = [row for row in rows if row["id"] and row[field]]
        ranked = sorted(valued, key=lambda row: (-row[field], row["id"]))
        extra = {**basis_of(question, found), "metric": metric}
        columns = [*wire(_NONE, call.tenant.currency, labels)]
        return table_response(call, "top_performers", ranked[:limit], extra, columns=columns)

    @get(["/trends", "/dashboard/trends"], operation_id="getTrends", summary="Figures by day, week or month")
    async def trends(
        self,
        call: NamedDependency[AdminCall],
        from_date: Day = None,
        to_date: Day = None,
        group_by: FromQuery[Grain] = "day",
    ) -> Response[Any]:
        """One point a bucket, empty ones included."""
        period = read_period(from_date, to_date, call.tenant.zone)
        async with call.reading(heavy=True) as session:
            points, basis = await trend(session, call.runtime, call.tenant, period, group_by)
        return table_response(call, "trends", points, {"period": period.wire(), "group_by": group_by, **basis})

    @get("/metrics", operation_id="getMetrics", summary="All registered metrics sections")
    async def metrics(
        self, call: NamedDependency[AdminCall], from_date: Day = None, to_date: Day = None
    ) -> dict[str, Any]:
        """Sections in order; what has no data is named under `not_available`, what failed under `failed`."""
        period = read_period(from_date, to_date, call.tenant.zone)
        allowed = [section for section in metrics_sections(call.runtime) if section.scope in call.actor.scopes]
        async with call.reading(heavy=True) as session:
            found = await computed(session, call.runtime, period.query(call.tenant), allowed)
        return {"metrics": {"period": period.wire(), **found}}


def _matches(line: dict[str, Any], platform: str | None, q: str | None) -> bool:
    if platform is not None and line.get("platform") != platform:
        return False
    texts = (line.get("name"), line.get("campaign_name"), line.get("id"))
    return q is None or any(q.strip().casefold() in (text or "").casefold() for text in texts)


def in_order(lines: Sequence[dict[str, Any]], order: str | None) -> list[dict[str, Any]]:
    """By the asked column, what is not known last either way; as they are without one."""
    if order is None:
        return list(lines)
    name = order.removeprefix("-")
    if name not in ORDERS:
        message = f"order must be one of {', '.join(sorted(ORDERS))}, with - in front for descending."
        raise Invalid(FieldError("order", "unknown_order", message))
    # Two lines alike stay as they were, and amounts are compared, not their texts.
    values = [(line, line.get(f"{name}_minor", line.get(name))) for line in lines]
    known = [(line, value.casefold() if isinstance(value, str) and name in _TEXTS else float(value))
             for line, value in values if value is not None]  # fmt: skip
    known.sort(key=lambda pair: pair[1], reverse=order.startswith("-"))
    return [*(line for line, _ in known), *(line for line, value in values if value is None)]


def _compared(now: Report, before: Report, currency: str, labels: Names) -> list[dict[str, Any]]:
    """Lines of both periods, each with the period before and its change: what ended stays in sight."""
    earlier = {line.id: line for line in before.lines}
    here = {line.id for line in now.lines}
    ended = {line.id: Sums() for line in before.lines if line.id not in here}
    rows: list[dict[str, Any]] = []
    for line in (*now.lines, *lines_of(ended)):
        was = earlier.get(line.id) or Line(id=line.id)
        row = wire(line, currency, labels)
        rows.append({**row, **_moved(row, wire(was, currency, labels))})
    return rows


def _moved(now: dict[str, Any], was: dict[str, Any]) -> dict[str, Any]:
    kept = [name for field in COMPARED for name in (field, f"{field}_minor") if name in was]
    fields = {field: f"{field}_minor" if f"{field}_minor" in was else field for field in COMPARED}
    return {
        "previous": {name: was[name] for name in kept},
        "change": {name: change(now[field], was[field]) for name, field in fields.items()},
    }


def basis_of(question: Question, found: Report) -> dict[str, Any]:
    """What the figures rest on, named in the answer."""
    return {
        "period": question.period.wire(),
        "by": question.by,
        "model": question.model,
        "window_days": question.window_days,
        "basis": question.basis,
        "currency": question.currency,
        "account_zones": found.account_zones,
        "rates": found.rates,
        "missing_rates": found.missing_rates,
    }


def total_line(found: Report, currency: str) -> dict[str, Any]:
    """The last line: all that lines sum to, and the store's own figures."""
    return {
        **headline(found.total, found.store, currency),
        **money("lines_revenue", found.total.revenue, currency),
        "lines_orders": round(found.total.orders, 4),
        "leads": found.total.leads,
        "roi": ratio(
            None
            if found.total.paid_revenue is None or found.total.spend is None
            else found.total.paid_revenue - found.total.spend,
            found.total.spend,
        ),
    }
