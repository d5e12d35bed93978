"""Quality: coverage of what credit rests on, and the waterfall of what was dropped on the way; it stores nothing."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.insights.figures import ratio
from adplanning_plugin.insights.periods import Period
from adplanning_plugin.insights.quality_sql import (
    DIRECT,
    MATCHED,
    NO_TOUCH,
    UNRESOLVED,
    UNTAGGED,
    agents_without_touch,
    coverage_by_day,
    orders_without_consent,
    traffic,
    visits_by_end,
)
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import is_bot

MEASURES = ("touches", "identity", "click_ids", "spend")
LEAST = 20
"""Below so many of a kind a share without consent is not told: it could point at somebody."""
_AGENTS = 5_000
"""User agents that are looked at; those behind them are too few visits to matter."""

TRAFFIC = (
    ("bot", "Robots, monitors and driven browsers: their pages and events are not stored"),
    ("limited", "Above the rate limit of one address or key"),
    ("rejected", "Events that say something impossible: a time long past, an amount below zero"),
    ("no_consent", "Without consent: counted in totals, and joined to nobody"),
)
VISITS = (
    ("bot", "Robots among the store's own sessions"),
    ("self_referral", "Began on the store's own pages or on the way back from a payment: no touch of its own"),
    (DIRECT, "Came directly: nothing says what brought them"),
    (UNTAGGED, "Came from somewhere, and name no campaign: search, referrals, mail without tags"),
    (UNRESOLVED, "Name a campaign that is not known, or that several could be"),
)


async def quality(
    session: AsyncSession, runtime: Runtime, tenant_id: str, period: Period, *, window_days: int, rule_version: int
) -> dict[str, Any]:
    """Coverage by day and in total, both waterfalls, and what was without consent, as shares of the period alone."""
    links = runtime.get(Links)
    statement = coverage_by_day(links, tenant_id, period, window_days=window_days, rule_version=rule_version)
    found: dict[tuple[Any, str], tuple[int, int]] = {
        (row.day, row.measure): (int(row.whole), int(row.covered)) for row in await session.execute(statement)
    }
    count = (period.last - period.first).days + 1
    days = [period.first + timedelta(days=each) for each in range(count)]
    events = await _traffic(session, tenant_id, period)
    visits = await _visits(session, runtime, tenant_id, period)
    orders, denied = (await session.execute(orders_without_consent(tenant_id, period))).one()
    unseen = next(each["amount"] for each in events["steps"] if each["cause"] == "no_consent")
    arrived = events["kept"] + unseen
    return {
        "days": [
            {"day": day.isoformat(), **_coverage({m: found.get((day, m), (0, 0)) for m in MEASURES})} for day in days
        ],
        "total": _coverage({m: _sum(found, m) for m in MEASURES}),
        "traffic": events,
        "visits": visits,
        "without_consent": {
            "events": ratio(unseen, arrived) if arrived >= LEAST else None,
            "orders": ratio(denied, orders) if orders >= LEAST else None,
            "least": LEAST,
        },
    }


def _sum(found: dict[tuple[Any, str], tuple[int, int]], measure: str) -> tuple[int, int]:
    mine = [pair for (_, name), pair in found.items() if name == measure]
    return sum(whole for whole, _ in mine), sum(covered for _, covered in mine)


def _coverage(pairs: dict[str, tuple[int, int]]) -> dict[str, Any]:
    """Of each measure how many there are, how many are covered, and the share."""
    flat: dict[str, Any] = {}
    for measure, (whole, covered) in pairs.items():
        flat |= {f"{measure}_of": whole, measure: covered, f"{measure}_share": ratio(covered, whole)}
    return flat


async def _traffic(session: AsyncSession, tenant_id: str, period: Period) -> dict[str, Any]:
    amounts = {row.cause: int(row.amount) for row in await session.execute(traffic(tenant_id, period))}
    lost = {name: amounts.get(name, 0) for name in ("bot", "limited", "rejected")}
    lost["no_consent"] = amounts.get("no_consent_event", 0) + amounts.get("no_consent_page", 0)
    kept = amounts.get("kept", 0)
    arrived = kept + sum(lost.values())
    return {
        "arrived": arrived,
        "steps": [
            {"cause": name, "meaning": meaning, "amount": lost[name], "share": ratio(lost[name], arrived)}
            for name, meaning in TRAFFIC
        ],
        "kept": kept,
        "kept_share": ratio(kept, arrived),
    }


async def _visits(session: AsyncSession, runtime: Runtime, tenant_id: str, period: Period) -> dict[str, Any]:
    rows = await session.execute(visits_by_end(runtime, tenant_id, period))
    stages = {row.stage: int(row.visits) for row in rows}
    lost = {name: stages.get(name, 0) for name in (DIRECT, UNTAGGED, UNRESOLVED)}
    robots = await _robots(session, runtime, tenant_id, period) if stages.get(NO_TOUCH) else 0
    lost |= {"bot": robots, "self_referral": stages.get(NO_TOUCH, 0) - robots}
    total = sum(stages.values())
    return {
        "visits": total,
        "steps": [
            {"cause": name, "meaning": meaning, "amount": lost[name], "share": ratio(lost[name], total)}
            for name, meaning in VISITS
        ],
        "matched": stages.get(MATCHED, 0),
        "matched_share": ratio(stages.get(MATCHED, 0), total),
    }


async def _robots(session: AsyncSession, runtime: Runtime, tenant_id: str, period: Period) -> int:
    """Of the store's own sessions those that a robot made; the tracker's never are."""
    links = runtime.get(Links)
    if runtime.options.sessions != "host" or not links.provides("analytics_session", "user_agent"):
        return 0
    rows = await session.execute(agents_without_touch(links, tenant_id, period, _AGENTS))
    return sum(int(row.visits) for row in rows if is_bot(row.user_agent))
