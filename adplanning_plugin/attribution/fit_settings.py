"""Fit settings: what the weekly fit of the data-driven model is, and whether it is adopted by itself."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.rules import WINDOWS
from adplanning_plugin.kernel.errors import FieldError, Invalid
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.settings import SettingsSection
from adplanning_plugin.stats.data_driven import ModelName
from adplanning_plugin.tracking import ConversionType

Order = Annotated[int, msgspec.Meta(ge=1, le=3)]
Level = Literal["channel", "platform"]
Resamples = Annotated[int, msgspec.Meta(ge=0, le=2_000)]
MinimumConversions = Annotated[int, msgspec.Meta(ge=1, le=1_000_000)]
LONGEST_DAYS = 1_100


class DataDrivenSettings(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """What is fitted where a request does not say otherwise, and every week."""

    weekly: bool = True
    """Fit every Sunday night."""
    adopt: Literal["first", "every", "never"] = "first"
    """Which scheduled fits become the data_driven model by themselves: the first that the data bear, every one, none.

    A later fit changes what data_driven says of the past, so that is left to a person unless the store wants it.
    """
    algorithm: ModelName = "markov"
    order: Order = 1
    """Of the Markov chain: how many touches it remembers."""
    level: Level = "channel"
    """What is credited: channels or platforms."""
    window_days: Annotated[int, msgspec.Meta(ge=0, le=90)] = 30
    """One of 1, 3, 7, 14, 28, 30, 90; 0 is lifetime."""
    period_days: Annotated[int, msgspec.Meta(ge=7, le=LONGEST_DAYS)] = 90
    """Days up to yesterday whose journeys are fitted."""
    conversion_type: ConversionType = "purchase"
    """Conversions that end a journey."""
    minimum_conversions: MinimumConversions = 50
    """Journeys with a conversion, and without one, below which no model is fitted."""
    resamples: Resamples = 200
    """Bootstrap draws behind the intervals; 0 leaves them out."""


async def _changed(
    session: AsyncSession, runtime: Runtime, tenant_id: str, old: DataDrivenSettings, new: DataDrivenSettings
) -> None:
    del session, runtime, tenant_id, old
    check_window_days(new.window_days)
    if new.resamples == 1:
        message = "resamples must be 0 (no intervals) or at least 2; 200 or more give steady ends."
        raise Invalid(FieldError("resamples", "too_few", message))


def check_window_days(days: int) -> int:
    """The window unchanged, or `Invalid` naming those that there are."""
    if days not in WINDOWS:
        message = f"window_days must be one of {', '.join(map(str, WINDOWS))} (0 is lifetime)."
        raise Invalid(FieldError("window_days", "unknown_window", message))
    return days


SECTION: Any = SettingsSection(
    key="data_driven", type=DataDrivenSettings, title="Data-driven credit", on_change=_changed
)
