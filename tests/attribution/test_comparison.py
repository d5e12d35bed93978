"""The same conversions under every model at once, and what a single touch took part in."""

from __future__ import annotations

import csv
import io
from typing import Any

import pytest

from adplanning_plugin.attribution import compute_credit
from adplanning_plugin.kernel.runtime import Runtime
from tests.attribution.conftest import DAY, NOON, Store


@pytest.fixture
async def told(store: Store, runtime: Runtime) -> None:
    """₹1,000 (₹100 given back) after a paid touch and a newsletter, ₹50 after none, a cancelled order."""
    await store.put("ad_account", {"id": "a1", "platform": "meta", "currency": "INR", "zone": "UTC"})
    await store.put("ad_campaign", {"id": "c1", "ad_account_id": "a1", "platform": "meta", "name": "Spring Sale"})
    await store.put(
        "ad_insight",
        {"id": "i1", "ad_account_id": "a1", "ad_campaign_id": "c1", "day": (NOON - 3 * DAY).date(), "spend": 20_000},
    )
    await store.touch(
        "touch_1", NOON - 3 * DAY, source="facebook", medium="paid_social", campaign="spring sale",
        channel="Paid Social", platform="meta", ad_campaign_id="c1", is_resolved=True,
        resolution_method="exact_utm_match",
    )  # fmt: skip
    await store.touch("touch_2", NOON - DAY, channel="Email", platform="generic", source="news", medium="email")
    await store.conversion("conv_1", value=100_000, refunded=10_000, visitor_id="vis_1")
    await store.conversion("conv_2", value=5_000)
    await store.conversion("conv_3", value=7_000, status="cancelled", visitor_id="vis_1")
    async with runtime.database.transaction("main") as session:
        await compute_credit(session, runtime, "main", ["conv_1", "conv_2", "conv_3"])


def net(line: dict[str, Any]) -> dict[str, str]:
    return {credit["model"]: credit["net"] for credit in line["credit"]}


@pytest.mark.parametrize("group", ["campaign", "source", "medium", "channel", "platform"])
async def test_every_model_shares_out_the_same_total(told: None, admin: Any, group: str) -> None:
    answer = await admin.get("/attribution/comparison", params={"group_by": group})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["window_days"], body["zone"], body["default_model"]) == (30, "Asia/Kolkata", "last_non_direct")
    for place, model in enumerate(body["models"]):
        shares = [line["credit"][place] for line in body["comparison"]]
        assert {share["model"] for share in shares} == {model}
        assert sum(share["value_minor"] for share in shares) == 105_000
        assert sum(share["net_minor"] for share in shares) == 95_000
        assert sum(share["conversions"] for share in shares) == pytest.approx(2)


async def test_a_line_says_what_each_model_gives_it(told: None, admin: Any) -> None:
    body = (await admin.get("/attribution/comparison?from_date=2026-02-20&to_date=2026-03-01")).json()
    spring = next(line for line in body["comparison"] if line["key"] == "c1")
    assert (spring["name"], spring["spend"], spring["spend_currency"]) == ("Spring Sale", "200.00", "INR")
    shares = net(spring)
    assert (shares["first_click"], shares["linear"], shares["last_click"]) == ("900.00", "450.00", "0.00")
    rest = next(line for line in body["comparison"] if line["kind"] == "unattributed")
    assert (rest["key"], set(net(rest).values())) == (None, {"50.00"})


async def test_the_comparison_agrees_with_the_statistics_of_each_model(told: None, admin: Any) -> None:
    body = (await admin.get("/attribution/comparison?group_by=channel")).json()
    for model in body["models"]:
        lines = (await admin.get("/attribution/stats", params={"group_by": "channel", "model": model})).json()["stats"]
        compared = {line["key"]: net(line)[model] for line in body["comparison"] if float(net(line)[model]) > 0}
        assert {line["key"]: line["net"] for line in lines} == compared


@pytest.mark.parametrize("group", ["campaign", "channel"])
async def test_renewals_and_orders_at_a_till_are_lines_of_their_own(
    told: None, admin: Any, store: Store, runtime: Runtime, group: str
) -> None:
    before = (await admin.get("/attribution/stats", params={"group_by": group})).json()
    await store.conversion("conv_4", value=30_000, visitor_id="vis_1", sales_channel="renewal")
    await store.conversion("conv_5", value=2_000, visitor_id="vis_1", sales_channel="offline")
    async with runtime.database.transaction("main") as session:
        await compute_credit(session, runtime, "main", ["conv_4", "conv_5"])
    after = (await admin.get("/attribution/stats", params={"group_by": group})).json()
    touched = [line for line in after["stats"] if line["kind"] == "touch"]
    assert touched == [line for line in before["stats"] if line["kind"] == "touch"]
    own = {line["kind"]: (line["key"], line["name"], line["value"], line["spend"]) for line in after["stats"]}
    assert own["renewal"] == (None, "renewal", "300.00", None)
    assert own["offline"] == (None, "offline", "20.00", None)
    assert after["total"]["by_currency"]["INR"]["value"] == "1370.00"
    compared = (await admin.get("/attribution/comparison", params={"group_by": group})).json()["comparison"]
    renewal = next(line for line in compared if line["kind"] == "renewal")
    assert (renewal["key"], set(net(renewal).values())) == (None, {"300.00"})


async def test_as_a_file_each_model_has_columns_of_its_own(told: None, admin: Any) -> None:
    answer = await admin.get("/attribution/comparison?group_by=channel", headers={"accept": "text/csv"})
    rows = {row["key"]: row for row in csv.DictReader(io.StringIO(answer.text))}
    assert (rows["Email"]["linear_net"], rows["Email"]["last_click_net"]) == ("450.00", "900.00")


async def test_the_comparison_is_filtered_by_day_and_type(told: None, admin: Any) -> None:
    for query in ("from_date=2026-03-02", "conversion_type=custom"):
        assert (await admin.get(f"/attribution/comparison?{query}")).json()["comparison"] == []
    wrong = await admin.get("/attribution/comparison?window=5")
    assert (wrong.status_code, wrong.json()["errors"][0]["field"]) == (422, "window")


async def test_a_touch_says_which_conversions_it_took_part_in(told: None, admin: Any) -> None:
    body = (await admin.get("/attribution/touch_1/conversions")).json()
    assert body["window_days"] == 30
    assert {row["conversion_id"]: row["status"] for row in body["conversions"]} == {
        "conv_1": "confirmed",
        "conv_3": "cancelled",
    }
    one = next(row for row in body["conversions"] if row["conversion_id"] == "conv_1")
    assert (one["order_id"], one["value"], one["position"], one["touches"]) == ("order-conv_1", "1000.00", 1, 2)
    linear = next(credit for credit in one["credit"] if credit["model"] == "linear")
    assert (linear["weight"], linear["value"], linear["refunded"]) == (0.5, "500.00", "50.00")
    within_a_day = (await admin.get("/attribution/touch_1/conversions?window=1")).json()
    assert within_a_day["conversions"] == []


async def test_a_touch_of_another_store_is_not_found(told: None, admin: Any) -> None:
    other = {"x-store": "other"}
    answer = await admin.get("/attribution/touch_1/conversions", headers=other)
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    assert (await admin.get("/attribution/comparison", headers=other)).json()["comparison"] == []
