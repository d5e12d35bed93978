"""Goal matching: a goal's conditions as one SQL predicate over any source of events. It reads no row itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, Numeric, Text, and_, case, cast, false, func, literal, null, true, type_coerce
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from adplanning_plugin.tracking.goal_conditions import Conditions, Custom

Columns = Mapping[str, ColumnElement[Any]]
"""What a source offers under the fields' names (`event_name`, `path`, `value`, …), `utm` and `properties` as jsonb."""

_EVENT_NAMES: Mapping[str, tuple[str, ...]] = {
    "add_to_cart": ("add_to_cart",),
    "begin_checkout": ("begin_checkout",),
    "scroll_depth": ("scroll_depth", "scroll"),
    "time_on_site": ("time_on_site", "time_on_page", "time"),
    "lead_form_submission": ("lead_form_submission", "form_submit"),
}
"""Events that a type means where the goal names none."""
_NUMERIC_TEXT = r"^-?[0-9]{1,30}(\.[0-9]{1,30})?$"


class GoalRule(msgspec.Struct, frozen=True, kw_only=True):
    """A goal, ready to be matched."""

    id: str
    goal_type: str
    conversion_type: str
    ledger: bool
    """Marks conversions of orders or leads, in place of counting events."""
    conditions: Conditions
    currency: str
    default_value: int | None = None
    value_from_event: bool = False
    priority: int = 0


def predicate(rule: GoalRule, columns: Columns) -> ColumnElement[bool]:
    """True exactly for the rows that fulfil every condition of the goal."""
    given = rule.conditions
    parts: list[ColumnElement[bool]] = []
    names = None if rule.ledger else _names(rule)
    if names is not None:
        parts.append(columns["event_name"].in_(names))
    if given.pathname_pattern is not None:
        parts.append(columns["path"].like(glob_to_like(given.pathname_pattern), escape="\\"))
    if given.min_seconds is not None:
        parts.append(columns["seconds"] >= given.min_seconds)
    if given.min_scroll is not None:
        parts.append(columns["scroll"] >= given.min_scroll)
    if given.min_value is not None:
        parts.append(and_(columns["value"] >= given.min_value, _in_currency(rule, columns)))
    parts += [_custom(each, rule, columns) for each in given.custom]
    return func.coalesce(and_(true(), *parts), false())


def choose_goal(rules: Sequence[GoalRule], columns: Columns) -> ColumnElement[str | None]:
    """The id of the first rule (they come by priority) that a row fulfils, or null."""
    if not rules:
        return cast(null(), Text())
    return case(*((predicate(rule, columns), literal(rule.id)) for rule in rules), else_=cast(null(), Text()))


def glob_to_like(pattern: str) -> str:
    """`/products/*` as a LIKE pattern: * is any characters (slashes too), ? is one; everything else is itself."""
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%").replace("?", "_")


def _names(rule: GoalRule) -> tuple[str, ...] | None:
    given = rule.conditions
    if given.event_name is not None:
        return (given.event_name,)
    if rule.goal_type == "page_view":
        return ("page_view",)
    if rule.conversion_type == "page_engagement":
        # Whatever event carries seconds or scroll says how somebody engaged with the page.
        measured = given.min_seconds is not None or given.min_scroll is not None
        return (
            None if measured else ("page_engagement", "engagement", *(("page_view",) if given.pathname_pattern else ()))
        )
    return _EVENT_NAMES.get(rule.conversion_type)


def _in_currency(rule: GoalRule, columns: Columns) -> ColumnElement[bool]:
    """Amounts of another currency are never compared; one without a currency is in the goal's."""
    return func.coalesce(columns["currency"], rule.currency) == rule.currency


def _custom(condition: Custom, rule: GoalRule, columns: Columns) -> ColumnElement[bool]:
    if condition.kind == "money":
        inside = _compare(columns["value"], condition.operator, condition.value)
        return inside if condition.operator in ("exists", "not_exists") else and_(inside, _in_currency(rule, columns))
    if condition.kind == "number":
        return _compare(columns[condition.field], condition.operator, condition.value)
    if condition.kind == "property":
        path = condition.field.split(".")[1:]
        text = columns["properties"].op("#>>", return_type=Text())(type_coerce(path, ARRAY(Text())))
        return _property(text, condition)
    if condition.field.startswith("utm_"):
        text = columns["utm"].op("->>", return_type=Text())(condition.field.removeprefix("utm_"))
        return _compare(text, condition.operator, condition.value)
    return _compare(columns[condition.field], condition.operator, condition.value)


def _property(text: ColumnElement[Any], condition: Custom) -> ColumnElement[bool]:
    """A property may hold anything: numbers are compared where the value looks like one, and cast nowhere else."""
    value = condition.value
    if isinstance(value, bool):
        return _compare(text, condition.operator, "true" if value else "false")
    if isinstance(value, Decimal):
        number = case((text.op("~")(_NUMERIC_TEXT), cast(text, Numeric())))
        return _compare(number, condition.operator, value)
    return _compare(text, condition.operator, value)


def _compare(left: ColumnElement[Any], operator: str, value: Any) -> ColumnElement[bool]:
    return _SQL[operator](left, value)


def _like(value: str) -> str:
    return value.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


_SQL: Mapping[str, Callable[[ColumnElement[Any], Any], ColumnElement[bool]]] = {
    "eq": lambda left, value: left == value,
    "ne": lambda left, value: left.is_distinct_from(value),
    "gt": lambda left, value: left > value,
    "gte": lambda left, value: left >= value,
    "lt": lambda left, value: left < value,
    "lte": lambda left, value: left <= value,
    "contains": lambda left, value: left.like(f"%{_like(value)}%", escape="\\"),
    "not_contains": lambda left, value: func.coalesce(~left.like(f"%{_like(value)}%", escape="\\"), true()),
    "starts_with": lambda left, value: left.like(f"{_like(value)}%", escape="\\"),
    "ends_with": lambda left, value: left.like(f"%{_like(value)}", escape="\\"),
    "in": lambda left, value: left.in_(value),
    "not_in": lambda left, value: func.coalesce(left.not_in(value), true()),
    "exists": lambda left, _: left.is_not(None),
    "not_exists": lambda left, _: left.is_(None),
}


def no_value(kind: type[Any] = Text) -> ColumnElement[Any]:
    """A typed null for what a source does not know."""
    return cast(null(), JSONB() if kind is JSONB else kind())
