"""Campaigns: what is known of each, what it cost and earned, and one of them by ad set, ad, model and day."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import msgspec
from sqlalchemy import func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution import current_rules
from adplanning_plugin.attribution import touchpoint_table as touchpoint
from adplanning_plugin.insights.campaigns_sql import credit_by_model
from adplanning_plugin.insights.figures import change, money, ratio
from adplanning_plugin.insights.lines import MONEY, Line, LineKey, lines_of, wire
from adplanning_plugin.insights.models import AdSpend
from adplanning_plugin.insights.names import Names, names_of
from adplanning_plugin.insights.revenue import CREDIT_MONEY
from adplanning_plugin.insights.roi import Question, Report, credit_query, report
from adplanning_plugin.insights.spend import SPEND_COUNTS, spend_rows
from adplanning_plugin.insights.sums import Converted, Sums, converted, rounded
from adplanning_plugin.kernel.days import rfc3339
from adplanning_plugin.kernel.errors import NotFound
from adplanning_plugin.links import Links

COMPARED = ("spend", "revenue", "orders", "roas")
SPEND_MONEY = ("spend", "platform_value")


class Campaign(msgspec.Struct, frozen=True, kw_only=True):
    """A campaign as the host, or whoever typed in its spend, knows it."""

    id: str
    name: str
    platform: str | None = None
    platform_id: str | None = None
    status: str | None = None
    objective: str | None = None
    website_id: str | None = None
    created_at: str | None = None
    account_id: str | None = None
    account_name: str | None = None
    account_zone: str | None = None
    account_currency: str | None = None
    source: str = "linked"
    """linked (the host's own, or imported), typed (known by its spend alone) or seen (by visits alone)."""


async def campaigns_of(
    session: AsyncSession, links: Links, tenant_id: str, campaign_id: str | None = None
) -> dict[str, Campaign]:
    """Every known campaign by id, or the one."""
    found: dict[str, Campaign] = {}
    typed = (
        select(
            AdSpend.ad_campaign_id,
            func.max(AdSpend.campaign_name),
            func.max(AdSpend.platform),
            func.max(AdSpend.zone),
            func.max(AdSpend.currency),
        )
        .where(AdSpend.tenant_id == tenant_id)
        .group_by(AdSpend.ad_campaign_id)
    )
    if campaign_id is not None:
        typed = typed.where(AdSpend.ad_campaign_id == campaign_id)
    for key, name, platform, zone, currency in await session.execute(typed):
        found[key] = Campaign(
            id=key, name=name or key, platform=platform, account_zone=zone, account_currency=currency, source="typed"
        )
    if links.has("ad_campaign"):
        one = campaign_id is not None
        rows = (
            links.by_ids("ad_campaign", tenant_id, [campaign_id or ""])
            if one
            else links.selectable("ad_campaign", tenant_id)
        )
        account = links.selectable("ad_account", tenant_id)
        linked = select(
            rows,
            account.c.name.label("account_name"),
            account.c.zone.label("zone"),
            account.c.currency.label("currency"),
        ).select_from(rows.outerjoin(account, account.c.id == rows.c.ad_account_id))
        for row in await session.execute(linked):
            found[row.id] = _linked(row)
    return found


async def the_campaign(session: AsyncSession, links: Links, tenant_id: str, campaign_id: str) -> Campaign:
    """One campaign; one that only visits name is known by its id.

    Raises:
        NotFound: neither the host, nor typed-in spend, nor a touch knows it.
    """
    found = (await campaigns_of(session, links, tenant_id, campaign_id)).get(campaign_id)
    if found is not None:
        return found
    seen = select(literal(1)).where(touchpoint.c.tenant_id == tenant_id, touchpoint.c.ad_campaign_id == campaign_id)
    if (await session.execute(seen.limit(1))).first() is None:
        raise NotFound(f"There is no campaign {campaign_id!r}.")
    return Campaign(id=campaign_id, name=campaign_id, source="seen")


async def campaign_rows(session: AsyncSession, links: Links, question: Question) -> tuple[list[dict[str, Any]], Report]:
    """A row for every campaign, those without spend or credit in the period too; and the report they are read from."""
    found = await report(session, links, question)
    known = await campaigns_of(session, links, question.tenant_id)
    lines = {line.id.key: line for line in found.lines if line.id.kind == "touch" and line.id.key}
    rows: list[dict[str, Any]] = []
    for key in dict.fromkeys([*lines, *known]):
        campaign = known.get(key) or Campaign(id=key, name=key, source="seen")
        line = lines.get(key) or Line(id=LineKey("touch", key))
        rows.append(_row(campaign, line, question.currency))
    return rows, found


def total_of(rows: Iterable[Mapping[str, Any]], currency: str) -> dict[str, Any]:
    """Sums over rows; null where one of them is not known."""
    rows = list(rows)
    spend, revenue = (_sum(row[f"{name}_minor"] for row in rows) for name in ("spend", "revenue"))
    return {
        **money("spend", spend, currency),
        **money("revenue", revenue, currency),
        "currency": currency,
        "orders": round(sum(row["orders"] for row in rows), 4),
        "impressions": sum(row["impressions"] or 0 for row in rows),
        "clicks": sum(row["clicks"] or 0 for row in rows),
        "roas": ratio(revenue, spend),
    }


async def campaign_detail(
    session: AsyncSession, links: Links, question: Question, campaign: Campaign
) -> dict[str, Any]:
    """The campaign's figures, the period before, and how they divide by model, day, ad set and ad.

    The parts of each division sum to the figures of the campaign, which are those of the list and of ROI.
    """
    currency = question.currency
    found = await report(session, links, question)
    line = _line_in(found, campaign.id)
    before = _line_in(await report(session, links, question.before()), campaign.id)
    now, was = _row(campaign, line, currency), _row(campaign, before, currency)
    return {
        **now,
        "previous": {name: was[name] for name in _with_minor(COMPARED, was)},
        "change": {name: change(_number(now, name), _number(was, name)) for name in COMPARED},
        "previous_period": question.before().period.wire(),
        "models": await _by_model(session, question, campaign.id, line),
        "days": await _by_day(session, links, question, campaign.id, line),
        "ad_sets": await _by_ad_set(session, links, question, campaign.id, line),
    }


async def _by_model(session: AsyncSession, question: Question, campaign_id: str, line: Line) -> list[dict[str, Any]]:
    rules = await current_rules(session, question.tenant_id)
    query = credit_by_model(question, campaign_id)
    found = await converted(
        session, query, question.tenant_id, question.currency, keys=("position",), money=("revenue", "refunds")
    )
    models: list[dict[str, Any]] = []
    for position, name in enumerate(rules.models, start=1):
        sums = found.by_key.get((position,), Sums())
        revenue = sums.minor("revenue") if sums.money or sums.unknown else 0
        refunds = sums.minor("refunds") if sums.money or sums.unknown else 0
        if position == question.model_position:
            revenue, refunds = line.revenue, line.refunds
        models.append(
            {
                "model": name,
                "is_chosen": position == question.model_position,
                **money("revenue", revenue, question.currency),
                **money("refunds", refunds, question.currency),
                "orders": round(sums.counts.get("orders", 0.0), 4),
                "roas": ratio(revenue, line.spend or None),
            }
        )
    return models


async def _by_day(
    session: AsyncSession, links: Links, question: Question, campaign_id: str, line: Line
) -> list[dict[str, Any]]:
    rows = spend_rows(links, question.tenant_id, question.period)
    counts = [func.sum(rows.c[name]).label(name) for name in SPEND_COUNTS]
    spent = (
        select(rows.c.day.label("bucket"), rows.c.day, rows.c.currency, func.sum(rows.c.spend).label("spend"), *counts)
        .where(rows.c.ad_campaign_id == campaign_id)
        .group_by(rows.c.day, rows.c.currency)
    )
    of = credit_query(links, question).subquery("credit_of")
    earned = select(of.c.day.label("bucket"), of.c.day, of.c.currency, of.c.revenue, of.c.refunds, of.c.orders).where(
        of.c.kind == "touch", of.c.key == campaign_id
    )
    tenant_id, currency = question.tenant_id, question.currency
    spend = await converted(session, spent, tenant_id, currency, keys=("bucket",), money=("spend",))
    revenue = await converted(session, earned, tenant_id, currency, keys=("bucket",), money=("revenue", "refunds"))
    sums = {day: Sums() for day in _days(question.period.first, question.period.last)}
    for side in (spend, revenue):
        for (day,), each in side.by_key.items():
            sums[day].add(each)
    parts = {name: _shared_out(rounded(sums, name), getattr(line, name)) for name in ("spend", "revenue", "refunds")}
    points: list[dict[str, Any]] = []
    for day, each in sums.items():
        amounts = {
            name: 0 if found[day] is None and name not in each.unknown else found[day] for name, found in parts.items()
        }
        point: dict[str, Any] = {"date": day.isoformat()}
        for name, minor in amounts.items():
            point |= money(name, minor, currency)
        points.append(
            point
            | {
                "orders": round(each.counts.get("orders", 0.0), 4),
                "impressions": int(each.counts.get("impressions", 0)),
                "clicks": int(each.counts.get("clicks", 0)),
                "platform_conversions": each.counts.get("platform_conversions"),
                "roas": ratio(amounts["revenue"], amounts["spend"] or None),
            }
        )
    return points


async def _by_ad_set(
    session: AsyncSession, links: Links, question: Question, campaign_id: str, line: Line
) -> list[dict[str, Any]]:
    """Ad sets, each with its ads; what neither names is a line without an id."""
    rows = spend_rows(links, question.tenant_id, question.period)
    spent = (
        select(
            rows.c.ad_set_id.label("set_key"),
            rows.c.ad_id.label("ad_key"),
            rows.c.day,
            rows.c.currency,
            func.sum(rows.c.spend).label("spend"),
            func.sum(rows.c.platform_value).label("platform_value"),
            *(func.sum(rows.c[name]).label(name) for name in SPEND_COUNTS),
        )
        .where(rows.c.ad_campaign_id == campaign_id)
        .group_by(rows.c.ad_set_id, rows.c.ad_id, rows.c.day, rows.c.currency)
    )
    of = credit_query(links, msgspec.structs.replace(question, by="ad")).subquery("credit_of")
    earned = select(*(column for column in of.c if column.name not in {"kind", "key"})).where(
        of.c.kind == "touch", of.c.key == campaign_id
    )
    tenant_id, currency, keys = question.tenant_id, question.currency, ("set_key", "ad_key")
    sides: tuple[Converted, ...] = (
        await converted(session, spent, tenant_id, currency, keys=keys, money=SPEND_MONEY),
        await converted(session, earned, tenant_id, currency, keys=keys, money=CREDIT_MONEY),
    )
    ads: dict[LineKey, Sums] = {}
    sets: dict[LineKey, Sums] = {}
    for side in sides:
        for (ad_set, ad), each in side.by_key.items():
            ads.setdefault(LineKey("touch", campaign_id, ad_set, ad), Sums()).add(each)
            sets.setdefault(LineKey("touch", campaign_id, ad_set), Sums()).add(each)
    set_lines = _summing_to(lines_of(sets), line)
    set_names = await names_of(session, links, tenant_id, "ad_set", set_lines)
    ad_names = await names_of(session, links, tenant_id, "ad", lines_of(ads))
    out: list[dict[str, Any]] = []
    for ad_set in set_lines:
        mine = {key: each for key, each in ads.items() if key.set_key == ad_set.id.set_key}
        ad_lines = _summing_to(lines_of(mine), ad_set)
        named = [wire(ad, currency, ad_names) for ad in ad_lines]
        out.append({**wire(ad_set, currency, set_names), "ads": named})
    return out


def _summing_to(lines: Sequence[Line], whole: Line) -> list[Line]:
    """Lines whose money sums to the whole's, which was rounded beside other lines and may lie a minor unit off."""
    fixed = list(lines)
    for name in MONEY:
        parts = _shared_out({at: getattr(line, name) for at, line in enumerate(fixed)}, getattr(whole, name))
        fixed = [msgspec.structs.replace(line, **{name: parts[at]}) for at, line in enumerate(fixed)]
    return fixed


def _shared_out(parts: Mapping[Any, int | None], whole: int | None) -> dict[Any, int | None]:
    """The parts, the largest of which takes what rounding left over."""
    known = {key: part for key, part in parts.items() if part is not None}
    if whole is None or len(known) < len([part for part in parts.values() if part is not None]) or not known:
        return dict(parts)
    largest = max(known, key=lambda key: abs(known[key]))
    return {**parts, largest: known[largest] + whole - sum(known.values())}


def _row(campaign: Campaign, line: Line, currency: str) -> dict[str, Any]:
    facts = msgspec.structs.asdict(campaign)
    names = Names("campaign", {campaign.id: facts}, {})
    return {**wire(line, currency, names), **facts}


def _line_in(found: Report, campaign_id: str) -> Line:
    mine = [line for line in found.lines if line.id == LineKey("touch", campaign_id)]
    return mine[0] if mine else Line(id=LineKey("touch", campaign_id))


def _with_minor(names: Sequence[str], row: Mapping[str, Any]) -> list[str]:
    return [each for name in names for each in (name, f"{name}_minor") if each in row]


def _number(row: Mapping[str, Any], name: str) -> float | None:
    return row.get(f"{name}_minor", row[name])


def _sum(values: Iterable[int | None]) -> int | None:
    found = list(values)
    known = [value for value in found if value is not None]
    return sum(known) if len(known) == len(found) else None


def _days(first: date, last: date) -> list[date]:
    return [first + timedelta(days=offset) for offset in range((last - first).days + 1)]


def _linked(row: Any) -> Campaign:
    return Campaign(
        id=row.id,
        name=row.name or row.id,
        platform=row.platform,
        platform_id=row.platform_id,
        status=row.status,
        objective=row.objective,
        website_id=row.website_id,
        created_at=None if row.created_at is None else rfc3339(row.created_at),
        account_id=row.ad_account_id,
        account_name=row.account_name,
        account_zone=row.zone,
        account_currency=row.currency,
    )
