"""What customers register: tables, routes, the workflow of an erasure, and where the kernel names people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from sqlalchemy import Table

from adplanning_plugin.customers.models import Erasure, ErasureSubject
from adplanning_plugin.customers.working_papers import WORKING_PAPERS
from adplanning_plugin.hookspecs import PersonalData, hookimpl


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
