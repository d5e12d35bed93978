"""Service: conversions entered by hand or claimed by a storefront, their changes and deletion. No SQL, no HTTP."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.days import now
from adplanning_plugin.kernel.errors import Conflict, FieldError, Invalid, NotFound
from adplanning_plugin.kernel.ids import new_id
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import repository
from adplanning_plugin.tracking.announce import announce
from adplanning_plugin.tracking.checks import check_properties, check_references, check_text, read_money, read_time
from adplanning_plugin.tracking.models import Conversion
from adplanning_plugin.tracking.schemas import UTM_NAMES, ConversionIn, ConversionUpdate
from adplanning_plugin.tracking.vocabulary import LEDGER_ORIGINS

_PLAIN = (
    "order_id", "lead_id", "goal_id", "visitor_id", "session_id", "person_id", "website_id", "platform",
    "ad_campaign_id", "ad_set_id", "ad_id",
)  # fmt: skip
_ASSIGNED = ("platform", "ad_campaign_id", "ad_set_id", "ad_id")
_OF_LEDGER = ("version", "properties")
"""What may be changed of a conversion that mirrors an order or a lead."""


async def create_conversion(session: AsyncSession, runtime: Runtime, tenant_id: str, given: ConversionIn) -> Conversion:
    """Enter a conversion by hand. It is never revenue: revenue comes from orders.

    It is `confirmed` when it names an order of the store (a custom conversion beside an order, for example), and
    `unconfirmed` else; an order that turns up later confirms its purchase and decides what it is worth.

    Raises:
        Conflict: the order or lead it names is counted already.
        Invalid: a field is wrong.
    """
    fields = {name: getattr(given, name) for name in (*_PLAIN, *(f"utm_{name}" for name in UTM_NAMES))}
    check_text(fields)
    check_properties(given.properties)
    value, currency = read_money(
        given.conversion_value, given.value, given.currency, runtime.tenant(tenant_id).currency
    )
    occurred_at = read_time(given.occurred_at)
    await check_references(session, runtime, tenant_id, fields)
    known = given.order_id is not None and await _exists(session, runtime, tenant_id, "order", given.order_id)
    if known and given.conversion_type == "purchase":
        raise await _counted(session, tenant_id, "order", str(given.order_id))
    is_lead = given.conversion_type == "lead_form_submission" and given.lead_id is not None
    if is_lead and await _exists(session, runtime, tenant_id, "lead", str(given.lead_id)):
        raise await _counted(session, tenant_id, "lead", str(given.lead_id))
    conversion_id = new_id("conv")
    values: dict[str, Any] = {name: fields[name] for name in _PLAIN}
    values |= {
        "tenant_id": tenant_id,
        "id": conversion_id,
        "conversion_type": given.conversion_type,
        "status": "confirmed" if known else "unconfirmed",
        "origin": "manual",
        "occurred_at": occurred_at,
        "value": value,
        "currency": currency,
        "utm": {name: fields[f"utm_{name}"] for name in UTM_NAMES if fields[f"utm_{name}"]} or None,
        "campaign_assigned": any(fields[name] for name in _ASSIGNED),
        "properties": given.properties,
    }
    if await repository.insert_once(session, values) is None:
        kind, host_id = ("lead", given.lead_id) if is_lead else ("order", given.order_id)
        raise await _counted(session, tenant_id, kind, str(host_id))
    await announce(session, runtime, tenant_id, created=[conversion_id])
    return await get_conversion(session, tenant_id, conversion_id)


async def get_conversion(
    session: AsyncSession, tenant_id: str, conversion_id: str, *, lock: bool = False
) -> Conversion:
    """One conversion.

    Raises:
        NotFound: there is none, or it was deleted, or it is another store's.
    """
    found = await repository.find(session, tenant_id, conversion_id, lock=lock)
    if found is None:
        raise NotFound(f"There is no conversion {conversion_id}.")
    return found


async def update_conversion(
    session: AsyncSession, runtime: Runtime, tenant_id: str, conversion_id: str, given: ConversionUpdate
) -> tuple[Conversion, list[str]]:
    """Change a conversion; returns it and the names of the fields that were sent.

    Raises:
        Conflict: the version is stale, or the field mirrors an order or a lead.
    """
    current = await get_conversion(session, tenant_id, conversion_id, lock=True)
    sent = {name: value for name in given.__struct_fields__ if (value := getattr(given, name)) is not UNSET}
    if given.version != current.version:
        message = (
            f"version {given.version} is stale: the conversion is at {current.version}. Read it again, then change it."
        )
        raise Conflict(message, code="stale_version")
    _refuse_mirrored(current, sent)
    values = await _changes(session, runtime, tenant_id, current, sent)
    if not await repository.change(session, tenant_id, conversion_id, given.version, values):
        raise Conflict("The conversion changed meanwhile. Read it again, then change it.", code="stale_version")
    await session.refresh(current)
    await announce(session, runtime, tenant_id, updated=[conversion_id])
    return current, sorted(set(sent) - {"version"})


async def delete_conversion(session: AsyncSession, runtime: Runtime, tenant_id: str, conversion_id: str) -> None:
    """Delete a conversion softly: it counts nowhere, and a replay of what made it does not bring it back.

    Raises:
        Conflict: it mirrors an order or a lead.
    """
    current = await get_conversion(session, tenant_id, conversion_id, lock=True)
    if current.origin in LEDGER_ORIGINS:
        kind = current.origin
        host_id = current.order_id if kind == "order" else current.lead_id
        message = (
            f"The conversion mirrors {kind} {host_id} and would come back with it: "
            + ("cancel the order in the store" if kind == "order" else "delete the lead in the store")
            + ", or mark it a test there."
        )
        raise Conflict(message, code="mirrors_ledger")
    await repository.change(session, tenant_id, conversion_id, current.version, {"deleted_at": now()})
    await announce(session, runtime, tenant_id, updated=[conversion_id])


def _refuse_mirrored(current: Conversion, sent: dict[str, Any]) -> None:
    if current.origin not in LEDGER_ORIGINS:
        return
    fixed = sorted(set(sent) - set(_OF_LEDGER))
    if fixed:
        host_id = current.order_id if current.origin == "order" else current.lead_id
        message = (
            f"{', '.join(fixed)} of this conversion come from {current.origin} {host_id}: change them in the store."
        )
        errors = tuple(FieldError(name, "mirrors_ledger", f"{name} comes from the {current.origin}.") for name in fixed)
        raise Conflict(message, code="mirrors_ledger", errors=errors)


async def _changes(
    session: AsyncSession, runtime: Runtime, tenant_id: str, current: Conversion, sent: dict[str, Any]
) -> dict[str, Any]:
    texts = {name: value for name, value in sent.items() if name in _PLAIN or name.startswith("utm_")}
    check_text(texts)
    await check_references(session, runtime, tenant_id, texts)
    values: dict[str, Any] = {name: sent[name] for name in (*_PLAIN, "conversion_type", "status") if name in sent}
    if "properties" in sent:
        check_properties(sent["properties"])
        values["properties"] = sent["properties"]
    if "occurred_at" in sent:
        values["occurred_at"] = read_time(sent["occurred_at"])
    if {"conversion_value", "value", "currency"} & sent.keys():
        values |= _money_change(current, sent)
    if any(name.startswith("utm_") for name in sent):
        utm = {**(current.utm or {}), **{name: sent[f"utm_{name}"] for name in UTM_NAMES if f"utm_{name}" in sent}}
        values["utm"] = {name: value for name, value in utm.items() if value} or None
    if any(name in sent for name in _ASSIGNED):
        values["campaign_assigned"] = any(sent.get(name, getattr(current, name)) for name in _ASSIGNED)
    await _refuse_known(session, runtime, tenant_id, current, values)
    return values


def _money_change(current: Conversion, sent: dict[str, Any]) -> dict[str, Any]:
    if not {"conversion_value", "value"} & sent.keys():
        if current.value:
            message = "conversion_value is missing: another currency makes it another amount."
            raise Invalid(FieldError("conversion_value", "missing", message))
        return {"currency": read_money(None, None, sent["currency"], current.currency)[1]}
    currency = sent.get("currency", current.currency)
    value, code = read_money(sent.get("conversion_value"), sent.get("value"), currency, current.currency)
    return {"value": value, "currency": code}


async def _refuse_known(
    session: AsyncSession, runtime: Runtime, tenant_id: str, current: Conversion, values: dict[str, Any]
) -> None:
    """A change must not make a second conversion of an order or a lead that is counted already."""
    kind = values.get("conversion_type", current.conversion_type)
    order_id, lead_id = values.get("order_id", current.order_id), values.get("lead_id", current.lead_id)
    if kind == "purchase" and order_id is not None and {"order_id", "conversion_type"} & values.keys():
        same = await repository.find_same(session, tenant_id, order_id=order_id)
        known = await _exists(session, runtime, tenant_id, "order", order_id)
        if known or (same is not None and same.id != current.id):
            raise await _counted(session, tenant_id, "order", order_id)
    if kind == "lead_form_submission" and lead_id is not None and {"lead_id", "conversion_type"} & values.keys():
        same = await repository.find_same(session, tenant_id, lead_id=lead_id)
        if (same is not None and same.id != current.id) or await _exists(session, runtime, tenant_id, "lead", lead_id):
            raise await _counted(session, tenant_id, "lead", lead_id)


async def _exists(session: AsyncSession, runtime: Runtime, tenant_id: str, entity: str, host_id: str) -> bool:
    rows = runtime.get(Links).by_ids(entity, tenant_id, [host_id])
    return await session.scalar(select(rows.c.id).limit(1)) is not None


async def _counted(session: AsyncSession, tenant_id: str, kind: str, host_id: str) -> Conflict:
    names = {"order_id": host_id} if kind == "order" else {"lead_id": host_id}
    same = await repository.find_same(session, tenant_id, **names)
    counted = f"is counted already, as conversion {same.id}" if same else "is counted by itself within minutes"
    message = f"{kind.capitalize()} {host_id} {counted}: one {kind} is one conversion."
    return Conflict(message, code="duplicate", errors=(FieldError(f"{kind}_id", "duplicate", message),))
