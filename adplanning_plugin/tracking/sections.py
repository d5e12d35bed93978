"""Sections: what tracking says in the metrics view: conversions by type. It credits nobody."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.hookspecs import MetricsQuery, Section
from adplanning_plugin.kernel.money import to_major
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.tracking.models import Conversion
from adplanning_plugin.tracking.vocabulary import CONVERSION_TYPES, COUNTED

HEADLINES = {
    "purchases": "purchase",
    "lead_forms": "lead_form_submission",
    "add_to_cart": "add_to_cart",
    "begin_checkout": "begin_checkout",
}


async def conversions_breakdown(runtime: Runtime, session: AsyncSession, query: MetricsQuery) -> Mapping[str, Any]:
    """Counted conversions of the period: the four that matter most, every type, and each type's value by currency."""
    del runtime
    kind, currency = Conversion.conversion_type, Conversion.currency
    rows = await session.execute(
        select(kind, currency, func.count(), func.sum(Conversion.value))
        .where(
            Conversion.tenant_id == query.tenant_id,
            Conversion.deleted_at.is_(None),
            Conversion.status.in_(COUNTED),
            Conversion.occurred_at >= query.start,
            Conversion.occurred_at < query.end,
        )
        .group_by(kind, currency)
        .order_by(kind, currency)
    )
    found = [(str(name), str(code), int(count), int(value)) for name, code, count, value in rows]
    counts = {name: sum(row[2] for row in found if row[0] == name) for name in CONVERSION_TYPES}
    return {
        **{name: counts[kind] for name, kind in HEADLINES.items()},
        "total": sum(row[2] for row in found),
        "by_type": [
            {
                "conversion_type": name,
                "conversions": count,
                "value": _values(row[1:] for row in found if row[0] == name),
            }
            for name, count in counts.items()
            if count
        ],
    }


def _values(rows: Any) -> Sequence[Mapping[str, Any]]:
    return [
        {"currency": code, "value": to_major(minor, code), "value_minor": minor} for code, _, minor in rows if minor
    ]


SECTIONS = (
    Section(key="conversions", title="Conversions", compute=conversions_breakdown, order=40, page="conversions"),
)
