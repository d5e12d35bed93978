"""Audit: who changed what, committed with the change. Ids and field names only, never a person's values."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from sqlalchemy import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.ids import new_id
from adplanning_plugin.kernel.tables import AuditEntry


async def record(
    session: AsyncSession,
    tenant_id: str,
    actor_id: str,
    action: str,
    object_type: str,
    object_id: str,
    changes: Mapping[str, Any] | None = None,
) -> None:
    """Write one entry, such as `goal.updated` of `goal` `goal_01J…`, in the caller's transaction."""
    entry = {
        "tenant_id": tenant_id,
        "id": new_id("aud"),
        "actor_id": actor_id,
        "action": action,
        "object_type": object_type,
        "object_id": object_id,
        "changes": msgspec.to_builtins(dict(changes or {}), str_keys=True),
    }
    await session.execute(insert(AuditEntry).values(entry))


def changed_fields(before: msgspec.Struct, after: msgspec.Struct) -> dict[str, list[str]]:
    """`{"fields": [...]}`: the names of the fields that differ, for an entry of an update."""
    names = [name for name in after.__struct_fields__ if getattr(before, name, None) != getattr(after, name)]
    return {"fields": names}
