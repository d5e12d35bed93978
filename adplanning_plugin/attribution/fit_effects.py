"""Fit effects: what a stored fit says of each channel or platform, in the form in which credit is shared by it."""

from __future__ import annotations

from typing import Any

import msgspec
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.fit_models import Fit


class FitEffects(msgspec.Struct, frozen=True, kw_only=True):
    """Effects ≥ 0 by the value of a touch's column; what a fit has not seen has none."""

    level: str
    effects: dict[str, float]

    def values(self) -> dict[str, Any]:
        """The parameters of the credit statement."""
        return {"effect_keys": list(self.effects), "effects": list(self.effects.values())}


async def effects_of(session: AsyncSession, tenant_id: str, fit_id: str) -> FitEffects:
    """The effects of a finished fit, which no one changes; a channel that lowers the conversion rate has none."""
    statement = select(Fit.level, Fit.answer).where(Fit.tenant_id == tenant_id, Fit.id == fit_id)
    level, answer = (await session.execute(statement)).one()
    channels: list[dict[str, Any]] = (answer or {}).get("channels", [])
    return FitEffects(level=level, effects={each["channel"]: max(each["effect"], 0.0) for each in channels})
