"""The profile: every registered section in its order, each failing alone; and everything that a person did."""

from typing import Any

from adplanning_plugin import hookimpl
from adplanning_plugin.hookspecs import Section
from tests.customers.conftest import ASHA, DAY, NOON, Shop, admin_of, customers_runtime

NO_PII = {"x-scopes": "adplanning:read"}


async def profile_of(admin: Any, **more: Any) -> dict[str, Any]:
    answer = await admin.get(f"/customers/{ASHA}/profile", **more)
    assert answer.status_code == 200, answer.text
    return answer.json()["customer"]


async def test_one_page_says_who_it_is_what_they_ordered_and_how_they_came(admin: Any) -> None:
    found = await profile_of(admin, params={"expand": "order,form_response"})
    assert (found["name"], found["phone"], found["in_store"]) == ("Asha Rao", "+91 984711", True)
    sections = {each["key"]: each for each in found["sections"]}
    assert [each["key"] for each in found["sections"]] == ["identity", "orders", "journey", "touches", "consents"]
    assert [each["problem"] for each in found["sections"]] == [None] * 5
    identity, orders, touches = (sections[key]["data"] for key in ("identity", "orders", "touches"))
    assert (identity["visitors"], identity["addresses"]) == (2, 1)
    assert identity["links"] == {"login": 2, "order": 2}
    assert (orders["orders"], orders["totals"][0]["value"]) == (1, "999.99")
    assert orders["totals"][0]["refunded"] == "200.01"
    assert [each["order_id"] for each in orders["last_orders"]] == ["order-1"]
    assert (touches["first"]["campaign"], touches["last"]["campaign"]) == ("spring", "brand")
    assert {"campaign_name"} <= set(touches["first"])
    assert sections["consents"]["data"]["purposes"] == dict.fromkeys(
        ("analytics", "ads", "personalisation", "profiling"), True
    )
    assert sections["journey"]["data"]["events"] > 6
    assert [each["id"] for each in found["order"]] == ["order-1"]
    assert found["order"][0]["total"] == "1200.00"


async def test_without_the_scope_nothing_says_who_it_is(admin: Any) -> None:
    found = await profile_of(admin, headers=NO_PII, params={"expand": "order,feedback,lead"})
    assert {found[name] for name in ("name", "email", "phone", "first_name", "city", "birth_date")} == {None}
    assert found["order"][0].get("email") is None
    assert "comment" not in found["feedback"][0]
    assert "name" not in found["lead"][0]


async def test_a_section_that_fails_spoils_no_other_and_scopes_are_kept(shop: Shop) -> None:
    async def broken(*_: Any) -> Any:
        await _[1].execute(_no_such_table())

    async def secret(*_: Any) -> Any:
        return {"score": 7}

    class Scores:
        @hookimpl
        def register_sections(self) -> Any:
            return [
                Section(key="broken", title="Broken", compute=broken, place="person", order=12),
                Section(key="scores", title="Scores", compute=secret, place="person", order=50, scope="adplanning:pii"),
            ]

    runtime = customers_runtime(shop.runtime.database, Scores())
    async with admin_of(runtime) as admin:
        found = {each["key"]: each for each in (await profile_of(admin))["sections"]}
        assert found["broken"]["data"] is None
        assert found["broken"]["problem"]
        assert found["orders"]["data"]["orders"] == 1
        assert found["scores"]["data"] == {"score": 7}
        limited = {each["key"] for each in (await profile_of(admin, headers=NO_PII))["sections"]}
        assert "scores" not in limited


def _no_such_table() -> Any:
    from sqlalchemy import text

    return text("SELECT * FROM adplanning.no_such_table")


async def test_interactions_are_all_that_a_person_did_newest_first_and_claims_are_marked(
    shop: Shop, admin: Any
) -> None:
    await shop.track("page_view", NOON - 2 * DAY, "vis_claims_to_be_asha")
    await shop.link("vis_claims_to_be_asha", f"person:{ASHA}", NOON - 2 * DAY, kind="form")
    answer = (await admin.get(f"/customers/{ASHA}/interactions", params={"limit": 200})).json()
    rows = answer["interactions"]
    assert answer["count"] == len(rows)
    times = [row["occurred_at"] for row in rows]
    assert times == sorted(times, reverse=True)
    kinds = {row["event_type"] for row in rows}
    assert {"page_view", "ad_click", "lead_capture", "feedback", "purchase", "refund", "social_engage"} <= kinds
    assert {row["visitor_id"] for row in rows if row["claimed"]} == {"vis_claims_to_be_asha"}
    assert {row["visitor_id"] for row in rows} >= {"vis_asha_laptop", "vis_asha_phone"}
    assert "vis_bela" not in {row["visitor_id"] for row in rows}
    bought = (await admin.get(f"/customers/{ASHA}/interactions", params={"event_type": "purchase"})).json()
    assert {row["event_type"] for row in bought["interactions"]} == {"purchase"}
    second = (await admin.get(f"/customers/{ASHA}/interactions", params={"limit": 3, "offset": 3})).json()
    assert [row["id"] for row in second["interactions"]] == [row["id"] for row in rows[3:6]]


async def test_an_unknown_name_in_expand_is_refused(admin: Any) -> None:
    answer = await admin.get(f"/customers/{ASHA}/profile", params={"expand": "order,horoscope"})
    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, "expand")
