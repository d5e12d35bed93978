"""Forms: an address left in a form links its visitor weakly; a session with a person, strongly. It counts nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import DateTime, Select, and_, cast, func, literal, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.identity import email_identifier_sql, link_from
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links
from adplanning_plugin.tracking.models import Conversion
from adplanning_plugin.tracking.recording import chunks, named_visits, visit_sessions, visits_as_rows


async def link_forms(
    session: AsyncSession, runtime: Runtime, tenant_id: str, response_ids: Sequence[str]
) -> tuple[int, list[str]]:
    """Weak edges between the visitors of form responses and the addresses these carry; anybody can type any address.

    Returns:
        How many edges are new or seen later than before, and the ids that no linked row has.
    """
    changed = 0
    missing: list[str] = []
    for ids in chunks(response_ids):
        form = runtime.get(Links).by_ids("form_response", tenant_id, ids)
        known = set((await session.scalars(select(form.c.id))).all())
        missing += [each for each in ids if each not in known]
        seen = await named_visits(session, runtime, tenant_id, "form_response", ids)
        if not seen:
            continue
        named = visits_as_rows(seen)
        visit = visit_sessions(
            runtime, tenant_id, sorted({session_id for _, session_id in seen.values() if session_id})
        )
        visitor = func.coalesce(named.c.visitor_id, visit.c.visitor_id, literal("session:").op("||")(visit.c.id))
        rows = select(
            visitor.label("visitor_id"),
            email_identifier_sql(form.c.email, runtime).label("identifier"),
            literal("form").label("kind"),
            literal("form:").op("||")(form.c.id).label("source"),
            cast(form.c.created_at, DateTime(timezone=True)).label("seen_at"),
        ).select_from(form.join(named, named.c.id == form.c.id).outerjoin(visit, visit.c.id == named.c.session_id))
        changed += await link_from(session, runtime, tenant_id, rows.where(form.c.email.is_not(None)).subquery("seen"))
    return changed, missing


async def link_leads(session: AsyncSession, runtime: Runtime, tenant_id: str, lead_ids: Sequence[str]) -> int:
    """Weak edges between the visitors of recorded leads and their addresses."""
    c = Conversion.__table__.c
    rows: Select[*tuple[Any, ...]] = select(
        c.visitor_id,
        c.identifier,
        literal("form").label("kind"),
        literal("lead:").op("||")(c.lead_id).label("source"),
        c.occurred_at.label("seen_at"),
    ).where(
        c.tenant_id == tenant_id,
        c.lead_id.in_(lead_ids),
        c.origin == "lead",
        c.deleted_at.is_(None),
        c.visitor_id.is_not(None),
        c.identifier.is_not(None),
    )
    return await link_from(session, runtime, tenant_id, rows.subquery("seen"))


async def link_sessions(session: AsyncSession, runtime: Runtime, tenant_id: str, session_ids: Sequence[str]) -> int:
    """Strong edges of the store's own sessions that name both a visitor and a person: that person was logged in.

    It joins the visitor's other sessions, and those of the person's other devices.
    """
    links = runtime.get(Links)
    if not all(links.provides("analytics_session", name) for name in ("visitor_id", "person_id")):
        return 0
    changed = 0
    for ids in chunks(session_ids):
        host = links.by_ids("analytics_session", tenant_id, ids)
        rows = select(
            host.c.visitor_id,
            literal("person:").op("||")(host.c.person_id).label("identifier"),
            literal("login").label("kind"),
            literal("login").label("source"),
            cast(host.c.started_at, DateTime(timezone=True)).label("seen_at"),
        ).where(and_(host.c.visitor_id.is_not(None), host.c.person_id.is_not(None), host.c.started_at.is_not(None)))
        changed += await link_from(session, runtime, tenant_id, rows.subquery("seen"))
    return changed
