"""Quality queries: how much of what credit rests on is there, by day, and where visits were lost. SQL only."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Table,
    and_,
    case,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy import cast as sql_cast

from adplanning_plugin.attribution import credit_table as credit
from adplanning_plugin.attribution import touchpoint_table as touchpoint
from adplanning_plugin.identity import visitor_edges
from adplanning_plugin.insights.periods import Period, local_day
from adplanning_plugin.insights.revenue import revenue_conversions
from adplanning_plugin.insights.spend import spend_rows
from adplanning_plugin.kernel.paging import AnySelect
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import COUNTED, dropped_table, event_table, session_table, visits
from adplanning_plugin.tracking import Period as Span
from adplanning_plugin.tracking import conversion_table as conversion
from adplanning_plugin.tracking import order_visit_table as order_visit

PAID = ("Cross-network", "Paid Shopping", "Paid Search", "Paid Social", "Paid Video", "Display", "Paid Other", "Audio")
"""Channels whose clicks carry an id of their platform, and cost money."""
MATCHED, UNRESOLVED, UNTAGGED, DIRECT, NO_TOUCH = "matched", "unresolved", "untagged", "direct", "no_touch"

_event, _dropped = cast("Table", event_table), cast("Table", dropped_table)


def coverage_by_day(links: Links, tenant_id: str, period: Period, *, window_days: int, rule_version: int) -> AnySelect:
    """(day, measure, whole, covered) of the days that have any.

    touches: counted conversions online, and those with a touch within the window. identity: the same, and those that a
    strong link joins to a visitor. click_ids: touches of paid channels, and those with the platform's click id. spend:
    days on which a campaign brought a touch, and those for which its spend is known.
    """
    c, v, t = credit.c, conversion.c, touchpoint.c
    zone = period.zone
    online = and_(
        v.tenant_id == tenant_id, v.deleted_at.is_(None), v.status.in_(COUNTED), v.occurred_at >= period.start,
        v.occurred_at < period.end, func.coalesce(v.sales_channel, "online") == "online",
    )  # fmt: skip
    touched = (
        select(c.conversion_id.label("id"))
        .distinct()
        .where(
            c.tenant_id == tenant_id, c.window_days == window_days, c.rule_version == rule_version, c.touch_id != "",
            c.occurred_at >= period.start, c.occurred_at < period.end,
        )
        .subquery("touched")
    )  # fmt: skip
    day = local_day(v.occurred_at, zone).label("day")
    joined = conversion.outerjoin(touched, touched.c.id == v.id)
    of_touches = (
        select(day, literal("touches").label("measure"), func.count().label("whole"), func.count(touched.c.id))
        .select_from(joined)
        .where(online)
        .group_by("day")
    )
    strong = or_(
        _linked(tenant_id, "identifier", func.concat("person:", v.person_id)),
        _linked(tenant_id, "identifier", v.identifier),
        _linked(tenant_id, "visitor_id", v.visitor_id),
    )
    of_identity = (
        select(day, literal("identity"), func.count(), func.count().filter(strong)).where(online).group_by("day")
    )
    touch_day = local_day(t.occurred_at, zone).label("day")
    paid = and_(
        t.tenant_id == tenant_id, t.occurred_at >= period.start, t.occurred_at < period.end, t.channel.in_(PAID)
    )
    of_clicks = (
        select(touch_day, literal("click_ids"), func.count(), func.count().filter(t.click_ids.is_not(None)))
        .where(paid, t.origin != "manual")
        .group_by("day")
    )
    spend = spend_rows(links, tenant_id, period)
    known = select(spend.c.ad_campaign_id, spend.c.day).distinct().subquery("known")
    brought = (
        select(t.ad_campaign_id, touch_day).where(paid, t.ad_campaign_id.is_not(None)).distinct().subquery("brought")
    )
    of_spend = (
        select(brought.c.day, literal("spend"), func.count(), func.count(known.c.ad_campaign_id))
        .select_from(
            brought.outerjoin(
                known, and_(known.c.ad_campaign_id == brought.c.ad_campaign_id, known.c.day == brought.c.day)
            )
        )
        .group_by(brought.c.day)
    )
    rows = union_all(of_touches, of_identity, of_clicks, of_spend).subquery("coverage")
    names = ("day", "measure", "whole", "covered")
    return select(*(column.label(name) for name, column in zip(names, rows.c, strict=True)))


def _linked(tenant_id: str, column: str, value: ColumnElement[Any]) -> ColumnElement[bool]:
    """Whether a strong link that counts has the value."""
    edges = visitor_edges(tenant_id)
    return select(literal(1)).select_from(edges).where(edges.c[column] == value).correlate(conversion).exists()


def visits_by_end(runtime: Runtime, tenant_id: str, period: Period) -> AnySelect:
    """(stage, visits): how far each visit of the period came on the way to a campaign."""
    visit, t = visits(runtime, tenant_id, Span(start=period.start, end=period.end)), touchpoint.c
    best = func.min(
        case(
            (t.id.is_(None), 4),
            (t.is_resolved, 0),
            (t.resolution_method == "unresolved", 1),
            (t.is_direct, 3),
            else_=2,
        )
    )
    ranked = (
        select(best.label("best"))
        .select_from(visit.outerjoin(touchpoint, and_(t.tenant_id == tenant_id, t.session_id == visit.c.id)))
        .group_by(visit.c.id)
        .subquery("ranked")
    )
    names = (MATCHED, UNRESOLVED, UNTAGGED, DIRECT, NO_TOUCH)
    stage = case(*((ranked.c.best == place, name) for place, name in enumerate(names))).label("stage")
    return select(stage, func.count().label("visits")).group_by(stage)


def agents_without_touch(links: Links, tenant_id: str, period: Period, most: int) -> AnySelect:
    """(user_agent, visits) of the store's own sessions that began no touch, the most frequent ones."""
    visit, t = links.selectable("analytics_session", tenant_id), touchpoint.c
    touched = select(literal(1)).where(t.tenant_id == tenant_id, t.session_id == visit.c.id).correlate(visit).exists()
    return (
        select(visit.c.user_agent, func.count().label("visits"))
        .where(
            visit.c.started_at >= period.start, visit.c.started_at < period.end, visit.c.user_agent.is_not(None),
            ~touched,
        )
        .group_by(visit.c.user_agent)
        .order_by(func.count().desc())
        .limit(most)
    )  # fmt: skip


def traffic(tenant_id: str, period: Period) -> AnySelect:
    """(cause, amount): pages and events that were kept (`kept`), kept in totals alone (`no_consent_event`), dropped."""
    s = session_table.c
    kept = select(
        literal("kept").label("cause"), sql_cast(func.coalesce(func.sum(s.events), 0), BigInteger).label("amount")
    ).where(s.tenant_id == tenant_id, s.started_at >= period.start, s.started_at < period.end)
    unseen = select(literal("no_consent_event"), func.count()).where(
        _event.c.tenant_id == tenant_id,
        _event.c.visitor_id.is_(None),
        _event.c.source != "host",
        _event.c.occurred_at >= period.start,
        _event.c.occurred_at < period.end,
    )
    d = _dropped.c
    gone = (
        select(d.cause, sql_cast(func.sum(d.amount), BigInteger))
        .where(d.tenant_id == tenant_id, d.day.between(period.first, period.last))
        .group_by(d.cause)
    )
    return select(union_all(kept, unseen, gone).subquery("traffic"))


def orders_without_consent(tenant_id: str, period: Period) -> AnySelect:
    """One row: (orders, denied) of the period's online revenue orders; sums alone."""
    v = conversion.c
    joined = conversion.outerjoin(
        order_visit, and_(order_visit.c.tenant_id == v.tenant_id, order_visit.c.order_id == v.order_id)
    )
    return (
        select(
            func.count().label("orders"),
            func.count().filter(order_visit.c.consent == "denied").label("denied"),
        )
        .select_from(joined)
        .where(revenue_conversions(tenant_id, period), func.coalesce(v.sales_channel, "online") == "online")
    )
