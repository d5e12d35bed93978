"""Recording: what the store and the plugin's ledger say becomes journey events, set-wise and once for each source.

Whoever is recorded has its progress computed anew, but only where an event is new, changed or gone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, cast

import msgspec
from sqlalchemy import (
    ColumnElement,
    Table,
    Text,
    and_,
    case,
    delete,
    func,
    select,
    tuple_,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import ARRAY, insert
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.journeys.activity import journey
from adplanning_plugin.journeys.progress import recompute, take_turn
from adplanning_plugin.journeys.sources import COLUMNS, FACTS, SOURCES, AnySelect
from adplanning_plugin.journeys.subjects import subjects_of_rows
from adplanning_plugin.kernel.database import any_of
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import (
    conversion_table,
)

CHUNK = 2_000
_ARRAY = ARRAY(Text())
_conversion = cast("Table", conversion_table)


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """What was done."""

    changed: int = 0
    """Events that are new, changed or gone."""
    missing: tuple[str, ...] = ()
    """Ids that no linked row has."""


async def record(
    session: AsyncSession,
    runtime: Runtime,
    tenant_id: str,
    source_kind: str,
    ids: Sequence[str],
    *,
    progress_follows: bool = True,
) -> Recorded:
    """Make the events of these sources what the sources are now; `source_kind` is a key of `SOURCES`.

    Without `progress_follows` whoever calls sees to it that progress is computed.
    """
    changed = 0
    missing: list[str] = []
    wanted = list(dict.fromkeys(ids))
    for start in range(0, len(wanted), CHUNK):
        some = wanted[start : start + CHUNK]
        await take_turn(session, tenant_id)
        rows, owned = await SOURCES[source_kind](session, runtime, tenant_id, some)
        count, concerned = await _make(session, tenant_id, rows, owned)
        changed += count
        if concerned and progress_follows:
            await recompute(session, runtime, tenant_id, await subjects_of(session, tenant_id, concerned))
        if source_kind != "conversion":
            known = runtime.get(Links).by_ids(source_kind, tenant_id, some)
            found = set(await session.scalars(select(known.c.id)))
            missing += [each for each in some if each not in found]
    return Recorded(changed=changed, missing=tuple(missing))


async def _make(
    session: AsyncSession, tenant_id: str, rows: AnySelect, owned: ColumnElement[bool]
) -> tuple[int, list[Any]]:
    """Insert what is new, update what differs, delete what the rows no longer say.

    Returns:
        How many events these were, and whose they are and were.
    """
    c = journey.c
    mine = select(c.id, c.source_kind, c.source_id, c.visitor_id, c.person_id, c.identifier).where(
        c.tenant_id == tenant_id, owned
    )
    before = {row.id: row for row in await session.execute(mine)}
    statement = insert(journey).from_select(list(COLUMNS), rows)
    new = statement.excluded
    # Which of several purchases a purchase is, its subject's progress decides.
    kept = and_(new.event_type == "purchase", c.event_type == "purchase")
    fresh = {name: new[name] for name in FACTS} | {"stage": case((kept, c.stage), else_=new.stage)}
    differs = tuple_(*(c[name] for name in fresh)).is_distinct_from(tuple_(*fresh.values()))
    statement = statement.on_conflict_do_update(
        index_elements=["tenant_id", "source_kind", "source_id"],
        set_={**fresh, "updated_at": func.now()},
        where=differs,
    ).returning(c.id, c.visitor_id, c.person_id, c.identifier)
    written = (await session.execute(statement)).all()
    still = rows.subquery("still")
    stale = (
        delete(journey)
        .where(c.tenant_id == tenant_id, owned)
        .where(
            ~select(still.c.source_id)
            .where(still.c.source_kind == c.source_kind, still.c.source_id == c.source_id)
            .exists()
        )
        .returning(c.id)
    )
    gone = list(await session.scalars(stale))
    touched = {row.id for row in written}
    touched.update(gone)
    concerned = [*written, *(row for key, row in before.items() if key in touched)]
    return len(written) + len(gone), concerned


async def subjects_of(session: AsyncSession, tenant_id: str, rows: Sequence[Any]) -> set[str]:
    """The subjects of rows that were read, each with visitor_id, person_id and identifier."""
    who = list({(row.visitor_id, row.person_id, row.identifier) for row in rows})
    columns = [sql_cast([each[place] for each in who], _ARRAY) for place in range(3)]
    values = func.unnest(*columns).table_valued("visitor_id", "person_id", "identifier").render_derived("who")
    return await subjects_of_rows(session, tenant_id, select(values).subquery("named"))


async def conversions_of(session: AsyncSession, tenant_id: str, column: str, ids: Sequence[str]) -> list[str]:
    """Conversions of these orders (`order_id`) or leads (`lead_id`)."""
    c = _conversion.c
    found = select(c.id).where(c.tenant_id == tenant_id, c[column] == any_of(ids), c[column].is_not(None))
    return list(await session.scalars(found))
