"""Claiming: an address that was left in a form is a person's, so its visits are shown with them. Nothing is credited.

The edge from the visitor to the person is as weak as the form's own: anybody can type any address. A login, an order or
an operator confirms it, or the store's setting `form_email_links`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from sqlalchemy import ARRAY, FromClause, Select, Table, Text, func, literal, select, union_all
from sqlalchemy import cast as sql_cast
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.identity import (
    components,
    edge_table,
    email_identifier_sql,
    identifier_for_email,
    link_from,
)
from adplanning_plugin.kernel.database import any_of
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links
from adplanning_plugin.tracking.models import Conversion
from adplanning_plugin.tracking.recording import chunks

_edge = cast("Table", edge_table).c


async def claim_for_forms(
    session: AsyncSession, runtime: Runtime, tenant_id: str, entity: str, ids: Sequence[str]
) -> int:
    """Visitors of these form responses or leads claim to be whoever has the addresses that they left.

    Args:
        entity: `form_response` or `lead`; their own edges have been written.
    Returns:
        How many claims are new or seen later than before.
    """
    changed = 0
    if not runtime.get(Links).provides(entity, "email"):
        return 0
    for some in chunks(ids):
        rows = runtime.get(Links).by_ids(entity, tenant_id, some)
        emails = await session.scalars(select(rows.c.email).where(rows.c.email.is_not(None)).distinct())
        addresses = {identifier: each for each in emails if (identifier := identifier_for_email(runtime, each))}
        people = await _people_with(session, runtime, tenant_id, addresses)
        if people:
            arrays = [sql_cast(list(column), ARRAY(Text())) for column in (people.keys(), people.values())]
            named = func.unnest(*arrays).table_valued("identifier", "person_id").render_derived("named_person")
            changed += await _claim(session, runtime, tenant_id, named)
    return changed


async def claim_for_people(session: AsyncSession, runtime: Runtime, tenant_id: str, ids: Sequence[str]) -> int:
    """Visitors that left these people's addresses before the people were known claim to be them."""
    links = runtime.get(Links)
    if not links.provides("person", "email"):
        return 0
    changed = 0
    for some in chunks(ids):
        person = links.by_ids("person", tenant_id, some)
        identifier = email_identifier_sql(person.c.email, runtime).label("identifier")
        named = select(identifier, person.c.id.label("person_id")).where(person.c.email.is_not(None))
        changed += await _claim(session, runtime, tenant_id, named.subquery("named_person"))
    return changed


async def _claim(session: AsyncSession, runtime: Runtime, tenant_id: str, named: FromClause) -> int:
    """An edge to the person beside each edge that a form made to the address."""

    def seen(at: Any) -> Select[*tuple[Any, ...]]:
        return (
            select(
                _edge.visitor_id,
                literal("person:").op("||")(named.c.person_id).label("identifier"),
                _edge.kind,
                _edge.source,
                at.label("seen_at"),
            )
            .select_from(named.join(cast("Table", edge_table), _edge.identifier == named.c.identifier))
            .where(_edge.tenant_id == tenant_id, _edge.kind == "form", _edge.revoked_at.is_(None))
        )

    both = union_all(seen(_edge.first_seen_at), seen(_edge.last_seen_at))
    return await link_from(session, runtime, tenant_id, both.subquery("seen"))


async def _people_with(
    session: AsyncSession, runtime: Runtime, tenant_id: str, addresses: Mapping[str, str]
) -> dict[str, str]:
    """Identifier → person: as the store has it, as orders said, as devices did, as the host's resolvers know."""
    if not addresses:
        return {}
    identifiers = list(addresses)
    c, one, links = Conversion.__table__.c, components(tenant_id), runtime.get(Links)
    ordered: Any = (
        select(c.identifier, func.min(c.person_id).label("person_id"), literal(2).label("rank"))
        .where(
            c.tenant_id == tenant_id,
            c.identifier == any_of(identifiers),
            c.person_id.is_not(None),
            c.lead_id.is_(None),
            c.deleted_at.is_(None),
        )
        .group_by(c.identifier)
    )
    linked: Any = select(one.c.node, func.substr(one.c.component_id, len("person:") + 1), literal(3)).where(
        ~one.c.is_visitor, one.c.node == any_of(identifiers), one.c.component_id.startswith("person:")
    )
    sources: list[Any] = [ordered, linked]
    if links.provides("person", "email"):
        # Through the host's own index: as it was typed, and as most stores keep it.
        spelt = sorted({each for email in addresses.values() for each in (email, email.strip(), email.strip().lower())})
        person = links.by_ids("person", tenant_id, spelt, column="email")
        sources.append(select(email_identifier_sql(person.c.email, runtime), person.c.id, literal(1)))
    rows: Sequence[Any] = (await session.execute(union_all(*sources))).all()
    found: dict[str, str] = {}
    for identifier, person_id, _ in sorted(rows, key=lambda row: (row[2], row[1])):
        found.setdefault(identifier, person_id)
    for identifier in identifiers:
        if identifier not in found and (
            person_id := await _resolved(session, runtime, tenant_id, addresses[identifier])
        ):
            found[identifier] = person_id
    return {identifier: person_id for identifier, person_id in found.items() if identifier in addresses}


async def _resolved(session: AsyncSession, runtime: Runtime, tenant_id: str, email: str) -> str | None:
    """Whoever the host's own resolvers say has the address; the first that knows is believed."""
    for resolvers in runtime.hooks.hook.register_identity_resolvers():
        for resolve in resolvers or ():
            if (person_id := await resolve(session, tenant_id, "email", email)) is not None:
                return str(person_id)
    return None
