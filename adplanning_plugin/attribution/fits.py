"""Fits: asking for one, making it as a job, and finding those that were made. What is adopted is not decided here."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
from sqlalchemy import Update, func, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.adoption import adopt_by_itself
from adplanning_plugin.attribution.fit_models import Fit
from adplanning_plugin.attribution.fit_paths import Asked, Paths, read_paths
from adplanning_plugin.attribution.fit_run import FitFailed, run_fit
from adplanning_plugin.attribution.fit_settings import DataDrivenSettings
from adplanning_plugin.attribution.repository import conversion
from adplanning_plugin.attribution.rules import current_rules
from adplanning_plugin.kernel import settings as kernel_settings
from adplanning_plugin.kernel.days import day_of, day_range
from adplanning_plugin.kernel.errors import Conflict
from adplanning_plugin.kernel.ids import new_id
from adplanning_plugin.kernel.jobs import Cron, Job, JobContext, run_job_now
from adplanning_plugin.kernel.runtime import Runtime, Tenant
from adplanning_plugin.kernel.tables import WorkItem
from adplanning_plugin.stats.data_driven import Attribution, ModelNotInstalled, installed
from adplanning_plugin.stats.fit_process import Fitted, Question

FIT_JOB = "fit-data-driven"
SEED = 1
CONFIDENCE = 0.95


class Wanted(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be fitted, everything said."""

    algorithm: str
    order: int | None
    level: str
    window_days: int
    conversion_type: str | None
    first: date
    last: date
    minimum_conversions: int
    resamples: int
    seed: int = SEED
    confidence: float = CONFIDENCE


def by_settings(settings: DataDrivenSettings, tenant: Tenant, now: datetime) -> Wanted:
    """What the store fits where nobody says otherwise: the days up to yesterday, which are whole."""
    last = day_of(now, tenant.zone) - timedelta(days=1)
    return Wanted(
        algorithm=settings.algorithm,
        order=settings.order if settings.algorithm == "markov" else None,
        level=settings.level,
        window_days=settings.window_days,
        conversion_type=settings.conversion_type,
        first=last - timedelta(days=settings.period_days - 1),
        last=last,
        minimum_conversions=settings.minimum_conversions,
        resamples=settings.resamples,
    )


async def request_fit(session: AsyncSession, runtime: Runtime, tenant: Tenant, wanted: Wanted, actor_id: str) -> Fit:
    """Write down what is asked for, and ask for the job that makes it.

    Raises:
        Conflict: the extra is not installed, or a fit is being made.
    """
    refuse_without_extra()
    busy = await session.scalar(
        select(Fit.id)
        .join(WorkItem, (WorkItem.tenant_id == Fit.tenant_id) & (WorkItem.id == Fit.work_id))
        .where(Fit.tenant_id == tenant.id, Fit.status.in_(("pending", "running")), WorkItem.status == "pending")
        .limit(1)
    )
    if busy is not None:
        raise Conflict(f"The fit {busy} is being made: wait for it, or look at it.", code="fit_running")
    fit = _row(tenant, wanted, requested_by=actor_id)
    fit.work_id = await run_job_now(session, runtime, tenant.id, FIT_JOB, {"fit_id": fit.id})
    session.add(fit)
    await session.flush()
    await session.refresh(fit)
    return fit


def refuse_without_extra() -> None:
    """`Conflict` where numpy or scipy is missing; the sentence names the extra."""
    if not installed():
        raise Conflict(str(ModelNotInstalled()), code="model_not_installed")


async def make_fit(context: JobContext) -> None:
    """The job: the fit that its payload names, or the store's own of this week."""
    fit = await _begin(context)
    if fit is None:
        return
    try:
        paths, rule_version = await _read(context, fit)
        await context.progress(1, fit.resamples + 2)

        async def drawn(done: int) -> None:
            await context.progress(done + 1, fit.resamples + 2)

        fitted = await run_fit(_question(fit, paths), drawn)
    except FitFailed as problem:
        failure = {"status": "failed", "problem": str(problem), "finished_at": datetime.now(UTC)}
        async with context.transaction() as session:
            await session.execute(_update(fit, failure))
        return
    result = _result(paths, rule_version, fitted)
    async with context.transaction() as session:
        await session.execute(_update(fit, result))
        if result["status"] == "done":
            await adopt_by_itself(session, context.runtime, fit)
    await context.progress(fit.resamples + 2, fit.resamples + 2)


async def ask_for_first_fit(session: AsyncSession, runtime: Runtime, tenant_id: str) -> str | None:
    """Ask for the store's first fit once it has orders enough, so that data_driven is there before the first Sunday.

    Returns:
        The id of the piece of work; None where a fit was made before, or there is nothing to make one of.
    """
    if not installed() or await session.scalar(select(Fit.id).where(Fit.tenant_id == tenant_id).limit(1)):
        return None
    settings, _ = await kernel_settings.load(session, tenant_id, DataDrivenSettings)
    if not settings.weekly:
        return None
    v = conversion.c
    credited = select(v.id).where(
        v.tenant_id == tenant_id,
        v.conversion_type == settings.conversion_type,
        v.attribution_version.is_not(None),
        v.deleted_at.is_(None),
    )
    enough = select(func.count()).select_from(credited.limit(settings.minimum_conversions).subquery())
    if (await session.execute(enough)).scalar_one() < settings.minimum_conversions:
        return None
    if await session.scalar(
        select(WorkItem.id).where(
            WorkItem.tenant_id == tenant_id, WorkItem.kind == f"job:{FIT_JOB}", WorkItem.status == "pending"
        )
    ):
        return None
    return await run_job_now(session, runtime, tenant_id, FIT_JOB, {"first": True})


async def _begin(context: JobContext) -> Fit | None:
    """The row of this run, marked as running; None where there is nothing to fit."""
    tenant = context.runtime.tenant(context.tenant_id)
    async with context.transaction() as session:
        named = context.payload.get("fit_id")
        mine = Fit.id == named if named else Fit.work_id == context.item_id
        fit = await session.scalar(select(Fit).where(Fit.tenant_id == tenant.id, mine))
        if fit is None:
            settings, _ = await kernel_settings.load(session, tenant.id, DataDrivenSettings)
            if named or not installed() or not (settings.weekly or context.payload.get("first")):
                return None
            fit = _row(tenant, by_settings(settings, tenant, context.slot), requested_by=None)
            fit.work_id = context.item_id
            session.add(fit)
        fit.status, fit.started_at = "running", datetime.now(UTC)
        await session.flush()
        await session.refresh(fit)
        session.expunge(fit)
    return fit


async def _read(context: JobContext, fit: Fit) -> tuple[Paths, int]:
    asked = Asked(
        tenant_id=fit.tenant_id,
        level=fit.level,
        window_days=fit.window_days,
        start=fit.starts_at,
        end=fit.ends_at,
        currency=fit.currency,
        conversion_type=fit.conversion_type,
    )
    async with context.runtime.database.reading(fit.tenant_id, heavy=True) as session:
        rules = await current_rules(session, fit.tenant_id)
        return await read_paths(session, asked), rules.version


def _question(fit: Fit, paths: Paths) -> Question:
    return Question(
        paths=paths.paths,
        conversions=paths.conversions,
        value=paths.value,
        non_conversions=paths.non_conversions,
        model=fit.algorithm,  # type: ignore[arg-type] - checked where it was asked for
        order=fit.chain_order or 1,
        minimum_conversions=fit.minimum_conversions,
        minimum_non_conversions=fit.minimum_conversions,
        resamples=fit.resamples,
        seed=fit.seed,
        confidence=fit.confidence,
    )


def _result(paths: Paths, rule_version: int, fitted: Fitted) -> dict[str, Any]:
    conversions, others = sum(paths.conversions), sum(paths.non_conversions)
    return {
        "status": "done" if isinstance(fitted.answer, Attribution) else "insufficient_data",
        "rule_version": rule_version,
        "inputs_hash": paths.digest,
        "paths": len(paths.paths),
        "journeys": conversions + others,
        "conversions": conversions,
        "non_conversions": others,
        "value": sum(paths.value),
        "other_currencies": paths.other_currencies,
        "answer": msgspec.to_builtins(fitted.answer),
        "libraries": fitted.libraries,
        "finished_at": datetime.now(UTC),
    }


def _update(fit: Fit, values: dict[str, Any]) -> Update:
    return update(Fit).where(Fit.tenant_id == fit.tenant_id, Fit.id == fit.id).values(values)


def _row(tenant: Tenant, wanted: Wanted, *, requested_by: str | None) -> Fit:
    start, end = day_range(wanted.first, wanted.last, tenant.zone)
    return Fit(
        tenant_id=tenant.id,
        id=new_id("fit"),
        status="pending",
        algorithm=wanted.algorithm,
        chain_order=wanted.order,
        level=wanted.level,
        window_days=wanted.window_days,
        conversion_type=wanted.conversion_type,
        starts_at=start,
        ends_at=end,
        zone=tenant.zone,
        minimum_conversions=wanted.minimum_conversions,
        resamples=wanted.resamples,
        confidence=wanted.confidence,
        seed=wanted.seed,
        currency=tenant.currency,
        requested_by=requested_by,
    )


FIT_JOBS = (Job(name=FIT_JOB, schedule=Cron("0 3 * * 0"), run=make_fit, max_attempts=3),)
