"""People: whether a person is known, and who they are as the store has it. Nothing is counted here."""

from __future__ import annotations

from typing import Any, cast

from sqlalchemy import Table, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.identity import edge_table, person_identifier
from adplanning_plugin.journeys import journey_event_table
from adplanning_plugin.kernel.errors import NotFound
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import conversion_table

PERSONAL = frozenset({"email", "phone", "name", "first_name", "last_name", "city", "birth_date"})
"""What is shown with the scope for personal data alone."""


async def check_known(session: AsyncSession, runtime: Runtime, tenant_id: str, person_id: str) -> None:
    """Whether the store, or anything that was counted, names this person.

    Raises:
        NotFound: nothing does.
    """
    links = runtime.get(Links)
    rows = links.by_ids("person", tenant_id, [person_id])
    edge, conversion, event = (cast("Table", each) for each in (edge_table, conversion_table, journey_event_table))
    known = or_(
        exists(select(rows.c.id)),
        exists().where(edge.c.tenant_id == tenant_id, edge.c.identifier == person_identifier(person_id)),
        exists().where(conversion.c.tenant_id == tenant_id, conversion.c.person_id == person_id),
        exists().where(event.c.tenant_id == tenant_id, event.c.person_id == person_id),
    )
    if not await session.scalar(select(known)):
        raise NotFound(f"There is no person {person_id!r} in this store.")


async def store_row(session: AsyncSession, runtime: Runtime, tenant_id: str, person_id: str) -> dict[str, Any]:
    """The person as the store has them; empty where it has no row of theirs."""
    rows = runtime.get(Links).by_ids("person", tenant_id, [person_id])
    found = (await session.execute(select(rows).limit(1))).mappings().first()
    return {} if found is None else dict(found)


def full_name(row: Any) -> str | None:
    """The name, or what the store has of it."""
    parts = [each for each in (row.get("first_name"), row.get("last_name")) if each]
    return row.get("name") or " ".join(parts) or None
