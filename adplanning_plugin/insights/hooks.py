"""What insights registers: its routes, metrics sections, pages and the job that fetches exchange rates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from decimal import Decimal

from litestar.types import ControllerRouterHandler
from sqlalchemy import Table, select, union

from adplanning_plugin.hookspecs import AdminPage, Section, hookimpl
from adplanning_plugin.insights.admin import CoverageController, DashboardController
from adplanning_plugin.insights.metrics import SECTIONS
from adplanning_plugin.insights.models import AdSpend, ExchangeRate
from adplanning_plugin.insights.rates import upsert_rates
from adplanning_plugin.insights.spend_admin import RateController, SpendController
from adplanning_plugin.kernel import days
from adplanning_plugin.kernel.jobs import Cron, Job, JobContext
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import conversion_table as conversion

FETCHED_DAYS = 7


async def fetch_exchange_rates(context: JobContext) -> None:
    """Ask each registered source for the last week's rates of the currencies that the tenant's data hold."""
    runtime, tenant = context.runtime, context.runtime.tenant(context.tenant_id)
    sources = [source for found in runtime.hooks.hook.register_exchange_rates() for source in found]
    if not sources:
        return
    account = runtime.get(Links).selectable("ad_account", tenant.id)
    used = union(
        select(AdSpend.currency).where(AdSpend.tenant_id == tenant.id),
        select(conversion.c.currency).where(conversion.c.tenant_id == tenant.id),
        select(account.c.currency),
    )
    async with runtime.database.reading(tenant.id) as session:
        currencies = sorted({code for (code,) in await session.execute(used) if code} - {tenant.currency})
    if not currencies:
        return
    last = days.now()
    for source in sources:
        rows = await source.rates(tenant.currency, currencies, last - timedelta(days=FETCHED_DAYS), last)
        async with runtime.database.transaction(tenant.id) as session:
            stored = [{**row, "rate": Decimal(str(row["rate"])), "source": source.name} for row in rows]
            await upsert_rates(session, tenant.id, stored)


class InsightsHooks:
    """The plugin object."""

    @hookimpl
    def register_models(self) -> Sequence[Table]:
        """Spend and rates."""
        return (AdSpend.__table__, ExchangeRate.__table__)  # type: ignore[return-value]

    @hookimpl
    def register_admin_routes(self) -> Sequence[ControllerRouterHandler]:
        """Dashboard, ROI, coverage, spend, rates."""
        return (DashboardController, CoverageController, SpendController, RateController)

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
            AdminPage(key="dashboard", title="Ad planning", path="/", order=0),
            AdminPage(key="metrics", title="Metrics", path="/metrics", order=5),
            AdminPage(key="roi", title="ROI", path="/roi", order=10),
            AdminPage(key="coverage", title="Coverage", path="/coverage", order=15),
        )
