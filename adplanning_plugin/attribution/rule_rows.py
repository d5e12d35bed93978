"""Rule rows: the versions as the API shows them, how far one being built is, and taking an earlier one again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import msgspec
from sqlalchemy import Row, Subquery, Table, case, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.models import RuleVersion
from adplanning_plugin.attribution.rules import CREDIT_JOB, SECTION, check_settings, rule_state, save_rules
from adplanning_plugin.attribution.settings import AttributionSettings
from adplanning_plugin.kernel import settings as kernel_settings
from adplanning_plugin.kernel.days import rfc3339
from adplanning_plugin.kernel.errors import Conflict, NotFound
from adplanning_plugin.kernel.jobs import run_job_now
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.tracking import conversion_table

_conversion = cast("Table", conversion_table)
_QUIET = msgspec.structs.replace(SECTION, on_change=None)
"""The section, where the version is made by hand."""


def rule_rows(tenant_id: str) -> Subquery:
    """A store's versions, each with its state and the settings of the one before it."""
    table = cast("Table", RuleVersion.__table__)
    v = table.c
    state = case(
        (v.superseded_at.is_not(None), "superseded"), (v.activated_at.is_not(None), "active"), else_="building"
    )
    statement = select(
        table,
        state.label("state"),
        func.lag(v.settings).over(order_by=v.version).label("settings_before"),
        func.lag(v.fit_id).over(order_by=v.version).label("fit_before"),
    ).where(v.tenant_id == tenant_id)
    return statement.subquery("rules")


def rule_out(row: Row[Any]) -> dict[str, Any]:
    """The wire form of a version."""
    settings = _settings(row.settings)
    before = None if row.settings_before is None else _settings(row.settings_before)
    changes = [
        name
        for name in settings.__struct_fields__
        if before is not None and getattr(settings, name) != getattr(before, name)
    ]
    if before is not None and row.fit_id != row.fit_before:
        changes.append("fit")
    return {
        "version": row.version,
        "state": row.state,
        "models": list(row.models),
        "fit_id": row.fit_id,
        "settings": msgspec.to_builtins(settings),
        "changes": changes,
        "created_at": rfc3339(row.created_at),
        "created_by": row.created_by,
        "restored_from": row.restored_from,
        "activated_at": row.activated_at and rfc3339(row.activated_at),
        "superseded_at": row.superseded_at and rfc3339(row.superseded_at),
    }


async def building_progress(session: AsyncSession, tenant_id: str) -> dict[str, Any] | None:
    """How far the version that is being built is; null where there is none."""
    state = await rule_state(session, tenant_id)
    if state.building is None:
        return None
    c = _conversion.c
    alive = (c.tenant_id == tenant_id, c.deleted_at.is_(None))
    total = (await session.execute(select(func.count()).select_from(_conversion).where(*alive))).scalar_one()
    at = c.attribution_version == state.building.version
    done = (await session.execute(select(func.count()).select_from(_conversion).where(*alive, at))).scalar_one()
    done = done if state.is_classified else 0
    return {
        "version": state.building.version,
        "step": "computing credit" if state.is_classified else "reading touches",
        "done": done,
        "total": total,
        "share": round(done / total, 4) if total else 1.0,
    }


async def restore(session: AsyncSession, runtime: Runtime, tenant_id: str, version: int) -> int:
    """Save the settings of an earlier version again; returns the number of the version they make.

    Raises:
        NotFound: there is no such version.
        Conflict: its settings are the ones that are saved.
        Invalid: a model that they name is not installed any more.
    """
    row = await session.scalar(
        select(RuleVersion).where(RuleVersion.tenant_id == tenant_id, RuleVersion.version == version)
    )
    if row is None:
        raise NotFound(f"There is no rule version {version}.")
    settings = _settings(row.settings)
    before = (await rule_state(session, tenant_id)).newest
    if (before.settings, before.fit_id) == (settings, row.fit_id):
        message = f"The settings of version {version} are the ones that hold: there is nothing to take again."
        raise Conflict(message, code="already_current")
    check_settings(settings, runtime, row.fit_id)
    values = cast("Mapping[str, Any]", msgspec.to_builtins(settings))
    await kernel_settings.save(session, runtime, tenant_id, _QUIET, values, None)
    state = await save_rules(session, runtime, tenant_id, settings, restored_from=version, fit_id=row.fit_id)
    await run_job_now(session, runtime, tenant_id, CREDIT_JOB)
    return state.newest.version


def _settings(stored: Mapping[str, Any]) -> AttributionSettings:
    return msgspec.convert(stored, AttributionSettings)
