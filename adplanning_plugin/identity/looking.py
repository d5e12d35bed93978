"""Looking: a person's or a visitor's edges as operators see them, and why each visitor counts as whose. Reads only."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Row, Select, and_, exists, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.identity.grouping import PERSON
from adplanning_plugin.identity.identifiers import person_identifier
from adplanning_plugin.identity.models import IdentityComponent
from adplanning_plugin.identity.reading import claimed_visitors, visitor_edges, visitor_table
from adplanning_plugin.identity.repository import STRONG, denylist_table, edge_table
from adplanning_plugin.identity.revoking import edge_id
from adplanning_plugin.kernel.days import rfc3339

MOST_EDGES = 1_000
_SHOWN = 8


class IdentifierOut(msgspec.Struct, frozen=True, kw_only=True):
    """An identifier as it may be shown: an address as the beginning of its hash, a person with adplanning:pii alone."""

    kind: str
    shown: str | None


class EdgeOut(msgspec.Struct, frozen=True, kw_only=True):
    """One visitor seen with one identifier."""

    id: str
    visitor_id: str
    identifier: IdentifierOut
    kind: str
    strength: str
    source: str
    first_seen_at: str
    last_seen_at: str
    revoked_at: str | None
    revoked_by: str | None
    revoked_reason: str | None
    denied: bool
    """Its identifier is on the denylist: it links nobody, whatever it is."""
    links: bool
    """Whether it is one of those that make the visitor whose it is."""
    version: int


class VisitorOut(msgspec.Struct, frozen=True, kw_only=True):
    """A visitor of a person, or one that claims to be."""

    id: str
    claimed: bool
    first_seen_at: str | None
    last_seen_at: str | None
    path: list[str]
    """Ids of the edges that lead from the person to the visitor, the person's first."""


def shown(identifier: str, *, pii: bool) -> IdentifierOut:
    """An identifier without what identifies anybody."""
    kind, _, value = identifier.partition(":")
    if kind == "person":
        return IdentifierOut(kind=kind, shown=value if pii else None)
    return IdentifierOut(kind=kind, shown=f"{value[:_SHOWN]}…" if len(value) > _SHOWN else value)


async def person_identity(session: AsyncSession, tenant_id: str, person_id: str, *, pii: bool) -> dict[str, Any]:
    """A person's visitors and all edges of theirs, also what is revoked, claimed or denied."""
    person, c = person_identifier(person_id), IdentityComponent
    members = (
        await session.execute(
            select(c.node, c.is_visitor).where(c.tenant_id == tenant_id, c.component_id == person).order_by(c.node)
        )
    ).all()
    claimed = claimed_visitors(tenant_id, [person_id])
    claims = set(await session.scalars(select(claimed.c.visitor_id).order_by(claimed.c.visitor_id).limit(MOST_EDGES)))
    mine = {row.node for row in members if row.is_visitor}
    e, hers = edge_table.c, edge_table.alias("hers")
    # What was taken back is shown with the person that it led to, so that it can be restored there.
    seen_with = select(hers.c.visitor_id).where(hers.c.tenant_id == tenant_id, hers.c.identifier == person)
    names = [row.node for row in members if not row.is_visitor]
    taken = and_(e.revoked_at.is_not(None), or_(e.visitor_id.in_(seen_with), e.identifier.in_(names)))
    related = or_(e.visitor_id.in_(sorted(mine | claims)), e.identifier == person, taken)
    rows = await _edges(session, tenant_id, related, person)
    paths = _paths(person, [row for row in rows if row.links])
    seen = await _seen(session, tenant_id, sorted(mine | claims))
    visitors = [
        VisitorOut(
            id=each,
            claimed=each not in mine,
            first_seen_at=seen.get(each, (None, None))[0],
            last_seen_at=seen.get(each, (None, None))[1],
            path=paths.get(each, []),
        )
        for each in sorted(mine | claims, key=lambda each: (each in claims, each))
    ]
    return {
        "person_id": person_id,
        "component_id": f"{PERSON}{person_id}" if members else None,
        "visitors": visitors,
        "identifiers": [shown(row.node, pii=pii) for row in members if not row.is_visitor],
        "edges": [_out(row, pii=pii) for row in rows],
    }


async def visitor_identity(session: AsyncSession, tenant_id: str, visitor_id: str, *, pii: bool) -> dict[str, Any]:
    """A visitor's edges, and who it is one with."""
    c = IdentityComponent
    component = (
        await session.execute(
            select(c.component_id).where(c.tenant_id == tenant_id, c.node == visitor_id, c.is_visitor)
        )
    ).scalar_one_or_none()
    others: Sequence[Any] = ()
    if component is not None:
        members = select(c.node, c.is_visitor).where(c.tenant_id == tenant_id, c.component_id == component)
        others = (await session.execute(members.order_by(c.node))).all()
    rows = await _edges(session, tenant_id, edge_table.c.visitor_id == visitor_id, component)
    return {
        "visitor_id": visitor_id,
        "component": shown(component, pii=pii) if component else None,
        "visitors": [row.node for row in others if row.is_visitor],
        "identifiers": [shown(row.node, pii=pii) for row in others if not row.is_visitor],
        "edges": [_out(row, pii=pii) for row in rows],
    }


async def _edges(
    session: AsyncSession, tenant_id: str, which: ColumnElement[bool], component: str | None
) -> Sequence[Row[Any]]:
    e, c = edge_table.c, IdentityComponent
    denied = exists().where(
        denylist_table.c.tenant_id == tenant_id,
        denylist_table.c.identifier == e.identifier,
        denylist_table.c.allowed_at.is_(None),
    )

    def member(node: ColumnElement[str], is_visitor: ColumnElement[bool]) -> ColumnElement[bool]:
        return exists().where(c.tenant_id == tenant_id, c.component_id == (component or ""), c.node == node, is_visitor)

    links = and_(
        e.strength == STRONG,
        e.revoked_at.is_(None),
        ~denied,
        member(e.visitor_id, c.is_visitor.expression),
        member(e.identifier, ~c.is_visitor),
    )
    statement: Select[Any] = (
        select(edge_table, edge_id().label("id"), denied.label("denied"), links.label("links"))
        .where(e.tenant_id == tenant_id, which)
        .order_by(e.last_seen_at.desc(), e.visitor_id, e.identifier, e.kind)
        .limit(MOST_EDGES)
    )
    return (await session.execute(statement)).all()


async def _seen(
    session: AsyncSession, tenant_id: str, visitors: Sequence[str]
) -> dict[str, tuple[str | None, str | None]]:
    """When visitors were first and last seen: on the store's pages, and where that is not known by their edges."""
    v, edges = visitor_table.c, visitor_edges(tenant_id, strength=1)
    browsed = select(v.id, v.first_seen_at, v.last_seen_at).where(v.tenant_id == tenant_id, v.id.in_(visitors))
    linked = (
        select(edges.c.visitor_id, func.min(edges.c.first_seen_at), func.max(edges.c.last_seen_at))
        .where(edges.c.visitor_id.in_(visitors))
        .group_by(edges.c.visitor_id)
    )
    found: dict[str, tuple[str | None, str | None]] = {}
    for statement in (linked, browsed):
        found |= {row[0]: (rfc3339(row[1]), rfc3339(row[2])) for row in await session.execute(statement)}
    return found


def _paths(person: str, edges: Iterable[Row[Any]]) -> dict[str, list[str]]:
    """The shortest way of edges from the person to each visitor; among equals that of the latest edges."""
    near: defaultdict[tuple[str, bool], list[tuple[tuple[str, bool], str]]] = defaultdict(list)
    for edge in edges:
        visitor, identifier = (edge.visitor_id, True), (edge.identifier, False)
        near[visitor].append((identifier, edge.id))
        near[identifier].append((visitor, edge.id))
    ways: dict[tuple[str, bool], list[str]] = {(person, False): []}
    waiting = deque(ways)
    while waiting:
        node = waiting.popleft()
        for neighbour, id_ in near[node]:
            if neighbour not in ways:
                ways[neighbour] = [*ways[node], id_]
                waiting.append(neighbour)
    return {name: way for (name, is_visitor), way in ways.items() if is_visitor}


def _out(row: Row[Any], *, pii: bool) -> EdgeOut:
    return EdgeOut(
        id=row.id,
        visitor_id=row.visitor_id,
        identifier=shown(row.identifier, pii=pii),
        kind=row.kind,
        strength="strong" if row.strength == STRONG else "weak",
        source=row.source,
        first_seen_at=rfc3339(row.first_seen_at),
        last_seen_at=rfc3339(row.last_seen_at),
        revoked_at=rfc3339(row.revoked_at) if row.revoked_at else None,
        revoked_by=row.revoked_by,
        revoked_reason=row.revoked_reason,
        denied=row.denied,
        links=row.links,
        version=row.version,
    )


def denied_id() -> ColumnElement[str]:
    """An id of an entry of the denylist that says nothing of whose it is."""
    return literal("idn_").op("||")(func.substr(func.md5(denylist_table.c.identifier), 1, 20))
