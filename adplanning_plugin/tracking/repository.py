"""Repository: the SQL of single conversions and of their list. What may be written is decided in `service`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from typing import cast as cast_type

import msgspec
from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Select,
    String,
    Table,
    and_,
    case,
    cast,
    column,
    func,
    or_,
    select,
    tuple_,
    update,
    values,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import InstrumentedAttribute

from adplanning_plugin.kernel.database import any_of
from adplanning_plugin.tracking.models import Conversion, ConversionAdjustment


class ConversionFilter(msgspec.Struct, frozen=True, kw_only=True):
    """The list's filters; null means any."""

    conversion_type: str | None = None
    platform: str | None = None
    status: str | None = None
    origin: str | None = None
    start: datetime | None = None
    end: datetime | None = None
    """Half-open: `start ≤ occurred_at < end`."""
    ad_campaign_id: str | None = None
    ad_set_id: str | None = None
    ad_id: str | None = None
    source: str | None = None
    """As the list shows it; the caller adds it, since the last touch is not known here."""
    utm_source: str | None = None
    utm_medium: str | None = None
    utm_campaign: str | None = None
    visitor_id: str | None = None
    session_id: str | None = None
    person_id: str | None = None
    order_id: str | None = None
    lead_id: str | None = None
    goal_id: str | None = None
    currency: str | None = None
    min_value: int | None = None
    max_value: int | None = None
    """Minor units of `currency`."""
    website_id: str | None = None
    sales_channel: str | None = None
    is_revenue: bool | None = None


_EQUAL: tuple[str, ...] = (
    "conversion_type", "platform", "status", "origin", "ad_campaign_id", "ad_set_id", "ad_id", "visitor_id",
    "session_id", "person_id", "order_id", "lead_id", "goal_id", "currency", "website_id", "sales_channel",
    "is_revenue",
)  # fmt: skip


def matching(tenant_id: str, given: ConversionFilter) -> ColumnElement[bool]:
    """The tenant's live conversions that fulfil the filter."""
    parts: list[ColumnElement[bool]] = [Conversion.tenant_id == tenant_id, Conversion.deleted_at.is_(None)]
    for name in _EQUAL:
        value = getattr(given, name)
        if value is not None:
            parts.append(getattr(Conversion, name) == value)
    for name in ("source", "medium", "campaign"):
        value = getattr(given, f"utm_{name}")
        if value is not None:
            parts.append(func.lower(Conversion.utm.op("->>")(name)) == value.strip().lower())
    if given.start is not None:
        parts.append(Conversion.occurred_at >= given.start)
    if given.end is not None:
        parts.append(Conversion.occurred_at < given.end)
    if given.min_value is not None:
        parts.append(Conversion.value >= given.min_value)
    if given.max_value is not None:
        parts.append(Conversion.value <= given.max_value)
    return and_(*parts)


def listing(tenant_id: str, given: ConversionFilter) -> Select[Conversion]:
    """The list's statement, without order and limit."""
    return select(Conversion).where(matching(tenant_id, given))


SORTABLE: Mapping[str, InstrumentedAttribute[Any]] = {
    "occurred_at": Conversion.occurred_at,
    "created_at": Conversion.created_at,
    "updated_at": Conversion.updated_at,
    "value": Conversion.value,
    "conversion_value": Conversion.value,
    "conversion_type": Conversion.conversion_type,
    "status": Conversion.status,
}


def searched() -> tuple[ColumnElement[Any], ...]:
    """Where `q` looks."""
    return (
        Conversion.id.expression,
        Conversion.order_id.expression,
        Conversion.lead_id.expression,
        Conversion.visitor_id.expression,
        Conversion.utm.op("->>")("campaign"),
        Conversion.utm.op("->>")("source"),
    )


async def find(session: AsyncSession, tenant_id: str, conversion_id: str, *, lock: bool = False) -> Conversion | None:
    """One live conversion; locked for a change where asked."""
    statement = select(Conversion).where(
        Conversion.tenant_id == tenant_id, Conversion.id == conversion_id, Conversion.deleted_at.is_(None)
    )
    return await session.scalar(statement.with_for_update() if lock else statement)


async def find_same(
    session: AsyncSession,
    tenant_id: str,
    *,
    order_id: str | None = None,
    lead_id: str | None = None,
    dedupe_key: str | None = None,
) -> Conversion | None:
    """The live purchase of the order, the live submission of the lead, or whatever has the key."""
    ways: list[ColumnElement[bool]] = []
    if order_id is not None:
        ways.append(
            and_(
                Conversion.order_id == order_id,
                Conversion.conversion_type == "purchase",
                Conversion.deleted_at.is_(None),
            )
        )
    if lead_id is not None:
        ways.append(
            and_(
                Conversion.lead_id == lead_id,
                Conversion.conversion_type == "lead_form_submission",
                Conversion.deleted_at.is_(None),
            )
        )
    if dedupe_key is not None:
        ways.append(Conversion.dedupe_key == dedupe_key)
    if not ways:
        return None
    return await session.scalar(select(Conversion).where(Conversion.tenant_id == tenant_id, or_(*ways)).limit(1))


async def insert_once(session: AsyncSession, values: Mapping[str, Any]) -> str | None:
    """Insert one conversion; None where order, lead or dedupe key is taken (a concurrent writer is waited for)."""
    statement = insert(Conversion).values(**values).on_conflict_do_nothing().returning(Conversion.id)
    return (await session.execute(statement)).scalar_one_or_none()


async def change(
    session: AsyncSession, tenant_id: str, conversion_id: str, version: int, values: Mapping[str, Any]
) -> bool:
    """Write the values if the version is still the one that was read; credit becomes due again."""
    changed = await session.execute(
        update(Conversion)
        .where(
            Conversion.tenant_id == tenant_id,
            Conversion.id == conversion_id,
            Conversion.version == version,
            Conversion.deleted_at.is_(None),
        )
        .values(**values, version=Conversion.version + 1, attribution_version=None)
        .returning(Conversion.id)
        .execution_options(synchronize_session=False)
    )
    return changed.scalar_one_or_none() is not None


async def adjustments_of(session: AsyncSession, tenant_id: str, conversion_id: str) -> list[ConversionAdjustment]:
    """Refunds and cancellations, oldest first."""
    rows = await session.scalars(
        select(ConversionAdjustment)
        .where(ConversionAdjustment.tenant_id == tenant_id, ConversionAdjustment.conversion_id == conversion_id)
        .order_by(ConversionAdjustment.occurred_at, ConversionAdjustment.id)
    )
    return list(rows)


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """What attribution decided about a conversion."""

    conversion_id: str
    attribution_version: int
    platform: str | None = None
    ad_campaign_id: str | None = None
    ad_set_id: str | None = None
    ad_id: str | None = None


async def write_attribution(session: AsyncSession, tenant_id: str, decided: Select[Any] | list[Assignment]) -> int:
    """Write platform, campaign, ad set, ad and the rule version of many conversions in one statement.

    `decided` is a select with the columns of `Assignment`, or a list of them. A campaign that somebody named by hand
    stays; only its version is written. Returns how many rows were written.
    """
    if isinstance(decided, list):
        if not decided:
            return 0
        names = ("conversion_id", "platform", "ad_campaign_id", "ad_set_id", "ad_id")
        rows = values(
            *(column(name, String) for name in names), column("attribution_version", BigInteger), name="decided"
        )
        data = [(*(getattr(each, name) for name in names), each.attribution_version) for each in decided]
        found = select(rows.data(data)).subquery()
    else:
        found = decided.subquery()
    names = ("platform", "ad_campaign_id", "ad_set_id", "ad_id")
    table = cast_type("Table", Conversion.__table__)
    kept = {name: _unless_assigned(name, found.c[name]) for name in names}
    version = cast(found.c.attribution_version, BigInteger)
    differs = tuple_(*(table.c[name] for name in kept), table.c.attribution_version).is_distinct_from(
        tuple_(*kept.values(), version)
    )
    result = await session.execute(
        update(table)
        .where(table.c.tenant_id == tenant_id, table.c.id == found.c.conversion_id, differs)
        .values(**kept, attribution_version=version)
        .returning(table.c.id)
    )
    return len(result.all())


async def stamp_attribution(session: AsyncSession, tenant_id: str, conversion_ids: Sequence[str], version: int) -> None:
    """Write up to which rule version the credit of conversions was computed, and nothing else of them."""
    await session.execute(
        update(Conversion)
        .where(Conversion.tenant_id == tenant_id, Conversion.id == any_of(conversion_ids))
        .values(attribution_version=version)
        .execution_options(synchronize_session=False)
    )


def _unless_assigned(name: str, decided: ColumnElement[Any]) -> ColumnElement[Any]:
    table = Conversion.__table__
    return case((table.c.campaign_assigned, table.c[name]), else_=cast(decided, String))
