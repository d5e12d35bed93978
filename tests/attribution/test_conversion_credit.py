"""A conversion's credit in any window, and the source and campaign that lists of conversions show of it."""

from __future__ import annotations

from typing import Any

import pytest

from adplanning_plugin.attribution import compute_credit
from adplanning_plugin.attribution.credit_admin import last_touch_column
from adplanning_plugin.kernel.database import Database
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.tracking import LastTouches
from adplanning_plugin.tracking.hooks import TrackingHooks
from tests.attribution.conftest import DAY, NOON, Store, make_runtime


@pytest.fixture
async def runtime(empty_database: Database) -> Runtime:
    """Attribution beside the conversions that it credits."""
    runtime = make_runtime(empty_database, TrackingHooks())
    runtime.put(LastTouches(last_touch_column))
    return runtime


@pytest.fixture
async def told(store: Store, runtime: Runtime) -> None:
    """An order after an ad, a newsletter and a direct visit; one without any touch; one of an ad long ago."""
    await store.put("ad_account", {"id": "a1", "platform": "meta", "currency": "INR", "zone": "UTC"})
    await store.put("ad_campaign", {"id": "c1", "ad_account_id": "a1", "platform": "meta", "name": "Spring Sale"})
    of_campaign = {
        "source": "facebook", "medium": "paid_social", "campaign": "spring", "channel": "Paid Social",
        "platform": "meta", "ad_campaign_id": "c1", "landing_path": "/shirts",
    }  # fmt: skip
    await store.touch("touch_1", NOON - 5 * DAY, **of_campaign)
    await store.touch("touch_2", NOON - 2 * DAY, channel="Email", platform="generic", source="news", medium="email")
    await store.touch("touch_3", NOON - DAY, is_direct=True)
    await store.touch("touch_4", NOON - 20 * DAY, visitor_id="vis_2", **of_campaign)
    await store.conversion("conv_1", value=90_000, visitor_id="vis_1")
    await store.conversion("conv_2", value=5_000)
    await store.conversion("conv_3", value=7_000, visitor_id="vis_2")
    async with runtime.database.transaction("main") as session:
        await compute_credit(session, runtime, "main", ["conv_1", "conv_2", "conv_3"])


async def test_a_row_shows_the_last_source_that_was_not_direct_and_its_campaigns_name(told: None, admin: Any) -> None:
    rows = {row["id"]: row for row in (await admin.get("/conversions")).json()["conversions"]}
    names = ("source", "medium", "channel", "campaign_name")
    assert {key: tuple(row[name] for name in names) for key, row in rows.items()} == {
        "conv_1": ("news", "email", "Email", None),
        "conv_2": (None, None, None, None),
        "conv_3": ("facebook", "paid_social", "Paid Social", "Spring Sale"),
    }
    one = (await admin.get("/conversions/conv_3")).json()["conversion"]
    assert tuple(one[name] for name in names) == ("facebook", "paid_social", "Paid Social", "Spring Sale")
    exported = await admin.get("/conversions", headers={"accept": "text/csv"})
    assert "Spring Sale" in exported.text
    assert "news,email" in exported.text


async def test_the_source_shown_filters_the_list_and_its_figures(told: None, admin: Any) -> None:
    for path in ("/conversions", "/conversions/stats"):
        body = (await admin.get(path, params={"source": "Facebook"})).json()
        assert body.get("count", body.get("total_conversions")) == 1, path


async def test_figures_follow_every_filter_and_the_search_of_the_list(told: None, admin: Any) -> None:
    for given, expected in (
        ({"status": "cancelled"}, 0),
        ({"origin": "order"}, 3),
        ({"order_id": "order-conv_2"}, 1),
        ({"q": "order-conv_3"}, 1),
        ({"min_value": "60"}, 2),
        ({"q": "%"}, 0),
    ):
        stats = (await admin.get("/conversions/stats", params=given)).json()
        assert stats["total_conversions"] == expected, given
    assert (await admin.get("/conversions/stats", params={"colour": "red"})).status_code == 422


async def test_credit_in_another_window_has_the_touches_of_that_window(told: None, admin: Any) -> None:
    by_default = (await admin.get("/conversions/conv_1/credit")).json()["credit"]
    assert [touch["id"] for touch in by_default["touches"]] == ["touch_1", "touch_2", "touch_3"]
    assert (by_default["touches"][0]["campaign_name"], by_default["touches"][0]["landing_path"]) == (
        "Spring Sale",
        "/shirts",
    )
    short = (await admin.get("/conversions/conv_1/credit", params={"window": "3"})).json()["credit"]
    assert (short["window_days"], [touch["id"] for touch in short["touches"]]) == (3, ["touch_2", "touch_3"])
    first = next(each for each in short["models"] if each["model"] == "first_click")
    assert [(each["touch_id"], each["value"]) for each in first["credit"]] == [("touch_2", "900.00")]
    alone = (await admin.get("/conversions/conv_3/credit", params={"window": "7"})).json()["credit"]
    assert alone["touches"] == []
    assert all(each["unattributed"] for model in alone["models"] for each in model["credit"])


async def test_an_unknown_conversion_or_window_is_refused(told: None, admin: Any) -> None:
    assert (await admin.get("/conversions/conv_9/credit")).status_code == 404
    assert (await admin.get("/conversions/conv_1/credit", params={"window": "5"})).status_code == 422
    theirs = await admin.get("/conversions/conv_1/credit", headers={"x-store": "other"})
    assert theirs.status_code == 404
