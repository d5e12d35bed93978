"""What customers register: tables, routes, the workflow of an erasure, and where the kernel names people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from litestar.types import ControllerRouterHandler
from sqlalchemy import Table

from adplanning_plugin.customers.admin import CustomerController
from adplanning_plugin.customers.catalogue import Catalogue
from adplanning_plugin.customers.erasure_admin import ErasureController
from adplanning_plugin.customers.models import Erasure, ErasureSubject
from adplanning_plugin.customers.sections import SECTIONS
from adplanning_plugin.customers.workflows import WORKFLOWS
from adplanning_plugin.customers.working_papers import WORKING_PAPERS
from adplanning_plugin.hookspecs import AdminPage, PersonalData, Section, hookimpl
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.workflows import Workflow


class CustomersHooks:
    """The plugin object."""

    @hookimpl
    def register_models(self) -> Sequence[Table]:
        """Receipts, and what an erasure in hand looks for."""
        return [cast("Table", model.__table__) for model in (Erasure, ErasureSubject)]

    @hookimpl
    def register_personal_data(self) -> Sequence[PersonalData]:
        """Events, work, runs, stored answers and the audit: what the kernel keeps for a while names people by id."""
        return WORKING_PAPERS

    @hookimpl
    def register_admin_routes(self, runtime: Runtime) -> Sequence[ControllerRouterHandler]:
        """`/customers`."""
        del runtime
        return [ErasureController, CustomerController]

    @hookimpl
    def register_workflows(self, runtime: Runtime) -> Sequence[Workflow]:
        """erase-person."""
        del runtime
        return WORKFLOWS

    @hookimpl
    def register_sections(self) -> Sequence[Section]:
        """Identity, orders, touches and consent on a person's page."""
        return SECTIONS

    @hookimpl
    def register_admin_pages(self) -> Sequence[AdminPage]:
        """People, and a widget for the store's own page of a person."""
        return [
            AdminPage(
                key="customers",
                title="Customers",
                path="/customers",
                group="conversions",
                order=58,
                icon="users",
                description="Who bought, how they came, and what is held about them.",
            ),
            AdminPage(
                key="person-journey",
                title="Journey of a person",
                kind="widget",
                element="adplanning-person-journey",
                place="person",
            ),
        ]

    @hookimpl
    def on_startup(self, runtime: Runtime) -> None:
        """Every registration of personal data is looked at once: a wrong one stops the start."""
        runtime.put(Catalogue.collect(runtime))
