"""The conversions behind a figure sum to it exactly, page by page; what filters cannot mean is refused."""

from __future__ import annotations

import random
from datetime import timedelta
from typing import Any

import pytest

from adplanning_plugin.attribution import compute_credit
from adplanning_plugin.stats.credit import MODELS
from tests.attribution.conftest import DAY, NOON, Store

GROUPS = ("campaign", "source", "medium", "channel", "platform")


@pytest.fixture
async def told(store: Store, runtime: Any) -> None:
    """Thirty orders in two currencies after touches of three campaigns, some of them by nobody's touch."""
    rng = random.Random(4)
    await store.put("ad_account", {"id": "a1", "platform": "meta", "currency": "INR", "zone": "UTC"})
    await store.put("ad_campaign", {"id": "c1", "ad_account_id": "a1", "platform": "meta", "name": "Spring Sale"})
    for number in range(30):
        for place in range(number % 4):
            campaign = rng.choice(["c1", None, None])
            await store.touch(
                f"touch_{number}_{place}",
                NOON - timedelta(hours=rng.randrange(900)),
                f"vis_{number}",
                is_direct=rng.random() < 0.3,
                ad_campaign_id=campaign,
                campaign=rng.choice(["autumn", None]),
            )
        more = {"sales_channel": "renewal"} if number == 7 else {}
        await store.conversion(
            f"conv_{number}", NOON, rng.randrange(1, 10**6), visitor_id=f"vis_{number}", refunded=rng.choice([0, 1]),
            currency="JPY" if number % 5 == 0 else "INR", **more,
        )  # fmt: skip
    async with runtime.database.transaction("main") as session:
        await compute_credit(session, runtime, "main")


async def every_page(admin: Any, params: dict[str, Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    while True:
        answer = await admin.get("/attribution/conversions", params={**params, "limit": 7, "offset": len(rows)})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        rows += body["conversions"]
        if len(rows) >= body["count"]:
            return rows


@pytest.mark.parametrize("group", GROUPS)
async def test_the_conversions_behind_every_line_sum_to_it(told: None, admin: Any, group: str) -> None:
    for model in ("linear", MODELS[random.randrange(len(MODELS))]):
        print("model", model)
        asked = {"group_by": group, "model": model, "window": "14"}
        for line in (await admin.get("/attribution/stats", params=asked)).json()["stats"]:
            which = {"key": line["key"]} if line["key"] is not None else {"kind": line["kind"]}
            if line["key"] is None and line["kind"] == "touch":
                which = {"no_key": "true"}
            rows = await every_page(admin, {**asked, **which, "currency": line["currency"]})
            assert len({row["conversion_id"] for row in rows}) == len(rows)
            for name in ("value_minor", "refunded_minor", "net_minor"):
                assert sum(row[name] for row in rows) == line[name], (line, name)
            assert sum(row["weight"] for row in rows) == pytest.approx(line["conversions"], abs=1e-4)


async def test_the_answer_says_what_all_its_pages_sum_to(told: None, admin: Any) -> None:
    stats = (await admin.get("/attribution/stats", params={"model": "linear"})).json()["total"]["by_currency"]
    body = (await admin.get("/attribution/conversions", params={"model": "linear", "limit": 1})).json()
    assert body["count"] == 30
    assert {currency: each["net_minor"] for currency, each in body["total"]["by_currency"].items()} == {
        currency: each["net_minor"] for currency, each in stats.items()
    }
    renewals = (await admin.get("/attribution/conversions", params={"kind": "renewal"})).json()
    assert [row["conversion_id"] for row in renewals["conversions"]] == ["conv_7"]
    exported = await admin.get("/attribution/conversions", headers={"accept": "text/csv"})
    assert len(exported.text.splitlines()) == 31
    elsewhere = await admin.get("/attribution/conversions", headers={"x-store": "other"})
    assert elsewhere.json()["count"] == 0


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/attribution?resolution_method=banana", "resolution_method"),
        ("/attribution?platform=banana", "platform"),
        ("/attribution/stats?conversion_type=nope", "conversion_type"),
        ("/attribution/comparison?conversion_type=nope", "conversion_type"),
        ("/attribution/conversions?kind=nope", "kind"),
        ("/attribution/conversions?key=c1&no_key=true", "no_key"),
        ("/attribution/conversions?currency=rupees", "currency"),
        ("/attribution/touch_1?expand=order", "expand"),
    ],
)
async def test_what_a_closed_filter_does_not_know_is_refused(store: Store, admin: Any, path: str, field: str) -> None:
    await store.touch("touch_1", NOON - DAY)
    answer = await admin.get(path)
    assert answer.status_code == 422, answer.text
    assert answer.json()["errors"][0]["field"] == field


async def test_a_touch_brings_its_session_person_and_campaign(store: Store, admin: Any) -> None:
    await store.put("ad_account", {"id": "a1", "platform": "meta", "currency": "INR", "zone": "UTC"})
    await store.put("ad_campaign", {"id": "c1", "ad_account_id": "a1", "platform": "meta", "name": "Spring Sale"})
    await store.put("person", {"id": "7", "email": "ann@example.com"})
    await store.touch("touch_1", NOON - DAY, person_id="7", ad_campaign_id="c1", session_id="ses_9")
    asked = {"expand": "session,person,campaign"}
    found = (await admin.get("/attribution/touch_1", params=asked)).json()["attribution"]
    assert (found["campaign"]["name"], found["person"]["email"], found["session"]) == (
        "Spring Sale",
        "ann@example.com",
        None,
    )
    closed = await admin.get("/attribution/touch_1", params=asked, headers={"x-scopes": "adplanning:read"})
    assert "ann@example.com" not in closed.text


async def test_empty_statistics_are_a_file_with_a_header(store: Store, admin: Any) -> None:
    answer = await admin.get("/attribution/stats", headers={"accept": "text/csv"})
    assert answer.text.splitlines()[0].startswith("key,name,kind,conversions,touches,value")
