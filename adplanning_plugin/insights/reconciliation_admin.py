"""Admin routes of the reconciliation: credit beside the order ledger by day, and each order that stands apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution import canonical_model, current_rules, model_position, parse_window
from adplanning_plugin.insights.admin import Day, Model, Window
from adplanning_plugin.insights.figures import money
from adplanning_plugin.insights.periods import Period, read_period
from adplanning_plugin.insights.reconciliation import CAUSES, KINDS, Asked, orders_apart, reconciliation_rows
from adplanning_plugin.kernel.days import day_of, rfc3339
from adplanning_plugin.kernel.export import list_response, table_response
from adplanning_plugin.kernel.http import AdminCall
from adplanning_plugin.kernel.paging import ListParams, paginate
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import order_ledger

Cause = Literal[
    "no_conversion", "conversion_deleted", "order_gone", "not_revenue", "currency_differs", "day_differs",
    "value_changed", "not_credited", "credit_due",
]  # fmt: skip
MEASURES = ("gross", "refunds", "net")
SIDES = ("ledger", "attributed", "unattributed", "difference")
COLUMNS = (
    "day", "currency", "reconciles", "orders", "credited_orders",
    *(f"{side}_{measure}{unit}" for side in SIDES for measure in MEASURES for unit in ("", "_minor")),
    *(f"{kind}_{measure}{unit}" for kind in ("renewal", "offline") for measure in MEASURES for unit in ("", "_minor")),
)  # fmt: skip
ORDER_COLUMNS = (
    "order_id", "conversion_id", "placed_at", "day", "cause", "meaning", "currency", "gross", "gross_minor", "refunds",
    "refunds_minor", "counted_currency", "counted_gross", "counted_gross_minor", "counted_refunds",
    "counted_refunds_minor", "credited_gross", "credited_gross_minor", "credited_refunds", "credited_refunds_minor",
)  # fmt: skip


class ReconciliationController(Controller):
    """Whether credit and the order ledger are one."""

    path = "/attribution/reconciliation"
    tags = ("Attribution",)

    @get("/", operation_id="reconcileAttribution", summary="Attributed and unattributed beside the order ledger")
    async def reconcile(
        self,
        call: NamedDependency[AdminCall],
        from_date: Day = None,
        to_date: Day = None,
        model: Model = None,
        window: Window = None,
    ) -> Response[Any]:
        """By day and currency, the newest first; `attributed + unattributed + difference` is the ledger, always.

        `unattributed` is everything that no visit is credited for, renewals and orders at a till among it.
        """
        period = read_period(from_date, to_date, call.tenant.zone)
        async with call.reading(heavy=True) as session:
            asked, name = await _asked(session, call, period, model, window)
            ledger = await order_ledger(session, call.runtime, call.tenant_id, period.start, period.end)
            rows = (await session.execute(reconciliation_rows(asked, ledger))).all()
        lines = [_line(row, day=row.day.isoformat()) for row in rows]
        summary = {
            "period": period.wire(),
            "model": name,
            "window_days": asked.window_days,
            "rule_version": asked.rule_version,
            "totals": _totals(rows),
        }
        return table_response(call, "reconciliation", lines, summary, columns=COLUMNS)

    @get("/orders", operation_id="listOrdersApart", summary="Each order that does not reconcile, and why")
    async def orders(
        self,
        call: NamedDependency[AdminCall],
        params: NamedDependency[ListParams],
        cause: Annotated[Cause | None, QueryParameter(description="Only orders of this cause.")] = None,
        currency: FromQuery[str | None] = None,
        from_date: Day = None,
        to_date: Day = None,
        model: Model = None,
        window: Window = None,
    ) -> Response[Any]:
        """The newest first: what the ledger says, what was counted, and what was credited."""
        period = read_period(from_date, to_date, call.tenant.zone)
        async with call.reading(heavy=True) as session:
            asked, _ = await _asked(session, call, period, model, window)
            ledger = await order_ledger(session, call.runtime, call.tenant_id, period.start, period.end)
            orders = call.runtime.get(Links).selectable("order", call.tenant_id)
            rows = orders_apart(asked, ledger, orders)
            query = select(rows)
            if cause is not None:
                query = query.where(rows.c.cause == cause)
            if currency is not None:
                query = query.where((rows.c.currency == currency) | (rows.c.counted_currency == currency))
            page = await paginate(
                session,
                query,
                params,
                sortable={"placed_at": rows.c.placed_at, "cause": rows.c.cause, "gross": rows.c.gross},
                default="-placed_at",
                tiebreak=rows.c.order_id,
                search=[rows.c.order_id, rows.c.conversion_id],
            )

        def encode(row: Any) -> dict[str, Any]:
            return _order(row, call.tenant.zone)

        return list_response(call, "orders", page, encode, columns=ORDER_COLUMNS)


async def _asked(
    session: AsyncSession, call: AdminCall, period: Period, model: str | None, window: str | None
) -> tuple[Asked, str]:
    rules = await current_rules(session, call.tenant_id)
    name = canonical_model(model or rules.default_model)
    asked = Asked(
        tenant_id=call.tenant_id,
        period=period,
        model=model_position(rules, name),
        window_days=parse_window(rules, window),
        rule_version=rules.version,
    )
    return asked, name


def _line(row: Any, **key: Any) -> dict[str, Any]:
    """Both sides of a day and currency, and what is left between them."""
    sums = {f"{kind}_{name}": int(getattr(row, f"{kind}_{name}")) for kind in KINDS for name in ("gross", "refunds")}
    sides = {
        "ledger": (int(row.gross), int(row.refunds)),
        "attributed": (sums["touch_gross"], sums["touch_refunds"]),
        "unattributed": tuple(
            sum(sums[f"{kind}_{name}"] for kind in ("unattributed", "renewal", "offline"))
            for name in ("gross", "refunds")
        ),
    }
    sides["difference"] = tuple(sides["ledger"][i] - sides["attributed"][i] - sides["unattributed"][i] for i in (0, 1))
    parts = {kind: (sums[f"{kind}_gross"], sums[f"{kind}_refunds"]) for kind in ("renewal", "offline")}
    return {
        **key,
        "currency": row.currency,
        "reconciles": not any(sides["difference"]) and row.orders == row.credited_orders,
        "orders": row.orders,
        "credited_orders": row.credited_orders,
        **{
            name: value
            for side, (gross, refunds) in (sides | parts).items()
            for measure, minor in (("gross", gross), ("refunds", refunds), ("net", gross - refunds))
            for name, value in money(f"{side}_{measure}", minor, row.currency).items()
        },
    }


class _Sum:
    """Rows of one currency, added up."""

    def __init__(self, currency: str, rows: Sequence[Row[Any]]) -> None:
        self.currency = currency
        names = ("orders", "credited_orders", "gross", "refunds")
        for name in (*names, *(f"{kind}_{part}" for kind in KINDS for part in ("gross", "refunds"))):
            setattr(self, name, sum(int(getattr(row, name)) for row in rows))


def _totals(rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    """By currency: sums are not converted."""
    found: list[dict[str, Any]] = []
    for currency in sorted({row.currency for row in rows}):
        mine = [row for row in rows if row.currency == currency]
        line = _line(_Sum(currency, mine))
        apart = sum(not _line(row)["reconciles"] for row in mine)
        found.append(line | {"reconciles": apart == 0, "days": len(mine), "days_apart": apart})
    return found


def _order(row: Any, zone: str) -> dict[str, Any]:
    here, there = row.currency or row.counted_currency, row.counted_currency or row.currency
    return {
        "order_id": row.order_id,
        "conversion_id": row.conversion_id,
        "placed_at": rfc3339(row.placed_at),
        "day": day_of(row.placed_at, zone).isoformat(),
        "cause": row.cause,
        "meaning": CAUSES[row.cause],
        "currency": row.currency,
        **money("gross", row.gross, here),
        **money("refunds", row.refunds, here),
        "counted_currency": row.counted_currency,
        **money("counted_gross", row.counted_gross, there),
        **money("counted_refunds", row.counted_refunds, there),
        **money("credited_gross", row.credited_gross, there),
        **money("credited_refunds", row.credited_refunds, there),
    }
