"""Idempotency keys: a create that is sent twice happens once. Reads and updates need none."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import msgspec
from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.errors import Conflict, FieldError, Invalid
from adplanning_plugin.kernel.tables import IdempotencyKey

KEPT = timedelta(hours=48)
_KEY = re.compile(r"^[\x21-\x7e]{1,255}$")


@dataclass(frozen=True, slots=True)
class Answer:
    """What the create answered, now or the first time."""

    status: int
    body: Any
    replayed: bool = False


async def answer_once(
    session: AsyncSession,
    tenant_id: str,
    route: str,
    key: str | None,
    body: object,
    work: Callable[[AsyncSession], Awaitable[Mapping[str, Any] | msgspec.Struct]],
    *,
    status: int = 201,
) -> Answer:
    """Run `work` once per (tenant, route, key), inside the caller's transaction.

    The key's row is written first: a concurrent request with the same key waits for it, then reads the stored answer
    (or does the work itself, where the first one rolled back).
    """
    if key is None:
        return Answer(status, await work(session))
    if not _KEY.match(key):
        message = "Idempotency-Key must be 1 to 255 visible ASCII characters."
        raise Invalid(FieldError("Idempotency-Key", "invalid_key", message))
    digest = hashlib.sha256(msgspec.json.encode(body, order="deterministic")).digest()
    row = {"tenant_id": tenant_id, "route": route, "key": key}
    claim = insert(IdempotencyKey).values(**row, body_hash=digest, status=0, response={}).on_conflict_do_nothing()
    claimed = (await session.execute(claim.returning(IdempotencyKey.key))).scalar_one_or_none()
    mine = (IdempotencyKey.tenant_id == tenant_id, IdempotencyKey.route == route, IdempotencyKey.key == key)
    if claimed is None:
        stored = (await session.execute(select(IdempotencyKey).where(*mine))).scalar_one()
        if stored.body_hash != digest:
            message = "This Idempotency-Key was used with another body: send the same body again, or use a new key."
            raise Conflict(message, code="idempotency_key_reused")
        return Answer(stored.status, stored.response, replayed=True)
    answer = msgspec.to_builtins(await work(session), str_keys=True)
    await session.execute(update(IdempotencyKey).where(*mine).values(status=status, response=answer))
    return Answer(status, answer)


async def expire_keys(session: AsyncSession, tenant_id: str) -> int:
    """Delete the tenant's keys that are older than two days; returns how many."""
    old = (IdempotencyKey.tenant_id == tenant_id, IdempotencyKey.created_at < func.now() - KEPT)
    result = await session.execute(delete(IdempotencyKey).where(*old).returning(IdempotencyKey.key))
    return len(result.all())
