"""The inbox over HTTP: names without a campaign, decisions about them, and taking decisions back. Thin routes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Literal, cast

from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy import Table, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.alias_models import CampaignAlias
from adplanning_plugin.attribution.aliases import alias_of, decide, take_back
from adplanning_plugin.attribution.inbox import Group, find_group, order_value, read_groups, suggestion, suggestions
from adplanning_plugin.attribution.inbox_rows import MOST_NAMES
from adplanning_plugin.attribution.inbox_schemas import (
    LINE_COLUMNS,
    ApproveGroup,
    IgnoreGroup,
    alias_out,
    group_line,
    group_out,
)
from adplanning_plugin.attribution.resolution import load_catalogue
from adplanning_plugin.attribution.resolvers import Catalogue
from adplanning_plugin.attribution.rules import current_rules
from adplanning_plugin.attribution.similarity import Nearest
from adplanning_plugin.kernel.errors import FieldError, Invalid
from adplanning_plugin.kernel.export import list_response, table_response
from adplanning_plugin.kernel.http import AdminCall
from adplanning_plugin.kernel.paging import ListParams, paginate
from adplanning_plugin.kernel.tables import WorkItem
from adplanning_plugin.links import Links, names_by_id

ORDERS = ("value", "credit", "touches", "first_seen", "last_seen", "name", "score")
Suggested = list[tuple[Group, Nearest | None]]


class InboxController(Controller):
    """Names that no campaign was found for, and what people decide about them."""

    path = "/attribution"
    tags = ("Attribution",)

    @get("/inbox", operation_id="listAttributionInbox", summary="Names without a campaign, look-alikes together")
    async def inbox(
        self,
        call: NamedDependency[AdminCall],
        params: NamedDependency[ListParams],
        status: FromQuery[Literal["open", "matched", "ignored"]] = "open",
        platform: FromQuery[str | None] = None,
        website_id: FromQuery[str | None] = None,
        source: FromQuery[str | None] = None,
        suggested: FromQuery[bool | None] = None,
    ) -> Response[Any]:
        """Those with most at stake first: what the orders are worth in which these touches had a share.

        `matched` are names that were resolved by their likeness alone, `ignored` those of which somebody said that they
        name no campaign. At stake is what the orders came to (`value`), and the part of it that the touches hold
        by the store's default model and window (`credit`).
        """
        column, descending = _order(params)
        async with call.reading(heavy=True) as session:
            rules = await current_rules(session, call.tenant_id)
            groups = await read_groups(session, call.tenant_id, status, rules)
            catalogue = await load_catalogue(session, call.runtime, call.tenant_id)
        groups = [group for group in groups if _wanted(group, params.q, platform, website_id, source)]
        near: Suggested
        if suggested is not None or column == "score" or params.csv:
            near = list(zip(groups, await suggestions(catalogue, groups), strict=True))
            near = [pair for pair in near if suggested is None or (pair[1] is not None) == suggested]
            near = _sorted(near, column, call.tenant.currency, descending=descending)
        else:
            near = _sorted([(group, None) for group in groups], column, call.tenant.currency, descending=descending)
        summary = {
            "status": status,
            "count": len(near),
            "offset": params.offset,
            "limit": params.limit,
            "model": rules.default_model,
            "window_days": rules.default_window_days,
            "zone": call.tenant.zone,
            "is_truncated": sum(len(group.written) for group in groups) >= MOST_NAMES,
        }
        if params.csv:
            lines = [group_line(group, nearest, catalogue) for group, nearest in near]
            return table_response(call, "inbox", lines, summary, columns=LINE_COLUMNS)
        page = near[params.offset : params.offset + params.limit]
        if suggested is None and column != "score":
            shown = [group for group, _ in page]
            page = list(zip(shown, await suggestions(catalogue, shown), strict=True))
        out = [group_out(group, nearest, catalogue) for group, nearest in page]
        return Response({"inbox": out, **summary}, headers={"vary": "accept"})

    @post(
        "/inbox/{key:str}/approve",
        operation_id="approveInboxGroup",
        summary="Remember which campaign a group of names means",
        status_code=202,
    )
    async def approve(
        self, call: NamedDependency[AdminCall], key: FromPath[str], data: JSONBody[ApproveGroup]
    ) -> Response[Any]:
        """Touches with these names, also those to come, belong to the campaign; history follows in the background."""

        async def work(session: AsyncSession) -> dict[str, Any]:
            group = await find_group(session, call.tenant_id, key)
            catalogue = await load_catalogue(session, call.runtime, call.tenant_id)
            if data.ad_campaign_id not in catalogue.campaigns:
                message = f"ad_campaign_id: there is no campaign {data.ad_campaign_id!r}; use an id from the campaigns."
                raise Invalid(FieldError("ad_campaign_id", "unknown_campaign", message))
            return await _decide(session, call, group, data.ad_campaign_id, data.names, catalogue)

        return await call.create(work, data, status=202)

    @post(
        "/inbox/{key:str}/ignore",
        operation_id="ignoreInboxGroup",
        summary="Remember that a group of names means no campaign",
        status_code=202,
    )
    async def ignore(
        self, call: NamedDependency[AdminCall], key: FromPath[str], data: JSONBody[IgnoreGroup | None] = None
    ) -> Response[Any]:
        """The names leave the inbox, and likeness is not tried for them; their touches stay without a campaign."""
        given = data or IgnoreGroup()

        async def work(session: AsyncSession) -> dict[str, Any]:
            catalogue = await load_catalogue(session, call.runtime, call.tenant_id)
            group = await find_group(session, call.tenant_id, key)
            return await _decide(session, call, group, None, given.names, catalogue)

        return await call.create(work, given, status=202)

    @get("/aliases", operation_id="listCampaignAliases", summary="Decisions about names, with what each moved")
    async def aliases(
        self,
        call: NamedDependency[AdminCall],
        params: NamedDependency[ListParams],
        kind: FromQuery[Literal["campaign", "ignored"] | None] = None,
        reverted: FromQuery[bool | None] = None,
        ad_campaign_id: FromQuery[str | None] = None,
    ) -> Response[Any]:
        """The latest first, with who decided and who took it back."""
        table = cast("Table", CampaignAlias.__table__)
        a = table.c
        statement = select(table).where(a.tenant_id == call.tenant_id)
        statement = statement if kind is None else statement.where(a.kind == kind)
        if reverted is not None:
            statement = statement.where(a.reverted_at.is_not(None) if reverted else a.reverted_at.is_(None))
        if ad_campaign_id is not None:
            statement = statement.where(a.ad_campaign_id == ad_campaign_id)
        async with call.reading() as session:
            page = await paginate(
                session,
                statement,
                params,
                sortable={"decided_at": a.decided_at, "reverted_at": a.reverted_at, "decided_by": a.decided_by},
                default="-decided_at",
                tiebreak=a.id,
                search=(a.names, a.ad_campaign_id),
            )
            tell = await _teller(session, call, page.items, all_campaigns=page.csv)
        return list_response(call, "aliases", page, tell)

    @get("/aliases/{alias_id:str}", operation_id="getCampaignAlias", summary="One decision, and how far it is applied")
    async def alias(self, call: NamedDependency[AdminCall], alias_id: FromPath[str]) -> dict[str, Any]:
        """`outcome` appears when all history is resolved anew, with the revenue that moved."""
        async with call.reading() as session:
            found = await alias_of(session, call.tenant_id, alias_id)
            return {"alias": (await _teller(session, call, [found]))(found)}

    @post(
        "/aliases/{alias_id:str}/revert",
        operation_id="revertCampaignAlias",
        summary="Take a decision back",
        status_code=202,
    )
    async def revert(self, call: NamedDependency[AdminCall], alias_id: FromPath[str]) -> dict[str, Any]:
        """Its touches, and the credit that names them, become what they were without it."""
        async with call.transaction() as session:
            alias = await take_back(session, call.runtime, call.tenant_id, alias_id, call.actor.id)
            await call.audit(session, "attribution.alias_reverted", "campaign_alias", alias_id, {"kind": alias.kind})
            return {"alias": (await _teller(session, call, [alias]))(alias)}


async def _decide(
    session: AsyncSession,
    call: AdminCall,
    group: Group,
    campaign_id: str | None,
    names: list[str] | None,
    catalogue: Catalogue,
) -> dict[str, Any]:
    alias = await decide(
        session,
        call.runtime,
        call.tenant_id,
        group,
        campaign_id=campaign_id,
        names=names,
        nearest=suggestion(catalogue, group),
        actor=call.actor.id,
    )
    action = "attribution.alias_ignored" if campaign_id is None else "attribution.alias_approved"
    changes = {"names": alias.names, "ad_campaign_id": campaign_id}
    await call.audit(session, action, "campaign_alias", alias.id, changes)
    return {"alias": (await _teller(session, call, [alias]))(alias)}


async def _teller(
    session: AsyncSession, call: AdminCall, aliases: Sequence[Any], *, all_campaigns: bool = False
) -> Callable[[Any], dict[str, Any]]:
    """What tells decisions on the wire: with campaigns' names, and the progress of what is being applied."""
    named = {line["ad_campaign_id"] for alias in aliases for line in _changes(alias) if line["ad_campaign_id"]}
    named |= {alias.ad_campaign_id for alias in aliases if alias.ad_campaign_id}
    wanted = None if all_campaigns else named
    names = await names_by_id(session, call.runtime.get(Links), call.tenant_id, "ad_campaign", wanted)
    work_ids = [work_id for alias in aliases for work_id in (alias.work_id, alias.revert_work_id) if work_id]
    items = select(WorkItem.id, WorkItem.progress).where(
        WorkItem.tenant_id == call.tenant_id, WorkItem.id.in_(work_ids)
    )
    progress: dict[str, Any] = {row[0]: row[1] for row in await session.execute(items)} if work_ids else {}
    path = f"{call.runtime.options.paths.admin}/operations/work"
    return lambda alias: alias_out(alias, names, progress, path)


def _changes(alias: Any) -> list[dict[str, Any]]:
    return [line for outcome in (alias.outcome, alias.revert_outcome) if outcome for line in outcome["changes"]]


def _wanted(group: Group, q: str | None, platform: str | None, website_id: str | None, source: str | None) -> bool:
    if q is not None and not any(q.strip().casefold() in name for name in _searched(group)):
        return False
    if platform is not None and group.platform != platform.strip().casefold():
        return False
    if website_id is not None and group.website_id != website_id:
        return False
    wanted = source.strip().casefold() if source is not None else None
    return wanted is None or any(wanted == pair[0] for each in group.written for pair in each.sources)


def _searched(group: Group) -> list[str]:
    return [*group.names, *(each.campaign for each in group.written if each.campaign)]


def _order(params: ListParams) -> tuple[str, bool]:
    given = params.order or "-value"
    column = given.removeprefix("-")
    if column not in ORDERS:
        message = f"order must be one of {', '.join(ORDERS)}, with - in front for descending."
        raise Invalid(FieldError("order", "unknown_column", message))
    return column, given.startswith("-")


def _sorted(near: Suggested, column: str, currency: str, *, descending: bool) -> Suggested:
    def value(pair: tuple[Group, Nearest | None]) -> Any:
        if column == "score":
            return pair[1].best.score if pair[1] else -1.0
        return order_value(pair[0], column, currency)

    ordered = sorted(near, key=lambda pair: pair[0].key)
    return sorted(ordered, key=value, reverse=descending)
