"""Ad accounts, campaigns and what platforms report of them per ad and day, in the account's zone and currency."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import UTC, date, datetime, time, timedelta
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from host_example.history.plan import DAYS, RATES, AccountPlan, CampaignPlan, ShopPlan
from host_example.history.rows import History, Row
from host_example.history.year import ShopYear

CLAIM_WINDOW = timedelta(days=28)
ACCOUNT = ("account_no", "shop_no", "network", "external_id", "title", "timezone", "currency", "status")
CAMPAIGN = ("campaign_no", "shop_no", "account_no", "site_no", "external_id", "title", "objective", "status",
            "daily_budget_minor", "starts_on", "ends_on", "created_at", "updated_at")  # fmt: skip
AD_SET = ("ad_set_no", "shop_no", "campaign_no", "external_id", "title", "status")
AD = ("ad_no", "shop_no", "ad_set_no", "external_id", "title", "status")
DAILY = ("daily_no", "shop_no", "ad_no", "day", "spend_minor", "impressions", "clicks", "leads", "claimed_conversions",
         "claimed_value_minor")  # fmt: skip
AUDIENCES = ("Broad", "Lookalike 2%")
CREATIVES = ("Video", "Carousel", "Still")


def write_accounts(history: History, plan: ShopPlan, first_day: date) -> None:
    """Accounts, campaigns, ad sets and ads; visits name them, so they are known before the year is drawn."""
    for account in plan.accounts:
        row = (account.number, plan.shop, account.network, account.external_id, account.title, account.timezone,
               account.currency, "ACTIVE")  # fmt: skip
        history.add("ad_accounts", ACCOUNT, [row])
    for campaign in plan.campaigns:
        status = "ACTIVE" if campaign.last is None else ("PAUSED" if campaign.number % 2 else "ARCHIVED")
        starts = first_day + timedelta(days=campaign.first)
        ends = None if campaign.last is None else first_day + timedelta(days=campaign.last)
        made = datetime.combine(starts, time(4), UTC)
        history.add("ad_campaigns", CAMPAIGN, [
            (campaign.number, plan.shop, campaign.account, campaign.site, campaign.external_id, campaign.title,
             campaign.objective, status, campaign.budget_minor, starts, ends, made, made)
        ])  # fmt: skip
        for s in range(1, campaign.ad_sets + 1):
            ad_set = campaign.number * 10 + s
            title = f"{campaign.title} / {AUDIENCES[s - 1]}"
            external = f"{campaign.external_id}{s}"
            history.add("ad_sets", AD_SET, [(ad_set, plan.shop, campaign.number, external, title, status)])
            for a in range(1, campaign.ads + 1):
                number, name = ad_set * 10 + a, f"{title} / {CREATIVES[a - 1]}"
                history.add("ads", AD, [(number, plan.shop, ad_set, f"{external}{a}", name, status)])


def write_reports(history: History, year: ShopYear, end_day: date) -> None:
    """Daily figures per ad; a platform claims every order that any of its clicks preceded, and some it only showed."""
    plan = year.plan
    rng = Random(f"{history.seed}:{plan.shop}:reports")
    accounts = {account.number: account for account in plan.accounts}
    of_campaign = {campaign.number: accounts[campaign.account] for campaign in plan.campaigns}
    clicks = _clicks(year, of_campaign)
    claims = _claims(rng, year, of_campaign)
    spent: dict[tuple[int, date], int] = defaultdict(int)
    rows: list[Row] = []
    number = 600_001 + len(history.rows.get("ad_daily", ()))
    for campaign in plan.campaigns:
        ads = [campaign.number * 100 + s * 10 + a for s in range(1, campaign.ad_sets + 1)
               for a in range(1, campaign.ads + 1)]  # fmt: skip
        for index in range(campaign.first, (DAYS - 1 if campaign.last is None else campaign.last) + 1):
            day = year.first_day + timedelta(days=index)
            if day > end_day:
                break
            claimed = claims.get((campaign.number, day), (0, 0))
            for row in _day(rng, campaign, day, ads, clicks[campaign.number, day], claimed):
                rows.append((number, plan.shop, *row))
                spent[campaign.number, day] += row[2]
                number += 1
    history.add("ad_daily", DAILY, rows)
    history.truth_spend += [
        (plan.shop, campaign, day, minor, of_campaign[campaign].currency)
        for (campaign, day), minor in sorted(spent.items())
    ]


def _clicks(year: ShopYear, of_campaign: dict[int, AccountPlan]) -> Counter[tuple[int, date]]:
    zones = {number: ZoneInfo(account.timezone) for number, account in of_campaign.items()}
    return Counter(
        (visit.campaign, visit.started.astimezone(zones[visit.campaign]).date())
        for visit in year.visits
        if visit.campaign is not None
    )


def _claims(
    rng: Random, year: ShopYear, of_campaign: dict[int, AccountPlan]
) -> dict[tuple[int, date], tuple[int, int]]:
    found: dict[tuple[int, date], tuple[int, int]] = {}
    for order in year.orders:
        if order.visit is None or order.person is None:
            continue
        clicked = {
            visit.campaign
            for visit in year.visits_of[id(order.person)]
            if visit.campaign is not None and order.placed - CLAIM_WINDOW < visit.started <= order.placed
        }
        if rng.random() < 0.12:
            clicked.add(rng.choice(year.plan.campaigns).number)
        for number in sorted(clicked):
            account = of_campaign[number]
            day = order.placed.astimezone(ZoneInfo(account.timezone)).date()
            count, value = found.get((number, day), (0, 0))
            worth = round(order.total_minor / RATES[account.currency, year.plan.currency])
            found[number, day] = (count + 1, value + worth)
    return found


def _day(
    rng: Random, campaign: CampaignPlan, day: date, ads: list[int], seen_clicks: int, claimed: tuple[int, int]
) -> list[tuple[Any, ...]]:
    budget = campaign.budget_minor * rng.uniform(0.82, 1.08) * (1.12 if day.weekday() >= 5 else 0.97)
    shares = [rng.uniform(0.6, 1.4) for _ in ads]
    whole = sum(shares)
    # Platforms count more clicks than pages see visits.
    clicks = _split(round(seen_clicks * rng.uniform(1.05, 1.3)) + rng.randrange(3), shares)
    conversions = _split(claimed[0], shares)
    values = _split(claimed[1], shares)
    rows: list[tuple[Any, ...]] = []
    for index, ad in enumerate(ads):
        spend = round(budget * shares[index] / whole)
        impressions = clicks[index] * rng.randrange(45, 110) + rng.randrange(200, 900)
        leads = rng.randrange(4) if campaign.objective == "LEADS" else 0
        value = values[index] if conversions[index] else 0
        rows.append((ad, day, spend, impressions, clicks[index], leads, conversions[index], value))
    return rows


def _split(whole: int, shares: list[float]) -> list[int]:
    total = sum(shares)
    parts = [int(whole * share / total) for share in shares]
    parts[0] += whole - sum(parts)
    return parts
