"""What insights registers: its routes, metrics sections, pages and the job that fetches exchange rates."""

from __future__ import annotations

from collections.abc import Sequence

from litestar.types import ControllerRouterHandler
from sqlalchemy import Table

from adplanning_plugin.hookspecs import AdminPage, Section, hookimpl
from adplanning_plugin.insights.admin import DashboardController
from adplanning_plugin.insights.campaigns_admin import CampaignController
from adplanning_plugin.insights.campaigns_order import OrderController
from adplanning_plugin.insights.coverage_admin import CoverageController
from adplanning_plugin.insights.disagreement_admin import DisagreementController
from adplanning_plugin.insights.discrepancies_admin import DiscrepancyController
from adplanning_plugin.insights.fetching import fetch_exchange_rates
from adplanning_plugin.insights.freshness_admin import FreshnessController
from adplanning_plugin.insights.metrics import SECTIONS
from adplanning_plugin.insights.models import AdSpend, ExchangeRate
from adplanning_plugin.insights.parts_admin import PartsController
from adplanning_plugin.insights.quality_admin import QualityController
from adplanning_plugin.insights.reconciliation_admin import ReconciliationController
from adplanning_plugin.insights.spend_admin import RateController, SpendController
from adplanning_plugin.kernel.jobs import Cron, Job


class InsightsHooks:
    """The plugin object."""

    @hookimpl
    def register_models(self) -> Sequence[Table]:
        """Spend and rates."""
        return (AdSpend.__table__, ExchangeRate.__table__)  # type: ignore[return-value]

    @hookimpl
    def register_admin_routes(self) -> Sequence[ControllerRouterHandler]:
        """Dashboard, ROI, coverage, reconciliation, spend, rates."""
        return (
            DashboardController,
            CampaignController,
            OrderController,
            CoverageController,
            DisagreementController,
            DiscrepancyController,
            FreshnessController,
            PartsController,
            QualityController,
            ReconciliationController,
            SpendController,
            RateController,
        )

    @hookimpl
    def register_sections(self) -> Sequence[Section]:
        """Sections of the metrics view."""
        return SECTIONS

    @hookimpl
    def register_jobs(self) -> Sequence[Job]:
        """The daily fetch of exchange rates."""
        return (Job(name="fetch-exchange-rates", schedule=Cron("30 1 * * *"), run=fetch_exchange_rates),)

    @hookimpl
    def register_admin_pages(self) -> Sequence[AdminPage]:
        """Pages of the figures."""
        return (
            AdminPage(key="dashboard", title="Dashboard", path="/", group="overview", order=0),
            AdminPage(key="metrics", title="Metrics", path="/metrics", group="overview", order=5),
            AdminPage(key="campaigns", title="Campaigns", path="/campaigns", group="performance", order=10),
            AdminPage(key="roi", title="ROI", path="/roi", group="performance", order=20),
            AdminPage(key="models", title="Models compared", path="/attribution/models", group="performance", order=32),
            AdminPage(key="coverage", title="Coverage", path="/coverage", group="performance", order=40),
            AdminPage(
                key="reconciliation",
                title="Reconciliation",
                path="/attribution/reconciliation",
                group="performance",
                order=45,
            ),
            AdminPage(
                key="order-attribution",
                title="Attribution of an order",
                kind="widget",
                element="adplanning-order-attribution",
                place="order",
            ),
        )
