"""Publishable keys: which tenant a storefront request is for, and from which origins. It grants nothing but sending."""

from __future__ import annotations

import hashlib
import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.errors import FieldError, Invalid
from adplanning_plugin.kernel.ids import new_id
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.tables import PublicKey

FRESH_SECONDS = 30.0
UNKNOWN_SECONDS = 5.0
MAX_CACHED = 1_000
MAX_ORIGINS = 100
_RAW = re.compile(r"^pk_[A-Za-z0-9_-]{1,120}$")
_HOST = re.compile(r"^(\*\.)?([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)*[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$")


@dataclass(frozen=True, slots=True)
class KeyRecord:
    """What a key says about a request."""

    id: str
    tenant_id: str
    origins: tuple[str, ...]
    website_id: str | None

    def allows(self, origin: str) -> bool:
        """Whether a browser on `origin` may use the key."""
        if origin in self.origins:
            return True
        lowered = origin.lower()
        return any(_matches(allowed, lowered) for allowed in self.origins)


class KeyCache:
    """Keys as last read; a change in another process is noticed within half a minute."""

    def __init__(self) -> None:
        self._held: OrderedDict[bytes, tuple[float, KeyRecord | None]] = OrderedDict()

    def get(self, digest: bytes) -> tuple[bool, KeyRecord | None]:
        """(known?, record or None)."""
        until, record = self._held.get(digest, (0.0, None))
        return until > time.monotonic(), record

    def put(self, digest: bytes, record: KeyRecord | None) -> None:
        """Remember a key, or that there is none; guesses cannot fill the memory."""
        fresh = FRESH_SECONDS if record else UNKNOWN_SECONDS
        self._held[digest] = (time.monotonic() + fresh, record)
        self._held.move_to_end(digest)
        while len(self._held) > MAX_CACHED:
            self._held.popitem(last=False)

    def clear(self) -> None:
        """Forget everything (a key was changed)."""
        self._held.clear()


async def find_key(runtime: Runtime, raw_key: str) -> KeyRecord | None:
    """The active key, or None. The table is exempt from tenants, because the key is what names the tenant."""
    if not _RAW.match(raw_key):
        return None
    digest, cache = key_hash(raw_key), key_cache(runtime)
    known, record = cache.get(digest)
    if known:
        return record
    columns = (PublicKey.id, PublicKey.tenant_id, PublicKey.origins, PublicKey.website_id)
    async with runtime.database.system() as session:
        found = select(*columns).where(PublicKey.key_hash == digest, PublicKey.is_active.is_(True))
        row = (await session.execute(found)).one_or_none()
    record = None if row is None else KeyRecord(row.id, row.tenant_id, tuple(row.origins), row.website_id)
    cache.put(digest, record)
    return record


def key_cache(runtime: Runtime) -> KeyCache:
    """The runtime's cache of keys."""
    if not runtime.has(KeyCache):
        runtime.put(KeyCache())
    return runtime.get(KeyCache)


def new_key() -> str:
    """A fresh key; it stands in pages, so it is an address rather than a secret, but it cannot be guessed."""
    return f"pk_{secrets.token_urlsafe(24)}"


def key_hash(raw_key: str) -> bytes:
    """What is stored of a key."""
    return hashlib.sha256(raw_key.encode()).digest()


def hint_of(raw_key: str) -> str:
    """The first characters, by which people recognise a key."""
    return f"{raw_key[:7]}…"


async def register_key(
    session: AsyncSession,
    tenant_id: str,
    raw_key: str,
    origins: Sequence[str],
    name: str = "",
    *,
    website_id: str | None = None,
) -> str:
    """Store a key that is known already (`pk_demo`); a second time changes nothing. Returns its id."""
    if not _RAW.match(raw_key):
        raise Invalid(FieldError("key", "invalid_key", "key must begin with pk_ and hold letters, digits, _ or -."))
    row = {
        "id": new_id("pkey"),
        "tenant_id": tenant_id,
        "key_hash": key_hash(raw_key),
        "hint": hint_of(raw_key),
        "name": name,
        "origins": list(check_origins(origins)),
        "website_id": website_id,
    }
    made = insert(PublicKey).values(row).on_conflict_do_nothing(index_elements=["key_hash"]).returning(PublicKey.id)
    inserted = (await session.execute(made)).scalar_one_or_none()
    if inserted is not None:
        return inserted
    there = select(PublicKey.id).where(PublicKey.key_hash == row["key_hash"], PublicKey.tenant_id == tenant_id)
    found = (await session.execute(there)).scalar_one_or_none()
    if found is None:
        raise Invalid(FieldError("key", "taken", "This key belongs to another store: make a new one."))
    return found


def check_origins(origins: Sequence[str]) -> tuple[str, ...]:
    """The origins in their normal form, or `Invalid` naming each that is none.

    `https://shop.example`, with a port where it is not the usual one, or `https://*.shop.example` for all subdomains.
    """
    if len(origins) > MAX_ORIGINS:
        raise Invalid(FieldError("origins", "too_long", f"origins must have at most {MAX_ORIGINS} entries."))
    good: dict[str, None] = {}
    bad: list[FieldError] = []
    for position, origin in enumerate(origins):
        normal = _normal(origin)
        if normal is None:
            field = f"origins[{position}]"
            message = f"{field} must be an origin such as https://shop.example or https://*.shop.example."
            bad.append(FieldError(field, "invalid_origin", message))
        else:
            good[normal] = None
    if bad:
        raise Invalid(*bad)
    return tuple(good)


def _normal(origin: str) -> str | None:
    try:
        parts = urlsplit(origin.strip().lower())
        port, host = parts.port, (parts.hostname or "").encode("idna" if "*" not in origin else "ascii").decode()
    except (ValueError, UnicodeError):
        return None
    extra = parts.query or parts.fragment or parts.username or parts.password
    if (
        parts.scheme not in {"http", "https"}
        or extra
        or parts.path not in {"", "/"}
        or not _HOST.match(host)
        or len(host) > 253
    ):
        return None
    if host.startswith("*.") and "." not in host[2:]:
        return None
    usual = {"http": 80, "https": 443}[parts.scheme]
    return f"{parts.scheme}://{host}" + (f":{port}" if port is not None and port != usual else "")


def _matches(allowed: str, origin: str) -> bool:
    if "*" not in allowed:
        return allowed == origin
    scheme, _, rest = allowed.partition("*")
    return origin.startswith(scheme) and origin.endswith(rest) and len(origin) > len(scheme) + len(rest)
