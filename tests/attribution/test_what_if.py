"""What-if and rule versions over HTTP: what other settings would change, beside what reports say; nothing is saved."""

from typing import Any

import pytest
from sqlalchemy import text

from adplanning_plugin.attribution import compute_credit
from adplanning_plugin.attribution.rules import SECTION
from adplanning_plugin.kernel.settings import save
from tests.attribution.conftest import DAY, NOON, Store

PERIOD = {"from_date": "2026-03-01", "to_date": "2026-03-01"}
CAMPAIGNS = (
    {"id": "c-search", "name": "Search", "platform": "google"},
    {"id": "c-social", "name": "Social", "platform": "meta"},
)
CREATORS = {"channel": "Creators", "conditions": [{"field": "source", "value": "facebook"}]}


@pytest.fixture
async def bought(store: Store, runtime: Any) -> Store:
    await store.put("ad_campaign", *CAMPAIGNS)
    await store.touch("touch_1", NOON - 10 * DAY, ad_campaign_id="c-search")
    social = {"source": "facebook", "channel": "Paid Social", "platform": "meta", "ad_campaign_id": "c-social"}
    await store.touch("touch_2", NOON - DAY, **social)
    await store.touch("touch_3", NOON - DAY / 2, is_direct=True)
    await store.conversion("conv_1", value=1000, visitor_id="vis_1", refunded=100)
    await store.conversion("conv_2", value=333, visitor_id="vis_1")
    await store.conversion("conv_renewal", value=50, visitor_id="vis_1", sales_channel="renewal")
    await store.conversion("conv_before", NOON - 5 * DAY, value=777, visitor_id="vis_1")
    async with runtime.database.transaction("main") as session:
        await compute_credit(session, runtime, "main")
    return store


async def counts(runtime: Any) -> dict[str, int]:
    async with runtime.database.reading("main") as session:
        tables = ("credit", "rule_version", "touchpoint_class", "setting", "outbox_event", "work_item", "audit_entry")
        return {
            name: (await session.execute(text(f"SELECT count(*) FROM adplanning.{name}"))).scalar_one()
            for name in tables
        }


async def ask(admin: Any, settings: dict[str, Any], **more: Any) -> dict[str, Any]:
    answer = await admin.post("/attribution/what-if", json={"settings": settings, **PERIOD, **more})
    assert answer.status_code == 200, answer.text
    return answer.json()["what_if"]


def by_key(lines: list[dict[str, Any]], side: str) -> dict[str | None, int]:
    return {line["key"] or line["kind"]: line[side]["net_minor"] for line in lines}


async def test_the_change_is_told_per_campaign_and_channel_and_nothing_is_saved(bought, runtime, admin):
    before = await counts(runtime)
    answer = await ask(admin, {"position_first": 0.9, "position_last": 0.1}, model="position_based")
    assert by_key(answer["campaigns"], "before") == {"c-search": 617, "c-social": 616, "renewal": 50}
    assert by_key(answer["campaigns"], "after") == {"c-search": 1110, "c-social": 123, "renewal": 50}
    assert {line["name"] for line in answer["campaigns"]} == {"Search", "Social", None}
    assert by_key(answer["channels"], "change") == {"Paid Search": 493, "Paid Social": -493, "renewal": 0}
    assert (answer["conversions"], answer["is_complete"], answer["changed_settings"]) == (
        3,
        True,
        ["position_first", "position_last"],
    )
    assert await counts(runtime) == before


async def test_what_was_foretold_is_what_reports_say_once_it_is_saved(bought, runtime, admin):
    settings = {"half_life_hours": 24, "direct": "include", "channel_rules": [CREATORS], "default_model": "time_decay"}
    foretold = await ask(admin, settings)
    assert foretold["model"] == {"before": "last_non_direct", "after": "time_decay"}
    stats = {"from_date": PERIOD["from_date"], "to_date": PERIOD["to_date"], "group_by": "channel"}

    async def reported() -> dict[str | None, int]:
        lines = (await admin.get("/attribution/stats", params=stats)).json()["stats"]
        return {line["key"] or line["kind"]: line["value_minor"] for line in lines}

    def told(side: str) -> dict[str | None, int]:
        lines = {line["key"] or line["kind"]: line[side]["value_minor"] for line in foretold["channels"]}
        return {key: value for key, value in lines.items() if value}

    assert await reported() == told("before")
    saved = await admin.put("/settings/attribution", json={"value": settings})
    assert saved.status_code == 200, saved.text
    assert await reported() == told("before"), "reports stay until the new version is complete"
    await bought.work()
    assert await reported() == told("after")
    assert "Creators" in told("after")


async def test_touches_that_other_channels_and_exclusions_read_otherwise_are_counted(bought, runtime, admin):
    await bought.touch(
        "touch_pay", NOON - DAY / 4, source="pay.example", medium="referral", channel="Referral", platform="generic",
        referrer_host="pay.example",
    )  # fmt: skip
    answer = await ask(
        admin,
        {"exclusion_hosts": ["pay.example"], "channel_rules": [CREATORS]},
        from_date="2026-02-01",
        model="last_click",
    )
    assert (answer["touches_read_otherwise"], answer["touches_excluded"]) == (2, 1)
    assert by_key(answer["channels"], "before")["Referral"] == 1233
    assert "Referral" not in {line["key"] for line in answer["channels"] if line["after"]["net_minor"]}
    assert {touch.channel for touch in await bought.touches()} == {"Paid Search", "Paid Social", "Direct", "Referral"}


async def test_rules_that_share_touches_and_rules_that_match_none_are_told(bought, admin):
    meta = {"channel": "Meta", "conditions": [{"field": "medium", "value": "cpc"}]}
    idle = {"channel": "Radio", "conditions": [{"field": "source", "op": "contains", "value": "radio"}]}
    answer = await ask(admin, {"channel_rules": [CREATORS, meta, idle]}, from_date="2026-02-01")
    assert answer["warnings"] == [
        "1 touches of the period match channel rules 1 (Creators) and 2 (Meta): rule 1 stands first and takes them.",
        "No touch of the period matches channel rule 3 (Radio).",
    ]


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"settings": {"position_middle": 0.9}, **PERIOD}, "position_middle"),
        ({"settings": {"default_model": "square"}, **PERIOD}, "default_model"),
        ({"settings": {"unheard_of": 1}, **PERIOD}, "unheard_of"),
        ({"settings": {}, **PERIOD, "model": "square"}, "model"),
        ({"settings": {}, **PERIOD, "window": "5"}, "window"),
        ({"settings": {}, "from_date": "2026-03-02", "to_date": "2026-03-01"}, "to_date"),
        ({"settings": {}, "from_date": "soon", "to_date": "2026-03-01"}, "from_date"),
    ],
)
async def test_a_question_that_makes_no_sense_is_refused_by_field(bought, admin, body, field):
    answer = await admin.post("/attribution/what-if", json=body)
    assert answer.status_code == 422
    assert [each["field"] for each in answer.json()["errors"]] == [field]


async def test_versions_say_what_changed_by_whom_and_how_far_a_new_one_is(bought, runtime, admin):
    await admin.put("/settings/attribution", json={"value": {"half_life_hours": 48}})
    answer = (await admin.get("/attribution/rules")).json()
    assert [(each["version"], each["state"], each["changes"]) for each in answer["rules"]] == [
        (2, "building", ["half_life_hours"]),
        (1, "active", []),
    ]
    assert (answer["rules"][0]["created_by"], answer["rules"][1]["created_by"]) == ("7", None)
    assert answer["building"] == {"version": 2, "step": "reading touches", "done": 0, "total": 4, "share": 0.0}
    await bought.work()
    answer = (await admin.get("/attribution/rules")).json()
    assert [each["state"] for each in answer["rules"]] == ["active", "superseded"]
    assert answer["building"] is None
    assert answer["rules"][1]["superseded_at"] == answer["rules"][0]["activated_at"]


async def test_an_earlier_version_is_taken_again_as_a_version_of_its_own(bought, runtime, admin):
    async with runtime.database.transaction("main") as session:
        await save(session, runtime, "main", SECTION, {"half_life_hours": 48}, None)
    await bought.work()
    answer = await admin.post("/attribution/rules/1/restore")
    assert answer.status_code == 202, answer.text
    rule = answer.json()["rule"]
    assert (rule["version"], rule["restored_from"], rule["settings"]["half_life_hours"]) == (3, 1, 168)
    await bought.work()
    assert (await admin.get("/settings/attribution")).json()["setting"]["value"]["half_life_hours"] == 168
    states = [each["state"] for each in (await admin.get("/attribution/rules")).json()["rules"]]
    assert states == ["active", "superseded", "superseded"]
    refused = await admin.post("/attribution/rules/3/restore")
    assert (refused.status_code, refused.json()["code"]) == (409, "already_current")
    assert (await admin.post("/attribution/rules/9/restore")).status_code == 404
    refused = await admin.post("/attribution/rules/2/restore", headers={"x-scopes": "adplanning:read adplanning:write"})
    assert refused.status_code == 403


async def test_another_stores_conversions_are_no_part_of_it(bought, runtime, admin):
    answer = await admin.post(
        "/attribution/what-if", json={"settings": {"half_life_hours": 1}, **PERIOD}, headers={"x-store": "other"}
    )
    assert (answer.json()["what_if"]["conversions"], answer.json()["what_if"]["campaigns"]) == (0, [])
