"""Fit paths: the SQL that reads journeys, with and without a conversion, as distinct paths with their counts.

A journey with a conversion is the conversion's touches within the window, as credit has them. A journey without one is
the touches of a person (or of a visitor whom nothing strong names) that no conversion of theirs follows within the
window; it ends with a touch after which the window passes without another, and reaches back as far as the window.
Direct touches are no part of a path. A journey counts in the period in which it ends.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Interval,
    Subquery,
    and_,
    case,
    func,
    literal,
    or_,
    select,
    union_all,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.repository import COUNTED, conversion, credit, touchpoint
from adplanning_plugin.attribution.versions import of_active
from adplanning_plugin.identity import people_of_visitors
from adplanning_plugin.kernel.paging import AnySelect
from adplanning_plugin.stats.fit_process import SEPARATOR

LEVELS = ("channel", "platform")
"""What the players of a fit may be: columns of touches and of credit."""
NO_VISIT = ("renewal", "offline")
"""Sales channels whose orders no visit earned: they end no journey."""
DIRECT = "Direct"
"""The channel of direct touches."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Which journeys are read."""

    tenant_id: str
    level: str
    window_days: int
    """0 is lifetime."""
    start: datetime
    end: datetime
    currency: str
    conversion_type: str | None = None


class Paths(msgspec.Struct, frozen=True, kw_only=True):
    """Distinct paths, ordered by their bytes; `value` is net of refunds, in minor units of the asked currency."""

    paths: list[str]
    conversions: list[int]
    value: list[int]
    non_conversions: list[int]
    other_currencies: int
    """Conversions whose value is left out, because it is in another currency."""

    @property
    def digest(self) -> str:
        """SHA-256 of all that a model is given."""
        found = sha256()
        for line in zip(self.paths, self.conversions, self.value, self.non_conversions, strict=True):
            found.update("\n".join(map(str, line)).encode() + b"\n")
        return found.hexdigest()


async def read_paths(session: AsyncSession, asked: Asked) -> Paths:
    """The distinct paths of the period: one row each, however many journeys took them."""
    rows = (await session.execute(distinct_paths(asked))).all()
    return Paths(
        paths=[row.path for row in rows],
        conversions=[int(row.conversions) for row in rows],
        value=[int(row.value) for row in rows],
        non_conversions=[int(row.non_conversions) for row in rows],
        other_currencies=sum(int(row.other_currencies) for row in rows),
    )


def distinct_paths(asked: Asked) -> AnySelect:
    """Columns: path (channels, the oldest first), conversions, value, other_currencies, non_conversions."""
    both = union_all(_converting(asked), _not_converting(asked)).subquery("journeys")
    path = both.c.path.collate("C")
    return (
        select(
            path.label("path"),
            *(
                sql_cast(func.sum(both.c[name]), BigInteger).label(name)
                for name in ("conversions", "value", "other_currencies", "non_conversions")
            ),
        )
        .group_by(path)
        .order_by(path)
    )


def _counted(asked: Asked) -> list[ColumnElement[bool]]:
    """The conversions that end a journey."""
    v = conversion.c
    clauses = [
        v.tenant_id == asked.tenant_id,
        v.deleted_at.is_(None),
        v.status.in_(COUNTED),
        func.coalesce(v.sales_channel, "online").not_in(NO_VISIT),
    ]
    return clauses if asked.conversion_type is None else [*clauses, v.conversion_type == asked.conversion_type]


def _converting(asked: Asked) -> AnySelect:
    c, v = credit.c, conversion.c
    own = v.currency == asked.currency
    in_order = aggregate_order_by(c[asked.level], c.position, c.touched_at, c.touch_id.collate("C"))
    each = (
        select(
            _path(in_order, and_(c.touch_id != "", c.channel != DIRECT)),
            func.min(case((own, v.value - v.refunded), else_=0)).label("value"),
            func.min(case((own, 0), else_=1)).label("other"),
        )
        .select_from(credit.join(conversion, and_(v.tenant_id == c.tenant_id, v.id == c.conversion_id)))
        .where(
            c.tenant_id == asked.tenant_id,
            of_active(asked.tenant_id),
            c.window_days == asked.window_days,
            c.occurred_at >= asked.start,
            c.occurred_at < asked.end,
            *_counted(asked),
        )
        .group_by(c.conversion_id)
        .subquery("converted")
    )
    return select(
        each.c.path,
        func.count().label("conversions"),
        func.sum(each.c.value).label("value"),
        func.sum(each.c.other).label("other_currencies"),
        literal(0, BigInteger).label("non_conversions"),
    ).group_by(each.c.path)


def _not_converting(asked: Asked) -> AnySelect:
    """Found by the touches that no counted conversion's credit has: credit knows whose touches a conversion reaches."""
    c, v, t = credit.c, conversion.c, touchpoint.c
    used = (
        select(c.touch_id)
        .select_from(credit.join(conversion, and_(v.tenant_id == c.tenant_id, v.id == c.conversion_id)))
        .where(
            c.tenant_id == asked.tenant_id,
            c.touch_id == t.id,
            of_active(asked.tenant_id),
            c.window_days == asked.window_days,
            *_counted(asked),
        )
        .correlate(touchpoint)
    )
    people = people_of_visitors(asked.tenant_id)
    person = func.coalesce(t.person_id, people.c.person_id)
    free = (
        select(
            func.coalesce(literal("person:") + person, t.visitor_id).collate("C").label("subject"),
            t.occurred_at.label("at"),
            t.id,
            t[asked.level].label("key"),
            t.is_direct,
        )
        .select_from(touchpoint.outerjoin(people, people.c.visitor_id == t.visitor_id))
        .where(t.tenant_id == asked.tenant_id, t.occurred_at < asked.end, ~t.is_excluded, ~used.exists())
    )
    if asked.window_days:
        free = free.where(t.occurred_at >= asked.start - timedelta(days=asked.window_days))
    touches = free.subquery("free")
    after = func.lag(touches.c.at).over(partition_by=touches.c.subject, order_by=_newest_first(touches))
    ends: ColumnElement[bool] = after.is_(None)
    if asked.window_days:
        ends = or_(ends, after - touches.c.at >= literal(timedelta(days=asked.window_days), Interval))
    marked = select(touches, case((ends, touches.c.at)).label("ended")).subquery("marked")
    # Newest first, so the earliest end so far is that of the touch's own journey; no two journeys end at one time.
    last = func.min(marked.c.ended).over(partition_by=marked.c.subject, order_by=_newest_first(marked), rows=(None, 0))
    told = select(marked, last.label("last")).subquery("told")
    n = told.c
    counts = ~n.is_direct
    if asked.window_days:
        counts = and_(counts, n.at > n.last - literal(timedelta(days=asked.window_days), Interval))
    each = (
        select(_path(aggregate_order_by(n.key, n.at, n.id.collate("C")), counts))
        .where(n.last >= asked.start)
        .group_by(n.subject, n.last)
        .subquery("unconverted")
    )
    none = literal(0, BigInteger)
    return select(
        each.c.path,
        none.label("conversions"),
        none.label("value"),
        none.label("other_currencies"),
        func.count().label("non_conversions"),
    ).group_by(each.c.path)


def _newest_first(rows: Subquery) -> tuple[ColumnElement[Any], ...]:
    return rows.c.at.desc(), rows.c.id.collate("C").desc()


def _path(in_order: Any, counts: ColumnElement[bool]) -> ColumnElement[str]:
    """The touches that count as one text, the oldest first; an empty one where there are none."""
    joined = func.array_to_string(func.array_agg(in_order).filter(counts), SEPARATOR)
    return func.coalesce(joined, "").label("path")
