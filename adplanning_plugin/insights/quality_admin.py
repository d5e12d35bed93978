"""Admin route of quality: how far credit can be trusted, day by day, and what was dropped before it."""

from __future__ import annotations

from typing import Any

from litestar import Controller, Response, get
from litestar.di import NamedDependency

from adplanning_plugin.attribution import current_rules, parse_window
from adplanning_plugin.insights.admin import Day, Window
from adplanning_plugin.insights.periods import read_period
from adplanning_plugin.insights.quality import MEASURES, quality
from adplanning_plugin.kernel.export import table_response
from adplanning_plugin.kernel.http import AdminCall

COLUMNS = ("day", *(f"{measure}{part}" for measure in MEASURES for part in ("_of", "", "_share")))


class QualityController(Controller):
    """Whether there is enough to credit by."""

    path = "/attribution/quality"
    tags = ("Attribution",)

    @get("/", operation_id="getAttributionQuality", summary="Coverage by day, and what was dropped on the way")
    async def quality(
        self, call: NamedDependency[AdminCall], from_date: Day = None, to_date: Day = None, window: Window = None
    ) -> Response[Any]:
        """Touches, click ids, identity, spend by day; two waterfalls; without consent, shares of the period alone."""
        period = read_period(from_date, to_date, call.tenant.zone)
        async with call.reading(heavy=True) as session:
            rules = await current_rules(session, call.tenant_id)
            days = parse_window(rules, window)
            found = await quality(
                session, call.runtime, call.tenant_id, period, window_days=days, rule_version=rules.version
            )
        lines = found.pop("days")
        return table_response(
            call, "days", lines, {"period": period.wire(), "window_days": days, **found}, columns=COLUMNS
        )
