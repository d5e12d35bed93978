"""Edges between visitors and identifiers: written set-wise, capped, resolved one hop on read. Nothing is merged.

A strong edge that was not there before, and one that the denylist hides or shows again, is told of (`identity.linked`,
the ids of its visitors): what was counted may have to be counted again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal, NamedTuple

from sqlalchemy import (
    ARRAY,
    DateTime,
    FromClause,
    Select,
    String,
    Subquery,
    Text,
    case,
    cast,
    column,
    delete,
    distinct,
    exists,
    func,
    literal,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import distinct_on, insert
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.identity.models import IdentityDenylist, IdentityEdge, Visitor
from adplanning_plugin.kernel.database import any_of
from adplanning_plugin.kernel.events import publish
from adplanning_plugin.kernel.runtime import Runtime

MAX_VISITORS = 50
"""Visitors one identifier may be linked to; beyond it is a shared mailbox, a till, or a test address."""
STRONG, WEAK = 2, 1
LINKED = "identity.linked"
"""The event of strong edges that are new, hidden or shown again; its data is {"ids": visitor ids}."""
_TOLD_AT_ONCE = 500
Kind = Literal["order", "login", "signed_link", "form"]
_ABOVE_CAP = f"seen with more than {MAX_VISITORS} visitors"

visitor_table = Visitor.__table__
edge_table = IdentityEdge.__table__
denylist_table = IdentityDenylist.__table__


class Edge(NamedTuple):
    """A visitor seen with an identifier."""

    visitor_id: str
    identifier: str
    kind: Kind
    source: str
    """What showed it: `order:<id>`, `login`, `link`, `form:<id>`."""
    seen_at: datetime


async def link(session: AsyncSession, runtime: Runtime, tenant_id: str, edges: Sequence[Edge]) -> int:
    """Write edges in one statement; returns how many are new or seen later than before."""
    if not edges:
        return 0
    visitors, identifiers, kinds, sources, times = (list(values) for values in zip(*edges, strict=True))
    rows = (
        func.unnest(
            cast(visitors, ARRAY(Text())),
            cast(identifiers, ARRAY(Text())),
            cast(kinds, ARRAY(Text())),
            cast(sources, ARRAY(Text())),
            cast(times, ARRAY(DateTime(timezone=True))),
        )
        .table_valued(
            column("visitor_id", String),
            column("identifier", String),
            column("kind", String),
            column("source", String),
            column("seen_at", DateTime(timezone=True)),
        )
        .render_derived(name="seen")
    )
    return await link_from(session, runtime, tenant_id, select(rows).subquery("seen_edges"))


async def link_from(session: AsyncSession, runtime: Runtime, tenant_id: str, seen: FromClause) -> int:
    """Write the edges that a selectable yields: columns visitor_id, identifier, kind, source, seen_at.

    Identifiers on the denylist get none; one that exceeds `MAX_VISITORS` is put on it, which hides its edges on read.
    """
    c = seen.c
    grouped = (
        select(
            literal(tenant_id).label("tenant_id"),
            c.visitor_id,
            c.identifier,
            c.kind,
            case((c.kind == "form", WEAK), else_=STRONG).label("strength"),
            func.min(c.source).label("source"),
            func.min(c.seen_at).label("first_seen_at"),
            func.max(c.seen_at).label("last_seen_at"),
        )
        .where(
            c.visitor_id.is_not(None),
            c.identifier.is_not(None),
            ~exists().where(denylist_table.c.tenant_id == tenant_id, denylist_table.c.identifier == c.identifier),
        )
        .group_by(c.visitor_id, c.identifier, c.kind)
        .order_by(c.visitor_id, c.identifier, c.kind)
    )
    statement = insert(IdentityEdge).from_select([col.name for col in grouped.selected_columns], grouped)
    excluded = statement.excluded
    written = statement.on_conflict_do_update(
        index_elements=["tenant_id", "visitor_id", "identifier", "kind"],
        set_={
            "first_seen_at": func.least(IdentityEdge.first_seen_at, excluded.first_seen_at),
            "last_seen_at": func.greatest(IdentityEdge.last_seen_at, excluded.last_seen_at),
        },
        where=(IdentityEdge.first_seen_at > excluded.first_seen_at)
        | (IdentityEdge.last_seen_at < excluded.last_seen_at),
    ).returning(
        IdentityEdge.visitor_id,
        IdentityEdge.identifier,
        # A row that this statement inserted was locked by nobody yet.
        ((IdentityEdge.strength == STRONG) & (literal_column("xmax") == literal_column("0"))).label(
            "is_new_and_strong"
        ),
    )
    touched = (await session.execute(written)).all()
    if touched:
        crowded = await _cap(session, tenant_id, sorted({row.identifier for row in touched}))
        visitors = {row.visitor_id for row in touched if row.is_new_and_strong}
        visitors.update(await _strongly_linked(session, tenant_id, crowded))
        await _tell(session, runtime, tenant_id, sorted(visitors))
    return len(touched)


async def _tell(session: AsyncSession, runtime: Runtime, tenant_id: str, visitor_ids: Sequence[str]) -> None:
    for start in range(0, len(visitor_ids), _TOLD_AT_ONCE):
        await publish(session, runtime, tenant_id, LINKED, {"ids": visitor_ids[start : start + _TOLD_AT_ONCE]})


async def _strongly_linked(session: AsyncSession, tenant_id: str, identifiers: Sequence[str]) -> list[str]:
    """Visitors with a strong edge to any of the identifiers, whether the denylist hides it or not."""
    if not identifiers:
        return []
    statement = select(edge_table.c.visitor_id).where(
        edge_table.c.tenant_id == tenant_id,
        edge_table.c.identifier == any_of(identifiers),
        edge_table.c.strength == STRONG,
    )
    return sorted(set(await session.scalars(statement)))


async def _cap(session: AsyncSession, tenant_id: str, identifiers: list[str]) -> list[str]:
    """Put identifiers with too many visitors on the denylist; returns those that were not on it."""
    crowded = (
        select(literal(tenant_id), edge_table.c.identifier, literal(_ABOVE_CAP), func.now())
        .where(
            edge_table.c.tenant_id == tenant_id, edge_table.c.identifier == func.any(cast(identifiers, ARRAY(Text())))
        )
        .group_by(edge_table.c.identifier)
        .having(func.count(distinct(edge_table.c.visitor_id)) > MAX_VISITORS)
    )
    columns = ["tenant_id", "identifier", "reason", "created_at"]
    denied = insert(IdentityDenylist).from_select(columns, crowded).on_conflict_do_nothing()
    return list(await session.scalars(denied.returning(IdentityDenylist.identifier)))


async def deny(session: AsyncSession, runtime: Runtime, tenant_id: str, identifier: str, reason: str) -> bool:
    """Let an identifier link nobody from now on; its edges stay and are hidden on read. False where it was denied."""
    values = {"tenant_id": tenant_id, "identifier": identifier, "reason": reason, "created_at": func.now()}
    statement = insert(IdentityDenylist).values(values).on_conflict_do_nothing().returning(IdentityDenylist.identifier)
    if (await session.execute(statement)).scalar_one_or_none() is None:
        return False
    await _tell(session, runtime, tenant_id, await _strongly_linked(session, tenant_id, [identifier]))
    return True


async def allow(session: AsyncSession, runtime: Runtime, tenant_id: str, identifier: str) -> bool:
    """Take an identifier off the denylist, which shows its edges again; False where it was not on it."""
    statement = (
        delete(IdentityDenylist)
        .where(IdentityDenylist.tenant_id == tenant_id, IdentityDenylist.identifier == identifier)
        .returning(IdentityDenylist.identifier)
    )
    if (await session.execute(statement)).scalar_one_or_none() is None:
        return False
    await _tell(session, runtime, tenant_id, await _strongly_linked(session, tenant_id, [identifier]))
    return True


def visitor_edges(tenant_id: str, *, strength: int = STRONG) -> Subquery:
    """The edges that count for one tenant, as a read-only selectable: none of a denied identifier, none too weak."""
    denied = exists().where(
        denylist_table.c.tenant_id == tenant_id, denylist_table.c.identifier == edge_table.c.identifier
    )
    return (
        select(
            edge_table.c.visitor_id,
            edge_table.c.identifier,
            edge_table.c.kind,
            edge_table.c.strength,
            edge_table.c.source,
            edge_table.c.first_seen_at,
            edge_table.c.last_seen_at,
        )
        .where(edge_table.c.tenant_id == tenant_id, edge_table.c.strength >= strength, ~denied)
        .subquery("visitor_edges")
    )


def visitors_of(tenant_id: str, identifiers: Sequence[str], *, strength: int = STRONG) -> Select[tuple[str]]:
    """The visitors that one hop links to any of the identifiers."""
    edges = visitor_edges(tenant_id, strength=strength)
    wanted = func.any(cast(list(identifiers), ARRAY(Text())))
    return select(edges.c.visitor_id).where(edges.c.identifier == wanted).distinct()


def people_of_visitors(tenant_id: str) -> Subquery:
    """(visitor_id, person_id) by strong edges; a shared browser belongs to the person seen on it last."""
    edges = visitor_edges(tenant_id)
    person = func.substr(edges.c.identifier, len("person:") + 1)
    return (
        select(edges.c.visitor_id, person.label("person_id"))
        .where(edges.c.identifier.startswith("person:", autoescape=True))
        .ext(distinct_on(edges.c.visitor_id))
        .order_by(edges.c.visitor_id, edges.c.last_seen_at.desc(), edges.c.identifier)
        .subquery("people_of_visitors")
    )


async def resolve_person(session: AsyncSession, tenant_id: str, visitor_id: str) -> str | None:
    """The host's person id behind a visitor, by strong edges; None where nothing strong says so."""
    people = people_of_visitors(tenant_id)
    return (
        await session.execute(select(people.c.person_id).where(people.c.visitor_id == visitor_id))
    ).scalar_one_or_none()


async def see_visitors(session: AsyncSession, tenant_id: str, seen: FromClause) -> int:
    """Widen visitors' first and last sight by a selectable with columns visitor_id, first_seen_at, last_seen_at."""
    c = seen.c
    rows: Select[*tuple[Any, ...]] = select(literal(tenant_id), c.visitor_id, c.first_seen_at, c.last_seen_at).order_by(
        c.visitor_id
    )
    statement = insert(Visitor).from_select(["tenant_id", "id", "first_seen_at", "last_seen_at"], rows)
    excluded = statement.excluded
    upsert = statement.on_conflict_do_update(
        index_elements=["tenant_id", "id"],
        set_={
            "first_seen_at": func.least(Visitor.first_seen_at, excluded.first_seen_at),
            "last_seen_at": func.greatest(Visitor.last_seen_at, excluded.last_seen_at),
        },
    ).returning(Visitor.id)
    return len((await session.execute(upsert)).scalars().all())
