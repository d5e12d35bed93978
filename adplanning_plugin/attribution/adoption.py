"""Adoption: which fit the data-driven model shares by. A choice is a new rule version, built beside the one in use."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.fit_models import Fit
from adplanning_plugin.attribution.fit_settings import DataDrivenSettings
from adplanning_plugin.attribution.rules import (
    CREDIT_JOB,
    DATA_DRIVEN,
    NO_FIT,
    AttributionSettings,
    Rules,
    RuleState,
    rule_state,
    save_rules,
)
from adplanning_plugin.kernel import settings as kernel_settings
from adplanning_plugin.kernel.errors import Conflict, FieldError, Invalid, NotFound
from adplanning_plugin.kernel.jobs import run_job_now
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.stats.data_driven import ModelNotInstalled, installed


async def refuse_without_fit(session: AsyncSession, tenant_id: str, rules: Rules, model: str) -> None:
    """`Invalid` where data_driven is asked for and no fit is adopted: it says what the data, or the machine, lack."""
    if model != DATA_DRIVEN or rules.fit_id is not None:
        return
    lacking: list[str] = [] if installed() else [str(ModelNotInstalled())]
    newest = select(Fit.answer).where(Fit.tenant_id == tenant_id, Fit.status == "insufficient_data")
    answer = await session.scalar(newest.order_by(Fit.created_at.desc(), Fit.id.desc()).limit(1))
    lacking += [each["sentence"] for each in (answer or {}).get("missing", [])]
    raise Invalid(FieldError("model", "no_fit", " ".join([NO_FIT, *lacking])))


async def adopt(
    session: AsyncSession, runtime: Runtime, tenant_id: str, fit_id: str, actor_id: str | None = None
) -> RuleState:
    """Share credit by this fit from the next rule version on; the one in use stays until that is complete.

    Raises:
        NotFound: the tenant has no such fit.
        Conflict: it is not finished, or has no effects to share by.
    """
    fit = await session.scalar(select(Fit).where(Fit.tenant_id == tenant_id, Fit.id == fit_id))
    if fit is None:
        raise NotFound(f"There is no fit {fit_id!r}.")
    if fit.status != "done":
        what = {
            "insufficient_data": "has too little data to share credit by: its `missing` says what it takes",
            "failed": "failed: ask for another",
        }.get(fit.status, "is not finished: wait for it")
        raise Conflict(f"The fit {fit_id} {what}.", code=fit.status)
    state = await _save(session, runtime, tenant_id, fit_id)
    await session.execute(
        update(Fit)
        .where(Fit.tenant_id == tenant_id, Fit.id == fit_id)
        .values(adopted_at=datetime.now(UTC), adopted_by=actor_id)
    )
    return state


async def withdraw(session: AsyncSession, runtime: Runtime, tenant_id: str) -> str:
    """Take the data-driven model out with the next rule version; returns the id of the fit that was in use.

    Raises:
        Conflict: no fit is adopted, or the model is the store's default.
    """
    in_use = (await rule_state(session, tenant_id)).newest.fit_id
    if in_use is None:
        raise Conflict("No fit is adopted, so there is nothing to take out.", code="no_fit")
    settings, _ = await kernel_settings.load(session, tenant_id, AttributionSettings)
    if settings.default_model == DATA_DRIVEN:
        message = "data_driven is the store's model: choose another default_model in the settings first."
        raise Conflict(message, code="default_model")
    await _save(session, runtime, tenant_id, None)
    return in_use


async def adopt_by_itself(session: AsyncSession, runtime: Runtime, fit: Fit) -> bool:
    """Adopt a fit that the schedule made, where the store's settings say so; returns whether it was."""
    if fit.requested_by is not None:
        return False
    settings, _ = await kernel_settings.load(session, fit.tenant_id, DataDrivenSettings)
    if settings.adopt == "first":
        adopted = select(func.count()).where(Fit.tenant_id == fit.tenant_id, Fit.adopted_at.is_not(None))
        if (await session.execute(adopted)).scalar_one():
            return False
    elif settings.adopt == "never":
        return False
    await adopt(session, runtime, fit.tenant_id, fit.id)
    return True


async def _save(session: AsyncSession, runtime: Runtime, tenant_id: str, fit_id: str | None) -> RuleState:
    settings, _ = await kernel_settings.load(session, tenant_id, AttributionSettings)
    state = await save_rules(session, runtime, tenant_id, settings, fit_id=fit_id)
    await run_job_now(session, runtime, tenant_id, CREDIT_JOB)
    return state
