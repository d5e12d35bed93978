"""Goal conditions: what a goal may ask for, checked field by field. `goal_matching` makes SQL of it."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Literal, cast

import msgspec

from adplanning_plugin.kernel.errors import FieldError, Invalid
from adplanning_plugin.kernel.money import to_minor

GOAL_TYPES: Mapping[str, str] = {
    "purchase": "purchase",
    "lead_form_submission": "lead_form_submission",
    "lead": "lead_form_submission",
    "lead_form": "lead_form_submission",
    "add_to_cart": "add_to_cart",
    "begin_checkout": "begin_checkout",
    "page_view": "page_engagement",
    "page_engagement": "page_engagement",
    "engagement": "page_engagement",
    "scroll_depth": "scroll_depth",
    "time_on_site": "time_on_site",
    "event": "custom",
    "custom": "custom",
    "custom_event": "custom",
}
"""Goal type → the type of the conversions it counts."""

OPERATORS: Mapping[str, str] = {
    "=": "eq", "==": "eq", "eq": "eq", "equals": "eq", "is": "eq",
    "!=": "ne", "ne": "ne", "not_equals": "ne", "is_not": "ne",
    ">": "gt", "gt": "gt", "greater_than": "gt",
    ">=": "gte", "gte": "gte", "greater_than_or_equal": "gte", "at_least": "gte",
    "<": "lt", "lt": "lt", "less_than": "lt",
    "<=": "lte", "lte": "lte", "less_than_or_equal": "lte", "at_most": "lte",
    "contains": "contains", "not_contains": "not_contains",
    "starts_with": "starts_with", "ends_with": "ends_with",
    "in": "in", "not_in": "not_in",
    "exists": "exists", "not_exists": "not_exists",
}  # fmt: skip
"""Symbols and words of one operator."""

_COMPARISONS = ("gt", "gte", "lt", "lte")
_TEXT_ONLY = ("contains", "not_contains", "starts_with", "ends_with")
_UTM = ("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "utm_id")
FieldKind = Literal["text", "number", "money", "property"]
EVENT_FIELDS: Mapping[str, FieldKind] = {
    "event_name": "text", "path": "text", "url": "text", "referrer": "text", "website_id": "text", "currency": "text",
    "seconds": "number", "scroll": "number", "value": "money", **dict.fromkeys(_UTM, "text"),
}  # fmt: skip
LEDGER_FIELDS: Mapping[str, FieldKind] = {
    "website_id": "text", "currency": "text", "sales_channel": "text", "value": "money", **dict.fromkeys(_UTM, "text"),
}  # fmt: skip
_PROPERTY = re.compile(r"^properties(\.[A-Za-z0-9_\-$]{1,64}){1,4}$")
_MAX_CUSTOM, _MAX_LIST, _MAX_TEXT, _MAX_STARS = 20, 100, 500, 10


class Custom(msgspec.Struct, frozen=True, kw_only=True):
    """One checked custom condition; `value` has the type that its field compares with."""

    field: str
    kind: FieldKind
    operator: str
    value: str | Decimal | int | bool | tuple[str | Decimal | int | bool, ...] | None = None


class Conditions(msgspec.Struct, frozen=True, kw_only=True):
    """A goal's checked conditions; all of them hold for a hit."""

    event_name: str | None = None
    pathname_pattern: str | None = None
    min_seconds: int | None = None
    min_scroll: int | None = None
    min_value: int | None = None
    """Minor units of the goal's currency."""
    custom: tuple[Custom, ...] = ()


def operators_of(kind: FieldKind) -> list[str]:
    """The operators that a field of the kind takes, by their own names."""
    refused = {"text": _COMPARISONS, "number": _TEXT_ONLY, "money": _TEXT_ONLY, "property": ()}[kind]
    return [each for each in dict.fromkeys(OPERATORS.values()) if each not in refused]


def is_ledger(goal_type: str, conditions: Mapping[str, Any]) -> bool:
    """Whether the goal marks conversions of orders or leads, in place of counting tracked events.

    Purchases always come from orders. A lead goal looks at leads, unless it names an event or a page.
    """
    conversion_type = GOAL_TYPES[goal_type]
    if conversion_type == "purchase":
        return True
    named = any(
        conditions.get(name) is not None for name in ("event_name", "pathname_pattern", "min_seconds", "min_scroll")
    )
    return conversion_type == "lead_form_submission" and not named


def parse_conditions(goal_type: str, conditions: Mapping[str, Any], currency: str) -> Conditions:
    """The conditions, checked.

    Raises:
        Invalid: one error for each thing that is wrong, with the field's path (`conditions.custom[1].value`).
    """
    if goal_type not in GOAL_TYPES:
        message = f"goal_type must be one of {', '.join(GOAL_TYPES)}."
        raise Invalid(FieldError("goal_type", "unknown_goal_type", message))
    return _Reader(goal_type, conditions, currency).read()


class _Reader:
    def __init__(self, goal_type: str, given: Mapping[str, Any], currency: str) -> None:
        self.goal_type, self.given, self.currency = goal_type, given, currency
        self.ledger = is_ledger(goal_type, given)
        self.errors: list[FieldError] = []

    def read(self) -> Conditions:
        for name in self.given:
            if name not in Conditions.__struct_fields__:
                known = ", ".join(Conditions.__struct_fields__)
                self.wrong(f"conditions.{name}", "unknown_field", f"conditions has no {name}; it has {known}.")
        conditions = Conditions(
            event_name=self.text("event_name"),
            pathname_pattern=self.pattern(),
            min_seconds=self.whole("min_seconds", 10_000_000),
            min_scroll=self.whole("min_scroll", 100),
            min_value=self.money("conditions.min_value", self.given.get("min_value")),
            custom=tuple(self.custom()),
        )
        self.applicable(conditions)
        if self.errors:
            raise Invalid(*self.errors)
        return conditions

    def wrong(self, field: str, code: str, message: str) -> None:
        self.errors.append(FieldError(field, code, message))

    def text(self, name: str) -> str | None:
        value = self.given.get(name)
        if value is None:
            return None
        if not _is_text(value):
            self.wrong(
                f"conditions.{name}", "not_text", f"conditions.{name} must be text of 1 to {_MAX_TEXT} characters."
            )
            return None
        return value

    def whole(self, name: str, most: int) -> int | None:
        value = self.given.get(name)
        if value is None:
            return None
        number = _number(value)
        if number is None or number < 0 or number > most:
            self.wrong(f"conditions.{name}", "not_a_number", f"conditions.{name} must be a number from 0 to {most}.")
            return None
        return math.ceil(number)

    def money(self, field: str, value: Any) -> int | None:
        if value is None:
            return None
        number = _number(value)
        if number is None:
            self.wrong(field, "not_a_number", f"{field} must be a decimal number such as 500 or 49.90.")
            return None
        try:
            return to_minor(number, self.currency, field)
        except Invalid as problem:
            self.errors += problem.errors
            return None

    def pattern(self) -> str | None:
        value = self.text("pathname_pattern")
        if value is None:
            return None
        field = "conditions.pathname_pattern"
        if value.startswith("re:") or value[0] in "^(":
            message = (
                f"{field} is a path with * for any characters and ? for one, such as /products/*; not an expression."
            )
            self.wrong(field, "not_a_glob", message)
        elif value[0] not in "/*?":
            self.wrong(field, "not_a_path", f"{field} must begin with / or *, such as /products/*.")
        elif value.count("*") > _MAX_STARS:
            self.wrong(field, "too_complex", f"{field} has more than {_MAX_STARS} asterisks.")
        return value

    def custom(self) -> list[Custom]:
        given = self.given.get("custom")
        if given is None:
            return []
        if not isinstance(given, list) or len(cast("list[Any]", given)) > _MAX_CUSTOM:
            message = f"conditions.custom must be a list of at most {_MAX_CUSTOM} objects {{field, operator, value}}."
            self.wrong("conditions.custom", "not_a_list", message)
            return []
        return [found for index, each in enumerate(cast("list[Any]", given)) if (found := self.one(index, each))]

    def one(self, index: int, given: Any) -> Custom | None:
        at = f"conditions.custom[{index}]"
        if not isinstance(given, dict):
            self.wrong(at, "not_an_object", f"{at} must be an object {{field, operator, value}}.")
            return None
        parts = cast("dict[str, Any]", given)
        for name in parts:
            if name not in ("field", "operator", "value"):
                self.wrong(f"{at}.{name}", "unknown_field", f"{at} has no {name}; it has field, operator, value.")
                return None
        field, kind = parts.get("field"), self.kind(parts.get("field"))
        if kind is None:
            known = ", ".join(LEDGER_FIELDS if self.ledger else (*EVENT_FIELDS, "properties.<name>"))
            self.wrong(f"{at}.field", "unknown_field", f"{at}.field must be one of {known}.")
            return None
        symbol = parts.get("operator")
        operator = OPERATORS.get(symbol) if isinstance(symbol, str) else None
        if operator is None or (kind in ("number", "money") and operator in _TEXT_ONLY):
            allowed = [
                each for each in OPERATORS if kind not in ("number", "money") or OPERATORS[each] not in _TEXT_ONLY
            ]
            self.wrong(
                f"{at}.operator", "unknown_operator", f"{at}.operator must be one of {' '.join(allowed)} for {field}."
            )
            return None
        return self.with_value(f"{at}.value", str(field), kind, operator, parts)

    def kind(self, field: Any) -> FieldKind | None:
        if not isinstance(field, str):
            return None
        if self.ledger:
            return LEDGER_FIELDS.get(field)
        return EVENT_FIELDS.get(field) or ("property" if _PROPERTY.match(field) else None)

    def with_value(self, at: str, field: str, kind: FieldKind, operator: str, parts: dict[str, Any]) -> Custom | None:
        value = parts.get("value")
        if operator in ("exists", "not_exists"):
            if value is not None:
                self.wrong(at, "not_allowed", f"{at} is left out with {parts['operator']}.")
                return None
            return Custom(field=field, kind=kind, operator=operator)
        if operator in ("in", "not_in"):
            if not isinstance(value, list) or not 1 <= len(cast("list[Any]", value)) <= _MAX_LIST:
                self.wrong(at, "not_a_list", f"{at} must be a list of 1 to {_MAX_LIST} values.")
                return None
            many = [self.scalar(f"{at}[{i}]", kind, "eq", each) for i, each in enumerate(cast("list[Any]", value))]
            if any(each is None for each in many):
                return None
            return Custom(
                field=field, kind=kind, operator=operator, value=tuple(each for each in many if each is not None)
            )
        single = self.scalar(at, kind, operator, value)
        return None if single is None else Custom(field=field, kind=kind, operator=operator, value=single)

    def scalar(self, at: str, kind: FieldKind, operator: str, value: Any) -> str | Decimal | int | bool | None:
        if kind == "money":
            if value is None:
                self.wrong(at, "not_a_number", f"{at} must be a decimal number such as 500 or 49.90.")
            return self.money(at, value)
        if kind == "number" or operator in _COMPARISONS:
            if kind == "text":
                self.wrong(
                    at, "not_comparable", f"{at}: this field is text, which has no order; use equals, in or contains."
                )
                return None
            number = _number(value)
            if number is None:
                self.wrong(at, "not_a_number", f"{at} must be a number.")
            return number
        if kind == "property" and operator in ("eq", "ne") and isinstance(value, bool | int | float):
            return value if isinstance(value, bool) else self.finite(at, value)
        if not _is_text(value):
            self.wrong(at, "not_text", f"{at} must be text of 1 to {_MAX_TEXT} characters.")
            return None
        return value

    def finite(self, at: str, value: Any) -> Decimal | None:
        number = _number(value)
        if number is None:
            self.wrong(at, "not_a_number", f"{at} must be a finite number.")
        return number

    def applicable(self, conditions: Conditions) -> None:
        conversion_type = GOAL_TYPES[self.goal_type]
        if conversion_type == "purchase":
            if conditions.event_name not in (None, "purchase"):
                message = "A purchase goal looks at orders: leave conditions.event_name out."
                self.wrong("conditions.event_name", "not_applicable", message)
            for name in ("pathname_pattern", "min_seconds", "min_scroll"):
                if getattr(conditions, name) is not None:
                    message = f"A purchase goal looks at orders, which have no {name}: leave it out."
                    self.wrong(f"conditions.{name}", "not_applicable", message)
        if conversion_type == "custom" and not self.errors and conditions == Conditions():
            message = (
                "A custom goal without conditions would count every event: name an event, a page or a custom condition."
            )
            self.wrong("conditions", "too_broad", message)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _MAX_TEXT and "\x00" not in value and value.isprintable()


def _number(value: Any) -> Decimal | None:
    """A finite number, from a number or a numeric string; true and false are none."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str) and not re.fullmatch(r"-?\d{1,30}(\.\d{1,30})?", value.strip()):
        return None
    number = Decimal(str(value).strip())
    return number if number.is_finite() and abs(number) < Decimal(10) ** 30 else None
