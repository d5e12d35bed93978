"""Freshness: each source says how old it is in the store's own time, and what waits is counted and aged."""

from __future__ import annotations

import csv
import io
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from tests.insights.books import CSV, Shop, line


def _now() -> datetime:
    """Of this test: a moment taken at import is old by the time that a whole run comes to it."""
    return datetime.now(UTC)


async def sources(shop: Shop) -> dict[str, dict[str, Any]]:
    found = await shop.get("/freshness")
    assert found["freshness"]["zone"] == shop.tenant.zone
    return {each["source"]: each for each in found["sources"]}


def today(shop: Shop) -> date:
    from adplanning_plugin.kernel.days import day_of

    return day_of(datetime.now(UTC), shop.tenant.zone)


async def test_a_new_store_is_empty_and_says_what_to_do(fresh: Shop) -> None:
    found = await sources(fresh)
    assert {found[name]["state"] for name in ("events", "conversions", "credit", "spend")} == {"empty"}
    assert "tracker script" in found["events"]["action"]
    assert "adplanning backfill" in found["conversions"]["action"]
    assert "ad_insight" in found["spend"]["action"]
    assert found["sweep:tracking.purchases"]["state"] == "empty"
    assert "no rate is needed" in found["rates"]["detail"]


async def test_a_store_that_measures_its_visits_itself_is_not_asked_for_our_tracker(khadi: Shop) -> None:
    row = (await sources(khadi))["events"]
    assert (row["state"], row["action"]) == ("empty", "")
    assert "the store's own analytics" in row["detail"]


async def test_a_store_that_is_worked_through_is_behind_nowhere(shops: tuple[Shop, Shop]) -> None:
    for shop in shops:
        found = await sources(shop)
        assert found["credit"]["behind"] == 0
        assert found["credit"]["state"] == "fresh"
        for name in ("tracking.purchases", "tracking.refunds", "tracking.leads"):
            assert (found[f"sweep:{name}"]["state"], found[f"sweep:{name}"]["behind"]) == ("fresh", 0), name
        (last,) = await shop.sql(
            "SELECT max(placed_at) AS at FROM store.purchases WHERE shop_no = :shop AND payment <> 'failed'",
            shop=shop.number,
        )
        shown = datetime.fromisoformat(found["conversions"]["last_at"])
        assert abs(shown - last.at) < timedelta(days=1)
        local = datetime.fromisoformat(found["conversions"]["last_local"])
        assert local == shown.replace(microsecond=0)
        assert local.utcoffset() == shown.astimezone(local.tzinfo).utcoffset() != timedelta(0)
        assert [each["last_day"] for name, each in found.items() if name.startswith("spend:")] != []


@pytest.mark.parametrize(("minutes", "state"), [(5, "fresh"), (40, "late"), (300, "stale")])
async def test_an_order_that_waits_to_be_taken_in_makes_its_sweep_late(fresh: Shop, minutes: int, state: str) -> None:
    await fresh.order(_now() - timedelta(days=2), "10")
    await fresh.settle()
    await fresh.order(_now() - timedelta(minutes=minutes), "20")
    row = (await sources(fresh))["sweep:tracking.purchases"]
    assert (row["state"], row["behind"]) == (state, 1)
    assert row["lag_seconds"] >= minutes * 60
    assert bool(row["action"]) == (state != "fresh")
    await fresh.settle()
    row = (await sources(fresh))["sweep:tracking.purchases"]
    assert (row["state"], row["behind"], row["lag_seconds"], row["action"]) == ("fresh", 0, 0, "")


async def test_a_store_that_sells_every_other_day_is_not_late(fresh: Shop) -> None:
    for days, state in ((10, "stale"), (4, "late"), (1.5, "fresh")):
        await fresh.order(_now() - timedelta(days=days), "10")
        await fresh.settle()
        assert (await sources(fresh))["conversions"]["state"] == state


async def test_credit_that_is_due_is_counted_and_ages(fresh: Shop) -> None:
    await fresh.order(_now() - timedelta(hours=5), "10")
    await fresh.order(_now() - timedelta(hours=4), "20")
    await fresh.settle()
    await fresh.execute(
        "UPDATE adplanning.conversion SET attribution_version = NULL, updated_at = now() - interval '3 hours'"
        " WHERE tenant_id = :tenant",
        tenant=fresh.side.tenant,
    )
    row = (await sources(fresh))["credit"]
    assert (row["state"], row["behind"]) == ("stale", 2)
    assert "compute-credit" in row["action"]
    assert (await fresh.get("/freshness"))["freshness"]["state"] == "stale"


async def test_visits_age_from_hours_to_days(fresh: Shop) -> None:
    now = _now()
    for hours, state in ((30, "stale"), (8, "late"), (1, "fresh")):
        await fresh.execute(
            "INSERT INTO adplanning.event (tenant_id, id, occurred_at, received_at, name, consent)"
            " VALUES (:tenant, :id, :at, :at, 'page_view', 15)",
            tenant=fresh.side.tenant, id=f"e{hours}", at=now - timedelta(hours=hours),
        )  # fmt: skip
        assert (await sources(fresh))["events"]["state"] == state
    row = (await sources(fresh))["events"]
    assert datetime.fromisoformat(row["last_at"]) == now - timedelta(hours=1)


@pytest.mark.parametrize(("back", "state"), [(0, "fresh"), (1, "fresh"), (2, "late"), (5, "stale")])
async def test_a_platform_is_as_fresh_as_its_last_day(fresh: Shop, back: int, state: str) -> None:
    await fresh.campaign(8001, "Alpha")
    day = today(fresh) - timedelta(days=back)
    await fresh.reported(8001, day, 100)
    row = (await sources(fresh))["spend:meta"]
    assert (row["state"], row["last_day"]) == (state, day.isoformat())
    assert (day.isoformat() in row["action"]) == (state != "fresh")


async def test_a_foreign_currency_needs_a_rate_that_is_not_old(fresh: Shop) -> None:
    await fresh.campaign(8001, "Alpha", currency="USD")
    await fresh.reported(8001, today(fresh) - timedelta(days=1), 100)
    row = (await sources(fresh))["rates:USD"]
    assert (row["state"], row["last_day"]) == ("empty", None)
    assert "USD in INR" in row["action"]
    for back, pair, state in (
        (40, ("USD", "INR"), "stale"),
        (10, ("INR", "USD"), "late"),
        (2, ("USD", "INR"), "fresh"),
    ):
        day = (today(fresh) - timedelta(days=back)).isoformat()
        rate = {"day": day, "base": pair[0], "quote": pair[1], "rate": "2", "source": "test"}
        assert (await fresh.put("/exchange-rates", {"exchange_rates": [rate]})).status_code == 200
        row = (await sources(fresh))["rates:USD"]
        assert (row["state"], row["last_day"]) == (state, day)


async def test_it_is_exported_and_of_one_store_alone(fresh: Shop, fresh_berlin: Shop) -> None:
    await fresh.order(_now() - timedelta(hours=2), "10")
    await fresh.settle()
    assert (await sources(fresh_berlin))["conversions"]["state"] == "empty"
    text = (await fresh.side.admin("GET", "/freshness", headers=CSV)).text
    assert line(list(csv.DictReader(io.StringIO(text))), source="conversions")["state"] == "fresh"
