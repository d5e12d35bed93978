"""Paging: list parameters, ordering, search, counts and cursors over one select. Filters are each handler's own."""

from __future__ import annotations

import base64
import binascii
import time
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, cast
from weakref import WeakKeyDictionary

import msgspec
from litestar import Request
from litestar.params import QueryParameter
from sqlalchemy import (
    ColumnElement,
    Executable,
    Row,
    Select,
    SQLColumnExpression,
    String,
    and_,
    func,
    literal,
    or_,
    select,
)
from sqlalchemy import cast as sql_cast
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.compiler import SQLCompiler
from sqlalchemy.sql.expression import ClauseElement

from adplanning_plugin.kernel.errors import FieldError, Invalid

AnySelect = Select[*tuple[Any, ...]]
AnyRow = Row[*tuple[Any, ...]]
Column = SQLColumnExpression[Any]

MAX_LIMIT = 200
MAX_OFFSET = 10_000_000
EXACT_COUNT = 10_000
ESTIMATE_SECONDS = 15.0
"""How long an estimate is repeated: whoever turns pages counts 10,000 rows once, not on every page."""
MAX_ESTIMATES = 256
DEEP_OFFSET = 200
"""From here on a page selects its ids first, so that skipped rows are never fetched whole."""


@dataclass(frozen=True, slots=True)
class ListParams:
    """What every list understands."""

    limit: int = 50
    offset: int = 0
    order: str | None = None
    q: str | None = None
    cursor: str | None = None
    csv: bool = False
    """The caller asked for text/csv: everything that is filtered, not one page."""


@dataclass(frozen=True, slots=True)
class Page:
    """One page of rows; for CSV the statement alone, to be streamed."""

    items: Sequence[AnyRow]
    count: int
    count_estimated: bool
    offset: int
    limit: int
    statement: AnySelect
    next_cursor: str | None = None
    streams: bool = False
    """Whether the answer carries `next_cursor` in place of a count."""
    csv: bool = False
    """The caller wants all rows of the statement, as CSV."""


async def list_params(
    request: Request[Any, Any, Any],
    limit: Annotated[int, QueryParameter(ge=1, le=MAX_LIMIT, description="Rows in a page.")] = 50,
    offset: Annotated[int, QueryParameter(ge=0, le=MAX_OFFSET, description="Rows to skip.")] = 0,
    order: Annotated[str | None, QueryParameter(description="A column, `-` in front for descending.")] = None,
    q: Annotated[str | None, QueryParameter(description="Free text.", min_length=1, max_length=200)] = None,
    cursor: Annotated[str | None, QueryParameter(description="`next_cursor` of the page before.")] = None,
) -> ListParams:
    """The dependency `params`."""
    return ListParams(limit, offset, order, q, cursor, wants_csv(request.headers.get("accept", "")))


def wants_csv(accept: str) -> bool:
    """Whether the Accept header prefers CSV over JSON."""
    weights: dict[str, float] = {}
    for part in accept.lower().split(","):
        kind, *options = (piece.strip() for piece in part.split(";"))
        weight = next((option[2:] for option in options if option.startswith("q=")), "1")
        try:
            weights[kind] = float(weight)
        except ValueError:
            weights[kind] = 0.0
    return weights.get("text/csv", 0.0) > weights.get("application/json", 0.0)


async def paginate(
    session: AsyncSession,
    statement: AnySelect,
    params: ListParams,
    *,
    sortable: Mapping[str, Column],
    default: str,
    tiebreak: Column,
    search: Sequence[Column] = (),
    stream: bool = False,
) -> Page:
    """One page of `statement`, which has its filters (and the tenant's) but neither order nor limit.

    Args:
        sortable: names that `order` may take, and what they sort by.
        default: the order without one, `-created_at` for example.
        tiebreak: a column that is unique in the statement; it makes the order total and deep pages cheap.
        search: columns in which `q` is looked for, case-insensitively.
        stream: page by cursor, without a count.
    """
    statement = _searched(statement, params.q, search)
    column, descending = _ordering(params.order or default, sortable)
    ordered = statement.order_by(*_order_by(column, tiebreak, descending=descending))
    if params.csv:
        return Page((), 0, False, 0, params.limit, ordered, streams=stream, csv=True)
    count, estimated = (0, False) if stream else await count_rows(session, statement)
    wanted = params.limit + 1
    if params.cursor:
        seek = _seek(column, tiebreak, _decode_cursor(params.cursor, column, tiebreak), descending=descending)
        page = ordered.where(seek).limit(wanted)
    elif params.offset >= DEEP_OFFSET:
        keys = ordered.with_only_columns(tiebreak, maintain_column_froms=True).limit(wanted).offset(params.offset)
        # An array, not IN: under a plan for any limit the planner expects a tenth of all rows and reads them all.
        # Spelled out: `==` would turn round where the key is a function too, and ANY stands on the right only.
        among = tiebreak.op("=", is_comparison=True)(func.any(func.array(keys.scalar_subquery())))
        page = ordered.where(among)
    else:
        page = ordered.limit(wanted).offset(params.offset)
    marks: list[Any] = [column.label("cursor_value"), tiebreak.label("cursor_key")]
    rows = (await session.execute(page.add_columns(*marks))).all()
    more = len(rows) > params.limit
    rows = rows[: params.limit]
    following = _encode_cursor(rows[-1]) if more and rows else None
    return Page(rows, count, estimated, params.offset, params.limit, ordered, following, stream or bool(params.cursor))


async def count_rows(session: AsyncSession, statement: AnySelect) -> tuple[int, bool]:
    """(rows, estimated?): exact to 10,000, above it what the planner expects, as it said it in the last seconds."""
    remembered = _estimates(session)
    question = _question(statement)
    known = remembered.get(question)
    if known is not None and time.monotonic() - known[1] < ESTIMATE_SECONDS:
        return known[0], True
    # A statement without a condition names what it reads in its columns alone.
    ones = statement.order_by(None).with_only_columns(literal(1), maintain_column_froms=True)
    bounded = ones.limit(EXACT_COUNT + 1).subquery()
    counted = (await session.execute(select(func.count()).select_from(bounded))).scalar_one()
    if counted <= EXACT_COUNT:
        return counted, False
    plan = (await session.execute(_Explain(statement.order_by(None)))).scalar_one()
    estimate = max(int(plan[0]["Plan"]["Plan Rows"]), counted)
    if question is not None:
        remembered.pop(question, None)
        remembered[question] = (estimate, time.monotonic())
        if len(remembered) > MAX_ESTIMATES:
            remembered.pop(next(iter(remembered)))
    return estimate, True


_Remembered = dict[Hashable, tuple[int, float]]
_remembered: WeakKeyDictionary[object, _Remembered] = WeakKeyDictionary()


def _estimates(session: AsyncSession) -> _Remembered:
    """What was said of the lists of this session's database."""
    return _remembered.setdefault(session.get_bind(), {})


def _question(statement: AnySelect) -> Hashable | None:
    """What two statements share that ask the same of the same tenant; None where that cannot be told."""
    key = statement.order_by(None)._generate_cache_key()  # noqa: SLF001 # pyright: ignore[reportPrivateUsage]
    if key is None:
        return None
    return key.key, tuple(repr(bound.effective_value) for bound in key.bindparams)


class _Explain(Executable, ClauseElement):
    """EXPLAIN (FORMAT JSON) of a statement, with its bound parameters."""

    inherit_cache = False

    def __init__(self, statement: AnySelect) -> None:
        self.statement = statement


@compiles(_Explain, "postgresql")
def _compile_explain(element: _Explain, compiler: SQLCompiler, **kw: Any) -> str:
    return "EXPLAIN (FORMAT JSON) " + compiler.process(element.statement, **kw)


def _searched(statement: AnySelect, q: str | None, search: Sequence[Column]) -> AnySelect:
    if q is None:
        return statement
    if not search:
        raise Invalid(FieldError("q", "unknown_parameter", "This list cannot be searched by q: use its filters."))
    return statement.where(or_(*(sql_cast(column, String).icontains(q, autoescape=True) for column in search)))


def _ordering(order: str, sortable: Mapping[str, Column]) -> tuple[Column, bool]:
    descending = order.startswith("-")
    column = sortable.get(order.removeprefix("-"))
    if column is None:
        known = ", ".join(sorted(sortable))
        message = f"order must be one of {known}, with - in front for descending."
        raise Invalid(FieldError("order", "unknown_order", message))
    return column, descending


def _nullable(column: Column) -> bool:
    return bool(getattr(column, "nullable", True))


def _order_by(column: Column, tiebreak: Column, *, descending: bool) -> tuple[Column, ...]:
    """Nulls last either way; said only where nulls can be, so that a plain index serves the rest."""
    first = column.desc() if descending else column.asc()
    if descending and _nullable(column):
        first = first.nulls_last()
    return first, tiebreak.desc() if descending else tiebreak.asc()


def _seek(column: Column, tiebreak: Column, after: tuple[Any, Any], *, descending: bool) -> ColumnElement[bool]:
    """Rows behind the cursor."""
    value, key = after
    later_key = tiebreak < key if descending else tiebreak > key
    if value is None:
        return and_(column.is_(None), later_key)
    later = column < value if descending else column > value
    behind = or_(later, and_(column == value, later_key))
    return or_(behind, column.is_(None)) if _nullable(column) else behind


def _python_type(column: Column) -> type[Any]:
    return cast("ColumnElement[Any]", column).type.python_type


def _encode_cursor(row: AnyRow) -> str:
    return base64.urlsafe_b64encode(msgspec.json.encode([row.cursor_value, row.cursor_key])).decode().rstrip("=")


def _decode_cursor(cursor: str, column: Column, tiebreak: Column) -> tuple[Any, Any]:
    try:
        raw = msgspec.json.decode(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)), type=tuple[Any, Any])
        value = None if raw[0] is None else msgspec.convert(raw[0], _python_type(column), strict=False)
        return value, msgspec.convert(raw[1], _python_type(tiebreak), strict=False)
    except (ValueError, binascii.Error, msgspec.MsgspecError) as error:
        message = "cursor must be the next_cursor of a page with the same order."
        raise Invalid(FieldError("cursor", "invalid_cursor", message)) from error
