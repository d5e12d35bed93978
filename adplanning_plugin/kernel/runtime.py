"""Runtime: the one object a plugin gets to reach everything else; services are looked up by their type."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Any, Literal, TypeVar, cast

import msgspec
import pluggy

from adplanning_plugin.kernel.database import Database
from adplanning_plugin.kernel.errors import NotFound
from adplanning_plugin.options import Options

T = TypeVar("T")
Scope = Literal["adplanning:read", "adplanning:write", "adplanning:manage", "adplanning:pii"]
READ: Scope = "adplanning:read"
WRITE: Scope = "adplanning:write"
MANAGE: Scope = "adplanning:manage"
PII: Scope = "adplanning:pii"


class Tenant(msgspec.Struct, frozen=True, kw_only=True):
    """A store: its id, the zone that decides what a day is, and its reporting currency."""

    id: str
    zone: str
    currency: str
    name: str = ""
    locale: str = ""
    """How its people write figures, such as `en-IN`; without it the usual one of the currency."""


class Actor(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls an admin route, as the host knows them."""

    id: str
    tenant_id: str | None = None
    scopes: frozenset[str] = frozenset()
    via: Literal["session", "bearer"] = "bearer"
    """A session needs the CSRF header on unsafe methods; a bearer token does not."""


class Runtime:
    """Options, database, hooks and services of one installation."""

    def __init__(self, options: Options, hooks: pluggy.PluginManager) -> None:
        self.options = options
        self.hooks = hooks
        self.log = logging.getLogger("adplanning")
        self._services: dict[type[Any], Any] = {}
        self._tenants: dict[str, Tenant] = {}

    @property
    def database(self) -> Database:
        """The plugin's database."""
        return self.get(Database)

    def put(self, service: object, kind: type[Any] | None = None) -> None:
        """Offer a service under its type."""
        self._services[kind or type(service)] = service

    def get(self, kind: type[T]) -> T:
        """The service of that type; a missing one is a mistake in the composition root."""
        try:
            return cast("T", self._services[kind])
        except KeyError:
            message = f"no {kind.__name__} is installed: plugin.py puts it into the runtime at start-up"
            raise LookupError(message) from None

    def has(self, kind: type[Any]) -> bool:
        """Whether a service of that type is there."""
        return kind in self._services

    def set_tenants(self, tenants: Sequence[Tenant]) -> None:
        """Replace the known tenants (at start-up, and when the host's list changed)."""
        self._tenants = {tenant.id: tenant for tenant in tenants}

    @property
    def tenants(self) -> Sequence[Tenant]:
        """Every tenant of the installation."""
        return tuple(self._tenants.values())

    def tenant(self, tenant_id: str) -> Tenant:
        """One tenant, or `NotFound`."""
        found = self._tenants.get(tenant_id)
        if found is None:
            raise NotFound(f"There is no store {tenant_id!r}.")
        return found
