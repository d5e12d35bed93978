"""Expansion: the store's own records behind a conversion, and what other domains add to it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.hookspecs import Section
from adplanning_plugin.kernel.errors import FieldError, Invalid
from adplanning_plugin.kernel.money import to_major
from adplanning_plugin.kernel.runtime import PII, Runtime
from adplanning_plugin.links import Links
from adplanning_plugin.tracking.models import Session
from adplanning_plugin.tracking.schemas import when

EXPANDABLE: Mapping[str, tuple[str, str]] = {
    "order": ("order", "order_id"),
    "session": ("analytics_session", "session_id"),
    "person": ("person", "person_id"),
    "campaign": ("ad_campaign", "ad_campaign_id"),
    "lead": ("lead", "lead_id"),
}
"""What `expand` may name: the entity, and the column of the conversion that has its id."""
LISTED: Mapping[str, tuple[str, ...]] = {
    "feedback": ("order_id", "person_id"),
    "form_response": ("session_id", "person_id"),
}
"""What else `expand` may name: entities of which there may be several, by the first of these columns that finds any."""
_MOST_LISTED = 20
_PERSONAL = frozenset(
    [
        "email", "phone", "name", "first_name", "last_name", "birth_date", "city", "visitor_token",
        "checkout_reference", "comment", "text",
    ]
)  # fmt: skip
_PEOPLE = ("person", "order", "lead", *LISTED)


def read_expand(given: str | None, known: Sequence[str] = (*EXPANDABLE, *LISTED)) -> list[str]:
    """The names in `expand=order,session`, each known."""
    names = [name.strip() for name in (given or "").split(",") if name.strip()]
    unknown = [name for name in names if name not in known]
    if unknown:
        message = f"expand takes {', '.join(known)}; not {', '.join(unknown)}."
        raise Invalid(FieldError("expand", "unknown_expand", message))
    return list(dict.fromkeys(names))


async def expanded(
    session: AsyncSession,
    runtime: Runtime,
    tenant_id: str,
    row: object,
    names: list[str],
    *,
    scopes: frozenset[str],
) -> dict[str, Any]:
    """Each named object or null, or a list; without the scope for personal data, people have none of it.

    Args:
        row: a conversion, or whatever has the columns that the names stand for.
    """
    found: dict[str, Any] = {}
    for name in names:
        if name in LISTED:
            rows = await _several(session, runtime, tenant_id, row, name)
            found[name] = [{k: v for k, v in each.items() if PII in scopes or k not in _PERSONAL} for each in rows]
            continue
        entity, column = EXPANDABLE[name]
        host_id = getattr(row, column)
        value = None if host_id is None else await _object(session, runtime, tenant_id, entity, host_id)
        if value is not None and entity in _PEOPLE and PII not in scopes:
            value = {key: each for key, each in value.items() if key not in _PERSONAL}
        found[name] = value
    return found


async def _object(
    session: AsyncSession, runtime: Runtime, tenant_id: str, entity: str, host_id: str
) -> dict[str, Any] | None:
    if entity == "analytics_session":
        own = await session.scalar(select(Session).where(Session.tenant_id == tenant_id, Session.id == host_id))
        if own is not None:
            names = ("id", "visitor_id", "website_id", "landing_url", "referrer", "utm", "events", "page_views")
            times = {"started_at": when(own.started_at), "ended_at": when(own.ended_at)}
            return {name: getattr(own, name) for name in names} | times
    links = runtime.get(Links)
    rows = links.by_ids(entity, tenant_id, [host_id])
    found = (await session.execute(select(rows).limit(1))).mappings().first()
    if found is None:
        return None
    return _with_money(links, entity, dict(found))


async def _several(
    session: AsyncSession, runtime: Runtime, tenant_id: str, row: Any, entity: str
) -> list[dict[str, Any]]:
    links = runtime.get(Links)
    behind: dict[str, Any] = {}  # the store's own name of the visit, where the conversion has the tracker's
    for name, host_id in (("order", row.order_id), ("lead", row.lead_id)):
        if host_id is not None:
            behind |= await _object(session, runtime, tenant_id, name, host_id) or {}
    for column in LISTED[entity]:
        ids = [each for each in (getattr(row, column), behind.get(column)) if each is not None]
        if not ids or not links.provides(entity, column):
            continue
        rows = links.by_ids(entity, tenant_id, ids, column=column)
        newest = select(rows).order_by(rows.c.created_at.desc(), rows.c.id).limit(_MOST_LISTED)
        found = (await session.execute(newest)).mappings().all()
        if found:
            return [_with_money(links, entity, dict(each)) for each in found]
    return []


def _with_money(links: Links, entity: str, value: dict[str, Any]) -> dict[str, Any]:
    money = [name for name, column in links.entity(entity).columns.items() if column.type == "money"]
    for name in money:
        if value.get(name) is not None and value.get("currency"):
            value |= {f"{name}_minor": value[name], name: to_major(value[name], value["currency"])}
    return value


async def sections_of(
    session: AsyncSession, runtime: Runtime, tenant_id: str, conversion_id: str, *, scopes: frozenset[str]
) -> dict[str, Any]:
    """What other domains have registered for a conversion (its credit, above all), by their keys."""
    registered: list[list[Section]] = runtime.hooks.hook.register_sections()
    found: dict[str, Any] = {}
    wanted = [section for part in registered for section in part if section.place == "conversion"]
    for section in sorted(wanted, key=lambda each: (each.order, each.key)):
        if section.scope in scopes:
            found[section.key] = await section.compute(runtime, session, tenant_id, conversion_id)
    return found
