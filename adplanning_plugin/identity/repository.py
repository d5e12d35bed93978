"""Edges between visitors and identifiers: written set-wise and capped. What they make one is kept by `upkeep`."""

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
    Text,
    and_,
    case,
    cast,
    column,
    distinct,
    exists,
    func,
    literal,
    literal_column,
    null,
    or_,
    select,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.identity.erased import erased_as
from adplanning_plugin.identity.models import IdentityDenylist, IdentityEdge, Visitor
from adplanning_plugin.identity.settings import IdentitySettings, settings_of
from adplanning_plugin.identity.upkeep import keep_in_step
from adplanning_plugin.kernel.database import any_of
from adplanning_plugin.kernel.runtime import Runtime

STRONG, WEAK = 2, 1
Kind = Literal["order", "login", "signed_link", "confirmed", "form"]

edge_table = IdentityEdge.__table__
denylist_table = IdentityDenylist.__table__


class Edge(NamedTuple):
    """A visitor seen with an identifier."""

    visitor_id: str
    identifier: str
    kind: Kind
    source: str
    """What showed it: `order:<id>`, `login`, `link`, `operator`, `form:<id>`, `lead:<id>`."""
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

    Identifiers on the denylist get none, nor does what was before an erasure; one that exceeds its cap of visitors is
    put on the list, which hides its edges on read. A fact from before its edge was revoked is what was revoked, and
    changes nothing; a later one is new evidence, with which the edge is live again from that fact on.
    """
    settings = await settings_of(session, tenant_id)
    told = select(seen).where(erased_as(runtime, tenant_id, seen.c.seen_at, seen.c.identifier).is_(None))
    touched = (await session.execute(_upsert(tenant_id, told.subquery("told"), settings))).all()
    if touched:
        crowded = await _cap(session, tenant_id, settings, sorted({row.identifier for row in touched}))
        strong = [row for row in touched if row.strength == STRONG and row.identifier not in crowded]
        await keep_in_step(
            session,
            runtime,
            tenant_id,
            settings,
            visitors=(row.visitor_id for row in strong),
            identifiers={*crowded, *(row.identifier for row in strong)},
            told=[row.visitor_id for row in strong if row.is_new],
        )
    return len(touched)


def _upsert(tenant_id: str, seen: FromClause, settings: IdentitySettings) -> Any:
    c, e = seen.c, edge_table.c
    denied = exists().where(
        denylist_table.c.tenant_id == tenant_id,
        denylist_table.c.identifier == c.identifier,
        denylist_table.c.allowed_at.is_(None),
    )
    revoked = exists().where(
        e.tenant_id == tenant_id,
        e.visitor_id == c.visitor_id,
        e.identifier == c.identifier,
        e.kind == c.kind,
        e.revoked_at >= c.seen_at,
    )
    form = STRONG if settings.form_email_links == "confirmed" else WEAK
    grouped = (
        select(
            literal(tenant_id).label("tenant_id"),
            c.visitor_id,
            c.identifier,
            c.kind,
            case((c.kind == "form", form), else_=STRONG).label("strength"),
            func.min(c.source).label("source"),
            func.min(c.seen_at).label("first_seen_at"),
            func.max(c.seen_at).label("last_seen_at"),
        )
        .where(c.visitor_id.is_not(None), c.identifier.is_not(None), ~denied, ~revoked)
        .group_by(c.visitor_id, c.identifier, c.kind)
        .order_by(c.visitor_id, c.identifier, c.kind)
    )
    statement = insert(IdentityEdge).from_select([col.name for col in grouped.selected_columns], grouped)
    excluded, was_revoked = statement.excluded, IdentityEdge.revoked_at.is_not(None)
    return statement.on_conflict_do_update(
        index_elements=["tenant_id", "visitor_id", "identifier", "kind"],
        set_={
            "first_seen_at": case(
                (was_revoked, excluded.first_seen_at),
                else_=func.least(IdentityEdge.first_seen_at, excluded.first_seen_at),
            ),
            "last_seen_at": func.greatest(IdentityEdge.last_seen_at, excluded.last_seen_at),
            "source": case((was_revoked, excluded.source), else_=IdentityEdge.source),
            "strength": case((was_revoked, excluded.strength), else_=IdentityEdge.strength),
            "version": IdentityEdge.version + case((was_revoked, 1), else_=0),
            "revoked_at": null(),
            "revoked_by": null(),
            "revoked_reason": null(),
        },
        where=or_(
            and_(
                IdentityEdge.revoked_at.is_(None),
                or_(
                    IdentityEdge.first_seen_at > excluded.first_seen_at,
                    IdentityEdge.last_seen_at < excluded.last_seen_at,
                ),
            ),
            IdentityEdge.revoked_at < excluded.last_seen_at,
        ),
    ).returning(
        IdentityEdge.visitor_id,
        IdentityEdge.identifier,
        IdentityEdge.strength,
        # A row that this statement inserted was locked by nobody yet.
        (literal_column("xmax") == literal_column("0")).label("is_new"),
    )


async def _cap(
    session: AsyncSession, tenant_id: str, settings: IdentitySettings, identifiers: Sequence[str]
) -> frozenset[str]:
    """Put identifiers with too many visitors on the denylist; returns those that were not on it.

    One that an operator took off the list stays off: the cap of what may be one at all still holds.
    """
    most = case(
        (edge_table.c.identifier.startswith("person:", autoescape=True), settings.most_visitors_of_person),
        else_=settings.most_visitors_of_email,
    )
    reason = literal("seen with more than ").op("||")(cast(most, Text())).op("||")(literal(" visitors"))
    crowded = (
        select(literal(tenant_id), edge_table.c.identifier, reason, func.now())
        .where(
            edge_table.c.tenant_id == tenant_id,
            edge_table.c.identifier == any_of(identifiers),
            edge_table.c.revoked_at.is_(None),
        )
        .group_by(edge_table.c.identifier)
        .having(func.count(distinct(edge_table.c.visitor_id)) > most)
    )
    columns = ["tenant_id", "identifier", "reason", "created_at"]
    listed = insert(IdentityDenylist).from_select(columns, crowded).on_conflict_do_nothing()
    return frozenset(await session.scalars(listed.returning(IdentityDenylist.identifier)))


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
