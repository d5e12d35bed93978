"""Subject: everything by which one person is known here: addresses, visitors, sessions, orders, conversions. Ids only.

What belongs to somebody else as well stays theirs: a browser goes with the person seen on it last, and an address that
two people share is nobody's alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, FromClause, Select, and_, func, literal, or_, select, union
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.identity import (
    WEAK,
    components,
    identifier_for_email,
    person_identifier,
    visitor_edges,
)
from adplanning_plugin.kernel.database import any_of
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import conversion_table, session_table

Values = dict[str, list[str]]
"""By kind, as `PersonalData.found_by` names them."""
WITH_ADDRESS = ("order", "lead", "feedback", "form_response")
"""Entities whose rows name a person, an address, or both."""
KINDS = (
    "person", "identifier", "email", "visitor", "session", "order", "lead", "feedback", "form_response", "conversion",
    "touchpoint", "subject", "named",
)  # fmt: skip


async def find_subject(session: AsyncSession, runtime: Runtime, tenant_id: str, person_id: str) -> Values:
    """The person's ids of each kind; a person that nothing is known of has nothing but their own id."""
    finding = _Finding(session, runtime, tenant_id, person_id)
    emails = await finding.addresses()
    hashes = [each for email in emails if (each := identifier_for_email(runtime, email))]
    identifiers = _distinct([person_identifier(person_id), *hashes])
    visitors = await finding.visitors(identifiers)
    sessions, unnamed = await finding.sessions(visitors)
    visitors = _distinct([*visitors, *unnamed])
    found: Values = {
        "person": [person_id],
        "email": _distinct(email.strip().lower() for email in emails),
        "identifier": identifiers,
        "visitor": visitors,
        "session": sessions,
        "subject": [*identifiers, *(f"visitor:{each}" for each in visitors)],
        "touchpoint": [],
    }
    for entity in WITH_ADDRESS:
        found[entity] = await finding.rows_of(entity, emails)
    found["conversion"] = await finding.conversions(found)
    return found


class _Finding:
    """The look-ups, each one statement."""

    def __init__(self, session: AsyncSession, runtime: Runtime, tenant_id: str, person_id: str) -> None:
        self._session, self._links = session, runtime.get(Links)
        self._tenant_id, self._person_id = tenant_id, person_id

    async def _all(self, statement: Select[Any] | Any) -> list[str]:
        return [each for each in await self._session.scalars(statement) if each]

    async def addresses(self) -> list[str]:
        """As the store writes them; without those that another person has too."""
        links, wanted = self._links, [self._person_id]
        parts: list[Select[Any]] = []
        if links.provides("person", "email"):
            person = links.by_ids("person", self._tenant_id, wanted)
            parts.append(select(person.c.email))
        for entity in WITH_ADDRESS:
            if links.provides(entity, "email") and links.provides(entity, "person_id"):
                rows = links.by_ids(entity, self._tenant_id, wanted, column="person_id")
                parts.append(select(rows.c.email))
        found = await self._all(union(*parts)) if parts else []
        if not found or not links.provides("person", "email"):
            return found
        # However somebody else writes it: read through once, since a store seldom has an index for that.
        people = links.selectable("person", self._tenant_id)
        written = func.lower(func.trim(people.c.email))
        others = select(written).where(written.in_(_spellings(found)), people.c.id != self._person_id)
        shared = set(await self._all(others))
        return [each for each in found if each.strip().lower() not in shared]

    async def visitors(self, identifiers: Sequence[str]) -> list[str]:
        """Browsers that are one with the person, and those that claim to be and are nobody else's."""
        mine, theirs = components(self._tenant_id), components(self._tenant_id)
        own = or_(
            mine.c.component_id == person_identifier(self._person_id),
            ~mine.c.component_id.startswith("person:", autoescape=True),
        )
        one = select(theirs.c.node).where(
            theirs.c.is_visitor,
            theirs.c.component_id.in_(
                select(mine.c.component_id).where(~mine.c.is_visitor, mine.c.node == any_of(identifiers), own)
            ),
        )
        edges, known = visitor_edges(self._tenant_id, strength=WEAK), components(self._tenant_id)
        somebodys = select(literal(1)).where(known.c.is_visitor, known.c.node == edges.c.visitor_id).exists()
        claims = select(edges.c.visitor_id).where(edges.c.identifier == any_of(identifiers), ~somebodys)
        return sorted(await self._all(union(one, claims)))

    async def sessions(self, visitors: Sequence[str]) -> tuple[list[str], list[str]]:
        """Visits, the store's own among them, and the names of those of its visits that have no visitor."""
        own = select(session_table.c.id).where(
            session_table.c.tenant_id == self._tenant_id, session_table.c.visitor_id == any_of(visitors)
        )
        found = await self._all(own)
        links, unnamed = self._links, list[str]()
        for column, ids in (("person_id", [self._person_id]), ("visitor_id", visitors)):
            if ids and links.has("analytics_session") and links.provides("analytics_session", column):
                host = links.by_ids("analytics_session", self._tenant_id, ids, column=column)
                for row in await self._session.execute(select(host.c.id, host.c.visitor_id)):
                    found.append(row.id)
                    if row.visitor_id is None:
                        unnamed.append(f"session:{row.id}")
        return _distinct(found), unnamed

    async def rows_of(self, entity: str, emails: Sequence[str]) -> list[str]:
        """Ids of the store's rows that name the person, or one of their addresses and nobody else."""
        links = self._links
        if not links.has(entity):
            return []
        names_person, names_email = (links.provides(entity, column) for column in ("person_id", "email"))
        found: list[str] = []
        if names_person:
            rows = links.by_ids(entity, self._tenant_id, [self._person_id], column="person_id")
            found += await self._all(select(rows.c.id))
        if names_email and emails:
            rows = links.by_ids(entity, self._tenant_id, _spellings(emails), column="email")
            found += await self._all(select(rows.c.id).where(_of_nobody_else(rows, self._person_id)))
        return _distinct(found)

    async def conversions(self, found: Mapping[str, Sequence[str]]) -> list[str]:
        """What was counted of the person: by their orders and leads, their ids, and their browsers' visits."""
        c = conversion_table.c
        by_id = or_(
            c.order_id == any_of(found["order"]),
            c.lead_id == any_of(found["lead"]),
            c.person_id == self._person_id,
        )
        by_trace = or_(c.identifier == any_of(found["identifier"]), c.visitor_id == any_of(found["visitor"]))
        nobody_elses = or_(c.identifier.is_(None), c.identifier == any_of(found["identifier"]))
        statement = select(c.id).where(
            c.tenant_id == self._tenant_id, or_(by_id, and_(by_trace, c.person_id.is_(None), nobody_elses))
        )
        return sorted(await self._all(statement))


def _of_nobody_else(rows: FromClause, person_id: str) -> ColumnElement[bool]:
    return or_(rows.c.person_id.is_(None), rows.c.person_id == person_id)


def _distinct(values: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(values))


def _spellings(emails: Iterable[str]) -> list[str]:
    return _distinct(spelling for email in emails for spelling in (email, email.strip(), email.strip().lower()))
