"""What identity registers with the plugin: its tables, where personal data lies in them, settings, subscribers."""

from __future__ import annotations

from collections.abc import Sequence

from litestar.types import ControllerRouterHandler
from sqlalchemy import Table

from adplanning_plugin.hookspecs import PersonalData, hookimpl
from adplanning_plugin.identity.admin import DenylistController, IdentityController
from adplanning_plugin.identity.erased import ErasedIdentity
from adplanning_plugin.identity.filling import JOBS
from adplanning_plugin.identity.models import IdentityComponent, IdentityDenylist, IdentityEdge, Visitor
from adplanning_plugin.identity.settings import IDENTITY_SECTION
from adplanning_plugin.identity.subscribers import SUBSCRIPTIONS
from adplanning_plugin.kernel.events import Subscription
from adplanning_plugin.kernel.jobs import Job
from adplanning_plugin.kernel.models import SCHEMA, Base
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.settings import SettingsSection
from adplanning_plugin.links import personal_data

_MODELS = (Visitor, IdentityEdge, IdentityDenylist, IdentityComponent, ErasedIdentity)


class IdentityHooks:
    """Identity as a plugin."""

    @hookimpl
    def register_models(self) -> list[Table]:
        """Visitors, edges, denylist, components, keyed hashes of who was erased."""
        return [Base.metadata.tables[f"{SCHEMA}.{model.__tablename__}"] for model in _MODELS]

    @hookimpl
    def register_admin_routes(self, runtime: Runtime) -> Sequence[ControllerRouterHandler]:
        """Who is linked to whom, and the denylist."""
        del runtime
        return (IdentityController, DenylistController)

    @hookimpl
    def register_settings(self) -> Sequence[SettingsSection]:
        """What links, how many may be one, and which visit an order without one of its own has."""
        return (IDENTITY_SECTION,)

    @hookimpl
    def register_subscribers(self, runtime: Runtime) -> Sequence[Subscription]:
        """Components in step with edges."""
        del runtime
        return SUBSCRIPTIONS

    @hookimpl
    def register_jobs(self, runtime: Runtime) -> Sequence[Job]:
        """Components of edges that have none."""
        del runtime
        return JOBS

    @hookimpl
    def register_personal_data(self) -> list[PersonalData]:
        """An erasure deletes a person's visitors and edges; what links keep of people is told here too."""
        return [
            *personal_data(),
            PersonalData(
                table="adplanning.identity_edge",
                columns=("visitor_id", "identifier"),
                erase="delete",
                found_by=(("visitor_id", "visitor"), ("identifier", "identifier")),
            ),
            PersonalData(
                table="adplanning.identity_component",
                columns=("node", "component_id"),
                erase="delete",
                found_by=(("node", "visitor"), ("node", "identifier"), ("component_id", "identifier")),
            ),
            PersonalData(table="adplanning.visitor", columns=("id",), erase="delete", found_by=(("id", "visitor"),)),
            PersonalData(
                table="adplanning.identity_denylist",
                columns=("identifier",),
                erase="delete",
                found_by=(("identifier", "identifier"),),
            ),
        ]
