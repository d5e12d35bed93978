"""The plugin, installed: who may come in, which shop a request belongs to, and where events come from."""

import adplanning_plugin as ap
from host_example.context import Store, Visitors
from host_example.links import LINKS
from host_example.options import options_of
from host_example.staff import SCOPES, staff_guard, staff_of


class StoreHooks:
    provide_links = ap.hookimpl(lambda _: LINKS)
    provide_admin_guard = ap.hookimpl(lambda _: staff_guard)
    provide_event_bus = provide_consent_policy = ap.hookimpl(lambda self: self)
    list_tenants = ap.hookimpl(lambda self: self.tenants)
    name_actors = ap.hookimpl(lambda self: self.store.staff_names)
    resolve_tenant = ap.hookimpl(lambda self, connection: str(self.store.site_of(connection).shop.shop_no))

    def __init__(self, store: Store):
        self.store = store

    @ap.hookimpl
    def resolve_actor(self, connection):
        who = staff_of(connection)
        return who and ap.Actor(id=str(who.staff_no), tenant_id=str(who.shop_no), scopes=SCOPES[who.role], via=who.via)

    async def tenants(self):
        shops = (await self.store.open()).shops.values()
        return [ap.Tenant(id=str(s.shop_no), zone=s.timezone, currency=s.currency, name=s.title) for s in shops]

    def consent(self, connection):
        choice = self.store.consent_of(connection)
        return choice and dict.fromkeys(("analytics", "ads", "personalisation", "profiling"), choice == "granted")

    def subscribe(self, name, handler):
        self.store.bus.subscribe(name, lambda e: handler(host_event(e)))


def host_event(e):
    return ap.HostEvent(name=e.name, data=e.data, tenant_id=str(e.shop), occurred_at=e.at, session=e.session)


def install(store: Store, options: ap.Options | None = None) -> ap.AdPlanning:
    options = options or options_of(store.settings)
    store.visitors = Visitors(ap.bind_visitor, ap.current_visitor, ap.visitor_token, ap.identify)
    store.tracker_url = options.paths.script
    return ap.AdPlanning(options, StoreHooks(store))
