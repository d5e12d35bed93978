"""What journeys register: tables, personal data, workflow, subscribers, sweeps, the nightly rebuild, the reader."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import cast

from litestar.types import ControllerRouterHandler
from sqlalchemy import Table

from adplanning_plugin.hookspecs import AdminPage, PersonalData, Section, hookimpl
from adplanning_plugin.journeys.admin import JourneyController
from adplanning_plugin.journeys.analysis import (
    ANALYSIS_JOBS,
    ANALYSIS_PAGES,
    ANALYSIS_ROUTES,
    ANALYSIS_SUBSCRIPTIONS,
)
from adplanning_plugin.journeys.jobs import JOBS
from adplanning_plugin.journeys.models import JourneyEvent, JourneyProgress
from adplanning_plugin.journeys.path_models import JourneyPath, JourneyPathDay
from adplanning_plugin.journeys.sections import SECTIONS
from adplanning_plugin.journeys.stream import READER
from adplanning_plugin.journeys.subscribers import SUBSCRIPTIONS
from adplanning_plugin.journeys.sweeps import SWEEPS
from adplanning_plugin.journeys.workflows import WORKFLOWS
from adplanning_plugin.kernel.events import Subscription
from adplanning_plugin.kernel.jobs import Job
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.sweep import Sweep
from adplanning_plugin.kernel.watermark import Streams
from adplanning_plugin.kernel.workflows import Workflow


class JourneysHooks:
    """The plugin object."""

    @hookimpl
    def register_models(self) -> Sequence[Table]:
        """Events of journeys, how far each subject came, and the paths of each day."""
        models = (JourneyEvent, JourneyProgress, JourneyPath, JourneyPathDay)
        return [cast("Table", model.__table__) for model in models]

    @hookimpl
    def register_personal_data(self) -> Sequence[PersonalData]:
        """An erasure deletes a person's journey; figures over all journeys then count one less."""
        who = ("person_id", "visitor_id", "session_id", "identifier", "event_name", "event_data", "source_id")
        found_by = (
            ("person_id", "person"),
            ("visitor_id", "visitor"),
            ("session_id", "session"),
            ("identifier", "identifier"),
            ("order_id", "order"),
            ("conversion_id", "conversion"),
            ("CASE WHEN source_kind = 'lead' THEN source_id END", "lead"),
            ("CASE WHEN source_kind = 'feedback' THEN source_id END", "feedback"),
            ("CASE WHEN source_kind = 'form_response' THEN source_id END", "form_response"),
            ("CASE WHEN source_kind = 'person' THEN source_id END", "person"),
        )
        return (
            PersonalData(table="adplanning.journey_event", columns=who, erase="delete", found_by=found_by),
            PersonalData(
                table="adplanning.journey_progress",
                columns=("subject", "person_id"),
                erase="delete",
                found_by=(("subject", "subject"), ("person_id", "person")),
            ),
        )

    @hookimpl
    def register_admin_routes(self, runtime: Runtime) -> Sequence[ControllerRouterHandler]:
        """Events and people's timelines; conversions' journeys, paths, funnel and drop-off."""
        del runtime
        return (*ANALYSIS_ROUTES, JourneyController)

    @hookimpl
    def register_admin_pages(self) -> Sequence[AdminPage]:
        """Journeys, funnel and paths."""
        page = AdminPage(
            key="journeys",
            title="Journeys",
            path="/journeys",
            group="conversions",
            order=40,
            description="What people did, and how far they came.",
            icon="route",
        )
        return (page, *ANALYSIS_PAGES)

    @hookimpl
    def register_sections(self) -> Sequence[Section]:
        """The customer funnel, and the journey of a person."""
        return SECTIONS

    @hookimpl
    def register_workflows(self, runtime: Runtime) -> Sequence[Workflow]:
        """track-customer-journey-event."""
        del runtime
        return WORKFLOWS

    @hookimpl
    def register_subscribers(self, runtime: Runtime) -> Sequence[Subscription]:
        """Conversions, touches and edges of the plugin; feedback, forms, interactions and people of the store."""
        del runtime
        return (*SUBSCRIPTIONS, *ANALYSIS_SUBSCRIPTIONS)

    @hookimpl
    def register_sweeps(self, runtime: Runtime) -> Sequence[Sweep]:
        """The same entities, for what no event told of."""
        del runtime
        return SWEEPS

    @hookimpl
    def register_jobs(self, runtime: Runtime) -> Sequence[Job]:
        """The nightly rebuild, and the counting of paths."""
        del runtime
        return (*JOBS, *ANALYSIS_JOBS)

    @hookimpl(trylast=True)
    def on_startup(self, runtime: Runtime) -> Awaitable[None] | None:
        """Read tracked events, after those below have."""
        if runtime.has(Streams) and READER not in runtime.get(Streams).readers:
            runtime.get(Streams).add(READER)
        return None
