"""Recording: what the set-wise recorders share: outcome, turns, new ids in SQL, sessions of the rows."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any
from zlib import crc32

import msgspec
from sqlalchemy import (
    ColumnElement,
    FromClause,
    Subquery,
    Text,
    cast,
    func,
    literal,
    null,
    select,
    tuple_,
    union_all,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB, Insert
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.ids import new_ulid
from adplanning_plugin.kernel.landing import parse_landing
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links
from adplanning_plugin.tracking.models import Conversion, Session
from adplanning_plugin.tracking.tokens import read_visit

CHUNK = 2_000
"""Rows of one statement: bounds memory, locks and the size of an announcement."""
_SPACE = 20_417
"""First half of the advisory locks' key, apart from whatever the host locks in the same database."""


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """What a recorder did."""

    created: tuple[str, ...] = ()
    """Ids of new conversions."""
    updated: tuple[str, ...] = ()
    """Ids of conversions that changed."""
    missing: tuple[str, ...] = ()
    """Host ids that no linked row has."""


def chunks(ids: Iterable[str]) -> Iterable[list[str]]:
    """Distinct ids in order, a statement's worth at a time."""
    unique = list(dict.fromkeys(ids))
    for start in range(0, len(unique), CHUNK):
        yield unique[start : start + CHUNK]


async def take_turns(session: AsyncSession, tenant_id: str, kind: str) -> None:
    """Let nobody else record this store's orders (or leads) until the transaction ends.

    Without it, a recorder that read an order before it was paid could write after one that read it paid, and two first
    orders of one person could each miss the other. One lock a store, since deliveries share transactions: locks by
    order would be taken in different orders, and deadlock.
    """
    key = crc32(f"adplanning.{kind}:{tenant_id}".encode())
    await session.execute(select(func.pg_advisory_xact_lock(_SPACE, key - (1 << 31))))


def new_conversion_id() -> ColumnElement[str]:
    """A fresh `conv_…` id for each row of an INSERT … SELECT: this moment's ULID time and 64 random bits."""
    random = func.upper(func.substr(func.md5(cast(func.gen_random_uuid(), Text())), 1, 16))
    return literal(f"conv_{new_ulid()[:10]}").concat(random)


def changed_only(statement: Insert, columns: Sequence[str]) -> ColumnElement[bool]:
    """Condition of ON CONFLICT DO UPDATE: any of the columns differs."""
    table = Conversion.__table__
    mine = tuple_(*(table.c[name] for name in columns))
    return mine.is_distinct_from(tuple_(*(statement.excluded[name] for name in columns)))


def due_again(statement: Insert, columns: Sequence[str]) -> dict[str, Any]:
    """The SET of ON CONFLICT DO UPDATE: the columns, a version, and credit due again."""
    table = Conversion.__table__
    return {name: statement.excluded[name] for name in columns} | {
        "version": table.c.version + 1,
        "updated_at": func.now(),
        "attribution_version": None,
    }


async def landing_tags(
    session: AsyncSession, runtime: Runtime, tenant_id: str, session_ids: Sequence[str]
) -> dict[str, dict[str, str]]:
    """Host session → the UTM tags of its landing URL, where it has any: no SQL reads a URL as a landing is read."""
    links = runtime.get(Links)
    if not session_ids or not links.provides("analytics_session", "landing_url"):
        return {}
    host = links.by_ids("analytics_session", tenant_id, session_ids)
    rows = await session.execute(select(host.c.id, host.c.landing_url).where(host.c.landing_url.is_not(None)))
    return {row.id: utm for row in rows if (utm := parse_landing(row.landing_url).utm)}


def visit_sessions(
    runtime: Runtime, tenant_id: str, session_ids: Sequence[str], tags: Mapping[str, Mapping[str, str]] | None = None
) -> Subquery:
    """Sessions by id with what a conversion keeps of them: visitor, website, utm, click ids.

    A host session and a tracker session with one id are one; the tracker's row is taken, since it has click ids. `tags`
    are those of `landing_tags`; what a host session says in utm columns goes before them.
    """
    wanted = (Session.tenant_id == tenant_id, Session.id.in_(session_ids))
    own = select(Session.id, Session.visitor_id, Session.website_id, Session.utm, Session.click_ids).where(*wanted)
    links = runtime.get(Links)
    if not session_ids or not links.has("analytics_session"):
        return own.subquery("visit_session")
    host = links.by_ids("analytics_session", tenant_id, session_ids)
    landed = cast(dict(tags or {}), JSONB)[host.c.id]
    host_rows = select(
        host.c.id,
        host.c.visitor_id,
        host.c.website_id,
        func.coalesce(landed.op("||")(host_utm(host)), landed, host_utm(host)).label("utm"),
        cast(null(), JSONB).label("click_ids"),
    ).where(host.c.id.not_in(select(Session.id).where(*wanted)))
    return union_all(own, host_rows).subquery("visit_session")


async def named_visits(
    session: AsyncSession, runtime: Runtime, tenant_id: str, entity: str, ids: Sequence[str]
) -> dict[str, tuple[str | None, str | None]]:
    """Id of a lead or form response → (visitor, session): by its signed token, else by the store's own session."""
    rows = runtime.get(Links).by_ids(entity, tenant_id, ids)
    carrying = select(rows.c.id, rows.c.visitor_token, rows.c.session_id, rows.c.created_at).where(
        rows.c.visitor_token.is_not(None) | rows.c.session_id.is_not(None)
    )
    seen: dict[str, tuple[str | None, str | None]] = {}
    for row in await session.execute(carrying):
        token = read_visit(runtime, tenant_id, row.visitor_token, at=row.created_at) if row.visitor_token else None
        if token is not None and token.visitor_id is not None and token.consent == "granted":
            seen[row.id] = (token.visitor_id, token.session_id)
        elif row.session_id:
            seen[row.id] = (None, row.session_id)
    return seen


def visits_as_rows(seen: Mapping[str, tuple[str | None, str | None]]) -> FromClause:
    """Those visits as rows (id, visitor_id, session_id): tokens are verified in Python, so they enter as arrays."""
    columns = (list(seen), [visitor for visitor, _ in seen.values()], [session_id for _, session_id in seen.values()])
    arrays = [cast(column, ARRAY(Text())) for column in columns]
    return func.unnest(*arrays).table_valued("id", "visitor_id", "session_id").render_derived("named_visit")


def host_utm(session: FromClause) -> ColumnElement[Any]:
    """The utm columns of a host session as the object that our own sessions keep; null where it has none."""
    names = ("source", "medium", "campaign", "term", "content", "id")
    parts = [part for name in names for part in (literal(name), func.nullif(func.trim(session.c[f"utm_{name}"]), ""))]
    return func.nullif(func.jsonb_strip_nulls(func.jsonb_build_object(*parts)), cast({}, JSONB))
