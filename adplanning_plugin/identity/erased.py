"""Erased identities: keyed hashes of who was erased, so that what the store sends again is not taken in as theirs.

An entry holds for what happened until the erasure. Whoever comes back later is a new person, whatever their address.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, cast

from sqlalchemy import ColumnElement, Table, Text, case, exists, func, literal, or_, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import Mapped, mapped_column

from adplanning_plugin.identity.identifiers import hmac_sql, secret_of
from adplanning_plugin.kernel.models import Base
from adplanning_plugin.kernel.runtime import Runtime

PSEUDONYM = "erased_"
"""How a pseudonym begins: what an erasure writes where it leaves a row and takes away whose it was."""


class ErasedIdentity(Base):
    """An identifier whose past was erased."""

    __tablename__ = "erased_identity"

    tenant_id: Mapped[str] = mapped_column(primary_key=True)
    key: Mapped[str] = mapped_column(primary_key=True)
    """HMAC-SHA256 of the identifier, under a key of its own."""
    pseudonym: Mapped[str]
    """What stands in the rows that stayed, one for all identifiers of a person; it is random."""
    erased_at: Mapped[datetime]


erased_table = cast("Table", ErasedIdentity.__table__)


def erased_key(runtime: Runtime, identifier: str) -> str:
    """The hash under which an identifier is remembered as erased."""
    return hmac.new(_key(secret_of(runtime)), identifier.encode(), hashlib.sha256).hexdigest()


async def remember_erased(
    session: AsyncSession, runtime: Runtime, tenant_id: str, identifiers: Sequence[str], pseudonym: str, at: datetime
) -> str:
    """Note that the past of these identifiers is erased; returns the pseudonym, that of an earlier erasure if any."""
    keys = [erased_key(runtime, each) for each in identifiers]
    c = erased_table.c
    earlier = await session.scalar(
        select(c.pseudonym)
        .where(c.tenant_id == tenant_id, c.key == func.any(sql_cast(keys, ARRAY(Text()))))
        .order_by(c.erased_at, c.key)
        .limit(1)
    )
    chosen = earlier or pseudonym
    rows = [{"tenant_id": tenant_id, "key": key, "pseudonym": chosen, "erased_at": at} for key in sorted(set(keys))]
    statement = insert(erased_table).values(rows)
    await session.execute(
        statement.on_conflict_do_update(
            index_elements=["tenant_id", "key"],
            set_={"erased_at": func.greatest(c.erased_at, statement.excluded.erased_at)},
        )
    )
    return chosen


async def erased_since(session: AsyncSession, runtime: Runtime, tenant_id: str, identifier: str) -> datetime | None:
    """When this identifier's past was erased; None where it never was."""
    c = erased_table.c
    statement = select(c.erased_at).where(c.tenant_id == tenant_id, c.key == erased_key(runtime, identifier))
    return await session.scalar(statement)


def erased_as(
    runtime: Runtime, tenant_id: str, at: ColumnElement[Any], *identifiers: ColumnElement[Any]
) -> ColumnElement[str | None]:
    """SQL: the pseudonym of whoever did something at that time under one of these identifiers; null if not erased.

    Where nobody was ever erased nothing is hashed.
    """
    c = erased_table.alias().c
    anybody = exists().where(erased_table.c.tenant_id == tenant_id)
    key = _key(secret_of(runtime))
    same = [c.key == hmac_sql(each, key) for each in identifiers]
    found = (
        select(c.pseudonym)
        .where(c.tenant_id == tenant_id, or_(*same), c.erased_at >= at)
        .order_by(c.erased_at)
        .limit(1)
        .scalar_subquery()
    )
    return case((anybody, found), else_=literal(None, Text()))


@lru_cache(maxsize=8)
def _key(secret: str) -> bytes:
    """Apart from the key of addresses: a hash here is no identifier anywhere else."""
    return hmac.new(secret.encode(), b"adplanning.identity.erased", hashlib.sha256).digest()
