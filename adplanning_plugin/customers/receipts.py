"""Receipts: the SQL of erasures: what is looked for while one runs, and what was done, which names nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from sqlalchemy import Select, Table, delete, func, literal, select, text, update
from sqlalchemy import cast as sql_cast
from sqlalchemy.dialects.postgresql import ARRAY, TEXT, insert
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution import touchpoint_table
from adplanning_plugin.customers.catalogue import Place
from adplanning_plugin.customers.models import Erasure, ErasureSubject
from adplanning_plugin.customers.subject import KINDS, Values
from adplanning_plugin.kernel.errors import NotFound
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.tables import WorkflowRun
from adplanning_plugin.links import Links

STORES_OWN = "These rows are the store's own: have them erased where the store keeps them."
_STORE = {"person": "person", "order": "order", "lead": "lead", "feedback": "feedback",
          "form_response": "form_response", "analytics_session": "session"}  # fmt: skip
"""Entities that a store may keep itself, and the kind of their ids."""
_subject = cast("Table", ErasureSubject.__table__)


class Open(NamedTuple):
    """An erasure in hand."""

    person_id: str
    pseudonym: str
    at: datetime


def _of(tenant_id: str, erasure_id: str) -> tuple[Any, Any]:
    return Erasure.tenant_id == tenant_id, Erasure.id == erasure_id


async def begin(
    session: AsyncSession, tenant_id: str, erasure_id: str, *, person_id: str, person_hash: str, pseudonym: str, by: str
) -> str:
    """Write the receipt of an erasure that begins; the id of the one in hand where the person has one."""
    values = {
        "tenant_id": tenant_id,
        "id": erasure_id,
        "person_hash": person_hash,
        "pseudonym": pseudonym,
        "requested_by": by,
    }
    statement = insert(Erasure).values(values)
    running = statement.on_conflict_do_nothing(
        index_elements=["tenant_id", "person_hash"], index_where=text("status = 'running'")
    )
    begun = await session.scalar(running.returning(Erasure.id))
    if begun is None:
        mine = (Erasure.tenant_id == tenant_id, Erasure.person_hash == person_hash, Erasure.status == "running")
        return str(await session.scalar(select(Erasure.id).where(*mine)))
    await keep_subject(session, tenant_id, erasure_id, {"person": [person_id]})
    return begun


async def open_erasure(session: AsyncSession, tenant_id: str, erasure_id: str) -> Open:
    """Whom it is about; only while it runs."""
    row = (await session.execute(select(Erasure).where(*_of(tenant_id, erasure_id)))).scalar_one()
    person = await session.scalar(
        select(ErasureSubject.value).where(
            ErasureSubject.tenant_id == tenant_id,
            ErasureSubject.erasure_id == erasure_id,
            ErasureSubject.kind == "person",
        )
    )
    return Open(str(person), row.pseudonym, row.requested_at)


async def keep_subject(session: AsyncSession, tenant_id: str, erasure_id: str, values: Values) -> None:
    """Remember what to look for."""
    pairs = [(kind, value) for kind, found in values.items() for value in found]
    if not pairs:
        return
    arrays = [sql_cast([pair[at] for pair in pairs], ARRAY(TEXT)) for at in (0, 1)]
    rows = func.unnest(*arrays).table_valued("kind", "value").render_derived(name="found")
    given: Select[*tuple[Any, ...]] = select(literal(tenant_id), literal(erasure_id), rows.c.kind, rows.c.value)
    columns = ["tenant_id", "erasure_id", "kind", "value"]
    await session.execute(insert(_subject).from_select(columns, given).on_conflict_do_nothing())


async def subject_of(session: AsyncSession, tenant_id: str, erasure_id: str) -> Values:
    """What to look for, by kind."""
    found: Values = {kind: [] for kind in KINDS if kind != "named"}
    mine = (ErasureSubject.tenant_id == tenant_id, ErasureSubject.erasure_id == erasure_id)
    for row in await session.execute(select(ErasureSubject.kind, ErasureSubject.value).where(*mine)):
        found[row.kind].append(row.value)
    return found


async def rename(session: AsyncSession, tenant_id: str, erasure_id: str, pseudonym: str) -> None:
    """A person who was erased before has one pseudonym already."""
    await session.execute(update(Erasure).where(*_of(tenant_id, erasure_id)).values(pseudonym=pseudonym))


async def note_store_rows(
    session: AsyncSession, runtime: Runtime, tenant_id: str, erasure_id: str, values: Mapping[str, Sequence[str]]
) -> None:
    """The store's own rows about the person, which stay."""
    links = runtime.get(Links)
    kept: list[dict[str, Any]] = []
    for entity, kind in _STORE.items():
        if not links.linked(entity) or not values.get(kind):
            continue
        rows = links.by_ids(entity, tenant_id, values[kind])
        count_of = await session.scalar(select(func.count()).select_from(rows)) or 0
        if count_of:
            kept.append({"what": entity, "rows": count_of, "why": STORES_OWN})
    await session.execute(update(Erasure).where(*_of(tenant_id, erasure_id)).values(kept=kept))


async def count(
    session: AsyncSession, tenant_id: str, erasure_id: str, place: Place, counts: Mapping[str, int]
) -> None:
    """Add what was done in one place to the receipt."""
    if not any(counts.values()):
        return
    row = (await session.execute(select(Erasure).where(*_of(tenant_id, erasure_id)).with_for_update())).scalar_one()
    rows = {name: dict(done) for name, done in row.rows.items()}
    done = rows.setdefault(place.name, {})
    for what, number in counts.items():
        if number:
            done[what] = done.get(what, 0) + number
    kept = [dict(each) for each in row.kept]
    stays = counts.get("kept", 0) + counts.get("pseudonymised", 0)
    if stays and place.data.why:
        line = next((each for each in kept if (each["what"], each["why"]) == (place.name, place.data.why)), None)
        if line is None:
            kept.append({"what": place.name, "rows": stays, "why": place.data.why})
        else:
            line["rows"] += stays
    row.rows, row.kept = rows, kept
    await session.flush()


async def left_touches(session: AsyncSession, tenant_id: str, pseudonym: str) -> bool:
    """Whether touches stayed, under the pseudonym."""
    c = cast("Table", touchpoint_table).c
    statement = select(literal(1)).where(c.tenant_id == tenant_id, c.visitor_id == pseudonym).limit(1)
    return await session.scalar(statement) is not None


async def failed_runs(session: AsyncSession, tenant_id: str, workflow: str, erasure_id: str) -> int:
    """How many of its runs have ended without finishing it: asked again, it begins a further one."""
    run = WorkflowRun
    ended = run.status.in_(("failed", "compensated"))
    mine = (run.tenant_id == tenant_id, run.workflow == workflow, run.key.startswith(f"{erasure_id}:"), ended)
    return await session.scalar(select(func.count()).select_from(run).where(*mine)) or 0


async def close(session: AsyncSession, tenant_id: str, erasure_id: str) -> None:
    """Done: forget what was looked for."""
    done = {"status": "done", "finished_at": func.now()}
    await session.execute(update(Erasure).where(*_of(tenant_id, erasure_id)).values(done))
    mine = (ErasureSubject.tenant_id == tenant_id, ErasureSubject.erasure_id == erasure_id)
    await session.execute(delete(ErasureSubject).where(*mine))


def receipts(tenant_id: str) -> Select[Erasure]:
    """All of a store's."""
    return select(Erasure).where(Erasure.tenant_id == tenant_id)


async def receipt(session: AsyncSession, tenant_id: str, erasure_id: str) -> Erasure:
    """One.

    Raises:
        NotFound: the store has none of that id.
    """
    row = (await session.execute(select(Erasure).where(*_of(tenant_id, erasure_id)))).scalar_one_or_none()
    if row is None:
        raise NotFound(f"There is no erasure {erasure_id!r}.")
    return row
