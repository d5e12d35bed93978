"""Hooks: what the conversions and goals of tracking register. Capture, sessions and consent register their own."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from adplanning_plugin.hookspecs import AdminPage, hookimpl

if TYPE_CHECKING:
    from litestar.types import ControllerRouterHandler
    from sqlalchemy import Table

    from adplanning_plugin.kernel.events import Subscription
    from adplanning_plugin.kernel.runtime import Runtime
    from adplanning_plugin.kernel.settings import SettingsSection
    from adplanning_plugin.kernel.sweep import Sweep
    from adplanning_plugin.kernel.workflows import Workflow


class ConversionHooks:
    """Conversions and goals as a plugin; leaving it out removes them and nothing else."""

    @hookimpl
    def register_models(self) -> Sequence[Table]:
        """Conversions, their adjustments, goals."""
        from adplanning_plugin.tracking.models import Conversion, ConversionAdjustment, Goal

        return [
            model.metadata.tables[f"adplanning.{model.__tablename__}"]
            for model in (Conversion, ConversionAdjustment, Goal)
        ]

    @hookimpl
    def register_admin_routes(self, runtime: Runtime) -> Sequence[ControllerRouterHandler]:  # noqa: ARG002
        """`/conversions` and `/goals`."""
        from adplanning_plugin.tracking.admin import ConversionController
        from adplanning_plugin.tracking.goals_admin import GoalController

        return [ConversionController, GoalController]

    @hookimpl
    def register_workflows(self, runtime: Runtime) -> Sequence[Workflow]:  # noqa: ARG002
        """track-conversion, track-purchase-conversion, track-lead-conversion."""
        from adplanning_plugin.tracking.workflows import WORKFLOWS

        return WORKFLOWS

    @hookimpl
    def register_subscribers(self, runtime: Runtime) -> Sequence[Subscription]:  # noqa: ARG002
        """Orders, leads and analytics events of the host."""
        from adplanning_plugin.tracking.subscribers import SUBSCRIPTIONS

        return SUBSCRIPTIONS

    @hookimpl
    def register_sweeps(self, runtime: Runtime) -> Sequence[Sweep]:  # noqa: ARG002
        """Orders, refunds, leads and analytics events that no event told of."""
        from adplanning_plugin.tracking.sweeps import SWEEPS

        return SWEEPS

    @hookimpl
    def register_settings(self) -> Sequence[SettingsSection]:
        """The revenue basis."""
        from adplanning_plugin.tracking.basis import REVENUE_SECTION

        return [REVENUE_SECTION]

    @hookimpl
    def register_admin_pages(self) -> Sequence[AdminPage]:
        """Conversions and goals."""
        return [
            AdminPage(key="conversions", title="Conversions", path="/conversions", group="Ad planning", order=20),
            AdminPage(key="goals", title="Goals", path="/goals", group="Ad planning", order=25),
        ]
