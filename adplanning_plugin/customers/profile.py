"""Profile: one view of a person, made of the sections that domains register; one that fails spoils no other."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.customers.listing import erased
from adplanning_plugin.customers.people import PERSONAL, check_known, full_name, store_row
from adplanning_plugin.hookspecs import Section
from adplanning_plugin.kernel.days import rfc3339
from adplanning_plugin.kernel.errors import FieldError, Invalid
from adplanning_plugin.kernel.money import to_major
from adplanning_plugin.kernel.queue import sentence
from adplanning_plugin.kernel.runtime import PII, Runtime
from adplanning_plugin.links import Links

EXPANDABLE: Mapping[str, str] = {
    "order": "placed_at", "lead": "created_at", "feedback": "created_at", "form_response": "created_at",
    "session": "started_at", "social_interaction": "at",
}  # fmt: skip
"""What `expand` may name beside sections: entities of the store, and the time by which the newest come first."""
_ENTITY = {"session": "analytics_session"}
_MOST_LISTED = 50
_PRIVATE = PERSONAL | {
    "visitor_token",
    "checkout_reference",
    "comment",
    "text",
    "user_agent",
    "landing_url",
    "referrer",
}


def read_expand(given: str | None) -> list[str]:
    """The names in `expand=order,lead`, each known."""
    names = [name.strip() for name in (given or "").split(",") if name.strip()]
    unknown = [name for name in names if name not in EXPANDABLE]
    if unknown:
        message = f"expand takes {', '.join(EXPANDABLE)}; not {', '.join(unknown)}."
        raise Invalid(FieldError("expand", "unknown_expand", message))
    return list(dict.fromkeys(names))


async def profile(
    runtime: Runtime, tenant_id: str, person_id: str, *, scopes: frozenset[str], expand: list[str]
) -> dict[str, Any]:
    """Who it is, the registered sections in their order, and what `expand` names.

    Raises:
        NotFound: the store knows nobody of that id.
    """
    async with runtime.database.reading(tenant_id) as session:
        row = await store_row(session, runtime, tenant_id, person_id)
        if not row:
            await check_known(session, runtime, tenant_id, person_id)
        gone = (await erased(session, runtime, tenant_id, [person_id])).get(person_id)
        shown = PII in scopes and gone is None
        body = _head(person_id, row, shown=shown) | {"erased_at": gone}
        for name in expand:
            body[name] = await _listed(session, runtime, tenant_id, person_id, name, shown=shown)
        waiting = _wanted(runtime, scopes)
        found = await _computed(session, runtime, tenant_id, person_id, waiting)
    while waiting:  # a section has failed, and its transaction with it
        async with runtime.database.reading(tenant_id) as session:
            found += await _computed(session, runtime, tenant_id, person_id, waiting)
    return body | {"sections": found}


def _wanted(runtime: Runtime, scopes: frozenset[str]) -> deque[Section]:
    registered: list[list[Section]] = runtime.hooks.hook.register_sections()
    wanted = [each for part in registered for each in part if each.place == "person" and each.scope in scopes]
    return deque(sorted(wanted, key=lambda each: (each.order, each.key)))


async def _computed(
    session: AsyncSession, runtime: Runtime, tenant_id: str, person_id: str, waiting: deque[Section]
) -> list[dict[str, Any]]:
    """The sections that wait, up to one that fails: after it the transaction can be asked nothing more."""
    found: list[dict[str, Any]] = []
    while waiting:
        section = waiting.popleft()
        about = {"key": section.key, "title": section.title, "page": section.page or None}
        try:
            data = await section.compute(runtime, session, tenant_id, person_id)
        except Exception as problem:  # noqa: BLE001 - whatever a section of somebody else's provokes
            runtime.log.warning("section %s of a person failed: %s", section.key, sentence(problem))
            found.append(about | {"data": None, "problem": "This part could not be read; the log says why."})
            break
        found.append(about | {"data": data, "problem": None})
    return found


def _head(person_id: str, row: Mapping[str, Any], *, shown: bool) -> dict[str, Any]:
    names = ("email", "phone", "first_name", "last_name", "city", "country")
    created, birth = row.get("created_at"), row.get("birth_date")
    body: dict[str, Any] = {
        "id": person_id,
        "name": full_name(row),
        **{name: row.get(name) for name in names},
        "birth_date": None if birth is None else birth.isoformat(),
        "created_at": None if created is None else rfc3339(created),
        "in_store": bool(row),
    }
    return body if shown else body | dict.fromkeys(PERSONAL & body.keys())


async def _listed(
    session: AsyncSession, runtime: Runtime, tenant_id: str, person_id: str, name: str, *, shown: bool
) -> list[dict[str, Any]]:
    links, entity = runtime.get(Links), _ENTITY.get(name, name)
    if not links.has(entity) or not links.provides(entity, "person_id"):
        return []
    rows = links.by_ids(entity, tenant_id, [person_id], column="person_id")
    newest = select(rows).order_by(rows.c[EXPANDABLE[name]].desc(), rows.c.id).limit(_MOST_LISTED)
    money = [each for each, column in links.entity(entity).columns.items() if column.type == "money"]
    found: list[dict[str, Any]] = []
    for row in (await session.execute(newest)).mappings():
        value = {each: row[each] for each in row if shown or each not in _PRIVATE}
        for each in money:
            if value.get(each) is not None and value.get("currency"):
                value |= {f"{each}_minor": value[each], each: to_major(value[each], value["currency"])}
        found.append(value)
    return found
