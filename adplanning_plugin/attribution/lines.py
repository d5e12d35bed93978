"""Lines: the wire forms of statistics, comparisons and single credits, and the period that their routes ask for."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy import Row

from adplanning_plugin.kernel.days import day_of, day_start, parse_instant, rfc3339
from adplanning_plugin.kernel.errors import FieldError, Invalid
from adplanning_plugin.kernel.money import to_major

STATS_COLUMNS = (
    "key", "name", "kind", "conversions", "touches", "value", "value_minor", "refunded", "refunded_minor", "net",
    "net_minor", "currency", "spend", "spend_minor", "spend_currency",
)  # fmt: skip


def asked_period(first: str | None, last: str | None, zone: str) -> tuple[datetime | None, datetime | None]:
    """First moment and the one after the last of the days asked for; `Invalid` where they are none."""
    start, end = _bound(first, "from_date", zone, later=0), _bound(last, "to_date", zone, later=1)
    if start is not None and end is not None and end <= start:
        raise Invalid(FieldError("to_date", "before_from_date", "to_date must not be before from_date."))
    return start, end


def _bound(value: str | None, field: str, zone: str, *, later: int) -> datetime | None:
    if value is None:
        return None
    try:
        if len(value) == 10:
            return day_start(date.fromisoformat(value) + timedelta(days=later), zone)
        if value[10:11] in {"T", "t"}:
            return parse_instant(value, field).astimezone(UTC)
    except (ValueError, OverflowError):
        pass
    message = f"{field} must be a day such as 2026-02-07, or a time with an offset such as 2026-02-07T10:00:00Z."
    raise Invalid(FieldError(field, "not_a_time", message))


def days_of(start: datetime | None, end: datetime | None, zone: str) -> tuple[date | None, date | None]:
    """First and last local day of a period: spend is known by day, and a day that the period touches counts whole."""
    first = day_of(start, zone) if start is not None else None
    return first, day_of(end - timedelta(microseconds=1), zone) if end is not None else None


def stats_line(row: Row[Any], group_by: str, spend: dict[str, tuple[int, str]]) -> dict[str, Any]:
    """A line of the statistics."""
    spent = spend.get(row.ad_campaign_id or "") if group_by == "campaign" else None
    return {
        "key": row.key if row.kind == "touch" else None,
        "name": row.name or row.key if row.kind == "touch" else row.kind,
        "kind": row.kind,
        "conversions": round(row.conversions, 6),
        "touches": row.touches,
        **_money("value", row.value, row.currency),
        **_money("refunded", row.refunded, row.currency),
        **_money("net", row.value - row.refunded, row.currency),
        "currency": row.currency,
        "spend": to_major(*spent) if spent else None,
        "spend_minor": spent[0] if spent else None,
        "spend_currency": spent[1] if spent else None,
    }


def compared_line(
    row: Row[Any], models: Sequence[str], group_by: str, spend: dict[str, tuple[int, str]], *, flat: bool
) -> dict[str, Any]:
    """A line with its credit as a list by model, or, in a file, as columns that begin with the model's name."""
    spent = spend.get(row.ad_campaign_id or "") if group_by == "campaign" else None
    credit: list[dict[str, Any]] = []
    for place, model in enumerate(models, start=1):
        value, refunded = getattr(row, f"value_{place}"), getattr(row, f"refunded_{place}")
        credit.append(
            {
                "model": model,
                "conversions": round(getattr(row, f"conversions_{place}"), 6),
                **_money("value", value, row.currency),
                **_money("refunded", refunded, row.currency),
                **_money("net", value - refunded, row.currency),
            }
        )
    columns = {f"{one['model']}_{name}": one[name] for one in credit for name in ("conversions", "value", "net")}
    return {
        "key": row.key if row.kind == "touch" else None,
        "name": row.name or row.key if row.kind == "touch" else row.kind,
        "kind": row.kind,
        "currency": row.currency,
        **(columns if flat else {"credit": credit}),
        "spend": to_major(*spent) if spent else None,
        "spend_minor": spent[0] if spent else None,
        "spend_currency": spent[1] if spent else None,
    }


def taken_part(row: Row[Any], models: Sequence[str]) -> dict[str, Any]:
    """A conversion that a touch took part in."""
    return {
        "conversion_id": row.id,
        "conversion_type": row.conversion_type,
        "status": row.status,
        "order_id": row.order_id,
        "occurred_at": rfc3339(row.occurred_at),
        **_money("value", row.value, row.currency),
        "currency": row.currency,
        "position": row.position,
        "touches": row.touches,
        "credit": [
            {
                "model": model,
                "weight": round(weight, 6),
                **_money("value", amount, row.credit_currency),
                **_money("refunded", refunded, row.credit_currency),
            }
            for model, weight, amount, refunded in zip(models, row.weights, row.amounts, row.refunds, strict=False)
        ],
    }


def stats_total(rows: list[Row[Any]] | Any) -> dict[str, Any]:
    """What the lines sum to, money by currency."""
    conversions = sum(row.conversions for row in rows)
    lost = sum(row.conversions for row in rows if row.kind == "unattributed")
    by_currency: dict[str, dict[str, Any]] = {}
    for currency in sorted({row.currency for row in rows}):
        mine = [row for row in rows if row.currency == currency]
        value, refunded = sum(row.value for row in mine), sum(row.refunded for row in mine)
        by_currency[currency] = {
            **_money("value", value, currency),
            **_money("refunded", refunded, currency),
            **_money("net", value - refunded, currency),
        }
    return {
        "conversions": round(conversions, 6),
        "unattributed_share": round(lost / conversions, 6) if conversions else None,
        "by_currency": by_currency,
    }


def _money(name: str, minor: int, currency: str) -> dict[str, Any]:
    return {name: to_major(minor, currency), f"{name}_minor": minor}
