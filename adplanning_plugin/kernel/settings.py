"""Settings: typed sections of a tenant, merged over their defaults, versioned. What a section means is its domain's."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

if TYPE_CHECKING:
    from adplanning_plugin.kernel.runtime import Runtime

S = TypeVar("S", bound=msgspec.Struct)
OnChange = Callable[[AsyncSession, "Runtime", str, Any, Any], Awaitable[None]]


class SettingsSection(msgspec.Struct, Generic[S], frozen=True, kw_only=True):
    """A section: its key, a struct whose every field has a default, and what to do in the transaction of a change."""

    key: str
    type: type[S]
    title: str
    on_change: OnChange | None = None
    """`(session, runtime, tenant_id, old, new)`."""


async def load(session: AsyncSession, tenant_id: str, section: type[S]) -> tuple[S, int]:
    """The tenant's values over the defaults, and their version (0 where nothing was ever saved)."""
    raise LookupError(section)
