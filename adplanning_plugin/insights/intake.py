"""Intake: rows of spend and rates from a body of JSON or CSV; each wrong one is named with its row and field."""

from __future__ import annotations

import csv
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta
from decimal import Decimal, InvalidOperation
from io import StringIO
from typing import Annotated, Any, TypeVar, cast

import msgspec
from litestar import Request

from adplanning_plugin.insights.periods import read_day
from adplanning_plugin.kernel import days
from adplanning_plugin.kernel.errors import FieldError, Invalid, Unreadable
from adplanning_plugin.kernel.money import MAX_MINOR, check_currency, to_minor
from adplanning_plugin.kernel.sentences import body_errors

MAX_ROWS = 5000
MAX_ERRORS = 50
FUTURE_DAYS = 1
COUNTS = ("impressions", "clicks", "leads")
Id = Annotated[str, msgspec.Meta(max_length=200)]
Name = Annotated[str, msgspec.Meta(max_length=500)]
Code = Annotated[str, msgspec.Meta(max_length=8)]
Amount = str | int | float
S = TypeVar("S", bound=msgspec.Struct)


class SpendIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """A day's spend of a campaign, an ad set or an ad, in major units."""

    day: Annotated[str, msgspec.Meta(max_length=10)]
    platform: Id
    ad_campaign_id: Id
    ad_set_id: Id = ""
    ad_id: Id = ""
    campaign_name: Name | None = None
    spend: Amount
    currency: Code
    zone: Id | None = None
    impressions: int | None = None
    clicks: int | None = None
    leads: int | None = None
    platform_conversions: float | None = None
    platform_value: Amount | None = None


class RateIn(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """One unit of `base` is `rate` units of `quote` on `day`."""

    day: Annotated[str, msgspec.Meta(max_length=10)]
    base: Code
    quote: Code
    rate: Amount
    source: Id = "manual"


async def read_rows(
    request: Request[Any, Any, Any], kind: type[S], name: str, check: Callable[[S], dict[str, Any]]
) -> list[dict[str, Any]]:
    """The body's rows as they are stored: one JSON object, `{name: [...]}`, a JSON list, or CSV with a header line.

    Raises:
        Unreadable: neither JSON nor CSV.
        Invalid: no rows, too many, or wrong ones: `name[0].field` is the first row's.
    """
    body = await request.body()
    media = (request.headers.get("content-type") or "").partition(";")[0].strip().lower()
    try:
        raw: Any = list(_csv_rows(body.decode("utf-8-sig"))) if media == "text/csv" else msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, csv.Error) as error:
        raise Unreadable(f"The body must be UTF-8 JSON with {name}, or text/csv: {error}.") from None
    rows = _rows(raw, name)
    if not rows or len(rows) > MAX_ROWS:
        raise Invalid(FieldError(name, "row_count", f"{name} must hold 1 to {MAX_ROWS} rows."))
    problems: list[FieldError] = []
    out: list[dict[str, Any]] = []
    for index, row in enumerate(rows):
        try:
            out.append(check(_struct(row, kind)))
        except Invalid as error:
            problems += [_placed(one, name, index) for one in error.errors]
            if len(problems) >= MAX_ERRORS:
                break
    if problems:
        raise Invalid(*problems[:MAX_ERRORS])
    return out


def _rows(raw: Any, name: str) -> list[Any]:
    if isinstance(raw, list):
        return cast("list[Any]", raw)
    if isinstance(raw, dict) and name in raw:
        given = cast("dict[str, Any]", raw)
        if extra := sorted(set(given) - {name}):
            raise Invalid(FieldError(extra[0], "unknown_field", f"There is no field {extra[0]} here: it takes {name}."))
        if not isinstance(given[name], list):
            raise Invalid(FieldError(name, "wrong_type", f"{name} must be a list."))
        return given[name]
    return [raw]


def _struct(row: Any, kind: type[S]) -> S:
    if found := body_errors(kind, row):
        raise Invalid(*found)
    return msgspec.convert(row, kind, strict=False)


def _placed(error: FieldError, name: str, index: int) -> FieldError:
    field = f"{name}[{index}]" if error.field in {"", "body"} else f"{name}[{index}].{error.field}"
    return FieldError(field, error.code, f"Row {index + 1}: {error.message}")


def _csv_rows(text: str) -> Iterator[dict[str, str]]:
    """Rows by column name; an empty cell is not given."""
    reader = csv.reader(StringIO(text, newline=""), strict=True)
    names = [name.strip() for name in next(reader, list[str]())]
    if len(set(names)) != len(names) or "" in names:
        raise csv.Error("the header line must name each column once")
    for cells in reader:
        if not cells:
            continue
        if len(cells) > len(names):
            raise csv.Error(f"line {reader.line_num} has {len(cells)} cells, the header {len(names)}")
        yield {name: cell.strip() for name, cell in zip(names, cells, strict=False) if cell.strip()}


def _day(value: str) -> Any:
    day = read_day(value, "day")
    if day > days.now().date() + timedelta(days=FUTURE_DAYS):
        raise Invalid(FieldError("day", "in_the_future", "day must not lie in the future."))
    return day


def _given(value: str, field: str) -> str:
    text = value.strip()
    if not text or "\x00" in text:
        raise Invalid(FieldError(field, "missing", f"{field} must not be empty."))
    return text


def spend_row(row: SpendIn) -> dict[str, Any]:
    """A row of spend as it is stored."""
    currency = check_currency(row.currency)
    for name in (*COUNTS, "platform_conversions"):
        value = getattr(row, name)
        if value is not None and not 0 <= value <= (MAX_MINOR if name in COUNTS else 1e12):
            raise Invalid(FieldError(name, "out_of_range", f"{name} must be 0 or more, and a number that fits."))
    value = row.platform_value
    return {
        "day": _day(row.day),
        "platform": _given(row.platform, "platform").lower(),
        "ad_campaign_id": _given(row.ad_campaign_id, "ad_campaign_id"),
        "ad_set_id": row.ad_set_id.strip(),
        "ad_id": row.ad_id.strip(),
        "campaign_name": row.campaign_name,
        "spend": to_minor(row.spend, currency, "spend"),
        "currency": currency,
        "zone": days.zone(row.zone).key if row.zone else None,
        **{name: getattr(row, name) for name in COUNTS},
        "platform_conversions": None if row.platform_conversions is None else Decimal(str(row.platform_conversions)),
        "platform_value": None if value is None else to_minor(value, currency, "platform_value"),
    }


def rate_row(row: RateIn) -> dict[str, Any]:
    """A rate as it is stored."""
    base, quote = check_currency(row.base, "base"), check_currency(row.quote, "quote")
    if base == quote:
        raise Invalid(FieldError("quote", "same_currency", "quote must be another currency than base."))
    try:
        rate = Decimal(str(row.rate))
    except InvalidOperation:
        rate = Decimal(0)
    if not rate.is_finite() or not Decimal("1e-9") <= rate < Decimal("1e9"):
        raise Invalid(FieldError("rate", "out_of_range", "rate must be a positive number below a billion."))
    return {"day": _day(row.day), "base": base, "quote": quote, "rate": rate, "source": _given(row.source, "source")}


def last_of_each(rows: Sequence[dict[str, Any]], *key: str) -> list[dict[str, Any]]:
    """The last statement of each key, in order."""
    return list({tuple(row[name] for name in key): row for row in rows}.values())
