"""What the running store keeps at hand: settings, bus, signers, and which shop a host name belongs to."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from litestar import Request
from litestar.connection import ASGIConnection
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from host_example.bus import Bus
from host_example.models import Shop, Site
from host_example.security import Signer
from host_example.settings import StoreSettings

CONSENT_COOKIE = "store_consent"
CART_COOKIE = "store_cart"
CUSTOMER_COOKIE = "store_customer"
STAFF_COOKIE = "store_staff"
VISIT_COOKIE = "store_visit"
DAY = 86_400
Connection = ASGIConnection[Any, Any, Any, Any]
StoreRequest = Request[Any, Any, Any]


async def _nothing(*_: object) -> None:
    """Nobody tracks visitors."""


def _nobody(_: object) -> str | None:
    return None


async def _no_names(_shop: str, _ids: Sequence[str]) -> Mapping[str, str]:
    return {}


@dataclass(frozen=True)
class Visitors:
    """What the store asks of whoever tracks visitors; by default nobody does."""

    bind: Callable[[StoreRequest, str], Awaitable[object]] = _nothing
    """Remember whose checkout this is, before the shopper leaves for payment."""
    current: Callable[[StoreRequest], str | None] = _nobody
    """The visitor's id, so that the store's own visits carry it too."""
    token: Callable[[StoreRequest], str | None] = _nobody
    """A signed token of the visitor, to be kept with the checkout."""
    identify: Callable[[StoreRequest, str], Awaitable[object]] = _nothing
    """The visitor has logged in as this customer."""


@dataclass(frozen=True)
class ShopInfo:
    """A shop as the pages need it."""

    shop_no: int
    handle: str
    title: str
    timezone: str
    currency: str


@dataclass(frozen=True)
class SiteInfo:
    """A website and its shop."""

    site_no: int
    shop: ShopInfo
    title: str
    domain: str


@dataclass
class Store:
    """The running store."""

    settings: StoreSettings
    bus: Bus
    visitors: Visitors = field(default_factory=Visitors)
    opener: Callable[[], Awaitable[None]] = _nothing
    staff_names: Callable[[str, Sequence[str]], Awaitable[Mapping[str, str]]] = _no_names
    """What a shop's own staff are called, by their numbers."""
    tracker_url: str | None = None
    sites: dict[str, SiteInfo] = field(default_factory=dict)
    shops: dict[int, ShopInfo] = field(default_factory=dict)

    def __post_init__(self) -> None:
        secret = self.settings.secret
        self.staff_signer = Signer(secret, "staff", DAY // 2)
        self.customer_signer = Signer(secret, "customer", 30 * DAY)
        self.cart_signer = Signer(secret, "cart", 30 * DAY)
        self.visit_signer = Signer(secret, "visit", 30 * DAY)
        self.payment_signer = Signer(self.settings.payment_secret, "payment", DAY)

    async def open(self) -> Store:
        """This store with its tables made and its shops read; further calls cost nothing."""
        if not self.shops:
            await self.opener()
        return self

    async def load(self, session: AsyncSession) -> None:
        """Read shops and websites; they change only by a deployment."""
        self.shops = {
            shop.shop_no: ShopInfo(shop.shop_no, shop.handle, shop.title, shop.timezone, shop.currency)
            for shop in (await session.scalars(select(Shop).order_by(Shop.shop_no))).all()
        }
        sites = (await session.scalars(select(Site).order_by(Site.site_no))).all()
        self.sites = {}
        for site in sites:
            info = SiteInfo(site.site_no, self.shops[site.shop_no], site.title, site.domain)
            self.sites[site.domain] = info
            self.sites[site.local_domain] = info

    def site_of(self, connection: Connection) -> SiteInfo:
        """The website a request came to: by host name, else the first website."""
        host = connection.headers.get("host", "").rsplit(":", 1)[0].lower()
        found = self.sites.get(host)
        return found if found is not None else next(iter(self.sites.values()))

    def consent_of(self, connection: Connection) -> str | None:
        """`granted`, `denied`, or None where the shopper has not chosen yet."""
        choice = connection.cookies.get(CONSENT_COOKIE)
        return choice if choice in ("granted", "denied") else None

    def customer_of(self, connection: Connection) -> int | None:
        """The number of the customer who is logged in."""
        value = self.customer_signer.read(connection.cookies.get(CUSTOMER_COOKIE))
        return value if isinstance(value, int) else None


def store_of(connection: Connection) -> Store:
    """The store behind a request."""
    store = connection.app.state["store"]
    assert isinstance(store, Store)
    return store
