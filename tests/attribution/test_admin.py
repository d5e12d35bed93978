"""The attribution routes: what a marketer sees, asks to be done, and decides by hand."""

import csv
import io

import pytest

from adplanning_plugin.attribution import compute_credit
from tests.attribution.conftest import DAY, NOON, Store


@pytest.fixture
async def told(store, runtime):
    """Two touches, one of a campaign that spent, one conversion of ₹1,000 with ₹100 given back."""
    await store.put("ad_account", {"id": "a1", "platform": "meta", "currency": "INR", "zone": "UTC"})
    await store.put("ad_campaign", {"id": "c1", "ad_account_id": "a1", "platform": "meta", "name": "Spring Sale"})
    await store.put(
        "ad_insight",
        {"id": "i1", "ad_account_id": "a1", "ad_campaign_id": "c1", "day": (NOON - 3 * DAY).date(), "spend": 20_000},
        {"id": "i2", "ad_account_id": "a1", "ad_campaign_id": "c1", "day": (NOON - 2 * DAY).date(), "spend": 5_050},
    )
    await store.touch(
        "touch_1",
        NOON - 3 * DAY,
        source="facebook",
        medium="paid_social",
        campaign="spring sale",
        campaign_key="spring sale",
        channel="Paid Social",
        platform="meta",
        ad_campaign_id="c1",
        is_resolved=True,
        resolution_method="exact_utm_match",
    )
    await store.touch("touch_2", NOON - DAY, channel="Email", platform="generic", source="newsletter", medium="email")
    await store.touch("touch_3", NOON - DAY, visitor_id="vis_2", is_direct=True)
    await store.conversion("conv_1", value=100_000, refunded=10_000, visitor_id="vis_1")
    await store.conversion("conv_2", value=5_000)
    await store.conversion("conv_cancelled", value=7_000, status="cancelled")
    async with runtime.database.transaction("main") as session:
        await compute_credit(session, runtime, "main", ["conv_1", "conv_2", "conv_cancelled"])


async def test_the_list_joins_touches_to_what_they_earned(told, admin):
    answer = await admin.get("/attribution", params={"model": "linear", "window": "30"})
    assert answer.status_code == 200, answer.text
    body = answer.json()
    assert (body["count"], body["limit"], body["offset"]) == (3, 50, 0)
    rows = {row["id"]: row for row in body["attributions"]}
    first = rows["touch_1"]
    assert (first["campaign"], first["source"], first["medium"], first["platform"]) == (
        "Spring Sale",
        "facebook",
        "paid_social",
        "meta",
    )
    assert (first["touch"], first["converted"], first["value"], first["value_minor"]) == (
        "first",
        True,
        "500.00",
        50_000,
    )
    assert (first["refunded"], first["currency"], first["conversions"]) == ("50.00", "INR", 0.5)
    assert (first["spend"], first["spend_currency"]) == ("250.50", "INR")
    assert (first["is_resolved"], first["resolution_method"]) == (True, "exact_utm_match")
    assert rows["touch_2"]["touch"] == "last"
    assert (rows["touch_3"]["converted"], rows["touch_3"]["value"], rows["touch_3"]["touch"]) == (False, None, None)


async def test_model_has_aliases_and_a_default(told, admin):
    by_default = (await admin.get("/attribution", params={"converted": True})).json()["attributions"]
    assert [(row["id"], row["model"], row["window_days"]) for row in by_default] == [("touch_2", "last_non_direct", 30)]
    first = await admin.get("/attribution", params={"attribution_model": "first_touch", "converted": True})
    assert [row["id"] for row in first.json()["attributions"]] == ["touch_1"]
    both = await admin.get("/attribution", params={"attribution_model": "linear", "model": "first_click"})
    assert both.status_code == 422


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"platform": "meta"}, {"touch_1"}),
        ({"is_resolved": False}, {"touch_2", "touch_3"}),
        ({"channel": "Email"}, {"touch_2"}),
        ({"campaign": "c1"}, {"touch_1"}),
        ({"campaign": "Spring Sale"}, {"touch_1"}),
        ({"from_date": "2026-02-28"}, {"touch_2", "touch_3"}),
        ({"to_date": "2026-02-27"}, {"touch_1"}),
        ({"converted": False, "model": "linear"}, {"touch_3"}),
        ({"window": "1", "converted": True, "model": "linear"}, set()),
        ({"window": "lifetime", "converted": True, "model": "linear"}, {"touch_1", "touch_2"}),
        ({"q": "spring"}, {"touch_1"}),
        ({"source": "newsletter"}, {"touch_2"}),
        ({"source": " NewsLetter"}, {"touch_2"}),
        ({"platform": "Meta"}, {"touch_1"}),
    ],
)
async def test_filters(told, admin, filters, expected):
    answer = await admin.get("/attribution", params=filters)
    assert {row["id"] for row in answer.json()["attributions"]} == expected, answer.text


@pytest.mark.parametrize(
    ("path", "field"),
    [
        ("/attribution?model=tarot", "model"),
        ("/attribution?window=5", "window"),
        ("/attribution?window=99999999999999999999", "window"),
        ("/attribution?from_date=soon", "from_date"),
        ("/attribution?from_date=yesterday", "from_date"),
        ("/attribution?from_date=2026-03-02&to_date=2026-03-01", "to_date"),
        ("/attribution?color=red", "color"),
        ("/attribution/stats?group_by=moon", "group_by"),
    ],
)
async def test_unknown_parameters_are_refused_by_name(told, admin, path, field):
    answer = await admin.get(path)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field


async def test_the_list_as_csv(told, admin):
    answer = await admin.get(
        "/attribution", params={"model": "linear", "order": "date"}, headers={"accept": "text/csv"}
    )
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["id"], row["value"], row["spend"]) for row in rows] == [
        ("touch_1", "500.00", "250.50"),
        ("touch_2", "500.00", ""),
        ("touch_3", "", ""),
    ]


async def test_statistics_sum_to_the_conversions_there_were(told, admin):
    for group in ("campaign", "source", "medium", "channel", "platform"):
        answer = await admin.get("/attribution/stats", params={"group_by": group, "model": "linear"})
        assert answer.status_code == 200, answer.text
        body = answer.json()
        assert sum(line["conversions"] for line in body["stats"]) == pytest.approx(2)
        assert sum(line["value_minor"] for line in body["stats"]) == 105_000
        assert body["total"]["unattributed_share"] == 0.5
        assert body["total"]["by_currency"]["INR"]["net"] == "950.00"
    lines = {line["key"]: line for line in (await admin.get("/attribution/stats?model=first_click")).json()["stats"]}
    assert (lines["c1"]["name"], lines["c1"]["value"], lines["c1"]["net"]) == ("Spring Sale", "1000.00", "900.00")
    assert (lines["c1"]["spend"], lines["c1"]["conversions"]) == ("250.50", 1)
    assert (lines[None]["kind"], lines[None]["value"]) == ("unattributed", "50.00")


async def test_statistics_by_the_conversions_day(told, admin):
    empty = (await admin.get("/attribution/stats", params={"from_date": "2026-03-02"})).json()
    assert (empty["stats"], empty["total"]["unattributed_share"]) == ([], None)
    full = (await admin.get("/attribution/stats", params={"from_date": "2026-03-01", "to_date": "2026-03-01"})).json()
    assert full["total"]["conversions"] == 2
    assert full["zone"] == "Asia/Kolkata"


async def test_a_touch_by_hand_takes_part_in_credit(admin, store, runtime):
    await store.put("person", {"id": "7", "email": "asha@example.com"})
    await store.conversion("conv_1", person_id="7")
    async with runtime.database.transaction("main") as session:
        await compute_credit(session, runtime, "main", ["conv_1"])
    body = {"source": "Fair", "medium": "Offline", "person_id": "7", "occurred_at": "2026-02-27T10:00:00Z"}
    made = await admin.post("/attribution", json=body, headers={"idempotency-key": "k1"})
    assert made.status_code == 201, made.text
    touch = made.json()["attribution"]
    assert (touch["origin"], touch["source"], touch["medium"], touch["channel"]) == (
        "manual",
        "fair",
        "offline",
        "Unassigned",
    )
    again = await admin.post("/attribution", json=body, headers={"idempotency-key": "k1"})
    assert again.json()["attribution"]["id"] == touch["id"]
    await store.work()
    assert [row.touch_id for row in await store.credit("conv_1", 30)] == [touch["id"]]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"source": "fair"}, "visitor_id"),
        ({"visitor_id": "v", "occurred_at": "yesterday"}, "occurred_at"),
        ({"visitor_id": "v", "occurred_at": "2999-01-01T00:00:00Z"}, "occurred_at"),
        ({"visitor_id": "v", "ad_campaign_id": "nope"}, "ad_campaign_id"),
        ({"visitor_id": "v", "colour": "red"}, "colour"),
        ({"person_id": "8"}, "person_id"),
        ({"visitor_id": "v", "website_id": "21"}, "website_id"),
    ],
)
async def test_a_touch_that_makes_no_sense_is_refused(admin, store, body, field):
    answer = await admin.post("/attribution", json=body)
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == field
    assert await store.touches() == []


async def test_a_manual_assignment_survives_resolution_and_can_be_undone(admin, store, runtime):
    await store.put(
        "ad_campaign",
        {"id": "c1", "platform": "meta", "name": "Spring Sale"},
        {"id": "c2", "platform": "google", "name": "Other"},
    )
    await store.touch(
        "touch_1",
        NOON,
        platform="meta",
        campaign="spring sale",
        campaign_key="spring sale",
        resolution_method="unresolved",
    )
    read = (await admin.get("/attribution/touch_1")).json()["attribution"]
    assigned = await admin.put("/attribution/touch_1", json={"version": read["version"], "ad_campaign_id": "c2"})
    assert assigned.status_code == 200, assigned.text
    assert assigned.json()["attribution"]["resolution_method"] == "manual"
    stale = await admin.put("/attribution/touch_1", json={"version": read["version"], "ad_campaign_id": "c1"})
    assert stale.status_code == 409

    for body in ({"ids": ["touch_1"]}, None):
        done = await admin.post("/attribution/resolve", **({"json": body} if body else {}))
        assert done.status_code == 200, done.text
    await admin.post("/attribution/bulk-resolve", json={"include_resolved": True})
    await store.work()
    kept = (await admin.get("/attribution/touch_1")).json()["attribution"]
    assert (kept["ad_campaign_id"], kept["resolution_method"]) == ("c2", "manual")

    undone = await admin.put("/attribution/touch_1", json={"ad_campaign_id": None})
    assert undone.json()["attribution"]["ad_campaign_id"] == "c1", "undone, it is resolved anew"


async def test_resolve_takes_ids_sessions_or_what_is_pending(admin, store):
    await store.put("ad_campaign", {"id": "c1", "platform": "google", "name": "Brand"})
    names = {"campaign": "brand", "campaign_key": "brand", "resolution_method": "unresolved"}
    await store.touch("touch_1", NOON, **names)
    await store.touch("touch_2", NOON, session_id="s2", **names)
    await store.touch("touch_3", NOON, **names)
    one = await admin.post("/attribution/resolve", json={"ids": ["touch_1"]})
    assert one.json()["resolution"] == {
        "seen": 1,
        "resolved": 1,
        "unresolved": 0,
        "ambiguous": 0,
        "more_pending": False,
    }
    await admin.post("/attribution/resolve", json={"session_ids": ["s2"]})
    assert [touch.is_resolved for touch in await store.touches()] == [True, True, False]
    await admin.post("/attribution/resolve")
    assert [touch.is_resolved for touch in await store.touches()] == [True, True, True]
    missing = await admin.post("/attribution/resolve", json={"ids": ["touch_none"]})
    assert missing.status_code == 404


async def test_bulk_resolve_answers_at_once_and_shows_its_progress(admin, store, runtime):
    await store.put("ad_campaign", {"id": "c1", "platform": "google", "name": "Brand"})
    await store.touch("touch_1", NOON, campaign="brand", campaign_key="brand", resolution_method="unresolved")
    answer = await admin.post("/attribution/bulk-resolve")
    assert answer.status_code == 202
    work = answer.json()["work"]
    await store.work()
    progress = await admin.get(work["path"].removeprefix(runtime.options.paths.admin))
    assert progress.status_code == 200, progress.text
    assert progress.json()["work_item"]["progress"] == {"done": 1, "total": 1}
    assert [touch.ad_campaign_id for touch in await store.touches()] == ["c1"]


async def test_another_tenants_attribution_is_not_there(told, admin, runtime):
    await Store(runtime, "other").touch("touch_theirs", NOON)
    assert (await admin.get("/attribution/touch_theirs")).status_code == 404
    assert (await admin.put("/attribution/touch_theirs", json={"ad_campaign_id": None})).status_code == 404
    theirs = (await admin.get("/attribution", headers={"x-store": "other"})).json()
    assert [row["id"] for row in theirs["attributions"]] == ["touch_theirs"]


async def test_readers_may_not_resolve(told, admin):
    headers = {"x-scopes": "adplanning:read"}
    assert (await admin.get("/attribution", headers=headers)).status_code == 200
    assert (await admin.post("/attribution/resolve", headers=headers)).status_code == 403
    assert (await admin.put("/attribution/touch_1", json={"ad_campaign_id": "c1"}, headers=headers)).status_code == 403


async def test_settings_are_read_and_changed_over_http(admin, store):
    read = (await admin.get("/settings/attribution")).json()
    assert '"default_window_days"' in str(read).replace("'", '"')
    bad = await admin.put("/settings/attribution", json={"value": {"default_model": "tarot"}, "version": 0})
    assert bad.status_code == 422
    good = await admin.put("/settings/attribution", json={"value": {"default_model": "first_touch"}, "version": 0})
    assert good.status_code == 200, good.text
    listed = await admin.get("/attribution/stats")
    assert listed.json()["model"] == "first_click"


async def test_detail_sections_show_credit_by_model(told, runtime):
    from adplanning_plugin.attribution.sections import conversion_credit, order_credit

    async with runtime.database.reading("main") as session:
        found = await conversion_credit(runtime, session, "main", "conv_1")
        by_order = await order_credit(runtime, session, "main", "order-conv_1")
        nothing = await conversion_credit(runtime, session, "main", "conv_none")
    assert found == by_order
    assert nothing is None
    assert found is not None
    assert [touch["id"] for touch in found["touches"]] == ["touch_1", "touch_2"]
    assert {touch["ad_campaign_id"]: touch["campaign_name"] for touch in found["touches"]} == {
        "c1": "Spring Sale",
        None: None,
    }
    models = {each["model"]: each["credit"] for each in found["models"]}
    assert [part["value"] for part in models["linear"]] == ["500.00", "500.00"]
    assert [(part["touch_id"], part["refunded"]) for part in models["last_click"]] == [("touch_2", "100.00")]


async def test_the_models_and_windows_to_choose_from_mark_the_stores_default(admin, store):
    found = (await admin.get("/attribution/models")).json()
    defaults = [each["model"] for each in found["models"] if each["is_default"]]
    assert defaults == ["last_non_direct"]
    assert {"last_click", "linear", "time_decay"} <= {each["model"] for each in found["models"]}
    assert {each["window"] for each in found["windows"]} >= {"7", "30", "lifetime"}
    for each in (*found["models"], *found["windows"]):
        query = {name: each[name] for name in ("model", "window") if name in each}
        assert (await admin.get("/attribution/stats", params=query)).status_code == 200
    await admin.put("/settings/attribution", json={"value": {"default_model": "linear", "default_window_days": 7}})
    changed = (await admin.get("/attribution/models")).json()
    assert [each["model"] for each in changed["models"] if each["is_default"]] == ["linear"]
    assert [each["label"] for each in changed["windows"] if each["is_default"]] == ["7 days"]
