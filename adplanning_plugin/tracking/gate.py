"""Gate: who may send to the public endpoints (key, origin, rate, size), and how an answer gets back through CORS."""

from __future__ import annotations

import time
from collections import Counter
from typing import TYPE_CHECKING, Any, cast

import msgspec
from sqlalchemy import func, select

from adplanning_plugin.kernel.errors import AdPlanningError, Forbidden, TooLarge, TooMany, Unauthorized
from adplanning_plugin.kernel.keys import KeyRecord, find_key
from adplanning_plugin.kernel.problems import problem_of
from adplanning_plugin.kernel.tables import PublicKey
from adplanning_plugin.tracking.limits import Limiter, client_address

if TYPE_CHECKING:
    from litestar.types import Receive, Scope, Send

    from adplanning_plugin.kernel.runtime import Runtime

KEY_HEADER = b"x-publishable-api-key"
PER_KEY = 100
"""A key may send this many times what one address may."""
_JSON = (b"content-type", b"application/json")
_PROBLEM = (b"content-type", b"application/problem+json")
_PREFLIGHT = (
    (b"access-control-allow-methods", b"POST, OPTIONS"),
    (b"access-control-allow-headers", b"content-type, x-publishable-api-key, idempotency-key"),
    (b"access-control-max-age", b"86400"),
)
_ORIGINS_FRESH = 10.0

Header = tuple[bytes, bytes]


class Gate:
    """The checks in front of the public endpoints; one for a process."""

    def __init__(self, runtime: Runtime) -> None:
        options = runtime.options.ingest
        self._runtime = runtime
        self._options = options
        self._addresses = Limiter(options.rate_per_minute)
        self._keys = Limiter(options.rate_per_minute * PER_KEY, capacity=2_000)
        self._origins: list[KeyRecord] = []
        self._origins_at = float("-inf")
        self.counts: Counter[str] = Counter()
        """bots, limited, refused."""

    async def key(self, headers: dict[bytes, bytes], in_body: str | None) -> KeyRecord:
        """The key of the request, from the header or the body, if its origin may use it.

        Raises:
            Unauthorized: no key, or one that is unknown or switched off.
            Forbidden: the origin is not among the key's.
        """
        raw = headers.get(KEY_HEADER, b"").decode("latin-1") or in_body
        if not raw:
            raise Unauthorized(
                "The publishable key is missing: send x-publishable-api-key, or key in the body.", code="no_key"
            )
        record = await find_key(self._runtime, raw)
        if record is None:
            self.counts["refused"] += 1
            raise Unauthorized("This publishable key is unknown or switched off.", code="unknown_key")
        origin = headers.get(b"origin", b"").decode("latin-1")
        if origin and not record.allows(origin) and not same_origin(origin, headers):
            self.counts["refused"] += 1
            raise Forbidden("This origin may not use the key: add it to the key's origins.", code="wrong_origin")
        return record

    def limit(self, scope: Scope, headers: dict[bytes, bytes], key: KeyRecord | None, cost: int) -> None:
        """Count `cost` events against the client's address, then against the key.

        Raises:
            TooMany: with the seconds after which they would pass.
        """
        client = cast("dict[str, Any]", scope).get("client")
        forwarded = headers.get(b"x-forwarded-for", b"").decode("latin-1") or None
        address = client_address(client[0] if client else None, forwarded, self._options.trusted_proxies)
        wait = self._addresses.take(address, cost)
        if not wait and key is not None:
            wait = self._keys.take(key.id, cost)
        if wait:
            self.counts["limited"] += 1
            raise TooMany("Too many events from here; send the rest later.", retry_after=wait)

    async def may_ask(self, origin: str, headers: dict[bytes, bytes]) -> bool:
        """Whether a preflight is answered: it carries no key, so any active key's origin may ask."""
        if same_origin(origin, headers):
            return True
        if (
            not any(record.allows(origin) for record in self._origins) and time.monotonic() - self._origins_at > 1
        ) or time.monotonic() - self._origins_at > _ORIGINS_FRESH:
            await self._load_origins()
        return any(record.allows(origin) for record in self._origins)

    async def _load_origins(self) -> None:
        every = select(func.unnest(PublicKey.origins)).where(PublicKey.is_active.is_(True)).distinct()
        async with self._runtime.database.system() as session:
            origins = tuple((await session.execute(every)).scalars().all())
        self._origins = [KeyRecord("", "", origins, None)]
        self._origins_at = time.monotonic()


def same_origin(origin: str, headers: dict[bytes, bytes]) -> bool:
    """Whether the page that sends was served under the host name that is asked."""
    return origin.partition("://")[2].lower() == headers.get(b"host", b"").decode("latin-1").lower() != ""


async def read_body_bytes(headers: dict[bytes, bytes], receive: Receive, cap: int) -> bytes:
    """The body, or `TooLarge` as soon as it is known to exceed the cap.

    Raises:
        TooLarge: more than `cap` bytes.
        ConnectionError: the client left.
    """
    declared = headers.get(b"content-length", b"")
    if declared.isdigit() and int(declared) > cap:
        raise TooLarge(f"The body is larger than {cap} bytes; send fewer events at once.")
    chunks: list[bytes] = []
    size = 0
    while True:
        message: Any = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError("the client left before its body was read")
        chunk: bytes = message.get("body", b"")
        size += len(chunk)
        if size > cap:
            raise TooLarge(f"The body is larger than {cap} bytes; send fewer events at once.")
        chunks.append(chunk)
        if not message.get("more_body"):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


def cors(headers: dict[bytes, bytes]) -> list[Header]:
    """Headers that let the sending page read the answer; only for origins that were let in."""
    origin = headers.get(b"origin")
    if not origin:
        return []
    return [
        (b"access-control-allow-origin", origin),
        (b"access-control-allow-credentials", b"true"),
        (b"access-control-expose-headers", b"retry-after"),
        (b"vary", b"Origin"),
    ]


async def answer(send: Send, status: int, body: bytes, headers: list[Header]) -> None:
    """Send one JSON answer."""
    length = (b"content-length", str(len(body)).encode())
    start: Any = {"type": "http.response.start", "status": status, "headers": [_JSON, length, *headers]}
    await send(start)
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def refuse(send: Send, error: AdPlanningError, headers: list[Header]) -> None:
    """Send an error as application/problem+json."""
    body = msgspec.json.encode({"type": "about:blank", **msgspec.to_builtins(problem_of(error))})
    extra = [_PROBLEM, (b"content-length", str(len(body)).encode()), *headers]
    if error.retry_after is not None or error.status in {429, 503}:
        extra.append((b"retry-after", str(error.retry_after or 5).encode()))
    start: Any = {"type": "http.response.start", "status": error.status, "headers": extra}
    await send(start)
    await send({"type": "http.response.body", "body": body, "more_body": False})


async def preflight(gate: Gate, headers: dict[bytes, bytes], send: Send) -> None:
    """Answer OPTIONS."""
    origin = headers.get(b"origin", b"").decode("latin-1")
    allowed = (
        [*cors(headers), *_PREFLIGHT]
        if origin and await gate.may_ask(origin, headers)
        else [(b"allow", b"POST, OPTIONS")]
    )
    start: Any = {"type": "http.response.start", "status": 204, "headers": allowed}
    await send(start)
    await send({"type": "http.response.body", "body": b"", "more_body": False})
