"""What the made-up year looks like: shops, campaigns, seasons and shares. Numbers only; nothing is drawn here."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date

from host_example.catalogue import MAIN, SECOND

DAYS = 365
LOOKBACK_DAYS = 30
# Shares of all orders whose campaign cannot be told: no visit leads to them, or (misnamed) one whose tag names none.
LOST_SHARES = {
    "renewal": 0.038,
    "offline": 0.02,
    "no_consent": 0.018,
    "blocked": 0.01,
    "misnamed": 0.007,
    "unknown": 0.007,
}
SESSIONS_BEFORE_ORDER = (0.38, 0.26, 0.16, 0.10, 0.06, 0.04)
WEEKDAYS = (0.92, 0.88, 0.92, 0.98, 1.08, 1.22, 1.18)
HOURS = (1, 1, 1, 1, 1, 2, 3, 5, 6, 7, 8, 8, 8, 7, 7, 7, 8, 9, 11, 13, 14, 12, 7, 3)
# One unit of the account's currency in the shop's, for what platforms claim; the plugin is told rates of its own.
RATES = {("USD", "INR"): 83.4, ("INR", "INR"): 1.0, ("EUR", "EUR"): 1.0}


@dataclass(frozen=True, kw_only=True)
class AccountPlan:
    """An advertising account."""

    number: int
    network: str
    external_id: str
    title: str
    timezone: str
    currency: str


@dataclass(frozen=True, kw_only=True)
class CampaignPlan:
    """A campaign: when it runs (day numbers of the year, `last` None: still running), its pull and its budget."""

    number: int
    account: int
    external_id: str
    title: str
    site: int
    first: int
    last: int | None
    pull: float
    budget_minor: int
    objective: str = "SALES"
    ad_sets: int = 1
    ads: int = 2

    def runs_on(self, day: int) -> bool:
        """Whether it runs on that day of the year."""
        return self.first <= day and (self.last is None or day <= self.last)


@dataclass(frozen=True, kw_only=True)
class ShopPlan:
    """One shop's year."""

    shop: int
    orders: int
    sessions: int
    timezone: str
    currency: str
    shipping_minor: int
    shipping_free_minor: int
    sites: tuple[tuple[int, str, float], ...]
    subscription_product: int
    email_domain: str
    country: str
    cities: tuple[str, ...]
    returning: float
    accounts: tuple[AccountPlan, ...]
    campaigns: tuple[CampaignPlan, ...]
    enquiries: int
    quiz_answers: int
    peak_month: int


def demand(plan: ShopPlan, day: date, index: int) -> float:
    """How much is sold on a day, against an average one: growth over the year, a season and the weekday."""
    months_from_peak = abs((day.month - plan.peak_month + 6) % 12 - 6)
    season = 1 + 0.55 * math.exp(-(months_from_peak**2) / 2.5)
    return (0.85 + 0.3 * index / DAYS) * season * WEEKDAYS[day.weekday()]


def _campaign(number: int, account: int, title: str, site: int, first: int, last: int | None, pull: float, budget: int,
              objective: str = "SALES", ad_sets: int = 1, ads: int = 2) -> CampaignPlan:  # fmt: skip
    prefix = "1202" if account in (61, 63) else "2098"
    return CampaignPlan(
        number=number,
        account=account,
        external_id=f"{prefix}{number * 7919:010d}",
        title=title,
        site=site,
        first=first,
        last=last,
        pull=pull,
        budget_minor=budget,
        objective=objective,
        ad_sets=ad_sets,
        ads=ads,
    )


KHADI = ShopPlan(
    shop=MAIN,
    orders=9000,
    sessions=60_000,
    timezone="Asia/Kolkata",
    currency="INR",
    shipping_minor=9_900,
    shipping_free_minor=250_000,
    sites=((11, "www.khadihouse.example", 0.86), (12, "studio.khadihouse.example", 0.14)),
    subscription_product=1008,
    email_domain="mail.example",
    country="IN",
    cities=("Mumbai", "Delhi", "Bengaluru", "Pune", "Chennai", "Kolkata", "Jaipur", "Kochi"),
    returning=0.36,
    accounts=(
        AccountPlan(number=61, network="meta", external_id="act_88210045", title="Khadi House on Meta",
                    timezone="America/Los_Angeles", currency="USD"),
        AccountPlan(number=62, network="google", external_id="431-220-9981", title="Khadi House on Google",
                    timezone="Asia/Kolkata", currency="INR"),
    ),
    campaigns=(
        _campaign(7001, 61, "Prospecting | Sarees", 11, 0, None, 1.5, 2_400, ad_sets=2, ads=3),
        _campaign(7002, 61, "Retargeting 30d", 11, 0, None, 1.1, 1_300),
        _campaign(7003, 61, "Festive Sale", 11, 40, 95, 1.6, 3_600, ad_sets=2),
        _campaign(7004, 61, "Monsoon Colours", 11, 180, 260, 1.0, 1_700),
        _campaign(7005, 61, "Studio Launch", 12, 120, 230, 1.0, 1_100),
        _campaign(7006, 61, "Style Quiz Leads", 11, 60, None, 0.5, 800, "LEADS"),
        _campaign(7007, 61, "Creators – Kurta Edit", 11, 240, None, 0.8, 1_200),
        _campaign(7008, 61, "Wedding Season", 11, 290, 345, 1.2, 2_900),
        _campaign(7011, 62, "Brand", 11, 0, None, 1.2, 90_000),
        _campaign(7012, 62, "Shopping | All products", 11, 0, None, 1.6, 260_000, ad_sets=2, ads=3),
        _campaign(7013, 62, "Festive Sale", 11, 40, 95, 1.2, 220_000),
        _campaign(7014, 62, "Handloom Generic", 11, 30, 300, 0.8, 150_000),
        _campaign(7015, 62, "Studio Search", 12, 100, None, 0.6, 60_000),
        _campaign(7016, 62, "PMax Diwali & Gifts", 11, 310, None, 1.3, 240_000),
    ),
    enquiries=720,
    quiz_answers=480,
    peak_month=10,
)  # fmt: skip

LEINEN = ShopPlan(
    shop=SECOND,
    orders=1500,
    sessions=9_000,
    timezone="Europe/Berlin",
    currency="EUR",
    shipping_minor=490,
    shipping_free_minor=7_500,
    sites=((21, "www.spree-leinen.example", 1.0),),
    subscription_product=2004,
    email_domain="post.example",
    country="DE",
    cities=("Berlin", "Hamburg", "Leipzig", "München", "Köln"),
    returning=0.3,
    accounts=(
        AccountPlan(number=63, network="meta", external_id="act_90417733", title="Spree Leinen auf Meta",
                    timezone="Europe/Berlin", currency="EUR"),
        AccountPlan(number=64, network="google", external_id="520-118-4410", title="Spree Leinen bei Google",
                    timezone="Europe/Berlin", currency="EUR"),
    ),
    campaigns=(
        _campaign(7101, 63, "Sommer in Leinen", 21, 150, 270, 1.4, 2_500),
        _campaign(7102, 63, "Festive Sale", 21, 20, 70, 1.0, 2_200),
        _campaign(7103, 64, "Marke", 21, 0, None, 1.0, 900),
        _campaign(7104, 64, "Bettwäsche Suche", 21, 0, None, 1.2, 2_800, ad_sets=2),
    ),
    enquiries=110,
    quiz_answers=0,
    peak_month=6,
)  # fmt: skip

SHOPS = (KHADI, LEINEN)
