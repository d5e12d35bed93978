"""Admin routes of coverage: the waterfall, and the orders behind each of its figures."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter
from sqlalchemy import select

from adplanning_plugin.insights import coverage as cover
from adplanning_plugin.insights.admin import Day
from adplanning_plugin.insights.coverage_trend import COLUMNS as TREND_COLUMNS
from adplanning_plugin.insights.coverage_trend import coverage_trend
from adplanning_plugin.insights.figures import money
from adplanning_plugin.insights.periods import read_period
from adplanning_plugin.insights.trends import Grain
from adplanning_plugin.kernel.days import day_of, rfc3339
from adplanning_plugin.kernel.export import list_response, table_response
from adplanning_plugin.kernel.http import AdminCall
from adplanning_plugin.kernel.paging import ListParams, paginate

Cause = Literal["joined", "not_joined", "no_consent", "blocked", "offline", "renewal", "unknown"]
COLUMNS = (
    "order_id",
    "conversion_id",
    "occurred_at",
    "day",
    "cause",
    "sentence",
    "joined_by",
    "consent",
    "sales_channel",
    "revenue",
    "revenue_minor",
    "currency",
)


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

    @get("/trend", operation_id="getCoverageTrend", summary="Orders by cause over time")
    async def trend(
        self,
        call: NamedDependency[AdminCall],
        from_date: Day = None,
        to_date: Day = None,
        group_by: FromQuery[Grain] = "day",
    ) -> Response[Any]:
        """One point a day, week or month, empty ones included."""
        period = read_period(from_date, to_date, call.tenant.zone)
        async with call.reading(heavy=True) as session:
            points = await coverage_trend(session, call.tenant_id, period, group_by)
        extra = {"period": period.wire(), "group_by": group_by}
        return table_response(call, "coverage_trend", points, extra, columns=TREND_COLUMNS)

    @get("/orders", operation_id="listCoverageOrders", summary="The orders of a cause")
    async def orders(
        self,
        call: NamedDependency[AdminCall],
        params: NamedDependency[ListParams],
        cause: Annotated[
            Cause | None, QueryParameter(description="Only orders of this cause; `not_joined` is all causes.")
        ] = None,
        from_date: Day = None,
        to_date: Day = None,
    ) -> Response[Any]:
        """Revenue orders of the period with their cause, newest first."""
        period = read_period(from_date, to_date, call.tenant.zone)
        rows = cover.orders_with_cause(call.tenant_id, period)
        query = select(rows)
        if cause == "not_joined":
            query = query.where(rows.c.cause != cover.JOINED)
        elif cause is not None:
            query = query.where(rows.c.cause == cause)
        async with call.reading(heavy=True) as session:
            page = await paginate(
                session,
                query,
                params,
                sortable={"occurred_at": rows.c.occurred_at, "value": rows.c.value, "cause": rows.c.cause},
                default="-occurred_at",
                tiebreak=rows.c.conversion_id,
                search=[rows.c.order_id],
            )

        def encode(row: Any) -> dict[str, Any]:
            return _order(row, call.tenant.zone)

        return list_response(call, "orders", page, encode, columns=COLUMNS)


def _order(row: Any, zone: str) -> dict[str, Any]:
    return {
        "order_id": row.order_id,
        "conversion_id": row.conversion_id,
        "occurred_at": rfc3339(row.occurred_at),
        "day": day_of(row.occurred_at, zone).isoformat(),
        "cause": row.cause,
        "sentence": cover.meaning(row.cause),
        "joined_by": row.method if row.cause == cover.JOINED else None,
        "consent": row.consent,
        "sales_channel": row.sales_channel,
        **money("revenue", row.value - row.refunded, row.currency),
        "currency": row.currency,
    }
