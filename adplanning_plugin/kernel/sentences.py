"""Sentences: what is wrong with a request's fields, from msgspec's messages, in words for the person who sent it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum
from typing import Any, Literal, cast, get_args, get_origin

import msgspec

from adplanning_plugin.kernel.errors import FieldError

MAX_ERRORS = 50
_PATH = re.compile(r" - at `(?:key in )?\$\.?(.*?)`$", re.DOTALL)
_WORDS = {
    "int": "a whole number",
    "float": "a number",
    "str": "text",
    "bool": "true or false",
    "array": "a list",
    "object": "an object",
    "null": "null",
    "datetime": "an RFC 3339 time with an offset, such as 2026-02-07T10:00:00Z",
    "date": "a date such as 2026-02-07",
    "decimal": "a decimal number",
    "uuid": "a UUID",
}
_COMPARISONS = {">=": "at least", "<=": "at most", ">": "more than", "<": "less than"}
_EXPECTED = re.compile(r"^Expected `(?P<wanted>[^`]+)`, got `(?P<got>[^`]+)`")
_BOUND = re.compile(r"^Expected `(?P<kind>[^`]+)` (?P<length>of length )?(?P<sign>[<>]=?) ?(?P<bound>\S+)")
_EXACT = re.compile(r"^Expected `(?P<kind>[^`]+)` of length (?P<bound>\d+)")
_MISSING = re.compile(r"^Object missing required field `(?P<name>[^`]+)`")
_UNKNOWN = re.compile(r"^Object contains unknown field `(?P<name>[^`]+)`")
_PATTERN = re.compile(r"matching regex (?P<quote>['\"])(?P<pattern>.*)(?P=quote)", re.DOTALL)
_FORMATS = (
    ("Invalid RFC3339 encoded datetime", _WORDS["datetime"]),
    ("Expected `datetime` with a timezone", _WORDS["datetime"]),
    ("Invalid RFC3339 encoded date", _WORDS["date"]),
    ("Invalid decimal", _WORDS["decimal"]),
    ("Invalid number", "a number"),
    ("Invalid UUID", _WORDS["uuid"]),
)


def field_error(field: str, message: str, kind: Any = None) -> FieldError:  # noqa: PLR0911 - one return a message
    """One msgspec message about `field`, whose type (or whose struct's) is `kind`, as a stable code and a sentence."""
    if at := _PATH.search(message):
        field, message = _join(field, at[1]), message[: at.start()]
    if match := _MISSING.match(message):
        name = _join(field, match["name"])
        return FieldError(name, "required", f"{name} is required.")
    if match := _UNKNOWN.match(message):
        name = _join(field, match["name"])
        return FieldError(name, "unknown_field", f"There is no field {name} here.")
    if match := _BOUND.match(message):
        return _bound_error(field, match)
    if match := _EXACT.match(message):
        return FieldError(field, "wrong_length", f"{field} must have {match['bound']} {_counted(match['kind'])}.")
    if match := _EXPECTED.match(message):
        wanted = " or ".join(_WORDS.get(name.strip(), name.strip()) for name in match["wanted"].split("|"))
        got = _WORDS.get(match["got"], match["got"])
        return FieldError(field, "wrong_type", f"{field} must be {wanted}, not {got}.")
    if message.startswith("Invalid enum value"):
        known = ", ".join(str(choice) for choice in choices(_type_of(field, kind)))
        fix = f"{field} must be one of {known}." if known else f"{field} is not one of the values it can have."
        return FieldError(field, "unknown_value", fix)
    if "out of range" in message:
        return FieldError(field, "out_of_range", f"{field} is outside the numbers that fit.")
    if match := _PATTERN.search(message):
        return FieldError(field, "wrong_format", f"{field} must match the pattern {match['pattern']}.")
    for start, words in _FORMATS:
        if message.startswith(start):
            return FieldError(field, "wrong_format", f"{field} must be {words}.")
    return FieldError(field, "invalid", f"{field} is not valid.")


def body_errors(kind: Any, raw: Any) -> tuple[FieldError, ...]:
    """Everything wrong with a JSON body against the struct it should be: all fields at once, not the first alone."""
    return tuple(_body_errors(kind, raw))[:MAX_ERRORS]


def choices(kind: Any) -> tuple[Any, ...]:
    """The values of a Literal or an Enum, also inside a union."""
    if get_origin(kind) is Literal:
        return get_args(kind)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return tuple(member.value for member in kind)
    return tuple(choice for part in get_args(kind) for choice in choices(part))


def _type_of(field: str, kind: Any) -> Any:
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return next((each.type for each in msgspec.structs.fields(kind) if each.encode_name == field), None)
    return cast("Any", kind)


def _body_errors(kind: Any, raw: Any) -> Iterator[FieldError]:
    if not (isinstance(kind, type) and issubclass(kind, msgspec.Struct)):
        yield from _whole(kind, raw)
        return
    if not isinstance(raw, dict):
        yield FieldError("body", "wrong_type", "The body must be a JSON object.")
        return
    found = False
    fields = {field.encode_name: field for field in msgspec.structs.fields(kind)}
    for name in cast("dict[str, Any]", raw) if kind.__struct_config__.forbid_unknown_fields else ():
        if name not in fields:
            found = True
            known = ", ".join(sorted(fields))
            yield FieldError(str(name), "unknown_field", f"There is no field {name} here: it takes {known}.")
    for name, field in fields.items():
        if name not in raw:
            if field.required:
                found = True
                yield FieldError(name, "required", f"{name} is required.")
            continue
        try:
            msgspec.convert(raw[name], field.type, strict=False)
        except msgspec.ValidationError as error:
            found = True
            yield field_error(name, str(error), field.type)
    if not found:
        yield from _whole(kind, raw)


def _whole(kind: Any, raw: Any) -> Iterator[FieldError]:
    try:
        msgspec.convert(raw, kind, strict=False)
    except msgspec.ValidationError as error:
        message = str(error)
        plain = field_error("body", message)
        yield plain if plain.code != "invalid" else FieldError(plain.field, "invalid", _sentence(message))


def _sentence(message: str) -> str:
    text = _PATH.sub("", message).strip()
    return text if text.endswith(".") else f"{text}."


def _bound_error(field: str, match: re.Match[str]) -> FieldError:
    words = f"{_COMPARISONS[match['sign']]} {match['bound']}"
    if not match["length"]:
        return FieldError(field, "out_of_range", f"{field} must be {words}.")
    code = "too_short" if ">" in match["sign"] else "too_long"
    return FieldError(field, code, f"{field} must have {words} {_counted(match['kind'])}.")


def _counted(kind: str) -> str:
    return "characters" if kind == "str" else "entries"


def _join(field: str, path: str) -> str:
    if not path or path == "...":
        return field
    if field in {"", "body"}:
        return path
    return f"{field}{path}" if path.startswith("[") else f"{field}.{path}"
