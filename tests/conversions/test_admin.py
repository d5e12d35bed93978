"""The admin API of conversions: filters, credit, manual ones, figures per currency, funnel."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import insert, select, update

from adplanning_plugin.kernel.tables import AuditEntry, OutboxEvent, Watermark
from adplanning_plugin.links import Links
from adplanning_plugin.tracking import Assignment, write_attribution
from adplanning_plugin.tracking.models import Conversion, Session
from tests.conversions import shop
from tests.conversions.shop import sale

DOCUMENTED = {
    "visitor_id": "vis_abc123",
    "conversion_type": "purchase",
    "conversion_value": 4999,
    "currency": "INR",
    "order_id": "order_xyz",
    "utm_source": "facebook",
    "utm_campaign": "summer_sale",
}


async def create(admin: Any, **body: Any) -> dict[str, Any]:
    response = await admin.post("/conversions", json=body)
    assert response.status_code == 201, response.text
    return response.json()["conversion"]


async def test_the_documented_body_makes_an_unconfirmed_conversion(admin: Any, runtime: Any) -> None:
    made = await create(admin, **DOCUMENTED)
    assert made["id"].startswith("conv_")
    assert (made["status"], made["origin"], made["is_revenue"]) == ("unconfirmed", "manual", False)
    assert (made["conversion_value"], made["value_minor"], made["currency"]) == ("4999.00", 499900, "INR")
    assert (made["utm_source"], made["utm_campaign"], made["version"]) == ("facebook", "summer_sale", 1)
    got = (await admin.get(f"/conversions/{made['id']}")).json()["conversion"]
    assert got["credit"] == {"rows": [{"conversion_id": made["id"], "tenant": "main"}]}
    assert (await admin.get(f"/conversions/{made['id']}", headers={"x-store": "other"})).status_code == 404
    async with runtime.database.reading("main") as session:
        assert list(await session.scalars(select(AuditEntry.action))) == ["conversion.created"]


async def test_an_order_that_turns_up_confirms_its_manual_purchase(admin: Any, put: Any, emit: Any) -> None:
    made = await create(admin, **DOCUMENTED | {"order_id": "1"})
    again = await admin.post("/conversions", json=DOCUMENTED | {"order_id": "1"})
    assert (again.status_code, again.json()["code"]) == (409, "duplicate")
    assert made["id"] in again.json()["detail"]
    await put(shop.sales, sale(1, "100"))
    await emit("order.placed", 1)
    listed = (await admin.get("/conversions")).json()
    assert [(each["id"], each["status"], each["value"]) for each in listed["conversions"]] == [
        (made["id"], "confirmed", "100.00")
    ]


async def test_a_purchase_whose_order_is_known_is_a_duplicate_that_names_it(admin: Any, put: Any, emit: Any) -> None:
    await put(shop.sales, sale(1), sale(2))
    await emit("order.placed", 1)
    [first] = (await admin.get("/conversions")).json()["conversions"]
    refused = await admin.post("/conversions", json=DOCUMENTED | {"order_id": "1"})
    assert refused.status_code == 409
    assert first["id"] in refused.json()["detail"]
    unseen = await admin.post("/conversions", json=DOCUMENTED | {"order_id": "2"})
    assert (unseen.status_code, unseen.json()["code"]) == (409, "duplicate")
    beside = await create(admin, conversion_type="custom", order_id="1")
    assert (beside["status"], beside["value"]) == ("confirmed", "0.00")


async def test_an_idempotency_key_makes_one(admin: Any, stored: Any) -> None:
    body = DOCUMENTED | {"order_id": None}
    for _ in range(2):
        response = await admin.post("/conversions", json=body, headers={"idempotency-key": "k-1"})
        assert response.status_code == 201
    assert len(await stored()) == 1


BAD: tuple[tuple[dict[str, Any], str, str | None], ...] = (
    ({"conversion_value": -1}, "conversion_value", "negative_money"),
    ({"conversion_value": "12.345"}, "conversion_value", "too_precise"),
    ({"conversion_value": "9" * 20}, "conversion_value", "too_large"),
    ({"conversion_value": "a lot"}, "conversion_value", "not_a_number"),
    ({"currency": "ZZZ"}, "currency", "unknown_currency"),
    ({"currency": None}, "currency", "missing"),
    ({"value": 7}, "value", "contradiction"),
    ({"occurred_at": "2999-01-01T00:00:00Z"}, "occurred_at", "in_the_future"),
    ({"occurred_at": "yesterday"}, "occurred_at", "not_a_time"),
    ({"occurred_at": "2026-01-01T00:00:00"}, "occurred_at", "not_a_time"),
    ({"visitor_id": ""}, "visitor_id", "invalid_text"),
    ({"utm_source": "a\nb"}, "utm_source", "invalid_text"),
    ({"order_id": "x" * 501}, "order_id", "invalid_text"),
    ({"goal_id": "goal_1"}, "goal_id", "unknown"),
    ({"ad_campaign_id": "theirs"}, "ad_campaign_id", "unknown"),
    ({"person_id": "5"}, "person_id", "unknown"),
    ({"properties": {"a": "x" * 20_000}}, "properties", "too_large"),
    ({"conversion_type": "purchse"}, "conversion_type", None),
    ({"conversion_typ": "purchase"}, "conversion_typ", None),
    ({"order_id": 7}, "order_id", None),
)


@pytest.mark.parametrize(("change", "field", "code"), BAD, ids=[f"{each[1]}:{each[2]}" for each in BAD])
async def test_a_bad_conversion_names_the_field_and_stores_nothing(
    admin: Any, put: Any, stored: Any, change: dict[str, Any], field: str, code: str | None
) -> None:
    await put(shop.campaigns, {"key": "theirs", "store": "other", "network": "meta", "label": "x"})
    await put(shop.people, {"no": 5, "store": "other"})
    response = await admin.post("/conversions", json=DOCUMENTED | change)
    assert response.status_code == 422, response.text
    errors = {each["field"]: each["code"] for each in response.json()["errors"]}
    assert field in errors
    assert code is None or errors[field] == code
    assert await stored() == []


async def fill(admin: Any, put: Any, emit: Any) -> None:
    await put(shop.campaigns, {"key": "c-1", "store": "main", "network": "meta", "label": "Summer"})
    await put(
        shop.sales,
        sale(1, "100", buyer=9, at=datetime(2026, 3, 1, 18, 29, tzinfo=UTC)),  # still the 1st in India
        sale(2, "50", at=datetime(2026, 3, 1, 18, 30, tzinfo=UTC)),  # the 2nd
        sale(3, "20", currency="EUR", till=True, at=datetime(2026, 4, 5, tzinfo=UTC)),
        sale(4, "70", state="pending", at=datetime(2026, 4, 6, tzinfo=UTC)),
    )
    await emit("order.placed", 1, 2, 3, 4)
    await create(
        admin, conversion_type="custom", conversion_value=5, currency="INR", occurred_at="2026-03-02T10:00:00Z",
        utm_source="Facebook", utm_medium="paid", utm_campaign="Summer", visitor_id="v-1", session_id="s-1",
        ad_campaign_id="c-1", platform="meta",
    )  # fmt: skip


FILTERS: tuple[tuple[dict[str, str], int], ...] = (
    ({}, 5),
    ({"conversion_type": "purchase"}, 4),
    ({"platform": "meta"}, 1),
    ({"status": "pending"}, 1),
    ({"origin": "manual"}, 1),
    ({"from_date": "2026-03-01", "to_date": "2026-03-01"}, 1),
    ({"from_date": "2026-03-02", "to_date": "2026-03-02"}, 2),
    ({"from_date": "2026-03-01T18:30:00Z", "to_date": "2026-03-02T00:00:01+05:30"}, 1),
    ({"to_date": "2026-03-31"}, 3),
    ({"ad_campaign_id": "c-1"}, 1),
    ({"utm_source": "facebook", "utm_medium": "PAID", "utm_campaign": "summer"}, 1),
    ({"visitor_id": "v-1"}, 1),
    ({"session_id": "s-1"}, 1),
    ({"person_id": "9"}, 1),
    ({"order_id": "2"}, 1),
    ({"currency": "eur"}, 1),
    ({"min_value": "50"}, 3),
    ({"min_value": "50", "max_value": "70"}, 2),
    ({"max_value": "20", "currency": "EUR"}, 1),
    ({"sales_channel": "offline"}, 1),
    ({"is_revenue": "true"}, 3),
    ({"lead_id": "1"}, 0),
    ({"goal_id": "goal_x"}, 0),
    ({"ad_set_id": "a"}, 0),
    ({"ad_id": "a"}, 0),
    ({"website_id": "w"}, 0),
    ({"q": "summ"}, 1),
)


async def test_every_filter_narrows_the_list(admin: Any, put: Any, emit: Any) -> None:
    await fill(admin, put, emit)
    found = {}
    for given, _ in FILTERS:
        response = await admin.get("/conversions", params=given)
        assert response.status_code == 200, response.text
        found[str(given)] = response.json()["count"]
    assert found == {str(given): count for given, count in FILTERS}
    other = await admin.get("/conversions", headers={"x-store": "other"})
    assert other.json()["conversions"] == []


@pytest.mark.parametrize(
    "given",
    [
        {"colour": "red"},
        {"conversion_type": "purchse"},
        {"from_date": "soon"},
        {"from_date": "2026-13-01"},
        {"from_date": "2026-03-02", "to_date": "2026-03-01"},
        {"min_value": "x"},
        {"currency": "QQQ"},
        {"limit": "201"},
        {"order": "password"},
    ],
)
async def test_an_unknown_or_mistyped_filter_is_refused(admin: Any, given: dict[str, str]) -> None:
    assert (await admin.get("/conversions", params=given)).status_code == 422


async def test_the_list_is_ordered_paged_and_exported(admin: Any, put: Any, emit: Any) -> None:
    await fill(admin, put, emit)
    page = (await admin.get("/conversions", params={"order": "value", "limit": 2, "offset": 1})).json()
    assert ([each["value"] for each in page["conversions"]], page["count"]) == (["20.00", "50.00"], 5)
    export = await admin.get("/conversions", params={"conversion_type": "purchase"}, headers={"accept": "text/csv"})
    lines = export.text.strip().splitlines()
    assert export.headers["content-type"].startswith("text/csv")
    assert (len(lines), lines[0].split(",")[:2]) == (5, ["id", "conversion_type"])


async def test_expand_shows_what_is_behind_and_people_only_to_who_may_see_them(admin: Any, put: Any, emit: Any) -> None:
    visit = {"key": "s-1", "store": "main", "browser": "b-1", "source": "x", "at": shop.DAY}
    await put(shop.people, {"no": 9, "store": "main", "mail": "asha@example.com", "full_name": "Asha"})
    await put(shop.visits, visit)
    await put(shop.sales, sale(1, "100", buyer=9, mail="asha@example.com", visit="s-1", consent="granted"))
    await emit("order.placed", 1)
    [row] = (await admin.get("/conversions")).json()["conversions"]
    path, asked = f"/conversions/{row['id']}", {"expand": "order,session,person,campaign,lead"}
    full = (await admin.get(path, params=asked)).json()["conversion"]
    assert (full["person"]["email"], full["order"]["total"], full["session"]["id"]) == (
        "asha@example.com",
        "100.00",
        "s-1",
    )
    assert (full["campaign"], full["lead"]) == (None, None)
    reader = {"x-scopes": "adplanning:read"}
    response = await admin.get(path, params=asked, headers=reader)
    assert response.json()["conversion"]["person"]["id"] == "9"
    assert "asha" not in response.text.lower()
    assert (await admin.get(path, params={"expand": "secrets"})).status_code == 422


async def test_expand_lists_what_was_said_about_the_order_and_answered_in_the_visit(
    admin: Any, put: Any, emit: Any, runtime: Any
) -> None:
    await put(shop.people, {"no": 9, "store": "main", "mail": "asha@example.com", "full_name": "Asha"})
    visit = {"key": "s-1", "store": "main", "browser": "b-1", "source": "x", "at": shop.DAY}
    await put(shop.visits, visit)
    await put(shop.sales, sale(1, "100", buyer=9, mail="asha@example.com", visit="s-1", consent="granted"))
    await emit("order.placed", 1)
    links = runtime.get(Links)
    said = {"tenant_id": "main", "created_at": shop.DAY, "email": "asha@example.com"}
    feedback = [
        {**said, "id": "f1", "source_key": "f1", "order_id": "1", "rating": 5, "comment": "lovely"},
        {**said, "id": "f2", "source_key": "f2", "order_id": "2", "rating": 1, "comment": "late"},
    ]
    async with runtime.database.transaction("main") as session:
        await session.execute(insert(links.source("feedback").owned), feedback)
        answer = {**said, "id": "a1", "source_key": "a1", "person_id": "9", "text": "hello"}
        await session.execute(insert(links.source("form_response").owned), [answer])
    [row] = (await admin.get("/conversions")).json()["conversions"]
    path, asked = f"/conversions/{row['id']}", {"expand": "feedback,form_response"}
    full = (await admin.get(path, params=asked)).json()["conversion"]
    assert [(each["id"], each["rating"], each["comment"]) for each in full["feedback"]] == [("f1", 5.0, "lovely")]
    assert [(each["id"], each["text"]) for each in full["form_response"]] == [("a1", "hello")]
    async with runtime.database.transaction("main") as session:
        # The tracker's session stands in the conversion; the form was answered in the store's own.
        await session.execute(update(Conversion).where(Conversion.id == row["id"]).values(session_id="ses_tracked"))
        answer = {**said, "id": "a2", "source_key": "a2", "session_id": "s-1"}
        await session.execute(insert(links.source("form_response").owned), [answer])
    again = (await admin.get(path, params=asked)).json()["conversion"]
    assert [each["id"] for each in again["form_response"]] == ["a2"]
    told = (await admin.get(path, params=asked, headers={"x-scopes": "adplanning:read"})).text
    assert "f1" in told
    assert not any(word in told for word in ("asha", "lovely", "hello"))


async def test_a_manual_conversion_is_changed_by_version_and_deleted(admin: Any, runtime: Any) -> None:
    made = await create(admin, **DOCUMENTED)
    path = f"/conversions/{made['id']}"
    changed = await admin.put(
        path, json={"version": 1, "conversion_value": "10", "utm_medium": "cpc", "utm_source": None}
    )
    now = changed.json()["conversion"]
    assert (now["value"], now["utm_source"], now["utm_medium"], now["version"]) == ("10.00", None, "cpc", 2)
    stale = await admin.put(path, json={"version": 1, "conversion_value": "11"})
    assert (stale.status_code, stale.json()["code"]) == (409, "stale_version")
    alone = await admin.put(path, json={"version": 2, "currency": "EUR"})
    assert alone.status_code == 422
    assert (await admin.put(path, json={"version": 2, "ad_id": "nowhere"})).status_code == 422
    assert (await admin.put(path, json={"version": 2}, headers={"x-scopes": "adplanning:read"})).status_code == 403
    assert (await admin.delete(path)).json() == {"id": made["id"], "object": "conversion", "deleted": True}
    assert (await admin.get(path)).status_code == 404
    assert (await admin.delete(path)).status_code == 404
    await create(admin, **DOCUMENTED)
    async with runtime.database.reading("main") as session:
        told = list(await session.scalars(select(OutboxEvent.name).order_by(OutboxEvent.created_at)))
    assert told == ["conversion.created", "conversion.updated", "conversion.updated", "conversion.created"]


async def test_what_an_order_says_is_changed_in_the_store(admin: Any, put: Any, emit: Any) -> None:
    await put(shop.sales, sale(1))
    await emit("order.placed", 1)
    [row] = (await admin.get("/conversions")).json()["conversions"]
    path = f"/conversions/{row['id']}"
    version = row["version"]
    for field, value in (("conversion_value", 1), ("status", "cancelled"), ("utm_source", "x"), ("order_id", "2")):
        refused = await admin.put(path, json={"version": version, field: value})
        assert (refused.status_code, refused.json()["code"]) == (409, "mirrors_ledger"), field
    kept = await admin.put(path, json={"version": version, "properties": {"note": "gift"}})
    assert kept.json()["conversion"]["properties"] == {"note": "gift"}
    deleted = await admin.delete(path)
    assert (deleted.status_code, deleted.json()["code"]) == (409, "mirrors_ledger")
    await emit("order.updated", 1)
    assert (await admin.get(path)).json()["conversion"]["properties"] == {"note": "gift"}


async def visits(runtime: Any, *rows: tuple[str, str, datetime]) -> None:
    async with runtime.database.transaction("main") as session:
        values = [
            {
                "tenant_id": "main",
                "id": key,
                "visitor_id": visitor,
                "started_at": at,
                "ended_at": at,
                "landing_url": None,
            }
            for key, visitor, at in rows
        ]
        await session.execute(insert(Session), values)


async def test_stats_sum_each_currency_alone_and_rate_sessions(admin: Any, put: Any, emit: Any, runtime: Any) -> None:
    await fill(admin, put, emit)
    start = datetime(2026, 3, 2, 9, tzinfo=UTC)
    await visits(runtime, ("s-1", "v-1", start), *((f"t-{n}", f"w-{n}", start) for n in range(3)))
    stats = (await admin.get("/conversions/stats")).json()
    assert (stats["total_conversions"], stats["total_value"], stats["zone"]) == (4, None, "Asia/Kolkata")
    assert [(each["currency"], each["total_value"], each["revenue"]) for each in stats["by_currency"]] == [
        ("EUR", "20.00", "20.00"),
        ("INR", "155.00", "150.00"),
    ]
    assert (stats["sessions"], stats["converted_sessions"], stats["conversion_rate"]) == (4, 1, 0.25)
    assert stats["by_status"] == {"confirmed": 3, "pending": 1, "unconfirmed": 1}
    assert stats["by_type"]["purchase"]["total_conversions"] == 3
    rupees = (await admin.get("/conversions/stats", params={"currency": "INR"})).json()
    assert (rupees["total_value"], rupees["revenue"], rupees["revenue_minor"]) == ("155.00", "150.00", 15000)
    empty = (await admin.get("/conversions/stats", params={"from_date": "2020-01-01", "to_date": "2020-01-02"})).json()
    assert (empty["total_conversions"], empty["total_value"], empty["conversion_rate"]) == (0, "0.00", None)


@pytest.mark.parametrize(
    ("group_by", "expected"),
    [
        ("day", [("2026-03-01", 1), ("2026-03-02", 2), ("2026-04-05", 1)]),
        ("week", [("2026-02-23", 1), ("2026-03-02", 2), ("2026-03-30", 1)]),
        ("month", [("2026-03-01", 3), ("2026-04-01", 1)]),
        ("conversion_type", [("purchase", 3), ("custom", 1)]),
        ("platform", [(None, 3), ("meta", 1)]),
        ("campaign", [(None, 3), ("c-1", 1)]),
    ],
)
async def test_stats_by_group_in_the_stores_zone(
    admin: Any, put: Any, emit: Any, group_by: str, expected: list[tuple[str | None, int]]
) -> None:
    await fill(admin, put, emit)
    stats = (await admin.get("/conversions/stats", params={"group_by": group_by})).json()
    assert [(each["key"], each["total_conversions"]) for each in stats["groups"]] == expected
    if group_by == "campaign":
        assert [each["name"] for each in stats["groups"]] == [None, "Summer"]


async def test_the_funnel_counts_visitors_by_the_furthest_stage(admin: Any, runtime: Any, put: Any, emit: Any) -> None:
    day = datetime(2026, 3, 2, 9, tzinfo=UTC)
    await visits(runtime, *((f"s-{n}", f"v-{n}", day) for n in range(1, 11)))
    for visitor, kinds in {
        "v-1": ("add_to_cart",),
        "v-2": ("add_to_cart", "begin_checkout"),
        "v-3": ("purchase",),
    }.items():
        for kind in kinds:
            await create(admin, conversion_type=kind, visitor_id=visitor, occurred_at="2026-03-02T10:00:00Z")
    await put(shop.sales, sale(1, at=day + timedelta(hours=1)))
    await emit("order.placed", 1)
    funnel = (
        await admin.get("/conversions/funnel", params={"from_date": "2026-03-02", "to_date": "2026-03-02"})
    ).json()
    stages = funnel["funnel"]["stages"]
    assert [(each["stage"], each["visitors"], each["observed"]) for each in stages] == [
        ("session", 10, 10),
        ("add_to_cart", 3, 2),
        ("begin_checkout", 2, 1),
        ("purchase", 1, 1),
    ]
    assert [each["drop_off_rate"] for each in stages] == [None, 0.7, 0.333333, 0.5]
    assert funnel["funnel"]["purchases_without_visit"] == 1
    later = (await admin.get("/conversions/funnel", params={"from_date": "2026-04-01"})).json()["funnel"]["stages"]
    assert [(each["visitors"], each["rate_from_previous"]) for each in later[:2]] == [(0, None), (0, None)]


async def test_attribution_writes_many_and_leaves_what_somebody_named(admin: Any, runtime: Any, put: Any) -> None:
    await put(shop.campaigns, {"key": "c-1", "store": "main", "network": "meta", "label": "x"})
    free = await create(admin, conversion_type="custom")
    named = await create(admin, conversion_type="custom", ad_campaign_id="c-1", platform="meta")
    decided = [
        Assignment(conversion_id=each["id"], attribution_version=4, platform="google", ad_campaign_id="c-9")
        for each in (free, named)
    ]
    async with runtime.database.transaction("main") as session:
        assert await write_attribution(session, "main", decided) == 2
        assert await write_attribution(session, "main", decided) == 0
        assert await write_attribution(session, "other", decided) == 0
    rows = {each["id"]: each for each in (await admin.get("/conversions")).json()["conversions"]}
    assert (rows[free["id"]]["platform"], rows[free["id"]]["ad_campaign_id"]) == ("google", "c-9")
    assert (rows[named["id"]]["platform"], rows[named["id"]]["ad_campaign_id"]) == ("meta", "c-1")


async def test_another_revenue_basis_is_applied_to_the_past(runtime: Any, put: Any, emit: Any, stored: Any) -> None:
    from adplanning_plugin.kernel.backfill import run_sweep
    from adplanning_plugin.kernel.settings import save
    from adplanning_plugin.kernel.work import Work
    from adplanning_plugin.tracking.basis import REVENUE_SECTION

    await put(shop.sales, sale(1, "118", tax="18", discount="10", changed=shop.DAY))
    sweep = runtime.get(Work).sweeps["tracking.purchases"]
    await run_sweep(runtime, "main", sweep)
    assert [each.value for each in await stored()] == [10000]
    async with runtime.database.transaction("main") as session:
        await save(session, runtime, "main", REVENUE_SECTION, {"net_of_tax": False, "net_of_discount": False}, 0)
        mark = await session.scalar(select(Watermark.position).where(Watermark.reader == "sweep:tracking.purchases"))
    assert mark == {}
    await run_sweep(runtime, "main", sweep)
    assert [each.value for each in await stored()] == [12800]
