"""Analysis: what the questions over all journeys register with the plugin. It answers none of them."""

from __future__ import annotations

from litestar import Controller

from adplanning_plugin.hookspecs import AdminPage
from adplanning_plugin.journeys.conversions_admin import ConversionJourneyController
from adplanning_plugin.journeys.funnel_admin import FunnelController
from adplanning_plugin.journeys.path_jobs import PATH_JOBS, PATH_SUBSCRIPTIONS
from adplanning_plugin.journeys.paths_admin import PathController

ANALYSIS_ROUTES: tuple[type[Controller], ...] = (ConversionJourneyController, PathController, FunnelController)
ANALYSIS_PAGES = (
    AdminPage(
        key="funnel",
        title="Funnel",
        path="/journeys/funnel",
        group="conversions",
        order=41,
        description="How far people come, and where they leave.",
        icon="filter",
    ),
    AdminPage(
        key="paths",
        title="Paths",
        path="/journeys/paths",
        group="conversions",
        order=42,
        description="Which ways lead to a conversion.",
        icon="split",
    ),
)
ANALYSIS_JOBS, ANALYSIS_SUBSCRIPTIONS = PATH_JOBS, PATH_SUBSCRIPTIONS
