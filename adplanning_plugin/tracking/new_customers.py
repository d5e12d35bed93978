"""New customers: which revenue order is the first of a person or an email address, in whatever order they arrive."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
from sqlalchemy import and_, case, null, or_, select, tuple_, update
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from adplanning_plugin.tracking.models import Conversion


class Identities(msgspec.Struct, frozen=True):
    """People and keyed email hashes."""

    people: frozenset[str] = frozenset()
    identifiers: frozenset[str] = frozenset()

    @staticmethod
    def union(*parts: Identities) -> Identities:
        """All of them."""
        people = frozenset[str]().union(*(part.people for part in parts))
        return Identities(people, frozenset[str]().union(*(part.identifiers for part in parts)))


async def identities_of_orders(session: AsyncSession, tenant_id: str, order_ids: Sequence[str]) -> Identities:
    """Who placed these orders, as their conversions have it."""
    rows = await session.execute(
        select(Conversion.person_id, Conversion.identifier).where(
            Conversion.tenant_id == tenant_id, Conversion.order_id.in_(order_ids), Conversion.origin == "order"
        )
    )
    found = rows.all()
    return Identities(
        frozenset(row.person_id for row in found if row.person_id),
        frozenset(row.identifier for row in found if row.identifier),
    )


async def refresh_new_customers(session: AsyncSession, tenant_id: str, who: Identities) -> list[str]:
    """Set `is_new_customer` on every order of these people and addresses; returns the conversions that changed.

    An earlier order filled in late takes the mark from a later one; a cancelled first order passes it on.
    """
    if not who.people and not who.identifiers:
        return []
    earlier = aliased(Conversion)
    same = or_(earlier.person_id == Conversion.person_id, earlier.identifier == Conversion.identifier)
    before = tuple_(earlier.occurred_at, earlier.order_id) < tuple_(Conversion.occurred_at, Conversion.order_id)
    has_earlier = (
        select(earlier.id)
        .where(
            earlier.tenant_id == tenant_id,
            earlier.conversion_type == "purchase",
            earlier.is_revenue,
            earlier.deleted_at.is_(None),
            same,
            before,
        )
        .exists()
    )
    is_first = case((Conversion.is_revenue, ~has_earlier), else_=null())
    affected = and_(
        Conversion.tenant_id == tenant_id,
        Conversion.conversion_type == "purchase",
        Conversion.origin == "order",
        Conversion.deleted_at.is_(None),
        or_(Conversion.person_id.in_(who.people), Conversion.identifier.in_(who.identifiers)),
    )
    rows = await session.scalars(
        update(Conversion)
        .where(affected, Conversion.is_new_customer.is_distinct_from(is_first))
        .values(is_new_customer=is_first, version=Conversion.version + 1)
        .returning(Conversion.id)
        .execution_options(synchronize_session=False)
    )
    return list(rows)
