"""The plugin, installed: who may come in, which shop a request belongs to, and where events come from."""

from __future__ import annotations

from typing import Any

from adplanning_plugin import (
    Actor,
    AdPlanning,
    HostEvent,
    Options,
    Tenant,
    bind_visitor,
    hookimpl,
    identify,
    visitor_token,
)
from adplanning_plugin.options import CookieOptions, DatabaseOptions
from host_example.context import Store, Visitors
from host_example.links import LINKS
from host_example.staff import SCOPES, staff_guard, staff_of


class StoreHooks:
    def __init__(self, store: Store) -> None:
        self.store = store

    @hookimpl
    def provide_links(self):
        return LINKS

    @hookimpl
    def provide_admin_guard(self):
        return staff_guard

    @hookimpl
    def resolve_actor(self, connection):
        who = staff_of(connection)
        return who and Actor(id=str(who.staff_no), tenant_id=str(who.shop_no), scopes=SCOPES[who.role], via=who.via)

    @hookimpl
    def list_tenants(self):
        async def tenants():
            shops = (await self.store.open()).shops.values()
            return [Tenant(id=str(s.shop_no), zone=s.timezone, currency=s.currency, name=s.title) for s in shops]

        return tenants

    @hookimpl
    def resolve_tenant(self, connection):
        return str(self.store.site_of(connection).shop.shop_no)

    @hookimpl
    def provide_event_bus(self):
        return self

    def subscribe(self, name, handler):
        async def pass_on(e):
            event = HostEvent(name=e.name, data=e.data, tenant_id=str(e.shop), occurred_at=e.at, session=e.session)
            await handler(event)

        self.store.bus.subscribe(name, pass_on)

    @hookimpl
    def provide_consent_policy(self):
        return self

    def consent(self, connection):
        choice = self.store.consent_of(connection)
        return choice and dict.fromkeys(("analytics", "ads", "personalisation", "profiling"), choice == "granted")


def install(store: Store, options: Any = None) -> AdPlanning:
    database = DatabaseOptions(url=store.settings.database_url)
    cookie = CookieOptions(secure=store.settings.secure_cookies)
    options = options or Options(database=database, cookie=cookie, secret=store.settings.secret, sessions="host")
    store.visitors = Visitors(bind=bind_visitor, token=visitor_token, identify=identify)
    store.tracker_url = options.paths.script
    return AdPlanning(options, StoreHooks(store))
