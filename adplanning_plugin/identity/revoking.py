"""Revoking: an operator takes an edge back, restores it, or confirms a claim. What follows is told, not done here."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, and_, exists, func, literal, null, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.identity.grouping import PERSON
from adplanning_plugin.identity.identifiers import person_identifier
from adplanning_plugin.identity.models import IdentityComponent, IdentityEdge
from adplanning_plugin.identity.reading import claimed_visitors
from adplanning_plugin.identity.repository import STRONG, Edge, edge_table, link
from adplanning_plugin.identity.settings import settings_of
from adplanning_plugin.identity.upkeep import hold, refresh
from adplanning_plugin.kernel.days import now
from adplanning_plugin.kernel.errors import Conflict, NotFound
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.settings import stale

_SEPARATOR = literal("\n")


def edge_id() -> ColumnElement[str]:
    """An id of an edge that says nothing of whose it is: `edg_` and a hash of its key."""
    c = edge_table.c
    key = c.visitor_id.op("||")(_SEPARATOR).op("||")(c.identifier).op("||")(_SEPARATOR).op("||")(c.kind)
    return literal("edg_").op("||")(func.substr(func.md5(key), 1, 20))


async def revoke_edge(
    session: AsyncSession,
    runtime: Runtime,
    tenant_id: str,
    visitor_id: str,
    id: str,  # noqa: A002
    *,
    version: int,
    by: str,
    reason: str,
) -> None:
    """Let an edge link nobody, with who and why. What it showed stays what is revoked, however often it is seen again.

    Raises:
        NotFound: the visitor has no such edge.
        Conflict: it is revoked already, or changed since `version`.
    """
    await hold(session, tenant_id)
    edge = await _edge(session, tenant_id, visitor_id, id, version)
    if edge.revoked_at is not None:
        raise Conflict("This edge is revoked already.", code="already_revoked")
    await _revoke(session, runtime, tenant_id, [(visitor_id, edge.identifier, edge.kind)], by, reason)


async def restore_edge(
    session: AsyncSession,
    runtime: Runtime,
    tenant_id: str,
    visitor_id: str,
    id: str,  # noqa: A002
    *,
    version: int,
) -> None:
    """Let a revoked edge link again, as it did before.

    Raises:
        NotFound: the visitor has no such edge.
        Conflict: it is not revoked, or changed since `version`.
    """
    await hold(session, tenant_id)
    edge = await _edge(session, tenant_id, visitor_id, id, version)
    if edge.revoked_at is None:
        raise Conflict("This edge is not revoked.", code="not_revoked")
    await _link_again(session, tenant_id, [(visitor_id, edge.identifier, edge.kind)])
    await _follow(session, runtime, tenant_id, visitor_id, [edge.identifier])


async def part_from_person(
    session: AsyncSession, runtime: Runtime, tenant_id: str, visitor_id: str, person_id: str, *, by: str, reason: str
) -> int:
    """This visitor is not this person: revoke every edge of the visitor that leads to the person, claims included.

    Returns:
        How many edges are revoked.
    Raises:
        NotFound: nothing links the two.
    """
    await hold(session, tenant_id)
    person, e, c = person_identifier(person_id), IdentityEdge, IdentityComponent
    theirs = select(c.node).where(c.tenant_id == tenant_id, c.component_id == person, ~c.is_visitor)
    mine = select(c.component_id).where(c.tenant_id == tenant_id, c.node == visitor_id, c.is_visitor)
    leads = or_(
        e.identifier == person,
        and_(e.identifier.in_(theirs), e.strength == STRONG, literal(person).in_(mine)),
    )
    found = select(e.visitor_id, e.identifier, e.kind).where(
        e.tenant_id == tenant_id, e.visitor_id == visitor_id, e.revoked_at.is_(None), leads
    )
    keys = [(row[0], row[1], row[2]) for row in await session.execute(found)]
    if not keys:
        raise NotFound("Nothing links this visitor to this person.")
    await _revoke(session, runtime, tenant_id, keys, by, reason)
    return len(keys)


async def restore_to_person(
    session: AsyncSession, runtime: Runtime, tenant_id: str, visitor_id: str, person_id: str
) -> int:
    """This visitor is this person after all: restore whatever was revoked between the two.

    That is every revoked edge of the visitor, but those that lead to somebody else.

    Returns:
        How many edges link again.
    Raises:
        NotFound: nothing was revoked between the two.
    """
    await hold(session, tenant_id)
    person, e, c = person_identifier(person_id), edge_table.c, IdentityComponent
    elsewhere = exists().where(
        c.tenant_id == tenant_id, c.node == e.identifier, ~c.is_visitor, c.component_id.startswith(PERSON),
        c.component_id != person,
    )  # fmt: skip
    theirs = exists().where(c.tenant_id == tenant_id, c.node == e.identifier, ~c.is_visitor, c.component_id == person)
    another = and_(e.identifier != person, or_(e.identifier.startswith(PERSON), elsewhere))
    found = select(e.identifier, e.kind, e.revoked_at, or_(e.identifier == person, theirs).label("leads")).where(
        e.tenant_id == tenant_id, e.visitor_id == visitor_id, ~another
    )
    edges = (await session.execute(found)).all()
    revoked = [edge for edge in edges if edge.revoked_at is not None]
    if not revoked or not any(edge.leads for edge in edges):
        raise NotFound("Nothing was revoked between this visitor and this person.")
    for kind in sorted({edge.kind for edge in revoked}):
        keys = [(visitor_id, edge.identifier, kind) for edge in revoked if edge.kind == kind]
        await _link_again(session, tenant_id, keys)
    await _follow(session, runtime, tenant_id, visitor_id, [edge.identifier for edge in revoked])
    return len(revoked)


async def confirm_claim(
    session: AsyncSession, runtime: Runtime, tenant_id: str, visitor_id: str, person_id: str
) -> None:
    """A visitor that left this person's address in a form is theirs indeed: a strong edge of kind `confirmed` says so.

    Raises:
        NotFound: nothing is known of the visitor.
        Conflict: the visitor claims no such thing, or is somebody's by now.
    """
    e = edge_table.c
    seen = select(e.visitor_id).where(e.tenant_id == tenant_id, e.visitor_id == visitor_id).limit(1)
    if await session.scalar(seen) is None:
        raise NotFound(f"There is no visitor {visitor_id} with an edge.")
    await hold(session, tenant_id)
    claimed = claimed_visitors(tenant_id, [person_id])
    known = select(claimed.c.visitor_id).where(claimed.c.visitor_id == visitor_id)
    if (await session.execute(known)).first() is None:
        message = "This visitor claims to be this person no longer: read it again."
        raise Conflict(message, code="not_claimed")
    await link(
        session, runtime, tenant_id, [Edge(visitor_id, person_identifier(person_id), "confirmed", "operator", now())]
    )


_Key = tuple[str, str, str]


async def _edge(session: AsyncSession, tenant_id: str, visitor_id: str, id: str, version: int) -> Any:  # noqa: A002
    c = edge_table.c
    found = select(c.identifier, c.kind, c.revoked_at, c.version).where(
        c.tenant_id == tenant_id, c.visitor_id == visitor_id, edge_id() == id
    )
    edge = (await session.execute(found)).first()
    if edge is None:
        raise NotFound(f"This visitor has no edge {id}.")
    if edge.version != version:
        raise stale(version, edge.version)
    return edge


async def _revoke(
    session: AsyncSession, runtime: Runtime, tenant_id: str, keys: Sequence[_Key], by: str, reason: str
) -> None:
    values = {"revoked_at": func.clock_timestamp(), "revoked_by": by, "revoked_reason": reason}
    await _write(session, tenant_id, keys, values)
    await _follow(session, runtime, tenant_id, keys[0][0], [identifier for _, identifier, _ in keys])


async def _link_again(session: AsyncSession, tenant_id: str, keys: Sequence[_Key]) -> None:
    """Edges of one kind, as strong as their kind is."""
    strength = await _strength(session, tenant_id, keys[0][2])
    values = {"revoked_at": null(), "revoked_by": null(), "revoked_reason": null(), "strength": strength}
    await _write(session, tenant_id, keys, values)


async def _write(session: AsyncSession, tenant_id: str, keys: Sequence[_Key], values: dict[str, Any]) -> None:
    e = IdentityEdge
    these = or_(*(and_(e.visitor_id == key[0], e.identifier == key[1], e.kind == key[2]) for key in keys))
    statement = update(e).where(e.tenant_id == tenant_id, these).values(version=e.version + 1, **values)
    await session.execute(statement.execution_options(synchronize_session=False))


async def _follow(
    session: AsyncSession, runtime: Runtime, tenant_id: str, visitor_id: str, identifiers: Sequence[str]
) -> None:
    settings = await settings_of(session, tenant_id)
    await refresh(session, runtime, tenant_id, settings, [visitor_id], sorted(set(identifiers)))


async def _strength(session: AsyncSession, tenant_id: str, kind: str) -> int:
    settings = await settings_of(session, tenant_id)
    return 1 if kind == "form" and settings.form_email_links == "claimed" else STRONG
