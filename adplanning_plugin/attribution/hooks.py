"""What attribution registers: tables, routes, workflows, subscribers, sweeps, jobs, settings, sections, reader."""

from __future__ import annotations

from collections.abc import Awaitable, Sequence
from typing import cast

from litestar.types import ControllerRouterHandler
from sqlalchemy import Table

from adplanning_plugin.attribution.admin import AttributionController
from adplanning_plugin.attribution.alias_models import CampaignAlias
from adplanning_plugin.attribution.credit_admin import CreditController, last_touch_column
from adplanning_plugin.attribution.explain_admin import ExplainController
from adplanning_plugin.attribution.fit_admin import FitController
from adplanning_plugin.attribution.fit_models import Fit
from adplanning_plugin.attribution.fit_settings import SECTION as FIT_SECTION
from adplanning_plugin.attribution.fits import FIT_JOBS
from adplanning_plugin.attribution.inbox_admin import InboxController
from adplanning_plugin.attribution.jobs import JOBS
from adplanning_plugin.attribution.models import Credit, RuleVersion, Touchpoint, TouchpointClass
from adplanning_plugin.attribution.realias import JOBS as ALIAS_JOBS
from adplanning_plugin.attribution.rules import SECTION, hook_models
from adplanning_plugin.attribution.rules_admin import RulesController
from adplanning_plugin.attribution.sections import SECTIONS
from adplanning_plugin.attribution.service import read_events
from adplanning_plugin.attribution.subscribers import SUBSCRIPTIONS, SWEEPS
from adplanning_plugin.attribution.workflows import WORKFLOWS
from adplanning_plugin.hookspecs import AdminPage, PersonalData, Section, hookimpl
from adplanning_plugin.kernel.events import Subscription
from adplanning_plugin.kernel.jobs import Job
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.settings import SettingsSection
from adplanning_plugin.kernel.sweep import Sweep
from adplanning_plugin.kernel.watermark import StreamReader, Streams
from adplanning_plugin.kernel.workflows import Workflow
from adplanning_plugin.tracking import LastTouches

READER = StreamReader(id="attribution.touchpoints", advance=read_events)


class AttributionHooks:
    """The plugin object."""

    @hookimpl
    def register_models(self) -> Sequence[Table]:
        """Touches, credit, rule versions, fits, decisions about names."""
        models = (Touchpoint, TouchpointClass, Credit, RuleVersion, Fit, CampaignAlias)
        return [cast("Table", model.__table__) for model in models]

    @hookimpl
    def register_admin_routes(self, runtime: Runtime) -> Sequence[ControllerRouterHandler]:
        """List, statistics, resolution, manual touches and assignments; credit, fits and rule versions."""
        del runtime
        return (
            AttributionController,
            InboxController,
            FitController,
            RulesController,
            CreditController,
            ExplainController,
        )

    @hookimpl
    def register_workflows(self, runtime: Runtime) -> Sequence[Workflow]:
        """Resolution of a session and in bulk."""
        del runtime
        return WORKFLOWS

    @hookimpl
    def register_subscribers(self, runtime: Runtime) -> Sequence[Subscription]:
        """Credit for conversions, touches for host sessions."""
        del runtime
        return SUBSCRIPTIONS

    @hookimpl
    def register_sweeps(self, runtime: Runtime) -> Sequence[Sweep]:
        """Linked sessions and campaigns."""
        del runtime
        return SWEEPS

    @hookimpl
    def register_jobs(self, runtime: Runtime) -> Sequence[Job]:
        """The nightly resolution, decisions about names that are to be applied, and credit that is due."""
        del runtime
        return (*JOBS, *ALIAS_JOBS, *FIT_JOBS)

    @hookimpl
    def register_settings(self) -> Sequence[SettingsSection]:
        """Default model and window, half-life, position shares, the direct rule."""
        return (SECTION, FIT_SECTION)

    @hookimpl
    def register_sections(self) -> Sequence[Section]:
        """Credit on the pages of a conversion and of an order."""
        return SECTIONS

    @hookimpl
    def register_admin_pages(self) -> Sequence[AdminPage]:
        """Attribution, and the inbox of names without a campaign."""
        return (
            AdminPage(key="attribution", title="Attribution", path="/attribution", group="performance", order=30),
            AdminPage(
                key="inbox",
                title="Inbox",
                path="/attribution/inbox",
                group="performance",
                order=32,
                description="What do the names mean that no campaign has?",
            ),
        )

    @hookimpl
    def register_personal_data(self) -> Sequence[PersonalData]:
        """An erasure deletes a person's touches; the money they earned stays with the credit."""
        columns = ("visitor_id", "session_id", "person_id", "click_ids", "term", "content", "landing_path")
        return (
            PersonalData(
                table="adplanning.touchpoint",
                columns=columns,
                erase="delete",
                found_by=(("visitor_id", "visitor"), ("session_id", "session"), ("person_id", "person")),
                unless="EXISTS (SELECT FROM adplanning.credit c"
                " WHERE c.tenant_id = row.tenant_id AND c.touch_id = row.id)",
                why="Touches that earned credit stay with their time and campaign alone, so that no figure changes.",
            ),
            PersonalData(
                table="adplanning.credit",
                columns=(),
                erase="keep",
                found_by=(("conversion_id", "conversion"),),
                why="Money stays: how much each campaign earned.",
            ),
        )

    @hookimpl(trylast=True)
    def on_startup(self, runtime: Runtime) -> Awaitable[None] | None:
        """Read tracked events, after tracking has given them their sessions; refuse models of one name."""
        hook_models(runtime)
        runtime.put(LastTouches(last_touch_column))
        streams = runtime.get(Streams)
        if READER not in streams.readers:
            streams.add(READER)
        return None
