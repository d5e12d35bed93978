"""Telemetry: structured logs on the logger `adplanning`, with personal data taken out before any handler sees it."""

from __future__ import annotations

import logging
import re
import secrets
import sys
import traceback
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any, TextIO, cast

import msgspec
from litestar import Response

from adplanning_plugin.kernel.days import rfc3339

LOGGER = "adplanning"
REDACTED = "[redacted]"
request_id: ContextVar[str] = ContextVar("adplanning_request_id", default="")

_REQUEST_ID = re.compile(r"^[A-Za-z0-9._-]{1,64}$")
_EMAIL = re.compile(r"[^\s@<>\"'=:,;(){}\[\]/?&|]{1,256}(?:@|%40|\\u0040)[^\s@<>\"'=:,;(){}\[\]/?&|]{1,255}")
_SECRET_PAIR = re.compile(
    r"(?i)([\"']?\b(?:[a-z0-9_]*(?:token|secret|password|passwd|cookie|authorization|api[_-]?key|csrf[a-z_-]{0,40})"
    r"|gclid|gbraid|wbraid|dclid|fbclid|msclkid|ttclid|twclid|li_fat_id|epik|sccid|_?fbp|_?fbc|rdt_cid|yclid"
    r"|irclickid|e-?mail|phone|first_name|last_name)\b[\"']?\s*(?:=|:|%3D)\s*)(?:bearer\s+|basic\s+)?"
    r"(\"[^\"]*\"|'[^']*'|[^\s&,;)}\]]+)"
)
_BEARER = re.compile(r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}")
_KEY = re.compile(r"\b(?:pk|sk|rk|whsec)_[A-Za-z0-9_-]{4,}")
_JWT = re.compile(r"\beyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{5,}(?:\.[A-Za-z0-9_-]*)?")
_QUERY = re.compile(r"(?<=[\w/.:\-\]])\?[^\s\"'<>]*=[^\s\"'<>]*")
_CLICK_ID = re.compile(r"\b(?:fb\.\d\.\d{10,}\.[\w.-]+|IwAR[\w-]{10,}|Cj[0w]KC[\w-]{15,}|EAIaIQob[\w-]{10,})")
_PHONE = re.compile(r"(?<![\w.:-])(?:\+|00)?\(?\d(?:[\s().-]{0,2}\d){8,14}(?![\w:-])")
_DATABASE_VALUES = re.compile(
    r"(?m)(^DETAIL: ).*$|(\[parameters: ).*$|(invalid input for query argument \$\d+: ).*$|(Failing row contains ).*$"
)
"""Where PostgreSQL, asyncpg and SQLAlchemy quote the values of a row."""
_DATE_LIKE = re.compile(r"^\d{4}-\d{2}-\d{2}([ T]\d{1,2})?$")
# fmt: off
PERSONAL_KEYS = frozenset([
    "email", "phone", "name", "first_name", "last_name", "address", "ip", "user_agent", "body", "query", "query_string",
    "cookie", "cookies", "authorization", "token", "secret", "password", "url", "landing_url", "referrer", "referer",
    "visitor_token", "text", "comment", "params", "parameters", "birth_date", "key", "api_key", "gclid", "fbclid",
])
# fmt: on
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName"}


class Redactor:
    """Takes personal data and secrets out of text and of structured values."""

    def __init__(self, keys: Iterable[str] = (), values: Iterable[str] = ()) -> None:
        self._keys = PERSONAL_KEYS | {key.lower() for key in keys}
        self._values = tuple(sorted((value for value in values if len(value) >= 4), key=len, reverse=True))

    def text(self, text: str) -> str:
        """The text without emails, phone numbers, tokens, click ids, query strings and the configured secrets."""
        for value in self._values:
            text = text.replace(value, REDACTED)
        text = _DATABASE_VALUES.sub(lambda match: f"{next(filter(None, match.groups()))}{REDACTED}", text)
        text = _SECRET_PAIR.sub(rf"\1{REDACTED}", text)
        for pattern in (_QUERY, _EMAIL, _JWT, _BEARER, _KEY, _CLICK_ID):
            text = pattern.sub(REDACTED, text)
        return _PHONE.sub(lambda match: match[0] if _DATE_LIKE.match(match[0]) else REDACTED, text)

    def value(self, value: object, key: str = "") -> Any:
        """A value of a log record: whole where its key names personal data, else its text."""
        if value is None or isinstance(value, (bool, float)):
            return value
        if key.lower() in self._keys:
            return REDACTED
        if isinstance(value, int):
            return value if abs(value) < 10**8 else self.text(str(value))
        if isinstance(value, Mapping):
            items = cast("Mapping[object, object]", value).items()
            return {self.text(str(inner)): self.value(item, str(inner)) for inner, item in items}
        if isinstance(value, (list, tuple, set, frozenset)):
            return [self.value(item) for item in cast("Iterable[object]", value)]
        return self.text(str(value))


class RedactionFilter(logging.Filter):
    """Rewrites a record in place, so that every handler behind it sees the redacted one."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self._redactor = redactor

    def filter(self, record: logging.LogRecord) -> bool:
        """Redact message, arguments, extras, exception and stack; add the request id."""
        if getattr(record, "redacted", False):
            return True
        redact = self._redactor
        try:
            message = record.getMessage()
        except (TypeError, ValueError):
            message = str(record.msg)
        record.msg, record.args = redact.text(message), ()
        if record.exc_info:
            record.exc_text = redact.text("".join(traceback.format_exception(*record.exc_info)).rstrip())
            record.exc_info = None
        elif record.exc_text:
            record.exc_text = redact.text(record.exc_text)
        if record.stack_info:
            record.stack_info = redact.text(record.stack_info)
        for key in set(vars(record)) - _STANDARD:
            setattr(record, key, redact.value(getattr(record, key), key))
        record.request_id = request_id.get()
        record.redacted = True
        return True


class RedactingHandler(logging.Handler):
    """Sits on the logger `adplanning` and writes nothing: it redacts what goes on to the host's handlers."""

    def __init__(self, redactor: Redactor) -> None:
        super().__init__()
        self.addFilter(RedactionFilter(redactor))

    def emit(self, record: logging.LogRecord) -> None:
        """Nothing: the filter has done the work."""


class JsonFormatter(logging.Formatter):
    """One JSON object a line: time, level, logger, message, request id, extras, exception."""

    def format(self, record: logging.LogRecord) -> str:
        """The record as JSON."""
        entry: dict[str, Any] = {
            "time": rfc3339(datetime.fromtimestamp(record.created, UTC)),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        for key in sorted(set(vars(record)) - _STANDARD - {"redacted"}):
            value = getattr(record, key)
            if value not in (None, ""):
                entry[key] = value
        if record.exc_text:
            entry["exception"] = record.exc_text
        return msgspec.json.encode(entry, enc_hook=str).decode()


def install_redaction(keys: Iterable[str] = (), values: Iterable[str] = ()) -> None:
    """Redact everything logged by the plugin, whoever's handlers write it. `values` are secrets of the installation."""
    logger = logging.getLogger(LOGGER)
    for handler in [handler for handler in logger.handlers if isinstance(handler, RedactingHandler)]:
        logger.removeHandler(handler)
    logger.handlers.insert(0, RedactingHandler(Redactor(keys, values)))


def log_json(stream: TextIO | None = None, level: int | str = logging.INFO) -> logging.Handler:
    """Write the plugin's logs as JSON lines (the command-line processes do; a host keeps its own logging)."""
    logger = logging.getLogger(LOGGER)
    if not any(isinstance(handler, RedactingHandler) for handler in logger.handlers):
        install_redaction()
    handler = logging.StreamHandler(stream or sys.stderr)
    handler.setFormatter(JsonFormatter())
    logger.addHandler(handler)
    logger.setLevel(level)
    logger.propagate = False
    return handler


def begin_request(given: str | None) -> str:
    """Take the caller's request id where it is well-formed, else make one; later logs of this task carry it."""
    name = given if given and _REQUEST_ID.match(given) and not _PHONE.search(given) else secrets.token_hex(8)
    request_id.set(name)
    return name


async def tag_response(response: Response[Any]) -> Response[Any]:
    """Answer with the request id, so that a caller can quote it."""
    if request_id.get():
        response.headers.setdefault("x-request-id", request_id.get())
    return response
