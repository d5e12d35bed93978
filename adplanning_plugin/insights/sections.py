"""Sections: runs the registered sections of the metrics view, each by itself. It knows none of them."""

from __future__ import annotations

import logging
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.hookspecs import MetricsQuery, Section
from adplanning_plugin.kernel.errors import AdPlanningError
from adplanning_plugin.kernel.runtime import Runtime

log = logging.getLogger("adplanning.insights")
PLACE = "metrics"


def metrics_sections(runtime: Runtime) -> list[Section]:
    """The sections of the metrics view, in order."""
    found = [section for some in runtime.hooks.hook.register_sections() for section in some]
    return sorted((each for each in found if each.place == PLACE), key=lambda each: (each.order, each.key))


async def computed(
    session: AsyncSession, runtime: Runtime, query: MetricsQuery, sections: list[Section]
) -> dict[str, Any]:
    """What each section says; one that fails is named, and the others are answered all the same.

    Returns:
        sections (key, title, page, data), not_available (keys of what has no data to speak of), failed (key, title,
        page, message).
    """
    shown: list[dict[str, Any]] = []
    absent: list[str] = []
    failed: list[dict[str, str]] = []
    for section in sections:
        try:
            # A statement that fails would end the transaction for the sections after it.
            async with session.begin_nested():
                data = await section.compute(runtime, session, query)
        except Exception as error:
            log.exception("metrics section failed", extra={"section": section.key})
            message = (
                error.detail if isinstance(error, AdPlanningError) else "It could not be computed; the log says why."
            )
            failed.append({"key": section.key, "title": section.title, "page": section.page, "message": message})
            continue
        if data is None:
            absent.append(section.key)
        else:
            shown.append({"key": section.key, "title": section.title, "page": section.page, "data": data})
    return {"sections": shown, "not_available": absent, "failed": failed}
