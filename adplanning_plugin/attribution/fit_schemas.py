"""Fit schemas: what a fit is asked with, and how one is answered."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, cast

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import ColumnElement, Row, and_, case, func, select

from adplanning_plugin.attribution.fit_models import Fit
from adplanning_plugin.attribution.fit_settings import (
    LONGEST_DAYS,
    DataDrivenSettings,
    Level,
    MinimumConversions,
    Order,
    Resamples,
    check_window_days,
)
from adplanning_plugin.attribution.fits import Wanted, by_settings
from adplanning_plugin.kernel.days import day_of, rfc3339
from adplanning_plugin.kernel.errors import FieldError, Invalid
from adplanning_plugin.kernel.money import to_major
from adplanning_plugin.kernel.paging import AnySelect
from adplanning_plugin.kernel.runtime import Tenant
from adplanning_plugin.kernel.tables import WorkItem
from adplanning_plugin.stats.data_driven import ModelName
from adplanning_plugin.tracking import ConversionType

MIXED = "A shapley or leave_one_out fit has no order: leave it out, or choose markov."


class NewFit(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What to fit; what is left out is as the store's settings say."""

    algorithm: ModelName | UnsetType = UNSET
    order: Order | UnsetType = UNSET
    level: Level | UnsetType = UNSET
    window_days: Annotated[int, msgspec.Meta(ge=0, le=90)] | UnsetType = UNSET
    conversion_type: ConversionType | UnsetType | None = UNSET
    from_date: date | UnsetType = UNSET
    to_date: date | UnsetType = UNSET
    minimum_conversions: MinimumConversions | UnsetType = UNSET
    resamples: Resamples | UnsetType = UNSET
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**32 - 1)] | UnsetType = UNSET


def wanted_fit(given: NewFit, settings: DataDrivenSettings, tenant: Tenant) -> Wanted:
    """What is asked for over what the settings say; `Invalid` where it does not fit together."""
    base = by_settings(settings, tenant, datetime.now(UTC))
    said = {name: value for name in given.__struct_fields__ if (value := getattr(given, name)) is not UNSET}
    last = cast("date", said.pop("to_date", base.last))
    first = cast("date", said.pop("from_date", last - timedelta(days=settings.period_days - 1)))
    if last < first:
        raise Invalid(FieldError("to_date", "before_from_date", "to_date must not be before from_date."))
    if (last - first).days >= LONGEST_DAYS:
        message = f"from_date and to_date must be at most {LONGEST_DAYS} days apart."
        raise Invalid(FieldError("from_date", "too_long", message))
    wanted = msgspec.structs.replace(base, **said, first=first, last=last)
    check_window_days(wanted.window_days)
    if wanted.resamples == 1:
        raise Invalid(FieldError("resamples", "too_few", "resamples must be 0 (no intervals) or at least 2."))
    if wanted.algorithm != "markov":
        if "order" in said:
            raise Invalid(FieldError("order", "no_order", MIXED))
        return msgspec.structs.replace(wanted, order=None)
    return wanted if wanted.order else msgspec.structs.replace(wanted, order=settings.order)


def fit_rows(tenant_id: str) -> AnySelect:
    """Fits with how far the work behind each is."""
    given_up = and_(Fit.status.in_(("pending", "running")), WorkItem.status == "dead")
    status: ColumnElement[str] = case((given_up, "failed"), else_=Fit.status)
    return (
        select(
            Fit,
            status.label("now"),
            WorkItem.progress,
            func.coalesce(Fit.problem, case((given_up, WorkItem.last_error))).label("said"),
        )
        .outerjoin(WorkItem, and_(WorkItem.tenant_id == Fit.tenant_id, WorkItem.id == Fit.work_id))
        .where(Fit.tenant_id == tenant_id)
    )


def fit_out(row: Row[Any], adopted: str | None, building: str | None) -> dict[str, Any]:
    """A fit as it is answered: what was asked, what it rests on, and what the model says or lacks."""
    fit: Fit = row[0]
    answer = fit.answer or {}
    finished = row.now in {"done", "insufficient_data", "failed"}
    return {
        "id": fit.id,
        "status": row.now,
        "algorithm": fit.algorithm,
        "order": fit.chain_order,
        "level": fit.level,
        "window_days": fit.window_days,
        "conversion_type": fit.conversion_type,
        "from_date": day_of(fit.starts_at, fit.zone).isoformat(),
        "to_date": day_of(fit.ends_at - timedelta(microseconds=1), fit.zone).isoformat(),
        "zone": fit.zone,
        "minimum_conversions": fit.minimum_conversions,
        "resamples": fit.resamples,
        "confidence": fit.confidence,
        "seed": fit.seed,
        "rule_version": fit.rule_version,
        "inputs_hash": fit.inputs_hash,
        "paths": fit.paths,
        "journeys": fit.journeys,
        "conversions": fit.conversions,
        "non_conversions": fit.non_conversions,
        "conversion_rate": fit.conversions / fit.journeys if fit.conversions and fit.journeys else None,
        "currency": fit.currency,
        **_money("value", fit.value, fit.currency),
        "other_currencies": fit.other_currencies,
        "unattributed_conversions": answer.get("unattributed_conversions"),
        "channels": [_channel(each, fit.currency) for each in answer.get("channels", ())],
        "below_zero": answer.get("below_zero", []),
        "missing": answer.get("missing", []),
        "problem": row.said,
        "libraries": fit.libraries,
        "progress": None if finished else row.progress or {"done": 0, "total": None},
        "work_id": fit.work_id or None,
        "requested_by": fit.requested_by,
        "created_at": rfc3339(fit.created_at),
        "started_at": rfc3339(fit.started_at) if fit.started_at else None,
        "finished_at": rfc3339(fit.finished_at) if fit.finished_at else None,
        "is_adopted": fit.id == adopted,
        "is_being_adopted": fit.id == building,
        "adopted_at": rfc3339(fit.adopted_at) if fit.adopted_at else None,
        "adopted_by": fit.adopted_by,
    }


def _channel(given: dict[str, Any], currency: str) -> dict[str, Any]:
    return {
        "channel": given["channel"],
        "effect": given["effect"],
        "effect_interval": given["effect_interval"],
        "includes_zero": given["includes_zero"],
        "share": given["share"],
        "share_interval": given["share_interval"],
        "conversions": given["conversions"],
        "value_share": given["value_share"],
        "value_share_interval": given["value_share_interval"],
        **_money("value", round(given["value"]), currency),
    }


def _money(name: str, minor: int | None, currency: str) -> dict[str, Any]:
    return {name: None if minor is None else to_major(minor, currency), f"{name}_minor": minor}
