"""Conversion rows: the SQL of conversions with the touches before them. It reads credit and computes none."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, cast

import msgspec
from sqlalchemy import (
    ColumnElement,
    Float,
    Select,
    Table,
    Text,
    and_,
    case,
    false,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import ARRAY, aggregate_order_by

from adplanning_plugin.attribution import credit_table, of_active, touchpoint_table
from adplanning_plugin.kernel.paging import AnySelect
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import COUNTED, conversion_table

conversion = cast("Table", conversion_table)
credit = cast("Table", credit_table)
touchpoint = cast("Table", touchpoint_table)

_SHOWN = (
    "id", "conversion_type", "status", "occurred_at", "value", "refunded", "currency", "is_new_customer",
    "sales_channel", "order_id", "lead_id", "goal_id", "person_id", "visitor_id", "session_id", "website_id",
    "platform", "ad_campaign_id",
)  # fmt: skip


class JourneyFilter(msgspec.Struct, frozen=True, kw_only=True):
    """Which conversions; null means any."""

    window_days: int
    """The lookback window that touches lie in; 0 is lifetime."""
    start: datetime | None = None
    end: datetime | None = None
    conversion_type: str | None = None
    is_new_customer: bool | None = None
    channel: str | None = None
    """Met anywhere on the way, in the window."""
    identifier: str | None = None
    """`email:<keyed hash>`: whoever has that address."""
    text: str | None = None
    """Part of an order's or a conversion's id."""


def touches_of(tenant_id: str, window_days: int) -> list[ColumnElement[bool]]:
    """What a row of credit must fulfil to be a touch of the window, under the rules in force."""
    return [
        credit.c.tenant_id == tenant_id,
        credit.c.window_days == window_days,
        credit.c.touch_id != "",
        of_active(tenant_id),
    ]


def matching(tenant_id: str, wanted: JourneyFilter) -> ColumnElement[bool]:
    """The tenant's live, counted conversions that fulfil the filter."""
    c = conversion.c
    parts: list[ColumnElement[bool]] = [c.tenant_id == tenant_id, c.deleted_at.is_(None), c.status.in_(COUNTED)]
    if wanted.start is not None:
        parts.append(c.occurred_at >= wanted.start)
    if wanted.end is not None:
        parts.append(c.occurred_at < wanted.end)
    if wanted.conversion_type is not None:
        parts.append(c.conversion_type == wanted.conversion_type)
    if wanted.is_new_customer is not None:
        parts.append(c.is_new_customer.is_(wanted.is_new_customer))
    if wanted.identifier is not None:
        parts.append(c.identifier == wanted.identifier)
    if wanted.text is not None:
        parts.append(or_(*(each.icontains(wanted.text, autoescape=True) for each in (c.order_id, c.id))))
    if wanted.channel is not None:
        met = select(credit.c.conversion_id).where(
            *touches_of(tenant_id, wanted.window_days), credit.c.channel == wanted.channel
        )
        parts.append(c.id.in_(met))
    return and_(*parts)


def journey_rows(links: Links, tenant_id: str, wanted: JourneyFilter) -> AnySelect:
    """Conversions with what their touches come to; without order and limit.

    Columns: the conversion's, touches, first_touch_at, first_device, channels and platforms (oldest first), hours
    (first touch to conversion), email. What touches come to is asked row by row: a count of the rows asks nothing.
    """
    c, of = conversion.c, credit.c
    mine = [*touches_of(tenant_id, wanted.window_days), of.conversion_id == c.id]

    def asked(value: ColumnElement[Any]) -> ColumnElement[Any]:
        return select(value).where(*mine).correlate(conversion).scalar_subquery()

    first = asked(func.min(of.touched_at))
    return select(
        *(c[name] for name in _SHOWN),
        asked(func.count()).label("touches"),
        first.label("first_touch_at"),
        _first_device(mine).label("first_device"),
        asked(_in_order(of.channel)).label("channels"),
        asked(_in_order(of.platform)).label("platforms"),
        _hours(c.occurred_at, first).label("hours"),
        email_of(links, tenant_id).label("email"),
    ).where(matching(tenant_id, wanted))


def _first_device(mine: Sequence[ColumnElement[bool]]) -> ColumnElement[Any]:
    of, t = credit.c, touchpoint.c
    statement = select(t.device).where(*mine, t.tenant_id == of.tenant_id, t.id == of.touch_id)
    first = statement.order_by(of.position, of.touch_id).limit(1)
    return first.correlate(conversion).scalar_subquery()


def _in_order(column: ColumnElement[Any]) -> ColumnElement[Any]:
    named = func.coalesce(column, "")
    return func.array_agg(aggregate_order_by(named, credit.c.position, credit.c.touch_id), type_=ARRAY(Text()))


def _hours(later: ColumnElement[Any], earlier: ColumnElement[Any]) -> ColumnElement[Any]:
    return sql_cast(func.extract("epoch", later - earlier), Float) / 3600


def email_of(links: Links, tenant_id: str) -> ColumnElement[Any]:
    """The address on the conversion's order, or else its person's; null where neither is linked."""
    found: list[ColumnElement[Any]] = []
    for entity, key in (("order", conversion.c.order_id), ("person", conversion.c.person_id)):
        if links.has(entity) and links.provides(entity, "email"):
            rows = links.selectable(entity, tenant_id)
            found.append(select(rows.c.email).where(rows.c.id == key).limit(1).correlate(conversion).scalar_subquery())
    return func.coalesce(*found, literal(None, Text)) if found else literal(None, Text)


def touch_rows(tenant_id: str, conversion_id: str, window_days: int) -> Select[Any]:
    """The touches of one conversion with their credit, oldest first, and last whatever no touch earned."""
    c, t = credit.c, touchpoint.c
    unattributed = case((c.touch_id == "", 1), else_=0)
    return (
        select(
            credit,
            t.source,
            t.medium,
            t.campaign,
            t.term,
            t.content,
            t.session_id,
            t.visitor_id,
            t.landing_path,
            t.device,
            t.browser,
            t.referrer_host,
            t.resolution_method,
            func.coalesce(t.is_direct, false()).label("is_direct"),
        )
        .select_from(credit.outerjoin(touchpoint, and_(t.tenant_id == c.tenant_id, t.id == c.touch_id)))
        .where(
            c.tenant_id == tenant_id,
            c.conversion_id == conversion_id,
            c.window_days == window_days,
            of_active(tenant_id),
        )
        .order_by(unattributed, c.position, c.touch_id)
    )
