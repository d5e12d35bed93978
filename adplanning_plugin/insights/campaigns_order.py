"""An order's attribution in one small answer, for the host's own page of the order; what is not known is said why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from litestar import Controller, get
from litestar.di import NamedDependency
from litestar.params import FromPath
from sqlalchemy import and_, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.hookspecs import Section
from adplanning_plugin.insights.coverage import JOINED, cause, meaning
from adplanning_plugin.insights.figures import money
from adplanning_plugin.kernel.days import rfc3339
from adplanning_plugin.kernel.errors import NotFound
from adplanning_plugin.kernel.http import AdminCall
from adplanning_plugin.links import Links, names_by_id
from adplanning_plugin.tracking import COUNTED
from adplanning_plugin.tracking import conversion_table as conversion
from adplanning_plugin.tracking import order_visit_table as visit

SENTENCES = {
    "attributed": "These visits led to the order.",
    "unattributed": "No visit that could be credited came before the order.",
    "pending": "The credit of this order is computed within minutes.",
    "not_counted": "The order counts nowhere: it is not paid, cancelled, or a test.",
    "not_recorded": "The order was not taken in yet: the sweep does so within minutes.",
}


class OrderController(Controller):
    """What brought an order of the host."""

    path = "/orders"
    tags = ("Attribution",)

    @get("/{order_id:str}/attribution", operation_id="getOrderAttribution", summary="What brought an order")
    async def attribution(self, call: NamedDependency[AdminCall], order_id: FromPath[str]) -> dict[str, Any]:
        """By the host's order id: conversion, credit by every model, touches, and why it is joined to no visit."""
        links = call.runtime.get(Links)
        async with call.reading() as session:
            row = await _conversion(session, call.tenant_id, order_id)
            if row is None and not await _is_order(session, links, call.tenant_id, order_id):
                raise NotFound(f"There is no order {order_id!r}.")
            sections = await _sections(session, call, order_id) if row is not None else {}
            credit = sections.pop("attribution", None)
            if credit is not None:
                credit = {**credit, "touches": await _named(session, links, call.tenant_id, credit["touches"])}
        state = _state(row, credit)
        return {
            "order_attribution": {
                "order_id": order_id,
                "state": state,
                "sentence": SENTENCES[state],
                "conversion": None if row is None else _shown(row),
                "coverage": _coverage(row) if row is not None and row.is_revenue else None,
                "attribution": credit,
                "sections": sections,
            }
        }


def _state(row: Any, credit: Mapping[str, Any] | None) -> str:
    if row is None:
        return "not_recorded"
    if row.status not in COUNTED or row.is_test:
        return "not_counted"
    if credit is None:
        return "pending"
    return "attributed" if credit["touches"] else "unattributed"


async def _conversion(session: AsyncSession, tenant_id: str, order_id: str) -> Any:
    stamped = and_(visit.c.tenant_id == conversion.c.tenant_id, visit.c.order_id == conversion.c.order_id)
    statement = (
        select(conversion, visit.c.method, visit.c.consent, cause(tenant_id).label("cause"))
        .select_from(conversion.outerjoin(visit, stamped))
        .where(
            conversion.c.tenant_id == tenant_id,
            conversion.c.order_id == order_id,
            conversion.c.conversion_type == "purchase",
            conversion.c.deleted_at.is_(None),
        )
    )
    return (await session.execute(statement)).first()


async def _is_order(session: AsyncSession, links: Links, tenant_id: str, order_id: str) -> bool:
    if not links.has("order"):
        return False
    rows = links.by_ids("order", tenant_id, [order_id])
    return (await session.execute(select(rows.c.id).limit(1))).first() is not None


async def _named(
    session: AsyncSession, links: Links, tenant_id: str, touches: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """The touches with their campaigns' names."""
    names = await names_by_id(session, links, tenant_id, "ad_campaign", [touch["ad_campaign_id"] for touch in touches])
    return [
        {**touch, "campaign_name": names.get(touch["ad_campaign_id"] or "") or touch["campaign"]} for touch in touches
    ]


async def _sections(session: AsyncSession, call: AdminCall, order_id: str) -> dict[str, Any]:
    """What is registered for an order, the credit among it, by key."""
    registered: list[Sequence[Section]] = call.runtime.hooks.hook.register_sections()
    wanted = [each for some in registered for each in some if each.place == "order"]
    return {
        each.key: await each.compute(call.runtime, session, call.tenant_id, order_id)
        for each in sorted(wanted, key=lambda each: (each.order, each.key))
        if each.scope in call.actor.scopes
    }


def _coverage(row: Any) -> dict[str, Any]:
    return {
        "cause": row.cause,
        "sentence": meaning(row.cause),
        "joined_by": row.method if row.cause == JOINED else None,
        "consent": row.consent,
    }


def _shown(row: Any) -> dict[str, Any]:
    return {
        "id": row.id,
        "conversion_type": row.conversion_type,
        "status": row.status,
        "occurred_at": rfc3339(row.occurred_at),
        **money("value", row.value, row.currency),
        **money("refunded", row.refunded, row.currency),
        **money("net", row.value - row.refunded, row.currency),
        "currency": row.currency,
        "is_revenue": row.is_revenue,
        "is_test": row.is_test,
        "is_new_customer": row.is_new_customer,
        "sales_channel": row.sales_channel,
    }
