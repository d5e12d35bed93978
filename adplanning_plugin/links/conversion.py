"""Conversion: one host column, of whatever type, as the canonical type in SQL, and ids the other way round."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from decimal import Decimal
from typing import Any
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    BindParameter,
    Boolean,
    ColumnElement,
    Date,
    DateTime,
    Double,
    Float,
    Integer,
    Interval,
    Numeric,
    Text,
    and_,
    any_,
    bindparam,
    case,
    cast,
    false,
    func,
    literal,
    literal_column,
    type_coerce,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.dialects.postgresql.asyncpg import PGDialect_asyncpg
from sqlalchemy.sql import sqltypes
from sqlalchemy.types import TypeDecorator, TypeEngine

from adplanning_plugin.kernel.money import THREE_DECIMAL, ZERO_DECIMAL, exponent
from adplanning_plugin.links.entities import EntityColumn

_NO_DECIMALS: ColumnElement[Any] = literal_column(f"'{{{','.join(sorted(ZERO_DECIMAL))}}}'::text[]", ARRAY(Text()))
_THREE_DECIMALS: ColumnElement[Any] = literal_column(f"'{{{','.join(sorted(THREE_DECIMAL))}}}'::text[]", ARRAY(Text()))
_ONE: ColumnElement[Any] = literal_column("1")
_HUNDRED: ColumnElement[Any] = literal_column("100")
_THOUSAND: ColumnElement[Any] = literal_column("1000")
_LEAST: ColumnElement[Any] = literal_column("-9223372036854775807")
_MOST: ColumnElement[Any] = literal_column("9223372036854775807")
_DIALECT = PGDialect_asyncpg()
INSTANT = DateTime(timezone=True)
_INT64 = 2**63
_FOLD = timedelta(hours=3)
"""More than any clock goes back at once: local times are compared with this margin before they are compared exactly."""


class Unfit(Exception):
    """A host's type cannot become the canonical one; the sentence says what to write instead."""


def plain(kind: TypeEngine[Any]) -> TypeEngine[Any]:
    """The database's type behind a host's own Python type."""
    while isinstance(kind, TypeDecorator):
        kind = kind.load_dialect_impl(_DIALECT)
    return kind


def is_text(kind: TypeEngine[Any]) -> bool:
    """Whether the database compares the type as text, so that a cast would be pointless."""
    return isinstance(kind, sqltypes.String) and not isinstance(kind, sqltypes.Enum | sqltypes.CHAR)


def is_naive(kind: TypeEngine[Any]) -> bool:
    """Whether the type lacks a time zone (a date stands for its midnight)."""
    return isinstance(kind, Date) or (isinstance(kind, DateTime) and not kind.timezone)


def canonical(
    column: EntityColumn,
    expression: ColumnElement[Any],
    *,
    unit: str | None,
    currency: ColumnElement[Any] | None,
    zone: str | None,
) -> ColumnElement[Any]:
    """The expression as the column's canonical type; a column that already fits stays bare, so its index stays usable.

    Raises:
        Unfit: the host's type cannot become the canonical one; the sentence says what to write instead.
    """
    kind = plain(expression.type)
    if column.name == "currency":
        return func.upper(as_text(expression), type_=Text())
    if column.type == "money":
        return _money(column.name, expression, kind, unit or "minor", currency)
    if column.type == "timestamp":
        return instant(column.name, expression, kind, zone)
    return _SIMPLE[column.type](column.name, expression, kind)


def as_text(expression: ColumnElement[Any]) -> ColumnElement[Any]:
    """Text, whatever it was."""
    kind = plain(expression.type)
    return type_coerce(expression, Text()) if is_text(kind) else cast(expression, Text())


def instant(name: str, expression: ColumnElement[Any], kind: TypeEngine[Any], zone: str | None) -> ColumnElement[Any]:
    """An instant; a naive column is read in the link's zone."""
    if isinstance(kind, sqltypes.NullType):
        raise Unfit(f"the type of {name} is unknown: write cast(…, DateTime(timezone=True)).")
    if is_naive(kind):
        if zone is None:
            raise Unfit(f'{name} is a time without a zone: say which zone it is in, such as zone="Asia/Kolkata".')
        return func.timezone(zone, cast(expression, DateTime()), type_=INSTANT)
    if not isinstance(kind, DateTime):
        raise Unfit(f"{name} is a {kind}, not a time: write func.to_timestamp(…) for seconds, or cast(…) to one.")
    return type_coerce(expression, INSTANT)


def _money(
    name: str,
    expression: ColumnElement[Any],
    kind: TypeEngine[Any],
    unit: str,
    currency: ColumnElement[Any] | None,
) -> ColumnElement[Any]:
    """Integer minor units; major ones are scaled by the currency's exponent (ISO 4217), rounded half away from zero.

    An amount that is none (NaN, infinite, past 64 bits) is NULL, so that one bad row never fails the query of others.
    """
    if not isinstance(kind, Numeric | Float | Integer | sqltypes.NullType):
        raise Unfit(f"{name} is a {kind}, not a number: write cast(…, Numeric) around it.")
    if unit == "minor":
        if isinstance(kind, BigInteger):
            return type_coerce(expression, BigInteger())
        if isinstance(kind, Integer):
            return cast(expression, BigInteger())
        return _fitting(func.round(cast(expression, Numeric())))
    if currency is None:
        raise Unfit(f"{name} is in major units, but the currency is not linked.")
    return _fitting(func.round(cast(expression, Numeric()) * _scale(currency)))


def _fitting(amount: ColumnElement[Any]) -> ColumnElement[Any]:
    """The amount as an integer where it is one; NaN and the infinities lie outside any bounds."""
    return case((amount.between(_LEAST, _MOST), cast(amount, BigInteger())))


def _scale(currency: ColumnElement[Any]) -> ColumnElement[Any]:
    """Minor units in a major one: written out, since a constant costs nothing per row and parameters would be many."""
    if isinstance(currency, BindParameter) and isinstance(currency.value, str):
        return literal_column(str(10 ** exponent(currency.value.strip().upper())))
    code = func.upper(as_text(currency))
    return case((code == any_(_NO_DECIMALS), _ONE), (code == any_(_THREE_DECIMALS), _THOUSAND), else_=_HUNDRED)


def _text(_name: str, expression: ColumnElement[Any], _kind: TypeEngine[Any]) -> ColumnElement[Any]:
    return as_text(expression)


def _int(name: str, expression: ColumnElement[Any], kind: TypeEngine[Any]) -> ColumnElement[Any]:
    if not isinstance(kind, Numeric | Float | Integer | sqltypes.NullType):
        raise Unfit(f"{name} is a {kind}, not a whole number: write cast(…, Integer) around it.")
    return type_coerce(expression, BigInteger()) if isinstance(kind, BigInteger) else cast(expression, BigInteger())


def _float(name: str, expression: ColumnElement[Any], kind: TypeEngine[Any]) -> ColumnElement[Any]:
    if not isinstance(kind, Numeric | Float | Integer | sqltypes.NullType):
        raise Unfit(f"{name} is a {kind}, not a number: write cast(…, Float) around it.")
    return cast(expression, Double())


def _bool(name: str, expression: ColumnElement[Any], kind: TypeEngine[Any]) -> ColumnElement[Any]:
    if not isinstance(kind, Boolean | sqltypes.NullType):
        raise Unfit(f"{name} is a {kind}, not true or false: write a comparison, such as column == 'test'.")
    return type_coerce(expression, Boolean())


def _date(name: str, expression: ColumnElement[Any], kind: TypeEngine[Any]) -> ColumnElement[Any]:
    if not isinstance(kind, Date | sqltypes.NullType):
        raise Unfit(f"{name} is a {kind}, not a day: write cast(…, Date) in the zone whose days are meant.")
    return type_coerce(expression, Date()) if isinstance(kind, Date) else cast(expression, Date())


def _json(name: str, expression: ColumnElement[Any], kind: TypeEngine[Any]) -> ColumnElement[Any]:
    if not isinstance(kind, sqltypes.JSON | sqltypes.NullType):
        raise Unfit(f"{name} is a {kind}, not JSON: write func.jsonb_build_object(…) or cast(…, JSONB).")
    return cast(expression, JSONB())


_SIMPLE: dict[str, Callable[[str, ColumnElement[Any], TypeEngine[Any]], ColumnElement[Any]]] = {
    "text": _text,
    "int": _int,
    "float": _float,
    "bool": _bool,
    "date": _date,
    "json": _json,
}


def equals_text(expression: ColumnElement[Any], values: Sequence[str]) -> ColumnElement[bool]:
    """Whether the host's column, as text, is one of the values, written so that the host's index on it can be used.

    A value that is not the canonical text of the host's type (`007` or `x` for an integer) matches nothing.
    """
    kind = plain(expression.type)
    if isinstance(kind, Integer):
        return _any(expression, BigInteger(), [number for value in values if (number := _integer(value)) is not None])
    if isinstance(kind, sqltypes.Uuid):
        return _any(expression, sqltypes.Uuid(), [key for value in values if (key := _uuid(value)) is not None])
    return _any(as_text(expression), Text(), [value for value in values if _is_storable(value)])


def _any(expression: ColumnElement[Any], kind: TypeEngine[Any], values: Sequence[Any]) -> ColumnElement[bool]:
    bare: ColumnElement[Any] = type_coerce(expression, kind)
    if not values:
        return false()
    if len(values) == 1:
        return bare == bindparam(None, values[0], kind)
    return bare == any_(bindparam(None, list(values), ARRAY(kind)))


def _is_storable(value: str) -> bool:
    """Whether PostgreSQL can hold the text at all."""
    return "\x00" not in value and not any("\ud800" <= character <= "\udfff" for character in value)


def _integer(value: str) -> int | None:
    try:
        number = int(value)
    except ValueError:
        return None
    return number if str(number) == value and -_INT64 <= number < _INT64 else None


def _uuid(value: str) -> UUID | None:
    try:
        key = UUID(value)
    except ValueError:
        return None
    return key if str(key) == value else None


def beyond(
    column: EntityColumn,
    raw: ColumnElement[Any],
    exact: ColumnElement[Any],
    after: Any,
    *,
    inclusive: bool,
    zone: str | None,
) -> ColumnElement[bool]:
    """Whether the canonical column lies after a bound, written so that the host's index on it can be used.

    A naive host column is first compared in local time, with a margin for clocks that go back, then exactly.
    """
    kind = plain(raw.type)
    bound: ColumnElement[Any] = _bound(column, after)
    narrow = exact >= bound if inclusive else exact > bound
    if column.type != "timestamp" or not is_naive(kind):
        return narrow
    local = func.timezone(zone, bound, type_=DateTime()) - literal(_FOLD, Interval())
    return and_(type_coerce(raw, DateTime()) >= cast(local, kind if isinstance(kind, Date) else DateTime()), narrow)


def _bound(column: EntityColumn, after: Any) -> ColumnElement[Any]:
    if isinstance(after, ColumnElement):
        return after  # pyright: ignore[reportUnknownVariableType]
    kinds: dict[str, TypeEngine[Any]] = {
        "timestamp": INSTANT,
        "date": Date(),
        "int": BigInteger(),
        "money": BigInteger(),
        "float": Double(),
    }
    value = float(after) if isinstance(after, Decimal) else after
    return bindparam(None, value, kinds.get(column.type, Text()))
