"""Admin route of freshness: how old each source is, in the store's zone, and what to do."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from litestar import Controller, Response, get
from litestar.di import NamedDependency

from adplanning_plugin.insights.freshness import freshness, wire_source, worst
from adplanning_plugin.kernel.days import rfc3339
from adplanning_plugin.kernel.export import table_response
from adplanning_plugin.kernel.http import AdminCall


class FreshnessController(Controller):
    """Whether figures can be trusted yet."""

    path = "/freshness"
    tags = ("Dashboard",)

    @get("/", operation_id="getFreshness", summary="How old each source is, and what to do")
    async def freshness(self, call: NamedDependency[AdminCall]) -> Response[Any]:
        """Events, sweeps, conversions, credit, ad spend by platform, exchange rates."""
        async with call.reading() as session:
            sources = await freshness(session, call.runtime, call.tenant)
        zone = call.tenant.zone
        summary = {"state": worst(sources), "as_of": rfc3339(datetime.now(UTC)), "zone": zone}
        return table_response(call, "sources", [wire_source(each, zone) for each in sources], {"freshness": summary})
