"""Subjects: whose an event is (`person:<id>`, `email:<hash>` of a guest, else `visitor:<id>`), decided on read.

An event that names the store's own person is that person's; else its visitor decides, by the strong edges that identity
holds; else the address of a guest's order. Nothing is rewritten when edges come or go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import msgspec
from sqlalchemy import ColumnElement, FromClause, Select, Subquery, Table, Text, func, literal, or_, select, union_all
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.identity import edge_table, people_of_visitors, visitor_edges
from adplanning_plugin.kernel.database import any_of

_edge = cast("Table", edge_table).c
PERSON, VISITOR, EMAIL = "person:", "visitor:", "email:"


class Members(msgspec.Struct, frozen=True, kw_only=True):
    """Everything by which the events of some subjects can be found."""

    subjects: list[str]
    people: list[str]
    visitors: list[str]
    identifiers: list[str]


def components(tenant_id: str) -> Subquery:
    """(node, is_visitor, component_id): which subject a visitor or a guest's address belongs to."""
    people = people_of_visitors(tenant_id)
    edges = visitor_edges(tenant_id)
    guests = (
        select(edges.c.visitor_id, func.min(edges.c.identifier))
        .where(edges.c.identifier.startswith(EMAIL), edges.c.visitor_id.not_in(select(people.c.visitor_id)))
        .group_by(edges.c.visitor_id)
    )
    known = select(people.c.visitor_id.label("node"), literal(PERSON).concat(people.c.person_id).label("component_id"))
    return union_all(known, guests).subquery("component")


def subject_of(rows: FromClause, tenant_id: str) -> tuple[ColumnElement[str], FromClause]:
    """The subject of rows with visitor_id, person_id and identifier, and the rows joined with what that needs."""
    mine = components(tenant_id).alias("of_visitor")
    subject = func.coalesce(
        literal(PERSON, Text).concat(rows.c.person_id),
        mine.c.component_id,
        literal(VISITOR, Text).concat(rows.c.visitor_id),
        rows.c.identifier,
        type_=Text(),
    )
    return subject, rows.outerjoin(mine, mine.c.node == rows.c.visitor_id)


async def members_of(session: AsyncSession, tenant_id: str, subjects: Sequence[str]) -> Members:
    """The people, visitors and addresses of these subjects."""
    named = list(dict.fromkeys(subjects))
    part = components(tenant_id)
    found = await session.scalars(select(part.c.node).where(part.c.component_id == any_of(named)))
    visitors = {*found, *(each.removeprefix(VISITOR) for each in named if each.startswith(VISITOR))}
    return Members(
        subjects=named,
        people=[each.removeprefix(PERSON) for each in named if each.startswith(PERSON)],
        visitors=sorted(visitors),
        identifiers=[each for each in named if each.startswith(EMAIL)],
    )


async def subjects_of_visitors(session: AsyncSession, tenant_id: str, visitor_ids: Sequence[str]) -> list[str]:
    """Every subject that events of these visitors may be counted for, or may have been before an edge came or went."""
    if not visitor_ids:
        return []
    part = components(tenant_id)
    edges: Select[tuple[str]] = select(_edge.identifier).where(
        _edge.tenant_id == tenant_id, _edge.visitor_id == any_of(visitor_ids)
    )
    now = select(part.c.component_id).where(part.c.node == any_of(visitor_ids))
    found = [*await session.scalars(edges.distinct()), *await session.scalars(now)]
    return sorted({*(str(each) for each in found), *(VISITOR + each for each in visitor_ids)})


async def subjects_of_rows(session: AsyncSession, tenant_id: str, rows: FromClause) -> set[str]:
    """The subjects of rows with visitor_id, person_id and identifier; none for those that name nobody."""
    subject, joined = subject_of(rows, tenant_id)
    named = or_(rows.c.visitor_id.is_not(None), rows.c.person_id.is_not(None), rows.c.identifier.is_not(None))
    return set(await session.scalars(select(subject).select_from(joined).where(named).distinct()))
