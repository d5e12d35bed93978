"""Rules: a tenant's attribution settings, and the numbered versions of them under which credit was computed."""

from __future__ import annotations

import secrets
from typing import Any

import msgspec
from msgspec import UNSET, UnsetType
from sqlalchemy import func, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.models import RuleVersion
from adplanning_plugin.attribution.settings import WINDOWS, AttributionSettings, mistakes
from adplanning_plugin.hookspecs import AttributionModel
from adplanning_plugin.kernel import settings as kernel_settings
from adplanning_plugin.kernel.database import ACTOR
from adplanning_plugin.kernel.errors import ConfigurationError, FieldError, Invalid
from adplanning_plugin.kernel.jobs import run_job_now
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.settings import SettingsSection
from adplanning_plugin.kernel.work import registered
from adplanning_plugin.stats.credit import ALIASES, MODELS

DATA_DRIVEN = "data_driven"
"""The model that shares by a fit's effects; it is there where a fit was adopted."""
NO_FIT = (
    "model data_driven takes a fit of the store's own journeys, and none is adopted:"
    " GET /attribution/data-driven says what there is and what the data lack."
)
CREDIT_JOB = "compute-credit"
"""The job that computes whatever credit is due."""

_LOCK = text("SELECT pg_advisory_xact_lock(hashtextextended('adplanning.rule_version ' || CAST(:tenant AS text), 0))")


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """One rule version: what the arrays of a credit row mean."""

    version: int = 1
    models: tuple[str, ...] = MODELS
    windows: tuple[int, ...] = WINDOWS
    settings: AttributionSettings = msgspec.field(default_factory=AttributionSettings)
    fit_id: str | None = None
    """The fit by whose effects data_driven shares; the model is there where a fit is."""

    @property
    def built_in(self) -> int:
        """How many of the models the credit statement computes; those of other plugins follow."""
        return len(_built_in(self.fit_id))

    @property
    def default_model(self) -> str:
        """The model that reports use where none is named."""
        return self.settings.default_model

    @property
    def default_window_days(self) -> int:
        """The window that reports use where none is named; 0 is lifetime."""
        return self.settings.default_window_days


def _built_in(fit_id: str | None) -> tuple[str, ...]:
    return MODELS if fit_id is None else (*MODELS, DATA_DRIVEN)


def hook_models(runtime: Runtime) -> tuple[AttributionModel, ...]:
    """Models of other plugins, in order of registration.

    Raises:
        ConfigurationError: a name that is taken; the sentence says by whom.
    """
    names = (*MODELS, DATA_DRIVEN)
    taken: dict[str, str] = {**dict.fromkeys(names, "the plugin"), **dict.fromkeys(ALIASES, "the plugin, as an alias")}
    found: list[AttributionModel] = []
    for owner, model in registered(runtime, "register_attribution_models"):
        if model.name in taken:
            message = f"The attribution model {model.name!r} of {owner} is taken by {taken[model.name]}: rename it."
            raise ConfigurationError(message)
        taken[model.name] = owner
        found.append(model)
    return tuple(found)


class RuleState(msgspec.Struct, frozen=True, kw_only=True):
    """The rule versions of a store that matter: what reports read, and what is being computed beside it."""

    active: Rules = msgspec.field(default_factory=Rules)
    building: Rules | None = None
    is_stored: bool = False
    """Whether there is any version yet; without one the defaults hold."""
    is_classified: bool = True
    """Whether the building version has read every touch: its credit is computed from then on."""

    @property
    def newest(self) -> Rules:
        """The version that the settings of now made."""
        return self.building or self.active

    @property
    def computed(self) -> tuple[Rules, ...]:
        """The versions that a conversion's credit is computed for, the active one first."""
        return (self.active, self.building) if self.building and self.is_classified else (self.active,)


async def rule_state(session: AsyncSession, tenant_id: str) -> RuleState:
    """The active rule version and the one that is building, where there is one."""
    statement = (
        select(RuleVersion)
        .where(RuleVersion.tenant_id == tenant_id, RuleVersion.superseded_at.is_(None))
        .order_by(RuleVersion.version)
        .execution_options(populate_existing=True)
    )
    rows = (await session.execute(statement)).scalars().all()
    if not rows:
        return RuleState()
    active = next(row for row in rows if row.activated_at is not None)
    building = next((row for row in rows if row.activated_at is None), None)
    return RuleState(
        active=_rules(active),
        building=None if building is None else _rules(building),
        is_stored=True,
        is_classified=building is None or building.classified_at is not None,
    )


async def current_rules(session: AsyncSession, tenant_id: str) -> Rules:
    """The active rule version, which reports read; before any credit was computed, the defaults as version 1."""
    return (await rule_state(session, tenant_id)).active


def _models(runtime: Runtime, fit_id: str | None) -> tuple[str, ...]:
    return _built_in(fit_id) + tuple(model.name for model in hook_models(runtime))


async def ensure_rules(session: AsyncSession, runtime: Runtime, tenant_id: str) -> RuleState:
    """The rule versions, with one for the settings and models of now, made where they changed.

    A new one is made in a short transaction of its own: others that need it would wait for the caller's to end.
    """
    settings, _ = await kernel_settings.load(session, tenant_id, AttributionSettings)
    state = await rule_state(session, tenant_id)
    if _says(state, runtime, settings, state.newest.fit_id):
        return state
    async with runtime.database.transaction(tenant_id) as own:
        await save_rules(own, runtime, tenant_id, settings)
    return await rule_state(session, tenant_id)


def _says(state: RuleState, runtime: Runtime, settings: AttributionSettings, fit_id: str | None) -> bool:
    newest = state.newest
    said = (newest.models, newest.windows, newest.settings, newest.fit_id)
    return state.is_stored and said == (_models(runtime, fit_id), WINDOWS, settings, fit_id)


async def save_rules(
    session: AsyncSession,
    runtime: Runtime,
    tenant_id: str,
    settings: AttributionSettings,
    *,
    restored_from: int | None = None,
    fit_id: str | UnsetType | None = UNSET,
) -> RuleState:
    """A new rule version, unless the newest says the same: the first is active at once, a later one is built beside.

    One that is still being built gives way to it, or to the active one where that says the same.

    Args:
        fit_id: the fit of the data-driven model, null for none; the newest version's where it is left out.
    """
    await session.execute(_LOCK, {"tenant": tenant_id})
    state = await rule_state(session, tenant_id)
    fit = state.newest.fit_id if fit_id is UNSET else fit_id
    if _says(state, runtime, settings, fit):
        return state
    if state.building is not None:
        await session.execute(
            update(RuleVersion)
            .where(RuleVersion.tenant_id == tenant_id, RuleVersion.version == state.building.version)
            .values(superseded_at=func.now())
        )
        state = await rule_state(session, tenant_id)
        if _says(state, runtime, settings, fit):
            return state
    newest = select(func.max(RuleVersion.version)).where(RuleVersion.tenant_id == tenant_id)
    version = ((await session.execute(newest)).scalar_one() or 0) + 1
    values: dict[str, Any] = {
        "tenant_id": tenant_id,
        "version": version,
        "models": list(_models(runtime, fit)),
        "windows": list(WINDOWS),
        "settings": msgspec.to_builtins(settings),
        "created_by": session.info.get(ACTOR),
        "restored_from": restored_from,
        "fit_id": fit,
    }
    if not state.is_stored:
        values |= {"activated_at": func.now(), "classified_at": func.now()}
    await session.execute(insert(RuleVersion).values(values))
    return await rule_state(session, tenant_id)


def canonical_model(name: str) -> str:
    """The model's own name for an alias such as `last_touch`."""
    return ALIASES.get(name, name)


def model_position(rules: Rules, name: str) -> int:
    """1-based index of a model in the arrays of a credit row (as PostgreSQL counts); `Invalid` names the known ones."""
    try:
        return rules.models.index(canonical_model(name)) + 1
    except ValueError:
        if name == DATA_DRIVEN:
            raise Invalid(FieldError("model", "no_fit", NO_FIT)) from None
        known = ", ".join(rules.models)
        message = f"model must be one of {known} (or last_touch, first_touch)."
        raise Invalid(FieldError("model", "unknown_model", message)) from None


def check_window(rules: Rules, days: int) -> int:
    """The window unchanged, or `Invalid` naming those that the store offers."""
    if days not in rules.windows or days not in rules.settings.windows:
        known = ", ".join("lifetime" if each == 0 else str(each) for each in rules.settings.windows)
        raise Invalid(FieldError("window", "unknown_window", f"window must be one of {known} (days)."))
    return days


def parse_window(rules: Rules, window: str | None) -> int:
    """Days of a window as the wire writes it: `30`, `30d`, `lifetime` or `0`; the default where it is not given."""
    if window is None:
        return rules.default_window_days
    text = window.strip().lower().removesuffix("d")
    return check_window(rules, 0 if text == "lifetime" else int(text) if text.isdecimal() and len(text) < 6 else -1)


def rules_if(state: RuleState, runtime: Runtime, settings: AttributionSettings) -> Rules:
    """The rules that these settings would make, as a version that nothing is stored under: one of its own each time.

    Raises:
        Invalid: settings that make no sense.
    """
    fit = state.newest.fit_id
    check_settings(settings, runtime, fit)
    return Rules(version=-secrets.randbelow(2**62) - 1, models=_models(runtime, fit), settings=settings, fit_id=fit)


def check_settings(settings: AttributionSettings, runtime: Runtime, fit_id: str | None = None) -> None:
    """Raise `Invalid` for what makes no sense; each error names the field and the fix."""
    if errors := mistakes(settings, _models(runtime, fit_id)):
        raise Invalid(*errors)


async def _changed(
    session: AsyncSession, runtime: Runtime, tenant_id: str, _old: AttributionSettings, new: AttributionSettings
) -> None:
    check_settings(new, runtime, (await rule_state(session, tenant_id)).newest.fit_id)
    await save_rules(session, runtime, tenant_id, new)
    await run_job_now(session, runtime, tenant_id, CREDIT_JOB)


SECTION = SettingsSection(key="attribution", type=AttributionSettings, title="Attribution", on_change=_changed)


def _rules(row: RuleVersion) -> Rules:
    return Rules(
        version=row.version,
        models=tuple(row.models),
        windows=tuple(row.windows),
        settings=msgspec.convert(row.settings, AttributionSettings),
        fit_id=row.fit_id,
    )
