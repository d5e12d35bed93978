"""A published example: its events imported as sessions and orders give its sessions, conversions and paths."""

import csv
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from adplanning_plugin.attribution.models import Credit
from adplanning_plugin.identity.hooks import IdentityHooks
from adplanning_plugin.kernel.backfill import backfill
from adplanning_plugin.links import Links, import_file, parse_mapping
from adplanning_plugin.tracking.hooks import TrackingHooks
from adplanning_plugin.tracking.models import Conversion
from tests.attribution.conftest import Store, make_runtime

FOLDER = Path(__file__).parents[2].parent / "shared" / "data" / "attribution" / "fractribution"
EVENTS = FOLDER / "snowplow_fractribution_events.csv"
SESSIONS = """
[columns]
id = "domain_sessionid"
visitor_id = "domain_userid"
person_id = "domain_userid"
started_at = "derived_tstamp"
utm_source = "mkt_source"
utm_medium = "mkt_medium"
utm_campaign = "mkt_campaign"
user_agent = { column = "event_name", map = { page_view = "a browser" } }
"""
ORDERS = """
currency = "USD"
[columns]
id = "event_id"
person_id = "domain_userid"
total = { column = "tr_total", unit = "major" }
payment_state = { value = "paid" }
placed_at = "derived_tstamp"
"""


def channel(source: str, medium: str) -> str:
    """The example's own channel names."""
    if source == "(direct)":
        return "Direct"
    if medium == "organic":
        return "Organic_Search"
    if medium == "cpc":
        return "Paid_Search_Other"
    if medium == "referral":
        return "Video" if source.startswith("youtube") else "Referral"
    return "Unmatched_Channel"


def expected(name: str) -> list[dict[str, str]]:
    with (FOLDER / f"snowplow_fractribution_{name}_expected.csv").open(newline="") as file:
        return list(csv.DictReader(file))


def instant(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.fixture
async def example(empty_database: Any) -> tuple[Any, Store]:
    if not EVENTS.exists():
        pytest.skip(f"{EVENTS} is not there: this test compares with data that the project does not carry")
    runtime = make_runtime(empty_database, IdentityHooks(), TrackingHooks())
    links = runtime.get(Links)
    sessions = await import_file(empty_database, links, "main", "analytics_session", EVENTS, parse_mapping(SESSIONS))
    orders = await import_file(empty_database, links, "main", "order", EVENTS, parse_mapping(ORDERS))
    assert (sessions.loaded, len(sessions.bad)) == (97, 1), sessions.bad
    assert (orders.loaded, len(orders.bad)) == (6, 92), "events without a total are no orders"
    await backfill(runtime, "main")
    store = Store(runtime)
    await store.work()
    return runtime, store


async def test_sessions_conversions_and_paths_are_the_published_ones(example):
    runtime, store = example
    touches = await store.touches()
    found = sorted(
        (f"f{touch.visitor_id}", touch.occurred_at, channel(touch.source, touch.medium), touch.campaign or "(not set)")
        for touch in touches
    )
    assert found == sorted(
        (row["customer_id"], instant(row["visit_start_tstamp"]), row["channel"], row["campaign"].lower())
        for row in expected("sessions_by_customer_id")
    )

    async with runtime.database.reading("main") as session:
        conversions = list(await session.scalars(select(Conversion).filter_by(tenant_id="main")))
        credit = list(
            await session.scalars(
                select(Credit)
                .filter_by(tenant_id="main", window_days=30)
                .order_by(Credit.conversion_id, Credit.position)
            )
        )
    assert sorted((f"f{one.person_id}", one.occurred_at, one.value) for one in conversions) == sorted(
        (row["customer_id"], instant(row["conversion_tstamp"]), round(float(row["revenue"]) * 100))
        for row in expected("conversions_by_customer_id")
    )

    by_id = {touch.id: touch for touch in touches}
    paths: dict[str, list[str]] = defaultdict(list)
    for row in credit:
        if row.touch_id:
            touch = by_id[row.touch_id]
            paths[row.conversion_id].append(channel(touch.source, touch.medium))
    mine = {(f"f{one.person_id}", one.occurred_at): " > ".join(paths[one.id]) for one in conversions}
    assert mine == {
        (row["customer_id"], instant(row["conversion_tstamp"])): row["path"] for row in expected("paths_to_conversion")
    }


async def test_last_click_credit_by_channel_is_the_published_last_touch(example):
    runtime, store = example
    by_id = {touch.id: touch for touch in await store.touches()}
    async with runtime.database.reading("main") as session:
        credit = list(await session.scalars(select(Credit).filter_by(tenant_id="main", window_days=30)))
    conversions: dict[str, float] = defaultdict(float)
    revenue: dict[str, int] = defaultdict(int)
    for row in filter(lambda row: row.weights[0], credit):
        name = channel(by_id[row.touch_id].source, by_id[row.touch_id].medium)
        conversions[name] += row.weights[0]
        revenue[name] += row.amounts[0]
    for line in expected("channel_attribution"):
        if line["ATTRIBUTION_TYPE"] == "last_touch":
            assert conversions[line["CHANNEL"]] == float(line["CONVERSIONS"]), line
            assert revenue[line["CHANNEL"]] == round(float(line["REVENUE"]) * 100), line


async def test_paths_without_a_conversion_are_the_published_ones(example):
    _, store = example
    converted = {row["customer_id"] for row in expected("conversions_by_customer_id")}
    paths: dict[str, list[Any]] = defaultdict(list)
    for touch in await store.touches():
        if f"f{touch.visitor_id}" not in converted:
            paths[f"f{touch.visitor_id}"].append(touch)
    published = {row["customer_id"]: row["path"] for row in expected("paths_to_non_conversion")}
    lookback = timedelta(days=30)
    mine = {
        customer: " > ".join(
            channel(touch.source, touch.medium) for touch in path if touch.occurred_at > path[-1].occurred_at - lookback
        )
        for customer, path in paths.items()
    }
    assert mine == {customer: path for customer, path in published.items() if customer not in converted}
