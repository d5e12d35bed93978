"""Attribution over HTTP: thin routes; credit, resolution and assignment are decided in their own rooms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Literal

import msgspec
from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody, QueryParameter
from sqlalchemy import Row, Select, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.adoption import refuse_without_fit
from adplanning_plugin.attribution.comparison import comparison_rows, conversions_of_touch
from adplanning_plugin.attribution.jobs import start_bulk_resolution
from adplanning_plugin.attribution.lines import (
    STATS_COLUMNS,
    asked_period,
    compared_line,
    days_of,
    stats_line,
    stats_total,
    taken_part,
)
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
    DATA_DRIVEN,
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
    ResolutionMethod,
    ResolveRequest,
    attribution_out,
    known_platform,
    touchpoint_out,
)
from adplanning_plugin.attribution.service import assign, get_touch, read_host_sessions
from adplanning_plugin.kernel.errors import FieldError, Invalid, NotFound
from adplanning_plugin.kernel.export import list_response, table_response
from adplanning_plugin.kernel.http import AdminCall
from adplanning_plugin.kernel.paging import ListParams, paginate, wants_csv
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import ConversionType, expanded, read_expand

Model = Annotated[str | None, QueryParameter(description="Attribution model; the store's default without it.")]
Window = Annotated[str | None, QueryParameter(description="Lookback window: days such as 30, or lifetime.")]
Day = Annotated[str | None, QueryParameter(description="A local day such as 2026-02-07, or an RFC 3339 time.")]
Group = Literal["campaign", "source", "medium", "channel", "platform"]
MOST_CONVERSIONS = 200
"""Conversions that one touch is shown with, the latest."""
EXPANDABLE = ("session", "person", "campaign")
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
        resolution_method: FromQuery[ResolutionMethod | None] = None,
        converted: FromQuery[bool | None] = None,
        website_id: FromQuery[str | None] = None,
        session_id: FromQuery[str | None] = None,
        visitor_id: FromQuery[str | None] = None,
        from_date: Day = None,
        to_date: Day = None,
    ) -> Response[Any]:
        """Newest first, under one model and window."""
        start, end = asked_period(from_date, to_date, call.tenant.zone)
        wanted = AttributionFilter(
            platform=known_platform(platform),
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
            name = await _model(session, call.tenant_id, rules, model, attribution_model)
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
            spend = await spend_of_campaigns(session, links, call.tenant_id, ids, days_of(start, end, call.tenant.zone))

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
        conversion_type: FromQuery[ConversionType | None] = None,
        website_id: FromQuery[str | None] = None,
    ) -> Response[Any]:
        """By the conversions' dates; conversions are sums of weights, so lines sum to the conversions there were."""
        asked = _asked(call, from_date, to_date, conversion_type, website_id)
        links = call.runtime.get(Links)
        async with call.reading(heavy=True) as session:
            rules = await current_rules(session, call.tenant_id)
            name = await _model(session, call.tenant_id, rules, model, attribution_model)
            days = parse_window(rules, window)
            statement = stats_rows(links, call.tenant_id, asked, group_by, model_position(rules, name), days)
            rows, spend = await _with_spend(session, call, statement, group_by, asked)
        lines = [stats_line(row, group_by, spend) for row in rows]
        summary = {
            "group_by": group_by,
            "model": name,
            "window_days": days,
            "zone": call.tenant.zone,
            "total": stats_total(rows),
        }
        return table_response(call, "stats", lines, summary, columns=STATS_COLUMNS)

    @get("/comparison", operation_id="compareAttributionModels", summary="The same conversions under every model")
    async def comparison(
        self,
        call: NamedDependency[AdminCall],
        group_by: FromQuery[Group] = "campaign",
        window: Window = None,
        from_date: Day = None,
        to_date: Day = None,
        conversion_type: FromQuery[ConversionType | None] = None,
        website_id: FromQuery[str | None] = None,
    ) -> Response[Any]:
        """As the statistics, each line with its credit by each model; every model shares out the same total."""
        asked = _asked(call, from_date, to_date, conversion_type, website_id)
        links = call.runtime.get(Links)
        async with call.reading(heavy=True) as session:
            rules = await current_rules(session, call.tenant_id)
            days = parse_window(rules, window)
            statement = comparison_rows(links, call.tenant_id, asked, group_by, len(rules.models), days)
            rows, spend = await _with_spend(session, call, statement, group_by, asked)
        flat = wants_csv(call.request.headers.get("accept", ""))
        lines = [compared_line(row, rules.models, group_by, spend, flat=flat) for row in rows]
        summary = {
            "group_by": group_by,
            "models": list(rules.models),
            "default_model": canonical_model(rules.default_model),
            "window_days": days,
            "zone": call.tenant.zone,
        }
        return table_response(call, "comparison", lines, summary)

    @get("/models", operation_id="listAttributionModels", summary="Models and windows to choose from")
    async def models(self, call: NamedDependency[AdminCall]) -> dict[str, Any]:
        """Those that credit is computed by, the store's default marked."""
        async with call.reading() as session:
            rules = await current_rules(session, call.tenant_id)
        labels = {model.name: model.label for model in hook_models(call.runtime)} | {DATA_DRIVEN: "Data-driven"}
        return {
            "models": [
                {
                    "model": name,
                    "label": labels.get(name)
                    or name.replace("non_direct", "non-direct").replace("_", " ").capitalize(),
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
                if days in rules.settings.windows
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
    async def get_one(
        self, call: NamedDependency[AdminCall], touch_id: FromPath[str], expand: FromQuery[str | None] = None
    ) -> dict[str, Any]:
        """With how it was resolved, and its version; `expand=session,person,campaign`."""
        names = read_expand(expand, known=EXPANDABLE)
        async with call.reading() as session:
            touch = await get_touch(session, call.tenant_id, touch_id)
            scopes = call.actor.scopes
            more = await expanded(session, call.runtime, call.tenant_id, touch, names, scopes=scopes)
            return {"attribution": msgspec.to_builtins(touchpoint_out(touch)) | more}

    @get(
        "/{touch_id:str}/conversions",
        operation_id="listAttributionConversions",
        summary="What a touch took part in, with its credit by every model",
    )
    async def conversions(
        self, call: NamedDependency[AdminCall], touch_id: FromPath[str], window: Window = None
    ) -> dict[str, Any]:
        """The latest 200 conversions in one window."""
        async with call.reading() as session:
            await get_touch(session, call.tenant_id, touch_id)
            rules = await current_rules(session, call.tenant_id)
            days = parse_window(rules, window)
            rows = await session.execute(conversions_of_touch(call.tenant_id, touch_id, days, MOST_CONVERSIONS))
            return {"conversions": [taken_part(row, rules.models) for row in rows], "window_days": days}

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


def _asked(
    call: AdminCall, from_date: str | None, to_date: str | None, conversion_type: str | None, website_id: str | None
) -> StatsFilter:
    """The conversions that statistics and comparisons alike are asked about."""
    start, end = asked_period(from_date, to_date, call.tenant.zone)
    return StatsFilter(start=start, end=end, conversion_type=conversion_type, website_id=website_id)


async def _with_spend(
    session: AsyncSession, call: AdminCall, statement: Select[Any], group_by: Group, asked: StatsFilter
) -> tuple[Sequence[Row[Any]], dict[str, tuple[int, str]]]:
    """Lines of credit, and what their campaigns spent where a line is a campaign."""
    rows = (await session.execute(statement)).all()
    ids = sorted({row.ad_campaign_id for row in rows if row.ad_campaign_id}) if group_by == "campaign" else []
    days = days_of(asked.start, asked.end, call.tenant.zone)
    return rows, await spend_of_campaigns(session, call.runtime.get(Links), call.tenant_id, ids, days)


async def _model(session: AsyncSession, tenant_id: str, rules: Rules, model: str | None, alias: str | None) -> str:
    if model is not None and alias is not None and canonical_model(model) != canonical_model(alias):
        message = "model and attribution_model are one parameter by two names: give one."
        raise Invalid(FieldError("attribution_model", "contradiction", message))
    name = canonical_model(model or alias or rules.default_model)
    await refuse_without_fit(session, tenant_id, rules, name)
    model_position(rules, name)
    return name
