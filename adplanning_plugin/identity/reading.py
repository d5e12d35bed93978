"""Reading: who is one with whom, as read-only selectables for whoever resolves on read. It writes nothing."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Select, Subquery, exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.identity.grouping import PERSON
from adplanning_plugin.identity.models import IdentityComponent, Visitor
from adplanning_plugin.identity.repository import STRONG, WEAK, denylist_table, edge_table
from adplanning_plugin.kernel.database import any_of

visitor_table = Visitor.__table__
component_table = IdentityComponent.__table__


def visitor_edges(tenant_id: str, *, strength: int = STRONG) -> Subquery:
    """The edges that count for one tenant: none revoked, none of a denied identifier, none too weak."""
    denied = exists().where(
        denylist_table.c.tenant_id == tenant_id,
        denylist_table.c.identifier == edge_table.c.identifier,
        denylist_table.c.allowed_at.is_(None),
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
        .where(
            edge_table.c.tenant_id == tenant_id,
            edge_table.c.strength >= strength,
            edge_table.c.revoked_at.is_(None),
            ~denied,
        )
        .subquery("visitor_edges")
    )


def components(tenant_id: str) -> Subquery:
    """(node, is_visitor, component_id): who is one with whom by live strong edges.

    A node is a visitor's id or an identifier (`person:7`, `email:<keyed hash>`). A component's id is the identifier of
    its person, of which it has one at most, or else its least address. What is linked to nothing has no row.
    """
    c = component_table.c
    return select(c.node, c.is_visitor, c.component_id).where(c.tenant_id == tenant_id).subquery("components")


def people_of_visitors(tenant_id: str) -> Subquery:
    """(visitor_id, person_id) of the visitors that strong edges make one with a person; a shared browser belongs to
    the person seen on it last."""
    c = component_table.c
    return (
        select(c.node.label("visitor_id"), _person_id(c.component_id).label("person_id"))
        .where(c.tenant_id == tenant_id, c.is_visitor, c.component_id.startswith(PERSON, autoescape=True))
        .subquery("people_of_visitors")
    )


def visitors_of(tenant_id: str, identifiers: Sequence[str], *, strength: int = STRONG) -> Select[str]:
    """The visitors that are one with any of the identifiers; with `WEAK`, those too that only claim to be."""
    mine, theirs = components(tenant_id).alias("mine"), components(tenant_id).alias("theirs")
    one = (
        select(theirs.c.node.label("visitor_id"))
        .join(mine, mine.c.component_id == theirs.c.component_id)
        .where(~mine.c.is_visitor, mine.c.node == any_of(identifiers), theirs.c.is_visitor)
    )
    if strength >= STRONG:
        return one.distinct()
    edges = visitor_edges(tenant_id, strength=strength)
    claims = select(edges.c.visitor_id).where(edges.c.identifier == any_of(identifiers), edges.c.strength == WEAK)
    either = one.union(claims).subquery("either")
    return select(either.c.visitor_id)


def claimed_visitors(tenant_id: str, person_ids: Sequence[str] | None = None) -> Subquery:
    """(visitor_id, person_id) of the visitors that left a person's address in a form, and are known to be nobody's.

    They are shown with that person as claimed and count for nothing. Give the people wherever they are known: then it
    is a look-up.
    """
    edges = visitor_edges(tenant_id, strength=WEAK)
    c = component_table.c
    known = exists().where(
        c.tenant_id == tenant_id,
        c.node == edges.c.visitor_id,
        c.is_visitor,
        c.component_id.startswith(PERSON, autoescape=True),
    )
    wanted = (
        edges.c.identifier.startswith(PERSON, autoescape=True)
        if person_ids is None
        else edges.c.identifier == any_of([PERSON + each for each in person_ids])
    )
    return (
        select(edges.c.visitor_id, _person_id(edges.c.identifier).label("person_id"))
        .where(edges.c.strength == WEAK, wanted, ~known)
        .distinct()
        .subquery("claimed_visitors")
    )


async def resolve_person(session: AsyncSession, tenant_id: str, visitor_id: str) -> str | None:
    """The host's person id behind a visitor, by strong edges; None where nothing strong says so."""
    people = people_of_visitors(tenant_id)
    return (
        await session.execute(select(people.c.person_id).where(people.c.visitor_id == visitor_id))
    ).scalar_one_or_none()


def _person_id(identifier: ColumnElement[str]) -> ColumnElement[str]:
    return func.substr(identifier, len(PERSON) + 1)
