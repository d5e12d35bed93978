"""Origins: where a listed conversion came from, as one column that attribution supplies. It computes no credit."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import msgspec
from sqlalchemy import ColumnElement, cast, func, null
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.tracking.models import Conversion


class LastTouches(msgspec.Struct, frozen=True):
    """How to read the last touch that was not direct; attribution puts it into the runtime."""

    column: Callable[[AsyncSession, str, ColumnElement[Any]], Awaitable[ColumnElement[Any]]]
    """`(session, tenant_id, conversion id)` → jsonb `{source, medium, campaign, channel}`, null without a touch."""


async def origin_column(session: AsyncSession, runtime: Runtime, tenant_id: str) -> ColumnElement[Any]:
    """What the last touch says of a conversion's origin, beside each row of a list."""
    if not runtime.has(LastTouches):
        return cast(null(), JSONB)
    return await runtime.get(LastTouches).column(session, tenant_id, Conversion.id.expression)


def source_is(origin: ColumnElement[Any], source: str) -> ColumnElement[bool]:
    """Whether the list shows that source."""
    shown = func.coalesce(Conversion.utm.op("->>")("source"), origin.op("->>")("source"))
    return func.lower(shown) == source.strip().lower()
