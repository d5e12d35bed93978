"""Values: one cell of a data file as one canonical value, or the reason why it is none."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from typing import Any

import msgspec

from adplanning_plugin.kernel.days import now
from adplanning_plugin.kernel.days import zone as find_zone
from adplanning_plugin.kernel.errors import Invalid
from adplanning_plugin.kernel.money import MAX_MINOR, check_currency, to_minor
from adplanning_plugin.links.entities import Entity, EntityColumn
from adplanning_plugin.links.mapping import Mapping, Rule

_TRUE = frozenset({"true", "t", "yes", "y", "1"})
_FALSE = frozenset({"false", "f", "no", "n", "0"})


class BadValue(Exception):
    """The cell is no such value; the sentence says why."""


def converter(entity: Entity, column: EntityColumn, rule: Rule, mapping: Mapping) -> Callable[[str, str | None], Any]:
    """A function from (text, the row's currency) to the canonical value; it raises `BadValue`."""
    name = column.name
    if name == "currency":
        return lambda text, _currency: _currency_code(text)
    if column.type == "text":
        return lambda text, _currency: _choice(column, text)
    if column.type == "money":
        unit = rule.unit or mapping.unit or "major"
        return lambda text, currency: _money(name, _number(text, mapping.decimal), unit, currency)
    if column.type == "timestamp":
        zone = rule.zone or mapping.zone
        latest = now() + timedelta(days=1) if entity.happened == name else None
        return lambda text, _currency: _instant(name, text, rule.format, zone, latest)
    if column.type == "date":
        return lambda text, _currency: _day(name, text, rule.format)
    simple: dict[str, Callable[[str, str], Any]] = {"int": _int, "float": _float, "bool": _bool, "json": _json}
    convert = simple[column.type]
    decimal = mapping.decimal if column.type == "float" else "."
    return lambda text, _currency: convert(name, _number(text, decimal))


def _number(text: str, decimal: str) -> str:
    return text.replace(".", "").replace(",", ".") if decimal == "," else text


@lru_cache(maxsize=512)
def _currency_code(text: str) -> str:
    try:
        return check_currency(text)
    except Invalid as problem:
        raise BadValue(f"currency {text!r} is no ISO 4217 code such as INR or EUR") from problem


@lru_cache(maxsize=65536)
def _money(name: str, text: str, unit: str, currency: str | None) -> int:
    if currency is None:
        raise BadValue(f"{name} has no currency")
    try:
        if unit == "major":
            return to_minor(text, currency, name)
    except Invalid as problem:
        raise BadValue(f"{problem.detail.rstrip('.')} (it is {text!r})") from problem
    minor = _int(name, text)
    if minor < 0:
        raise BadValue(f"{name} must not be negative (it is {text!r})")
    return minor


def _int(name: str, text: str) -> int:
    try:
        number = Decimal(text)
        whole = int(number)
    except (InvalidOperation, ValueError, OverflowError) as problem:
        raise BadValue(f"{name} {text!r} is no whole number") from problem
    if whole != number:
        raise BadValue(f"{name} {text!r} is no whole number")
    if abs(whole) > MAX_MINOR:
        raise BadValue(f"{name} {text!r} is past 64 bits")
    return whole


def _float(name: str, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise BadValue(f"{name} {text!r} is no number")
    return number


def _bool(name: str, text: str) -> bool:
    word = text.lower()
    if word in _TRUE:
        return True
    if word in _FALSE:
        return False
    raise BadValue(f"{name} {text!r} is neither true nor false (map its words)")


def _json(name: str, text: str) -> str:
    try:
        msgspec.json.decode(text.encode())
    except msgspec.DecodeError as problem:
        raise BadValue(f"{name} is no JSON: {problem}") from problem
    if "\\u0000" in text:
        raise BadValue(f"{name} contains a NUL character")
    return text


def _choice(column: EntityColumn, text: str) -> str:
    if column.choices and text not in column.choices:
        raise BadValue(f"{column.name} {text!r} must be one of {', '.join(column.choices)} (map its words)")
    return text


@lru_cache(maxsize=65536)
def _moment(name: str, text: str, form: str | None) -> datetime:
    try:
        return datetime.fromisoformat(text) if form is None else datetime.strptime(text, form)  # noqa: DTZ007
    except ValueError as problem:
        expected = f"does not fit the format {form}" if form else "is no ISO 8601 time (give its format)"
        raise BadValue(f"{name} {text!r} {expected}") from problem


def _day(name: str, text: str, form: str | None) -> date:
    moment = _moment(name, text, form)
    if form is None and moment.time().replace(tzinfo=None).isoformat() != "00:00:00":
        raise BadValue(f"{name} {text!r} is a time, not a day")
    return moment.date()


@lru_cache(maxsize=65536)
def _instant(name: str, text: str, form: str | None, zone: str | None, latest: datetime | None) -> datetime:
    moment = _moment(name, text, form)
    if moment.tzinfo is None:
        if zone is None:
            raise BadValue(f'{name} {text!r} has no offset: say which zone it is in, such as zone = "Asia/Kolkata"')
        moment = moment.replace(tzinfo=find_zone(zone))
    try:
        instant = moment.astimezone(UTC)
    except OverflowError as problem:
        raise BadValue(f"{name} {text!r} is before the year 1 or past the year 9999") from problem
    if latest is not None and instant > latest:
        raise BadValue(f"{name} {text!r} lies in the future")
    return instant
