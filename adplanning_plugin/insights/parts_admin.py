"""The orders behind a figure of the reports over HTTP: of a line, of a campaign, of the store as a whole."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any, Literal

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromQuery, QueryParameter
from sqlalchemy import BigInteger, Float, func, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.insights.admin import Day, Model, Window, basis_of, total_line
from adplanning_plugin.insights.figures import money, whole
from adplanning_plugin.insights.lines import Line, LineKey, wire
from adplanning_plugin.insights.names import names_of
from adplanning_plugin.insights.parts import Kind, Wanted, parts_of_report
from adplanning_plugin.insights.periods import read_period
from adplanning_plugin.insights.roi import KEYS, Dimension, Question, Report, ask, paying_campaigns, report
from adplanning_plugin.kernel.days import rfc3339
from adplanning_plugin.kernel.errors import FieldError, Invalid
from adplanning_plugin.kernel.export import list_response
from adplanning_plugin.kernel.http import AdminCall
from adplanning_plugin.kernel.money import check_currency
from adplanning_plugin.kernel.paging import AnySelect, ListParams, paginate
from adplanning_plugin.links import Links

COLUMNS = (
    "conversion_id", "conversion_type", "status", "order_id", "sales_channel", "occurred_at", "is_new_customer",
    "weight", "value", "value_minor", "refunded", "refunded_minor", "net", "net_minor", "cost", "cost_minor",
    "currency", "converted", "converted_minor", "conversion_value", "conversion_value_minor", "touches",
)  # fmt: skip


class PartsController(Controller):
    """What a figure of the reports is made of."""

    path = "/roi"
    tags = ("Dashboard",)

    @get("/conversions", operation_id="listRoiConversions", summary="The orders behind a figure of ROI or a campaign")
    async def conversions(  # noqa: PLR0917 - Litestar passes filters by name
        self,
        call: NamedDependency[AdminCall],
        params: NamedDependency[ListParams],
        from_date: Day = None,
        to_date: Day = None,
        by: FromQuery[Dimension] = "campaign",
        kind: Annotated[
            Kind | None,
            QueryParameter(description="The line's kind; `store`: all orders. Without: all that is credited."),
        ] = None,
        key: Annotated[
            str | None,
            QueryParameter(description="The line's campaign, channel or platform; none: of touches without."),
        ] = None,
        ad_set_id: FromQuery[str | None] = None,
        ad_id: FromQuery[str | None] = None,
        paying: Annotated[bool, QueryParameter(description="Only of campaigns that cost something: ROAS.")] = False,
        new_customers: Annotated[bool, QueryParameter(description="Only first orders.")] = False,
        currency: FromQuery[str | None] = None,
        model: Model = None,
        window: Window = None,
        basis: Annotated[Literal["order", "click"], QueryParameter(description="Whose date counts.")] = "order",
    ) -> Response[Any]:
        """Largest part first; the parts sum to the line, which is answered too. Refunds are taken off `net`.

        `converted` is a part in the store's currency at its day's rate, null where there is none.
        """
        wanted = Wanted(
            line=_line(by, kind, key, ad_set_id, ad_id),
            currency=None if currency is None else check_currency(currency),
            paying=paying,
            new_customers=new_customers,
        )
        period = read_period(from_date, to_date, call.tenant.zone)
        links = call.runtime.get(Links)
        async with call.reading(heavy=True) as session:
            question = await ask(session, call.tenant, period, by=by, model=model, window=window, basis=basis)
            campaigns = list(await paying_campaigns(session, links, question))
            statement = parts_of_report(question, wanted).params(paying=campaigns)
            columns = statement.selected_columns
            page = await paginate(
                session,
                statement,
                params,
                sortable={name: columns[name] for name in ("value", "weight", "occurred_at")},
                default="-value",
                tiebreak=columns["id"],
                search=[columns["id"], columns["order_id"]],
            )
            more: dict[str, Any] = {}
            if not page.csv:
                found = await report(session, links, question)
                more = {
                    "basis": basis_of(question, found),
                    "total": await _total(session, statement, question.currency),
                    "line": await _wire(session, links, question, found, wanted),
                }

        def encode(row: Any) -> dict[str, Any]:
            return _part(row, question.currency)

        answer = list_response(call, "conversions", page, encode, columns=COLUMNS)
        if not page.csv:
            answer.content |= more
        return answer


def _line(
    by: Dimension, kind: Kind | None, key: str | None, ad_set_id: str | None, ad_id: str | None
) -> LineKey | None:
    depth = len(KEYS[by])
    given = {"key": (key, 1), "ad_set_id": (ad_set_id, 2), "ad_id": (ad_id, 3)}
    for name, (value, level) in given.items():
        if value is not None and (kind != "touch" or level > depth):
            message = f"{name} names a line of touches by {by}: give kind=touch, and by of its level."
            raise Invalid(FieldError(name, "contradiction", message))
    if kind is None:
        return None
    return LineKey(kind, *[value for value, _ in given.values()][:depth]) if kind == "touch" else LineKey(kind)


async def _wire(
    session: AsyncSession, links: Links, question: Question, found: Report, wanted: Wanted
) -> dict[str, Any]:
    """The line as its report answers it; of all lines or the store the total."""
    if wanted.line is None or wanted.line.kind in {"store", "attributed", "campaigns", "not_attributed"}:
        return total_line(found, question.currency)
    line = next((each for each in found.lines if each.id == wanted.line), Line(id=wanted.line))
    return wire(line, question.currency, await names_of(session, links, question.tenant_id, question.by, [line]))


async def _total(session: AsyncSession, statement: AnySelect, currency: str) -> dict[str, Any]:
    """What the parts of all pages sum to: by currency, and converted."""
    rows = statement.subquery("all_parts").c
    sums = (
        await session.execute(
            select(
                rows.currency,
                sql_cast(func.sum(rows.weight), Float).label("weight"),
                sql_cast(func.sum(rows.value), BigInteger).label("value"),
                sql_cast(func.sum(rows.refunded), BigInteger).label("refunded"),
                func.sum(rows.converted).label("converted"),
                func.bool_or(rows.converted.is_(None)).label("unknown"),
            )
            .group_by(rows.currency)
            .order_by(rows.currency)
        )
    ).all()
    converted = None if any(row.unknown for row in sums) else whole(sum((row.converted for row in sums), Decimal(0)))
    return {
        "conversions": round(sum(row.weight for row in sums), 6),
        "by_currency": {row.currency: _money(row.value, row.refunded, row.currency) for row in sums},
        **money("converted", converted, currency),
        "currency": currency,
    }


def _part(row: Any, currency: str) -> dict[str, Any]:
    """The wire form of one order's part."""
    return {
        "conversion_id": row.id,
        "conversion_type": row.conversion_type,
        "status": row.status,
        "order_id": row.order_id,
        "sales_channel": row.sales_channel,
        "occurred_at": rfc3339(row.occurred_at),
        "is_new_customer": row.is_new_customer,
        "weight": round(row.weight, 6),
        **_money(row.value, row.refunded, row.currency),
        **money("cost", None if row.cost is None else whole(row.cost), row.currency),
        "currency": row.currency,
        **money("converted", None if row.converted is None else whole(row.converted), currency),
        **money("conversion_value", row.whole, row.currency),
        "touches": row.touches,
    }


def _money(value: int, refunded: int, currency: str) -> dict[str, Any]:
    return (
        money("value", value, currency)
        | money("refunded", refunded, currency)
        | money("net", value - refunded, currency)
    )
