"""Ids: a short prefix and a ULID (`conv_01J…`), sortable by creation, safe in URLs."""

from __future__ import annotations

import re
import secrets
import time

_ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]
_ULID = re.compile(r"^[0-7][0-9A-HJKMNP-TV-Z]{25}$")


def new_ulid(at_ms: int | None = None) -> str:
    """A ULID (github.com/ulid/spec): 48 bits of milliseconds, 80 bits of randomness, 26 Crockford characters."""
    stamp = time.time_ns() // 1_000_000 if at_ms is None else at_ms
    value = (stamp & ((1 << 48) - 1)) << 80 | secrets.randbits(80)
    return "".join([_PAIRS[(value >> shift) & 1023] for shift in range(120, -1, -10)])


def new_id(prefix: str, at_ms: int | None = None) -> str:
    """A new id such as `goal_01J…`; `prefix` names the kind of object."""
    return f"{prefix}_{new_ulid(at_ms)}"


def is_id(value: str, prefix: str) -> bool:
    """Whether `value` is a well-formed id of the given kind."""
    kind, _, ulid = value.rpartition("_")
    return kind == prefix and _ULID.match(ulid) is not None
