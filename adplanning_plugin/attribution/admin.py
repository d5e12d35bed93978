"""Attribution over HTTP: thin routes; credit, resolution and assignment are decided in their own rooms."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.jobs import start_bulk_resolution
from adplanning_plugin.attribution.manual import create_manual, delete_manual
from adplanning_plugin.attribution.models import Touchpoint
from adplanning_plugin.attribution.repository import (
    AttributionFilter,
    StatsFilter,
    attribution_rows,
    spend_of_campaigns,
    stats_rows,
    touchpoint,
)
from adplanning_plugin.attribution.resolution import START, Resolved, resolve_page, resolve_touches
from adplanning_plugin.attribution.rules import (
    Rules,
    canonical_model,
    current_rules,
    hook_models,
    model_position,
    parse_window,
)
from adplanning_plugin.attribution.schemas import (
    AssignTouchpoint,
    AttributionOut,
    BulkResolveRequest,
    NewTouchpoint,
    ResolveRequest,
    attribution_out,
    touchpoint_out,
)
from adplanning_plugin.attribution.service import assign, get_touch, read_host_sessions
from adplanning_plugin.kernel.days import day_of, day_start, parse_instant
from adplanning_plugin.kernel.errors import FieldError, Invalid, NotFound
from adplanning_plugin.kernel.export import list_response, table_response
from adplanning_plugin.kernel.http import AdminCall
from adplanning_plugin.kernel.money import to_major
from adplanning_plugin.kernel.paging import ListParams, paginate
from adplanning_plugin.links import Links

Model = Annotated[str | None, QueryParameter(description="Attribution model; the store's default without it.")]
Window = Annotated[str | None, QueryParameter(description="Lookback window: days such as 30, or lifetime.")]
Day = Annotated[str | None, QueryParameter(description="A local day such as 2026-02-07, or an RFC 3339 time.")]
Group = Literal["campaign", "source", "medium", "channel", "platform"]
AT_ONCE = 20_000
"""Pending touches that `resolve` takes in one request; a bulk run has no such limit."""


class AttributionController(Controller):
    """Which touch brought what."""

    path = "/attribution"
    tags = ("Attribution",)

    @get("/", operation_id="listAttributions", summary="Touches with what they earned")
    async def list_attributions(  # noqa: PLR0917 - Litestar passes filters by name
        self,
        call: NamedDependency[AdminCall],
        params: NamedDependency[ListParams],
        model: Model = None,
        attribution_model: Model = None,
        window: Window = None,
        platform: FromQuery[str | None] = None,
        channel: FromQuery[str | None] = None,
        source: FromQuery[str | None] = None,
        medium: FromQuery[str | None] = None,
        campaign: FromQuery[str | None] = None,
        is_resolved: FromQuery[bool | None] = None,
        resolution_method: FromQuery[str | None] = None,
        converted: FromQuery[bool | None] = None,
        website_id: FromQuery[str | None] = None,
        session_id: FromQuery[str | None] = None,
        visitor_id: FromQuery[str | None] = None,
        from_date: Day = None,
        to_date: Day = None,
    ) -> Response[Any]:
        """Newest first, under one model and window."""
        start, end = _period(from_date, to_date, call.tenant.zone)
        wanted = AttributionFilter(
            platform=platform,
            channel=channel,
            source=source,
            medium=medium,
            campaign=campaign,
            is_resolved=is_resolved,
            resolution_method=resolution_method,
            converted=converted,
            website_id=website_id,
            session_id=session_id,
            visitor_id=visitor_id,
            start=start,
            end=end,
        )
        links = call.runtime.get(Links)
        t = touchpoint.c
        async with call.reading() as session:
            rules = await current_rules(session, call.tenant_id)
            name = _model(rules, model, attribution_model)
            days = parse_window(rules, window)
            statement = attribution_rows(links, call.tenant_id, wanted, model_position(rules, name), days)
            page = await paginate(
                session,
                statement,
                params,
                sortable={
                    "date": t.occurred_at,
                    "occurred_at": t.occurred_at,
                    "created_at": t.created_at,
                    "source": t.source,
                    "medium": t.medium,
                    "channel": t.channel,
                    "platform": t.platform,
                    "campaign": t.campaign,
                },
                default="-date",
                tiebreak=t.id,
                search=[t.source, t.medium, t.campaign],
            )
            ids = None if page.csv else sorted({row.ad_campaign_id for row in page.items if row.ad_campaign_id})
            spend = await spend_of_campaigns(session, links, call.tenant_id, ids, _days(start, end, call.tenant.zone))

        def encode(row: Row[Any]) -> AttributionOut:
            return attribution_out(row, name, days, spend)

        return list_response(call, "attributions", page, encode, columns=AttributionOut.__struct_fields__)

    @get(
        "/stats", operation_id="getAttributionStats", summary="Credit by campaign, source, medium, channel or platform"
    )
    async def stats(  # noqa: PLR0917 - Litestar passes filters by name
        self,
        call: NamedDependency[AdminCall],
        group_by: FromQuery[Group] = "campaign",
        model: Model = None,
        attribution_model: Model = None,
        window: Window = None,
        from_date: Day = None,
        to_date: Day = None,
        conversion_type: FromQuery[str | None] = None,
        website_id: FromQuery[str | None] = None,
    ) -> Response[Any]:
        """By the conversions' dates; conversions are sums of weights, so lines sum to the conversions there were."""
        start, end = _period(from_date, to_date, call.tenant.zone)
        links = call.runtime.get(Links)
        async with call.reading(heavy=True) as session:
            rules = await current_rules(session, call.tenant_id)
            name = _model(rules, model, attribution_model)
            days = parse_window(rules, window)
            asked = StatsFilter(start=start, end=end, conversion_type=conversion_type, website_id=website_id)
            position = model_position(rules, name)
            statement = stats_rows(links, call.tenant_id, asked, group_by, position, days)
            rows = (await session.execute(statement)).all()
            by_campaign = group_by == "campaign"
            ids = sorted({row.ad_campaign_id for row in rows if row.ad_campaign_id}) if by_campaign else []
            spend = await spend_of_campaigns(session, links, call.tenant_id, ids, _days(start, end, call.tenant.zone))
        lines = [_line(row, group_by, spend) for row in rows]
        summary = {
            "group_by": group_by,
            "model": name,
            "window_days": days,
            "zone": call.tenant.zone,
            "total": _total(rows),
        }
        return table_response(call, "stats", lines, summary)

    @get("/models", operation_id="listAttributionModels", summary="Models and windows to choose from")
    async def models(self, call: NamedDependency[AdminCall]) -> dict[str, Any]:
        """Those that credit is computed by, the store's default marked."""
        async with call.reading() as session:
            rules = await current_rules(session, call.tenant_id)
        labels = {model.name: model.label for model in hook_models(call.runtime)}
        return {
            "models": [
                {
                    "model": name,
                    "label": labels.get(name) or name.replace("_", " ").capitalize(),
                    "is_default": name == canonical_model(rules.default_model),
                }
                for name in rules.models
            ],
            "windows": [
                {
                    "window": str(days) if days else "lifetime",
                    "days": days,
                    "label": "Lifetime" if not days else "1 day" if days == 1 else f"{days} days",
                    "is_default": days == rules.default_window_days,
                }
                for days in rules.windows
            ],
        }

    @post("/", operation_id="createAttribution", summary="Write down a touch that was not tracked")
    async def create(self, call: NamedDependency[AdminCall], data: JSONBody[NewTouchpoint]) -> Response[Any]:
        """It takes part in credit like any other touch."""

        async def work(session: AsyncSession) -> dict[str, Any]:
            touch = await create_manual(session, call.runtime, call.tenant_id, data)
            await call.audit(session, "attribution.created", "attribution", touch.id, {"channel": touch.channel})
            return {"attribution": touchpoint_out(touch)}

        return await call.create(work, data)

    @post("/resolve", operation_id="resolveAttributions", summary="Resolve touches to campaigns now", status_code=200)
    async def resolve(
        self, call: NamedDependency[AdminCall], data: JSONBody[ResolveRequest | None] = None
    ) -> dict[str, Any]:
        """The named touches or sessions; without a body, what is pending (the oldest first)."""
        wanted = data or ResolveRequest()
        async with call.transaction() as session:
            if wanted.ids is None and wanted.session_ids is None:
                done, more = await _resolve_pending(session, call)
            else:
                ids = await _touch_ids(session, call, wanted)
                done, more = await resolve_touches(session, call.runtime, call.tenant_id, ids), False
            changes = {"seen": done.seen, "resolved": done.resolved}
            await call.audit(session, "attribution.resolved", "attribution", "", changes)
        return {
            "resolution": {
                "seen": done.seen,
                "resolved": done.resolved,
                "unresolved": done.seen - done.resolved,
                "ambiguous": done.ambiguous,
                "more_pending": more,
            }
        }

    @post(
        "/bulk-resolve",
        operation_id="bulkResolveAttributions",
        summary="Resolve all that is pending, in the background",
        status_code=202,
    )
    async def bulk_resolve(
        self, call: NamedDependency[AdminCall], data: JSONBody[BulkResolveRequest | None] = None
    ) -> dict[str, Any]:
        """Answers at once; the piece of work shows the progress."""
        wanted = data or BulkResolveRequest()
        async with call.transaction() as session:
            work_id = await start_bulk_resolution(
                session, call.runtime, call.tenant_id, include_resolved=wanted.include_resolved
            )
            await call.audit(session, "attribution.bulk_resolve", "work", work_id)
        path = f"{call.runtime.options.paths.admin}/operations/work/{work_id}"
        return {"work": {"id": work_id, "status": "pending", "path": path}}

    @get("/{touch_id:str}", operation_id="getAttribution", summary="One touch")
    async def get_one(self, call: NamedDependency[AdminCall], touch_id: FromPath[str]) -> dict[str, Any]:
        """With how it was resolved, and its version."""
        async with call.reading() as session:
            return {"attribution": touchpoint_out(await get_touch(session, call.tenant_id, touch_id))}

    @put("/{touch_id:str}", operation_id="assignAttribution", summary="Assign a touch, or correct a manual one")
    async def update(
        self, call: NamedDependency[AdminCall], touch_id: FromPath[str], data: JSONBody[AssignTouchpoint]
    ) -> dict[str, Any]:
        """An assignment survives every later resolution; `ad_campaign_id` null undoes it.

        The other fields are those of a touch that was written down by hand; a tracked one's are refused.
        """
        async with call.transaction() as session:
            touch = await assign(session, call.runtime, call.tenant_id, touch_id, data)
            changes = {"ad_campaign_id": touch.ad_campaign_id}
            await call.audit(session, "attribution.assigned", "attribution", touch_id, changes)
            return {"attribution": touchpoint_out(touch)}

    @delete("/{touch_id:str}", operation_id="deleteAttribution", summary="Take back a manual touch", status_code=200)
    async def take_back(self, call: NamedDependency[AdminCall], touch_id: FromPath[str]) -> dict[str, Any]:
        """One that was written down by hand; a tracked one is refused."""
        async with call.transaction() as session:
            touch = await get_touch(session, call.tenant_id, touch_id, lock=True)
            await delete_manual(session, call.runtime, call.tenant_id, touch)
            await call.audit(session, "attribution.deleted", "attribution", touch_id)
        return {"id": touch_id, "object": "attribution", "deleted": True}


async def _resolve_pending(session: AsyncSession, call: AdminCall) -> tuple[Resolved, bool]:
    total, position = Resolved(), START
    while total.seen < AT_ONCE:
        page = await resolve_page(session, call.runtime, call.tenant_id, position)
        if page.position is None:
            return total, False
        position = page.position
        total = Resolved(
            seen=total.seen + page.seen,
            resolved=total.resolved + page.resolved,
            ambiguous=total.ambiguous + page.ambiguous,
        )
    return total, True


async def _touch_ids(session: AsyncSession, call: AdminCall, wanted: ResolveRequest) -> list[str]:
    tenant = Touchpoint.tenant_id == call.tenant_id
    found: set[str] = set()
    if wanted.ids is not None:
        given = set(wanted.ids)
        found.update((await session.execute(select(Touchpoint.id).where(tenant, Touchpoint.id.in_(given)))).scalars())
        if missing := sorted(given - found):
            raise NotFound(f"There is no attribution {missing[0]!r}.")
    if wanted.session_ids is not None:
        await read_host_sessions(session, call.runtime, call.tenant_id, wanted.session_ids)
        of_sessions = select(Touchpoint.id).where(tenant, Touchpoint.session_id.in_(wanted.session_ids))
        found.update((await session.execute(of_sessions)).scalars())
    return sorted(found)


def _model(rules: Rules, model: str | None, alias: str | None) -> str:
    if model is not None and alias is not None and canonical_model(model) != canonical_model(alias):
        message = "model and attribution_model are one parameter by two names: give one."
        raise Invalid(FieldError("attribution_model", "contradiction", message))
    name = canonical_model(model or alias or rules.default_model)
    model_position(rules, name)
    return name


def _period(first: str | None, last: str | None, zone: str) -> tuple[datetime | None, datetime | None]:
    start, end = _bound(first, "from_date", zone, later=0), _bound(last, "to_date", zone, later=1)
    if start is not None and end is not None and end <= start:
        raise Invalid(FieldError("to_date", "before_from_date", "to_date must not be before from_date."))
    return start, end


def _bound(value: str | None, field: str, zone: str, *, later: int) -> datetime | None:
    if value is None:
        return None
    try:
        if len(value) == 10:
            return day_start(date.fromisoformat(value) + timedelta(days=later), zone)
        if "T" in value.upper():
            return parse_instant(value, field).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    message = f"{field} must be a day such as 2026-02-07, or a time with an offset such as 2026-02-07T10:00:00Z."
    raise Invalid(FieldError(field, "not_a_time", message))


def _days(start: datetime | None, end: datetime | None, zone: str) -> tuple[date | None, date | None]:
    """First and last local day of a period: spend is known by day, and a day that the period touches counts whole."""
    first = day_of(start, zone) if start is not None else None
    return first, day_of(end - timedelta(microseconds=1), zone) if end is not None else None


def _line(row: Row[Any], group_by: str, spend: dict[str, tuple[int, str]]) -> dict[str, Any]:
    spent = spend.get(row.ad_campaign_id or "") if group_by == "campaign" else None
    return {
        "key": row.key if row.kind == "touch" else None,
        "name": row.name or row.key if row.kind == "touch" else "unattributed",
        "kind": row.kind,
        "conversions": round(row.conversions, 6),
        "touches": row.touches,
        **_money("value", row.value, row.currency),
        **_money("refunded", row.refunded, row.currency),
        **_money("net", row.value - row.refunded, row.currency),
        "currency": row.currency,
        "spend": to_major(*spent) if spent else None,
        "spend_minor": spent[0] if spent else None,
        "spend_currency": spent[1] if spent else None,
    }


def _total(rows: list[Row[Any]] | Any) -> dict[str, Any]:
    conversions = sum(row.conversions for row in rows)
    lost = sum(row.conversions for row in rows if row.kind == "unattributed")
    by_currency: dict[str, dict[str, Any]] = {}
    for currency in sorted({row.currency for row in rows}):
        mine = [row for row in rows if row.currency == currency]
        value, refunded = sum(row.value for row in mine), sum(row.refunded for row in mine)
        by_currency[currency] = {
            **_money("value", value, currency),
            **_money("refunded", refunded, currency),
            **_money("net", value - refunded, currency),
        }
    return {
        "conversions": round(conversions, 6),
        "unattributed_share": round(lost / conversions, 6) if conversions else None,
        "by_currency": by_currency,
    }


def _money(name: str, minor: int, currency: str) -> dict[str, Any]:
    return {name: to_major(minor, currency), f"{name}_minor": minor}
