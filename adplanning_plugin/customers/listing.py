"""Listing: people as the store has them, found by name, address, phone, id or order, with what each page's ordered."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import ColumnElement, FromClause, Select, Table, Text, func, literal, or_, select
from sqlalchemy import cast as sql_cast
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.customers.people import PERSONAL, full_name
from adplanning_plugin.identity import erased_key, erased_table, person_identifier
from adplanning_plugin.kernel.database import any_of
from adplanning_plugin.kernel.days import rfc3339
from adplanning_plugin.kernel.money import to_major
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import conversion_table

_SHOWN = ("id", "name", "first_name", "last_name", "email", "phone", "city", "country", "created_at")
CSV_COLUMNS = ("id", "name", "email", "phone", "city", "country", "created_at", "erased_at")
_conversion = cast("Table", conversion_table).c


def people(
    links: Links, tenant_id: str, *, q: str | None, person_id: str | None, order_id: str | None
) -> tuple[Select[*tuple[Any, ...]], FromClause]:
    """The list's statement, and the rows it reads; `q` looks in what is personal, and in ids of people and orders."""
    if person_id is not None:
        rows = links.by_ids("person", tenant_id, [person_id])
    else:
        rows = links.selectable("person", tenant_id)
    statement: Select[*tuple[Any, ...]] = select(*(rows.c[name] for name in _SHOWN))
    if order_id is not None:
        statement = statement.where(_ordered(links, tenant_id, rows, order_id))
    if q is not None:
        statement = statement.where(or_(*_found(links, tenant_id, rows, q.strip())))
    return statement, rows


def _found(links: Links, tenant_id: str, rows: FromClause, q: str) -> list[ColumnElement[bool]]:
    names = func.concat_ws(" ", rows.c.first_name, rows.c.last_name)
    texts = [rows.c.name, names, rows.c.email]
    found: list[ColumnElement[bool]] = [sql_cast(each, Text).icontains(q, autoescape=True) for each in texts]
    found += [rows.c.id == q, _ordered(links, tenant_id, rows, q)]
    digits = "".join(each for each in q if each.isdigit())
    if len(digits) >= 4:
        found.append(func.regexp_replace(rows.c.phone, "[^0-9]", "", "g").contains(digits))
    return found


def _ordered(links: Links, tenant_id: str, rows: FromClause, order_id: str) -> ColumnElement[bool]:
    """Whether the order is the person's: by the id that it names, or by its address."""
    order = links.by_ids("order", tenant_id, [order_id])
    by_id = rows.c.id.in_(select(order.c.person_id).where(order.c.person_id.is_not(None)))
    address = select(func.lower(order.c.email)).where(order.c.person_id.is_(None), order.c.email.is_not(None))
    return or_(by_id, func.lower(rows.c.email).in_(address))


def sortable(rows: FromClause) -> Mapping[str, ColumnElement[Any]]:
    """What `order` may name."""
    return {"created_at": rows.c.created_at, "name": func.coalesce(rows.c.name, rows.c.first_name), "id": rows.c.id}


async def ordered(session: AsyncSession, tenant_id: str, person_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """Person → orders that count as revenue, what they came to less refunds by currency, and the last one's time."""
    found: dict[str, dict[str, Any]] = {}
    if not person_ids:
        return found
    sums = (
        select(
            _conversion.person_id,
            _conversion.currency,
            func.count().label("orders"),
            func.sum(_conversion.value - _conversion.refunded).label("value"),
            func.max(_conversion.occurred_at).label("last_at"),
        )
        .where(
            _conversion.tenant_id == tenant_id,
            _conversion.person_id == any_of(person_ids),
            _conversion.is_revenue,
            _conversion.deleted_at.is_(None),
        )
        .group_by(_conversion.person_id, _conversion.currency)
        .order_by(_conversion.person_id, literal(2))
    )
    for row in await session.execute(sums):
        mine = found.setdefault(row.person_id, {"orders": 0, "revenue": [], "last": row.last_at})
        mine["orders"] += row.orders
        mine["revenue"].append(
            {"currency": row.currency, "value": to_major(int(row.value), row.currency), "value_minor": int(row.value)}
        )
        mine["last"] = max(mine["last"], row.last_at)
    return found


async def erased(session: AsyncSession, runtime: Runtime, tenant_id: str, person_ids: Sequence[str]) -> dict[str, str]:
    """Those of the people whose past was erased here, and when."""
    keys = {erased_key(runtime, person_identifier(each)): each for each in person_ids}
    c = erased_table.c
    rows = await session.execute(
        select(c.key, c.erased_at).where(c.tenant_id == tenant_id, c.key == any_of(list(keys)))
    )
    return {keys[row.key]: rfc3339(row.erased_at) for row in rows}


class ErasedByKey:
    """All erased people of a store, for a list that is read to its end: who is asked for is hashed."""

    def __init__(self, runtime: Runtime, at_by_key: Mapping[str, str]) -> None:
        self._runtime, self._at = runtime, at_by_key

    @classmethod
    async def load(cls, session: AsyncSession, runtime: Runtime, tenant_id: str) -> ErasedByKey:
        """The keyed hashes; nobody can be told from them."""
        c = erased_table.c
        rows = await session.execute(select(c.key, c.erased_at).where(c.tenant_id == tenant_id))
        return cls(runtime, {row.key: rfc3339(row.erased_at) for row in rows})

    def get(self, person_id: str) -> str | None:
        """When their past was erased; None where it never was."""
        return self._at.get(erased_key(self._runtime, person_identifier(person_id))) if self._at else None


def person_out(
    row: Any, orders: Mapping[str, Mapping[str, Any]], gone: Mapping[str, str] | ErasedByKey, *, personal: bool
) -> dict[str, Any]:
    """A row of the list; without the scope for personal data, and of an erased person, nothing that says who it is."""
    value = dict(row._mapping)  # noqa: SLF001 - how a row is a mapping
    mine = orders.get(value["id"], {})
    erased_at = gone.get(value["id"])
    shown = personal and erased_at is None
    body: dict[str, Any] = {
        "id": value["id"],
        "name": full_name(value),
        **{name: value[name] for name in ("email", "phone", "city", "country")},
    }
    body |= {} if shown else dict.fromkeys(PERSONAL & body.keys())
    last = mine.get("last")
    return body | {
        "created_at": None if value["created_at"] is None else rfc3339(value["created_at"]),
        "orders": mine.get("orders", 0),
        "revenue": mine.get("revenue", []),
        "last_order_at": None if last is None else rfc3339(last),
        "erased_at": erased_at,
    }
