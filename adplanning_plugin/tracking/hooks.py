"""Hooks: everything that tracking registers, its capture included; nothing is decided here."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import cast

from litestar.types import ControllerRouterHandler
from sqlalchemy import Table

from adplanning_plugin.hookspecs import AdminPage, PersonalData, Section, hookimpl
from adplanning_plugin.kernel.events import Subscription
from adplanning_plugin.kernel.health import HealthCheck
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.settings import SettingsSection
from adplanning_plugin.kernel.sweep import Sweep
from adplanning_plugin.kernel.watermark import StreamReader, Streams
from adplanning_plugin.kernel.workflows import Workflow
from adplanning_plugin.tracking.admin import ConversionController
from adplanning_plugin.tracking.basis import REVENUE_SECTION
from adplanning_plugin.tracking.capture_hooks import CaptureHooks
from adplanning_plugin.tracking.goal_hits import read_events
from adplanning_plugin.tracking.goal_vocabulary import GoalVocabularyController
from adplanning_plugin.tracking.goals_admin import GoalController
from adplanning_plugin.tracking.models import Conversion, ConversionAdjustment, Goal
from adplanning_plugin.tracking.sections import SECTIONS
from adplanning_plugin.tracking.subscribers import SUBSCRIPTIONS
from adplanning_plugin.tracking.sweeps import ORDERS_CHECK, SWEEPS
from adplanning_plugin.tracking.workflows import WORKFLOWS

GOAL_READER = StreamReader(id="goals", advance=read_events)


class TrackingHooks:
    """Tracking as a plugin: capture, and the conversions and goals made of it."""

    def __init__(self) -> None:
        self._capture = CaptureHooks()

    @hookimpl
    def register_models(self) -> Sequence[Table]:
        """Events, sessions and stamps; conversions, their adjustments, goals."""
        own = (Conversion, ConversionAdjustment, Goal)
        return [*self._capture.register_models(), *(cast("Table", model.__table__) for model in own)]

    @hookimpl
    def register_web_routes(self, runtime: Runtime) -> Sequence[ControllerRouterHandler]:
        """What a storefront calls."""
        return self._capture.register_web_routes(runtime)

    @hookimpl
    def health_checks(self, runtime: Runtime) -> Sequence[HealthCheck]:
        """How ingest is doing, and orders that cannot be counted."""
        return [*self._capture.health_checks(runtime), ORDERS_CHECK]

    @hookimpl(tryfirst=True)  # sessions are made before attribution reads them
    def on_startup(self, runtime: Runtime) -> None:
        """Capture's services, then the reader that holds events against the goals."""
        self._capture.on_startup(runtime)
        if runtime.has(Streams) and GOAL_READER not in runtime.get(Streams).readers:
            runtime.get(Streams).add(GOAL_READER)

    @hookimpl
    def on_shutdown(self, runtime: Runtime) -> Awaitable[None]:
        """Nothing queued is left behind."""
        return self._capture.on_shutdown(runtime)

    @hookimpl
    def register_personal_data(self) -> Sequence[PersonalData]:
        """Visits are deleted; conversions keep their money and lose who it was."""
        who = ("visitor_id", "session_id", "person_id", "identifier", "click_ids", "properties")
        found_by = (
            ("id", "conversion"),
            ("visitor_id", "visitor"),
            ("session_id", "session"),
            ("person_id", "person"),
            ("identifier", "identifier"),
        )
        why = "Money stays: what was sold, when, for how much, and the campaign that brought it."
        return [
            *self._capture.register_personal_data(),
            PersonalData(table="adplanning.conversion", columns=who, erase="pseudonymise", found_by=found_by, why=why),
            PersonalData(
                table="adplanning.conversion_adjustment",
                columns=(),
                erase="keep",
                found_by=(("conversion_id", "conversion"),),
                why="Money stays: what was refunded or cancelled.",
            ),
        ]

    @hookimpl
    def register_admin_routes(self, runtime: Runtime) -> Sequence[ControllerRouterHandler]:  # noqa: ARG002
        """`/conversions` and `/goals`."""
        return [ConversionController, GoalController, GoalVocabularyController]

    @hookimpl
    def register_sections(self) -> Sequence[Section]:
        """Conversions by type, in the metrics view."""
        return SECTIONS

    @hookimpl
    def register_workflows(self, runtime: Runtime) -> Sequence[Workflow]:  # noqa: ARG002
        """track-conversion, track-purchase-conversion, track-lead-conversion."""
        return WORKFLOWS

    @hookimpl
    def register_subscribers(self, runtime: Runtime) -> Sequence[Subscription]:  # noqa: ARG002
        """Orders, leads and analytics events of the host."""
        return SUBSCRIPTIONS

    @hookimpl
    def register_sweeps(self, runtime: Runtime) -> Sequence[Sweep]:  # noqa: ARG002
        """Orders, refunds, leads and analytics events that no event told of."""
        return SWEEPS

    @hookimpl
    def register_settings(self) -> Sequence[SettingsSection]:
        """Privacy and the revenue basis."""
        return [*self._capture.register_settings(), REVENUE_SECTION]

    @hookimpl
    def register_admin_pages(self) -> Sequence[AdminPage]:
        """Conversions and goals."""
        return [
            AdminPage(key="conversions", title="Conversions", path="/conversions", group="conversions", order=50),
            AdminPage(key="goals", title="Goals", path="/goals", group="conversions", order=55),
        ]
