"""Erased people: what a recorder makes of an order or a lead whose person was erased. It erases nothing itself.

The store's own row still names them. What an erasure left of a conversion stays as it left it, while the money goes on;
what was not recorded before is recorded under the person's pseudonym alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import (
    ColumnElement,
    FromClause,
    String,
    Subquery,
    and_,
    case,
    func,
    literal,
    null,
    or_,
    select,
)
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.identity import PSEUDONYM, email_identifier_sql, erased_as, erased_table
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links
from adplanning_plugin.tracking.models import Conversion, OrderVisit

WHO = ("visitor_id", "session_id", "person_id", "identifier", "website_id", "utm", "click_ids")
"""What a conversion says of who it was and how they came."""
_OF_VISIT = ("visitor_id", "session_id", "click_ids")


def with_pseudonym(runtime: Runtime, tenant_id: str, rows: FromClause, happened: str) -> Subquery:
    """The linked rows with a column `erased_as`: the pseudonym of an erased person, else null."""
    person = literal("person:").op("||")(rows.c.person_id)
    email = email_identifier_sql(rows.c.email, runtime)
    name = erased_as(runtime, tenant_id, rows.c[happened], person, email)
    return select(rows, name.label("erased_as")).subquery("known")


def left_behind(row: Any) -> ColumnElement[bool]:
    """Whether a conversion is what an erasure left of it."""
    return or_(
        row.identifier.startswith(f"email:{PSEUDONYM}", autoescape=True),
        row.visitor_id.startswith(PSEUDONYM, autoescape=True),
    )


def conversions_left_behind(tenant_id: str, order_ids: Sequence[str]) -> Subquery:
    """What erasures left of these orders' conversions: order_id and the columns of `WHO`."""
    c = Conversion.__table__.c
    return (
        select(c.order_id, *(c[name] for name in WHO))
        .where(
            c.tenant_id == tenant_id,
            c.order_id.in_(order_ids),
            c.conversion_type == "purchase",
            c.origin == "order",
            c.deleted_at.is_(None),
            left_behind(c),
        )
        .subquery("left_behind")
    )


def who(
    found: Mapping[str, ColumnElement[Any]],
    erased: ColumnElement[Any],
    left: Any,
    is_left: ColumnElement[bool],
) -> dict[str, ColumnElement[Any]]:
    """The columns of `WHO`: as the store has them, as an erasure left them, or under a pseudonym."""
    gone = erased.is_not(None)
    pseudonym = literal("email:", String).op("||")(erased)
    said: dict[str, ColumnElement[Any]] = {
        "person_id": case((gone, null()), else_=found["person_id"]),
        "identifier": case((gone, pseudonym), else_=found["identifier"]),
        **{name: case((gone, null()), else_=found[name]) for name in _OF_VISIT},
    }
    return {name: case((is_left, getattr(left, name)), else_=said.get(name, found[name])) for name in WHO}


async def still_to_stamp(
    session: AsyncSession, runtime: Runtime, tenant_id: str, order_ids: Sequence[str]
) -> list[str]:
    """Those of the orders that are not an erased person's: these keep the stamp that the erasure left, or get none."""
    anybody = await session.scalar(select(func.count()).select_from(erased_table).where(_of(tenant_id)).limit(1))
    if not anybody:
        return list(order_ids)
    order = with_pseudonym(runtime, tenant_id, runtime.get(Links).by_ids("order", tenant_id, order_ids), "placed_at")
    stamp = OrderVisit.__table__
    joined = order.outerjoin(stamp, and_(stamp.c.tenant_id == tenant_id, stamp.c.order_id == order.c.id))
    gone = or_(order.c.erased_as.is_not(None), stamp.c.visitor_id.startswith(PSEUDONYM, autoescape=True))
    erased = set(await session.scalars(select(order.c.id).select_from(joined).where(gone)))
    return [each for each in order_ids if each not in erased]


def _of(tenant_id: str) -> ColumnElement[bool]:
    return erased_table.c.tenant_id == tenant_id
