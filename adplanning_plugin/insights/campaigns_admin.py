"""Admin routes of campaigns: the list, one of them with all that it divides into, its touches and its orders."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from litestar import Controller, Response, get
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, QueryParameter
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution import touchpoint_table as touchpoint
from adplanning_plugin.hookspecs import Section
from adplanning_plugin.insights.admin import Day, Model, Window
from adplanning_plugin.insights.campaigns import campaign_detail, campaign_rows, the_campaign, total_of
from adplanning_plugin.insights.campaigns_sql import campaign_orders, campaign_touches
from adplanning_plugin.insights.figures import money
from adplanning_plugin.insights.periods import read_period
from adplanning_plugin.insights.revenue import Basis
from adplanning_plugin.insights.roi import Question, Report, ask, report
from adplanning_plugin.kernel.days import rfc3339
from adplanning_plugin.kernel.errors import FieldError, Invalid
from adplanning_plugin.kernel.export import list_response, table_response
from adplanning_plugin.kernel.http import AdminCall
from adplanning_plugin.kernel.paging import ListParams, paginate
from adplanning_plugin.links import Links

Credited = Annotated[Basis, QueryParameter(description="Whose date counts: the order's, or the click's.")]
Shown = Literal["all", "active"]
TEXTS = ("name", "platform", "status", "created_at")
FIGURES = ("spend", "revenue", "orders", "roas", "impressions", "clicks", "leads", "ctr", "cpc", "cpa", "new_customers")
TOUCH_COLUMNS = (
    "id", "occurred_at", "visitor_id", "session_id", "person_id", "origin", "channel", "source", "medium", "campaign",
    "term", "content", "platform", "ad_set_id", "ad_id", "landing_path", "referrer_host", "resolution_method",
    "confidence", "converted", "orders", "weight", "revenue", "revenue_minor", "currency",
)  # fmt: skip
ORDER_COLUMNS = (
    "order_id", "conversion_id", "occurred_at", "weight", "credited", "credited_minor", "revenue", "revenue_minor",
    "value", "value_minor", "refunded", "refunded_minor", "currency", "is_new_customer", "touches", "path_touches",
    "first_click_at", "last_click_at", "visitor_id", "session_id",
)  # fmt: skip


class CampaignController(Controller):
    """What each ad campaign cost and brought."""

    path = "/ad-campaigns"
    tags = ("Campaigns",)

    @get("/", operation_id="listAdCampaigns", summary="Campaigns with spend, results, credit and their ratios")
    async def campaigns(  # noqa: PLR0917 - Litestar passes filters by name
        self,
        call: NamedDependency[AdminCall],
        params: NamedDependency[ListParams],
        from_date: Day = None,
        to_date: Day = None,
        model: Model = None,
        window: Window = None,
        basis: Credited = "order",
        platform: FromQuery[str | None] = None,
        status: FromQuery[str | None] = None,
        show: Annotated[Shown, QueryParameter(description="active: with spend, credit or clicks.")] = "all",
    ) -> Response[Any]:
        """Most spend first. Money in the store's currency; without a rate it is null and stands last."""
        period = read_period(from_date, to_date, call.tenant.zone)
        async with call.reading(heavy=True) as session:
            question = await ask(session, call.tenant, period, model=model, window=window, basis=basis)
            rows, found = await campaign_rows(session, call.runtime.get(Links), question)
        wanted = [row for row in rows if _matches(row, platform, status, params.q, show)]
        ordered = _ordered(wanted, params)
        page = ordered if params.csv else ordered[params.offset : params.offset + params.limit]
        extra = {
            "count": len(ordered),
            "offset": params.offset,
            "limit": params.limit,
            "total": total_of(wanted, question.currency),
            "basis": basis_of(question, found),
        }
        return table_response(call, "ad_campaigns", page, extra)

    @get("/{ad_campaign_id:str}", operation_id="getAdCampaign", summary="One campaign and all that it divides into")
    async def campaign(
        self,
        call: NamedDependency[AdminCall],
        ad_campaign_id: FromPath[str],
        from_date: Day = None,
        to_date: Day = None,
        model: Model = None,
        window: Window = None,
        basis: Credited = "order",
    ) -> dict[str, Any]:
        """Its figures and the period before's, credit by each model, days, and ad sets with their ads."""
        period = read_period(from_date, to_date, call.tenant.zone)
        links = call.runtime.get(Links)
        async with call.reading(heavy=True) as session:
            known = await the_campaign(session, links, call.tenant_id, ad_campaign_id)
            question = await ask(session, call.tenant, period, model=model, window=window, basis=basis)
            found = await campaign_detail(session, links, question, known)
            found["sections"] = await _sections(session, call, ad_campaign_id)
            found["basis"] = basis_of(question, await report(session, links, question))
        return {"ad_campaign": found}

    @get("/{ad_campaign_id:str}/touches", operation_id="listAdCampaignTouches", summary="The campaign's touches")
    async def touches(
        self,
        call: NamedDependency[AdminCall],
        params: NamedDependency[ListParams],
        ad_campaign_id: FromPath[str],
        from_date: Day = None,
        to_date: Day = None,
        model: Model = None,
        window: Window = None,
    ) -> Response[Any]:
        """Newest first: who came, by which visit, and what it earned under the model and window."""
        period = read_period(from_date, to_date, call.tenant.zone)
        async with call.reading() as session:
            await the_campaign(session, call.runtime.get(Links), call.tenant_id, ad_campaign_id)
            question = await ask(session, call.tenant, period, model=model, window=window)
            columns = touchpoint.c
            page = await paginate(
                session,
                campaign_touches(question, ad_campaign_id),
                params,
                sortable={
                    "occurred_at": columns.occurred_at,
                    "source": columns.source,
                    "medium": columns.medium,
                    "channel": columns.channel,
                },
                default="-occurred_at",
                tiebreak=columns.id,
                search=[columns.visitor_id, columns.session_id, columns.source, columns.campaign, columns.content],
            )

        def encode(row: Any) -> dict[str, Any]:
            return _touch(row, call.tenant.currency)

        return _named(list_response(call, "touches", page, encode, columns=TOUCH_COLUMNS), question)

    @get("/{ad_campaign_id:str}/orders", operation_id="listAdCampaignOrders", summary="Orders credited to the campaign")
    async def orders(
        self,
        call: NamedDependency[AdminCall],
        params: NamedDependency[ListParams],
        ad_campaign_id: FromPath[str],
        from_date: Day = None,
        to_date: Day = None,
        model: Model = None,
        window: Window = None,
        basis: Credited = "order",
    ) -> Response[Any]:
        """Newest first, with the share of each that the chosen model gives the campaign; the shares sum to its
        revenue."""
        period = read_period(from_date, to_date, call.tenant.zone)
        async with call.reading(heavy=True) as session:
            await the_campaign(session, call.runtime.get(Links), call.tenant_id, ad_campaign_id)
            question = await ask(session, call.tenant, period, model=model, window=window, basis=basis)
            statement = campaign_orders(question, ad_campaign_id)
            columns = statement.selected_columns
            page = await paginate(
                session,
                statement,
                params,
                sortable={name: columns[name] for name in ("occurred_at", "credited", "value", "weight", "touches")},
                default="-occurred_at",
                tiebreak=columns["conversion_id"],
                search=[columns["order_id"]],
            )
        return _named(list_response(call, "orders", page, _order, columns=ORDER_COLUMNS), question)


def basis_of(question: Question, found: Report) -> dict[str, Any]:
    """What figures rest on, named in the answer."""
    return {
        "period": question.period.wire(),
        "model": question.model,
        "window_days": question.window_days,
        "basis": question.basis,
        "currency": question.currency,
        "account_zones": found.account_zones,
        "rates": found.rates,
        "missing_rates": found.missing_rates,
    }


def _named(answer: Response[Any], question: Question) -> Response[Any]:
    """The list with the model and window that it was asked under; a CSV has none."""
    body: Any = answer.content
    if isinstance(body, dict):
        body["basis"] = {
            "period": question.period.wire(),
            "model": question.model,
            "window_days": question.window_days,
            "basis": question.basis,
        }
    return answer


def _matches(row: Mapping[str, Any], platform: str | None, status: str | None, q: str | None, show: str) -> bool:
    if platform is not None and row["platform"] != platform:
        return False
    if status is not None and (row["status"] or "").casefold() != status.casefold():
        return False
    if show == "active" and not any(row[name] for name in ("spend_minor", "revenue_minor", "orders", "clicks")):
        return False
    texts = (row["name"], row["id"], row["platform_id"], row["account_name"])
    return q is None or any(q.casefold() in (text or "").casefold() for text in texts)


def _ordered(rows: Sequence[dict[str, Any]], params: ListParams) -> list[dict[str, Any]]:
    """By the asked column, nulls last either way, then by id."""
    if params.cursor is not None:
        message = "This list is paged by offset and limit: leave cursor out."
        raise Invalid(FieldError("cursor", "unknown_parameter", message))
    order = params.order or "-spend"
    name, descending = order.removeprefix("-"), order.startswith("-")
    if name not in {*TEXTS, *FIGURES}:
        message = f"order must be one of {', '.join(sorted({*TEXTS, *FIGURES}))}, with - in front for descending."
        raise Invalid(FieldError("order", "unknown_order", message))

    def value(row: Mapping[str, Any]) -> Any:
        found = row.get(f"{name}_minor", row[name])
        if found is None:
            return None
        return found.casefold() if name in TEXTS else float(found)

    known = sorted((row for row in rows if value(row) is not None), key=lambda row: row["id"])
    known.sort(key=value, reverse=descending)
    return [*known, *sorted((row for row in rows if value(row) is None), key=lambda row: row["id"])]


def _touch(row: Any, currency: str) -> dict[str, Any]:
    plain = {
        name: getattr(row, name)
        for name in ("id", "visitor_id", "session_id", "person_id", "origin", "channel", "source", "medium", "campaign",
                     "term", "content", "platform", "ad_set_id", "ad_id", "landing_path", "referrer_host",
                     "resolution_method", "confidence", "orders")
    }  # fmt: skip
    mixed = row.orders > 0 and row.currency is None
    code = row.currency or currency
    return {
        **plain,
        "occurred_at": rfc3339(row.occurred_at),
        "converted": row.orders > 0,
        "weight": round(row.weight, 6),
        **money("revenue", None if mixed else row.revenue, code),
        "currency": None if mixed else code,
    }


def _order(row: Any) -> dict[str, Any]:
    return {
        "order_id": row.order_id,
        "conversion_id": row.conversion_id,
        "occurred_at": rfc3339(row.occurred_at),
        "weight": round(row.weight, 6),
        **money("credited", row.credited, row.currency),
        **money("revenue", row.net, row.currency),
        **money("value", row.value, row.currency),
        **money("refunded", row.refunded, row.currency),
        "currency": row.currency,
        "is_new_customer": row.is_new_customer,
        "touches": row.touches,
        "path_touches": row.path_touches,
        "first_click_at": rfc3339(row.first_click_at),
        "last_click_at": rfc3339(row.last_click_at),
        "visitor_id": row.visitor_id,
        "session_id": row.session_id,
    }


async def _sections(session: AsyncSession, call: AdminCall, campaign_id: str) -> dict[str, Any]:
    """What other plugins have registered for a campaign, by their keys."""
    registered: list[Sequence[Section]] = call.runtime.hooks.hook.register_sections()
    wanted = [each for some in registered for each in some if each.place == "campaign"]
    return {
        each.key: await each.compute(call.runtime, session, call.tenant_id, campaign_id)
        for each in sorted(wanted, key=lambda each: (each.order, each.key))
        if each.scope in call.actor.scopes
    }
