"""Admin routes of the figures: dashboard, overview, ROI, top performers, trends, metrics, coverage."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter
from sqlalchemy import select

from adplanning_plugin.insights import coverage as cover
from adplanning_plugin.insights.dashboard import ask, headline, overview
from adplanning_plugin.insights.figures import change, ratio
from adplanning_plugin.insights.names import names_of
from adplanning_plugin.insights.periods import Period, read_period
from adplanning_plugin.insights.roi import Line, Question, Report, report, store_totals, wire
from adplanning_plugin.insights.trends import trend
from adplanning_plugin.kernel.days import rfc3339
from adplanning_plugin.kernel.errors import FieldError, Invalid
from adplanning_plugin.kernel.export import list_response, table_response
from adplanning_plugin.kernel.http import AdminCall
from adplanning_plugin.kernel.money import to_major
from adplanning_plugin.kernel.paging import ListParams, paginate
from adplanning_plugin.links import Links

Day = Annotated[str | None, QueryParameter(description="A local day such as 2026-02-07; its zone is the store's.")]
Model = Annotated[str | None, QueryParameter(description="Attribution model; the store's default without it.")]
Window = Annotated[str | None, QueryParameter(description="Lookback window: days such as 30, or lifetime.")]
By = Literal["campaign", "ad_set", "ad", "channel", "platform"]
RANKED = ("revenue", "roas", "orders", "spend", "margin", "clicks", "leads", "new_customers")


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
            question = await ask(session, call.tenant, period)
            lines = await report(session, links, question)
            labels = await names_of(session, links, call.tenant_id, "campaign", lines.lines)
            points = await trend(session, call.runtime, call.tenant, period, "day")
        best = [line for line in lines.lines if line.kind == "touch" and line.key][:5]
        campaigns = [wire(line, call.tenant.currency, labels) for line in best]
        return {"dashboard": {**found, "top_campaigns": campaigns, "trend": points}}

    @get("/dashboard/overview", operation_id="getOverview", summary="KPIs of a period and their change")
    async def overview(
        self, call: NamedDependency[AdminCall], from_date: Day = None, to_date: Day = None
    ) -> dict[str, Any]:
        """The dashboard's figures without its lists."""
        period = read_period(from_date, to_date, call.tenant.zone)
        async with call.reading(heavy=True) as session:
            return {"overview": await overview(session, call.runtime, call.tenant, period)}

    @get(["/roi", "/dashboard/roi"], operation_id="getRoi", summary="Spend, credit and their ratios by dimension")
    async def roi(
        self,
        call: NamedDependency[AdminCall],
        from_date: Day = None,
        to_date: Day = None,
        by: FromQuery[By] = "campaign",
        model: Model = None,
        window: Window = None,
        basis: Annotated[Literal["order", "click"], QueryParameter(description="Whose date counts.")] = "order",
        compare: Annotated[Literal["previous"] | None, QueryParameter(description="Adds the period before.")] = None,
    ) -> Response[Any]:
        """One line a campaign (ad set, ad, channel, platform); all lines sum to the store's revenue."""
        period = read_period(from_date, to_date, call.tenant.zone)
        links = call.runtime.get(Links)
        async with call.reading(heavy=True) as session:
            question = await ask(session, call.tenant, period, by=by, model=model, window=window, basis=basis)
            now = await report(session, links, question)
            store = await store_totals(session, question)
            before = None
            if compare is not None:
                before = await report(session, links, _before(question))
            labels = await names_of(session, links, call.tenant_id, by, [*now.lines, *(before.lines if before else [])])
        currency = call.tenant.currency
        earlier = {line.identity(): line for line in before.lines} if before else {}
        lines = [
            _compared(wire(line, currency, labels), earlier.get(line.identity()), currency, labels)
            for line in now.lines
        ]
        return table_response(call, "roi", lines, {**_basis(question, now), "total": _total(now, store, currency)})

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
        by: FromQuery[By] = "campaign",
        metric: Annotated[str, QueryParameter(description=f"One of {', '.join(RANKED)}.")] = "revenue",
        limit: Annotated[int, QueryParameter(ge=1, le=50)] = 5,
        model: Model = None,
        window: Window = None,
    ) -> Response[Any]:
        """The best by the metric; those without a value for it are left out."""
        if metric not in RANKED:
            raise Invalid(FieldError("metric", "unknown_metric", f"metric must be one of {', '.join(RANKED)}."))
        period = read_period(from_date, to_date, call.tenant.zone)
        links = call.runtime.get(Links)
        async with call.reading(heavy=True) as session:
            question = await ask(session, call.tenant, period, by=by, model=model, window=window)
            found = await report(session, links, question)
            labels = await names_of(session, links, call.tenant_id, by, found.lines)
        rows = [wire(line, call.tenant.currency, labels) for line in found.lines if line.kind == "touch" and line.key]
        field = f"{metric}_minor" if metric in {"revenue", "spend", "margin"} else metric
        ranked = sorted((row for row in rows if row[field]), key=lambda row: (-row[field], row["id"] or ""))
        return table_response(call, "top_performers", ranked[:limit], {**_basis(question, found), "metric": metric})

    @get(["/trends", "/dashboard/trends"], operation_id="getTrends", summary="Figures by day, week or month")
    async def trends(
        self,
        call: NamedDependency[AdminCall],
        from_date: Day = None,
        to_date: Day = None,
        group_by: FromQuery[Literal["day", "week", "month"]] = "day",
    ) -> Response[Any]:
        """One point a bucket, empty ones included."""
        period = read_period(from_date, to_date, call.tenant.zone)
        async with call.reading(heavy=True) as session:
            points = await trend(session, call.runtime, call.tenant, period, group_by)
        return table_response(
            call, "trends", points, {"period": period.wire(), "group_by": group_by, "currency": call.tenant.currency}
        )

    @get("/metrics", operation_id="getMetrics", summary="All registered metrics sections")
    async def metrics(
        self, call: NamedDependency[AdminCall], from_date: Day = None, to_date: Day = None
    ) -> dict[str, Any]:
        """Sections in order; one that has nothing to say (its data is not linked) is left out and named."""
        period = read_period(from_date, to_date, call.tenant.zone)
        sections = [section for found in call.runtime.hooks.hook.register_sections() for section in found]
        wanted = sorted(
            (section for section in sections if section.place == "metrics"), key=lambda section: section.order
        )
        shown: list[dict[str, Any]] = []
        absent: list[str] = []
        async with call.reading(heavy=True) as session:
            for section in wanted:
                data = await section.compute(call.runtime, session, period.query(call.tenant))
                if data is None:
                    absent.append(section.key)
                else:
                    shown.append({"key": section.key, "title": section.title, "data": data})
        return {"metrics": {"period": period.wire(), "sections": shown, "not_available": absent}}


class CoverageController(Controller):
    """Coverage, and the orders behind each of its figures."""

    path = "/coverage"
    tags = ("Coverage",)

    @get(operation_id="getCoverage", summary="Orders joined to a visit, and why the rest are not")
    async def coverage(
        self, call: NamedDependency[AdminCall], from_date: Day = None, to_date: Day = None
    ) -> dict[str, Any]:
        """The waterfall by cause."""
        period = read_period(from_date, to_date, call.tenant.zone)
        async with call.reading(heavy=True) as session:
            found = await cover.coverage(session, call.tenant_id, period, call.tenant.currency)
        return {"coverage": {"period": period.wire(), **found}}

    @get("/orders", operation_id="listCoverageOrders", summary="The orders of a cause")
    async def orders(
        self,
        call: NamedDependency[AdminCall],
        params: NamedDependency[ListParams],
        cause: Annotated[
            str | None, QueryParameter(description="joined, no_consent, blocked, offline, renewal, unknown.")
        ] = None,
        from_date: Day = None,
        to_date: Day = None,
    ) -> Response[Any]:
        """Revenue orders of the period with their cause, newest first."""
        known = (cover.JOINED, *(name for name, _ in cover.CAUSES))
        if cause is not None and cause not in known:
            raise Invalid(FieldError("cause", "unknown_cause", f"cause must be one of {', '.join(known)}."))
        period = read_period(from_date, to_date, call.tenant.zone)
        rows = cover.orders_with_cause(call.tenant_id, period)
        query = select(rows) if cause is None else select(rows).where(rows.c.cause == cause)
        async with call.reading() as session:
            page = await paginate(
                session,
                query,
                params,
                sortable={"occurred_at": rows.c.occurred_at, "value": rows.c.value},
                default="-occurred_at",
                tiebreak=rows.c.conversion_id,
                search=[rows.c.order_id],
            )
        return list_response(call, "orders", page, _order)


def _order(row: Any) -> dict[str, Any]:
    net = row.value - row.refunded
    return {
        "order_id": row.order_id,
        "conversion_id": row.conversion_id,
        "occurred_at": rfc3339(row.occurred_at),
        "cause": row.cause,
        "joined_by": row.method if row.cause == cover.JOINED else None,
        "consent": row.consent,
        "sales_channel": row.sales_channel,
        "revenue": to_major(net, row.currency),
        "revenue_minor": net,
        "currency": row.currency,
    }


def _before(question: Question) -> Question:
    return msgspec.structs.replace(question, period=question.period.before())


def _compared(row: dict[str, Any], earlier: Line | None, currency: str, labels: Any) -> dict[str, Any]:
    if earlier is None:
        return row
    was = wire(earlier, currency, labels)
    kept = ("spend", "spend_minor", "revenue", "revenue_minor", "orders", "roas")
    moved = {
        name: change(row[field], was[field])
        for name, field in (("spend", "spend_minor"), ("revenue", "revenue_minor"), ("roas", "roas"))
    }
    return {**row, "previous": {name: was[name] for name in kept}, "change": moved}


def _basis(question: Question, found: Report) -> dict[str, Any]:
    """What the figures rest on, named in the answer."""
    period: Period = question.period
    return {
        "period": period.wire(),
        "by": question.by,
        "model": question.model,
        "window_days": question.window_days,
        "basis": question.basis,
        "currency": question.currency,
        "account_zones": found.account_zones,
        "rates": found.rates,
        "missing_rates": found.missing_rates,
    }


def _total(found: Report, store: Line, currency: str) -> dict[str, Any]:
    figures = headline(found, store, currency)
    revenue = found.total.revenue
    return {
        **figures,
        "lines_revenue": None if revenue is None else to_major(revenue, currency),
        "lines_revenue_minor": revenue,
        "ctr": ratio(found.total.clicks, found.total.impressions),
    }
