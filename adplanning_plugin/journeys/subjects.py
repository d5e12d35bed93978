"""Subjects: whose an event is (`person:<id>`, `email:<hash>` of a guest, else `visitor:<id>`), decided on read.

An event that names the store's own person is that person's; else its visitor decides, by the strong edges that identity
holds; else the address of a guest's order. Nothing is rewritten when edges come or go.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import msgspec
from sqlalchemy import ColumnElement, FromClause, Table, Text, and_, case, func, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.identity import components, edge_table
from adplanning_plugin.kernel.database import any_of

_edge = cast("Table", edge_table).c
PERSON, VISITOR, EMAIL = "person:", "visitor:", "email:"


class Members(msgspec.Struct, frozen=True, kw_only=True):
    """Everything by which the events of some subjects can be found."""

    subjects: list[str]
    people: list[str]
    visitors: list[str]
    identifiers: list[str]


def subject_of(rows: FromClause, tenant_id: str) -> tuple[ColumnElement[str], FromClause]:
    """The subject of rows with visitor_id, person_id and identifier, and the rows joined with what that needs."""
    part = components(tenant_id).alias("part")
    by_visitor = rows.c.visitor_id.is_not(None)
    node = func.coalesce(rows.c.visitor_id, rows.c.identifier)
    subject = func.coalesce(
        literal(PERSON, Text).concat(rows.c.person_id),
        part.c.component_id,
        case((by_visitor, literal(VISITOR, Text).concat(rows.c.visitor_id)), else_=rows.c.identifier),
        type_=Text(),
    )
    return subject, rows.outerjoin(part, and_(part.c.node == node, part.c.is_visitor == by_visitor))


async def members_of(session: AsyncSession, tenant_id: str, subjects: Sequence[str]) -> Members:
    """The people, visitors and addresses of these subjects."""
    named = list(dict.fromkeys(subjects))
    part = components(tenant_id)
    found = (
        await session.execute(select(part.c.node, part.c.is_visitor).where(part.c.component_id == any_of(named)))
    ).all()
    visitors = {each.removeprefix(VISITOR) for each in named if each.startswith(VISITOR)}
    identifiers = {each for each in named if each.startswith(EMAIL)}
    return Members(
        subjects=named,
        people=[each.removeprefix(PERSON) for each in named if each.startswith(PERSON)],
        visitors=sorted({*visitors, *(row.node for row in found if row.is_visitor)}),
        identifiers=sorted({*identifiers, *(row.node for row in found if row.node.startswith(EMAIL))}),
    )


async def subjects_of_visitors(session: AsyncSession, tenant_id: str, visitor_ids: Sequence[str]) -> list[str]:
    """Every subject that events of these visitors may be counted for, or may have been before an edge came or went.

    These are the visitors themselves, every identifier that they were ever seen with, and what each of those is a part
    of now.
    """
    if not visitor_ids:
        return []
    part = components(tenant_id)
    ever = (
        await session.scalars(
            select(_edge.identifier)
            .where(_edge.tenant_id == tenant_id, _edge.visitor_id == any_of(visitor_ids))
            .distinct()
        )
    ).all()
    identifiers = [str(each) for each in ever]
    mine = or_(
        and_(part.c.is_visitor, part.c.node == any_of(visitor_ids)),
        and_(~part.c.is_visitor, part.c.node == any_of(identifiers)),
    )
    now = (await session.scalars(select(part.c.component_id).where(mine).distinct())).all()
    return sorted({*identifiers, *(str(each) for each in now), *(VISITOR + each for each in visitor_ids)})


async def subjects_of_rows(session: AsyncSession, tenant_id: str, rows: FromClause) -> set[str]:
    """The subjects of rows with visitor_id, person_id and identifier; none for those that name nobody."""
    subject, joined = subject_of(rows, tenant_id)
    named = or_(rows.c.visitor_id.is_not(None), rows.c.person_id.is_not(None), rows.c.identifier.is_not(None))
    return set(await session.scalars(select(subject).select_from(joined).where(named).distinct()))
