"""Identifiers: how a person or an address is named without keeping the address. One-way, equal in Python and SQL."""

from __future__ import annotations

import hashlib
import hmac
from functools import lru_cache
from typing import Any

from sqlalchemy import ColumnElement, LargeBinary, Text, bindparam, func, literal_column

from adplanning_plugin.kernel.errors import ConfigurationError
from adplanning_plugin.kernel.runtime import Runtime

# White space that people paste around an address; trimmed alike here and in SQL.
_SPACE = " \t\n\r\f\v\u00a0\u200b\ufeff"
_LOWER = {upper: upper + 32 for upper in range(ord("A"), ord("Z") + 1)}
_BLOCK = 64  # bytes, of SHA-256 (RFC 2104)
_DEMO_SECRET = "adplanning demo: nothing here is secret"  # noqa: S105


def secret_of(runtime: Runtime) -> str:
    """The installation's secret; a fixed one in the demo.

    Raises:
        ConfigurationError: outside the demo without `Options.secret`.
    """
    if runtime.options.secret:
        return runtime.options.secret
    if runtime.options.demo:
        return _DEMO_SECRET
    raise ConfigurationError("Options.secret is missing: set it or ADPLANNING_SECRET to 32 or more random characters.")


def person_identifier(person_id: str) -> str:
    """The identifier of a person that the host knows."""
    return f"person:{person_id}"


def identifier_for_email(runtime: Runtime, email: str | None) -> str | None:
    """`email:<HMAC-SHA256>` of the trimmed, ASCII-lower-cased address; None where there is none."""
    normal = (email or "").strip(_SPACE).translate(_LOWER)
    if not normal:
        return None
    key = _key(secret_of(runtime))
    return "email:" + hmac.new(key, normal.encode(), hashlib.sha256).hexdigest()


def email_identifier_sql(column: ColumnElement[Any], runtime: Runtime) -> ColumnElement[str | None]:
    """The same identifier as an SQL expression; the key travels as bound parameters. NULL where the address is empty.

    HMAC (RFC 2104) is written out, since PostgreSQL has SHA-256 but no keyed hash without an extension. Only ASCII
    letters are folded (COLLATE "C"), so that no server's locale changes a hash.
    """
    trimmed = func.btrim(column, bindparam(None, _SPACE, type_=Text(), unique=True))
    normal = func.nullif(func.lower(trimmed.collate("C")), "")
    return literal_column("'email:'", Text()).op("||")(hmac_sql(normal, _key(secret_of(runtime))))


def hmac_sql(message: ColumnElement[Any], key: bytes) -> ColumnElement[str | None]:
    """HMAC-SHA256 of a text as hexadecimal digits; `key` has 64 bytes at most and travels as bound parameters."""
    key = key.ljust(_BLOCK, b"\0")
    inner = bindparam(None, bytes(byte ^ 0x36 for byte in key), type_=LargeBinary(), unique=True)
    outer = bindparam(None, bytes(byte ^ 0x5C for byte in key), type_=LargeBinary(), unique=True)
    octets = func.convert_to(message, literal_column("'UTF8'"), type_=LargeBinary())
    digest = func.sha256(outer.op("||")(func.sha256(inner.op("||")(octets), type_=LargeBinary())), type_=LargeBinary())
    return func.encode(digest, literal_column("'hex'"), type_=Text())


@lru_cache(maxsize=8)
def _key(secret: str) -> bytes:
    """A key of its own for addresses, so that no other use of the secret can be turned into a hash of one."""
    return hmac.new(secret.encode(), b"adplanning.identity.email", hashlib.sha256).digest()
