"""Denylist: identifiers that link nobody, put there by an operator or a cap, and taken off again by an operator."""

from __future__ import annotations

from sqlalchemy import and_, func, null, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.identity.models import IdentityDenylist
from adplanning_plugin.identity.settings import settings_of
from adplanning_plugin.identity.upkeep import hold, refresh
from adplanning_plugin.kernel.errors import Conflict
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.settings import stale


async def deny(
    session: AsyncSession, runtime: Runtime, tenant_id: str, identifier: str, reason: str, *, by: str | None = None
) -> bool:
    """Let an identifier link nobody from now on; its edges stay and are hidden on read. False where it was denied."""
    await hold(session, tenant_id)
    values = {"tenant_id": tenant_id, "identifier": identifier, "reason": reason, "created_at": func.now()}
    statement = insert(IdentityDenylist).values(**values, created_by=by)
    listed = statement.on_conflict_do_update(
        index_elements=["tenant_id", "identifier"],
        set_={
            "reason": reason,
            "created_at": func.now(),
            "created_by": by,
            "allowed_at": null(),
            "allowed_by": null(),
            "version": IdentityDenylist.version + 1,
        },
        where=IdentityDenylist.allowed_at.is_not(None),
    ).returning(IdentityDenylist.identifier)
    return await _changed(session, runtime, tenant_id, (await session.execute(listed)).scalar_one_or_none())


async def allow(
    session: AsyncSession,
    runtime: Runtime,
    tenant_id: str,
    identifier: str,
    *,
    by: str | None = None,
    version: int | None = None,
) -> bool:
    """Take an identifier off the denylist, which shows its edges again; False where it was not on it.

    The cap of its kind passes it over from now on.

    Raises:
        Conflict: `version` is given and somebody changed it since; or it would make more visitors one than may be.
    """
    await hold(session, tenant_id)
    row = IdentityDenylist
    known = select(row.version).where(
        row.tenant_id == tenant_id, row.identifier == identifier, row.allowed_at.is_(None)
    )
    current = (await session.execute(known)).scalar_one_or_none()
    if current is None:
        return False
    if version is not None and version != current:
        raise stale(version, current)
    taken = (
        update(row)
        .where(and_(row.tenant_id == tenant_id, row.identifier == identifier))
        .values(allowed_at=func.now(), allowed_by=by, version=row.version + 1)
    )
    await session.execute(taken.execution_options(synchronize_session=False))
    await _changed(session, runtime, tenant_id, identifier)
    if (await session.execute(known)).scalar_one_or_none() is not None:
        most = (await settings_of(session, tenant_id)).most_visitors_together
        message = (
            f"It would make more than {most} visitors one: raise most_visitors_together in the settings section "
            "identity first, if they are indeed one person's."
        )
        raise Conflict(message, code="too_many_visitors")
    return True


async def _changed(session: AsyncSession, runtime: Runtime, tenant_id: str, identifier: str | None) -> bool:
    if identifier is not None:
        await refresh(session, runtime, tenant_id, await settings_of(session, tenant_id), [], [identifier])
    return identifier is not None
