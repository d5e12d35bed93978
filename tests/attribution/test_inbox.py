"""The inbox: look-alikes in one group with what is at stake; a decision moves history and is undone exactly."""

from typing import Any

from sqlalchemy import select, text

from adplanning_plugin.attribution.crediting import compute_credit
from adplanning_plugin.kernel.jobs import run_job_now
from adplanning_plugin.kernel.tables import AuditEntry
from tests.attribution.conftest import DAY, NOON, Store


async def tagged(store: Store, id: str, name: str, days: float = 1, visitor: str = "vis_1", **more: Any) -> str:  # noqa: A002
    given = {
        "source": "facebook", "medium": "paid_social", "platform": "meta", "channel": "Paid Social", "campaign": name,
        "campaign_key": name.replace("_", " "), "resolution_method": "unresolved",
    }  # fmt: skip
    return await store.touch(id, NOON - days * DAY, visitor, **(given | more))


async def history(store: Store, runtime: Any) -> None:
    """Two campaigns; names between them that nobody could guess; a purchase behind each."""
    for id, name in (("c1", "Monsoon Kurtas 2026"), ("c2", "Monsoon Kurtas 2025"), ("c3", "Diwali Lamps")):  # noqa: A001
        await store.put("ad_campaign", {"id": id, "platform": "facebook", "name": name, "created_at": NOON - 90 * DAY})
    await tagged(store, "touch_a", "monsoon_kurtas", 3, "vis_1")
    await tagged(store, "touch_b", "monsoon_kurtas", 2, "vis_2")
    await tagged(store, "touch_c", "monsoon_kurtaz", 1, "vis_1", source="instagram")
    await tagged(store, "touch_d", "lamps", 1, "vis_3")
    await tagged(store, "touch_e", "diwali lmaps", 1, "vis_4")
    for number, (visitor, value) in enumerate((("vis_1", 1001), ("vis_2", 500), ("vis_3", 300), ("vis_4", 200)), 1):
        await store.conversion(f"conv_{number}", NOON, value, visitor_id=visitor, is_revenue=True)
    async with runtime.database.transaction("main") as session:
        await run_job_now(session, runtime, "main", "resolve-attributions", {})
        await compute_credit(session, runtime, "main")
    await store.work()


async def rows(store: Store) -> list[Any]:
    """Every row of credit, to be compared to the last bit."""
    found = [row for number in (1, 2, 3, 4) for row in await store.credit(f"conv_{number}")]
    names = [column.key for column in found[0].__table__.columns]
    return [tuple(getattr(row, name) for name in names) for row in found]


async def inbox(admin: Any, **query: Any) -> list[dict[str, Any]]:
    answer = await admin.get("/attribution/inbox", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()["inbox"]


async def test_look_alikes_are_one_group_with_what_is_at_stake_and_a_suggestion(store, runtime, admin):
    await history(store, runtime)
    kurtas, lamps = await inbox(admin)
    assert [variant["name"] for variant in kurtas["variants"]] == ["monsoon kurtas", "monsoon kurtaz"]
    assert (kurtas["touches"], kurtas["platform"], lamps["name"]) == (3, "meta", "lamps")
    assert kurtas["sources"] == [
        {"source": "facebook", "medium": "paid_social"}, {"source": "instagram", "medium": "paid_social"},
    ]  # fmt: skip
    # Both of the first purchase's touches are of the group; it is counted once, with all of its value.
    assert kurtas["at_stake"] == [
        {
            "currency": "INR",
            "orders": 2,
            "value": "15.01",
            "value_minor": 1501,
            "credit": "15.01",
            "credit_minor": 1501,
        }
    ]
    near = kurtas["suggestion"]
    assert near["campaign"].startswith("Monsoon Kurtas")
    assert near["margin"] == 0
    assert {near["ad_campaign_id"], near["runner_up"]["ad_campaign_id"]} == {"c1", "c2"}
    assert lamps["suggestion"]["campaign"] == "Diwali Lamps"
    (matched,) = await inbox(admin, status="matched")
    assert matched["matched"] == {"ad_campaign_id": "c3", "campaign": "Diwali Lamps"}


async def test_approval_moves_all_history_and_the_reversal_restores_it_exactly(store, runtime, admin):
    await history(store, runtime)
    before = await rows(store)
    group = (await inbox(admin))[0]
    answer = await admin.post(f"/attribution/inbox/{group['key']}/approve", json={"ad_campaign_id": "c1"})
    assert answer.status_code == 202, answer.text
    alias = answer.json()["alias"]
    assert (alias["state"], alias["decided_by"], alias["names"]) == (
        "applying",
        "7",
        ["monsoon kurtas", "monsoon kurtaz"],
    )
    await store.work()

    alias = (await admin.get(f"/attribution/aliases/{alias['id']}")).json()["alias"]
    assert (alias["state"], alias["campaign"], alias["outcome"]["touches"]) == ("active", "Monsoon Kurtas 2026", 3)
    gained, lost = alias["outcome"]["changes"]
    assert gained == {
        "ad_campaign_id": "c1", "campaign": "Monsoon Kurtas 2026", "currency": "INR", "orders": 2.0,
        "change": "15.01", "before": "0.00", "after": "15.01", "change_minor": 1501, "before_minor": 0,
        "after_minor": 1501,
    }  # fmt: skip
    assert (lost["ad_campaign_id"], lost["change_minor"]) == (None, -1501)
    for touch in await store.touches(campaign="monsoon_kurtas"):
        assert (touch.ad_campaign_id, touch.resolution_method, touch.resolution_reason, touch.confidence) == (
            "c1", "fuzzy_name_match", "alias", 1.0,
        )  # fmt: skip
    stats = (await admin.get("/attribution/stats")).json()["stats"]
    assert {line["key"]: line["net_minor"] for line in stats} == {"c1": 1501, "lamps": 300, "c3": 200}
    assert (await store.stored_conversion("conv_2")).ad_campaign_id == "c1"
    assert [each["name"] for each in await inbox(admin)] == ["lamps"]

    undone = await admin.post(f"/attribution/aliases/{alias['id']}/revert")
    assert undone.status_code == 202, undone.text
    await store.work()
    alias = (await admin.get(f"/attribution/aliases/{alias['id']}")).json()["alias"]
    assert (alias["state"], alias["reverted_by"]) == ("reverted", "7")
    assert [line["change_minor"] for line in alias["revert_outcome"]["changes"]] == [1501, -1501]
    assert await rows(store) == before
    assert [each["touches"] for each in await inbox(admin)] == [3, 1]
    again = await admin.post(f"/attribution/aliases/{alias['id']}/revert")
    assert (again.status_code, again.json()["code"]) == (409, "already_reverted")


async def test_touches_to_come_follow_the_decision_and_those_assigned_by_hand_stay(store, runtime, admin):
    await history(store, runtime)
    assigned = await admin.put("/attribution/touch_b", json={"ad_campaign_id": "c2"})
    assert assigned.status_code == 200
    group = (await inbox(admin))[0]
    await admin.post(f"/attribution/inbox/{group['key']}/approve", json={"ad_campaign_id": "c1"})
    await store.work()
    await tagged(store, "touch_new", "monsoon_kurtas", 0.5, "vis_9")
    await admin.post("/attribution/resolve", json={"ids": ["touch_new"]})
    touches = {touch.id: touch for touch in await store.touches()}
    assert (touches["touch_new"].ad_campaign_id, touches["touch_new"].resolution_reason) == ("c1", "alias")
    assert (touches["touch_b"].ad_campaign_id, touches["touch_b"].resolution_method) == ("c2", "manual")

    (alias,) = (await admin.get("/attribution/aliases")).json()["aliases"]
    await admin.post(f"/attribution/aliases/{alias['id']}/revert")
    await store.work()
    touches = {touch.id: touch for touch in await store.touches()}
    assert (touches["touch_new"].ad_campaign_id, touches["touch_new"].resolution_reason) == (None, "unknown_campaign")
    assert (touches["touch_b"].ad_campaign_id, touches["touch_b"].resolution_method) == ("c2", "manual")


async def test_some_of_a_groups_names_can_be_decided_alone(store, runtime, admin):
    await history(store, runtime)
    group = (await inbox(admin))[0]
    chosen = {"ad_campaign_id": "c1", "names": ["monsoon kurtaz"]}
    await admin.post(f"/attribution/inbox/{group['key']}/approve", json=chosen)
    await store.work()
    rest = (await inbox(admin))[0]
    assert [variant["name"] for variant in rest["variants"]] == ["monsoon kurtas"]


async def test_an_ignored_name_leaves_the_inbox_is_not_guessed_and_comes_back(store, runtime, admin):
    await history(store, runtime)
    before = await rows(store)
    (matched,) = await inbox(admin, status="matched")
    answer = await admin.post(f"/attribution/inbox/{matched['key']}/ignore")
    assert answer.status_code == 202, answer.text
    await store.work()
    (touch,) = await store.touches(id="touch_e")
    assert (touch.is_resolved, touch.resolution_method, touch.resolution_reason) == (False, "unresolved", "ignored")
    async with runtime.database.transaction("main") as session:
        await run_job_now(session, runtime, "main", "resolve-attributions", {"include_resolved": True})
    await store.work()
    (touch,) = await store.touches(id="touch_e")
    assert touch.resolution_reason == "ignored"
    assert "diwali lmaps" not in [each["name"] for each in await inbox(admin)]
    assert [each["name"] for each in await inbox(admin, status="ignored")] == ["diwali lmaps"]
    alias = answer.json()["alias"]
    await admin.post(f"/attribution/aliases/{alias['id']}/revert")
    await store.work()
    assert await rows(store) == before


async def test_a_later_decision_wins_and_taking_it_back_restores_the_earlier_one(store, runtime, admin):
    await history(store, runtime)
    (matched,) = await inbox(admin, status="matched")
    first = await admin.post(f"/attribution/inbox/{matched['key']}/ignore")
    await store.work()
    after_first = await rows(store)
    second = await admin.post(f"/attribution/inbox/{matched['key']}/approve", json={"ad_campaign_id": "c1"})
    assert second.status_code == 202, second.text
    await store.work()
    (touch,) = await store.touches(id="touch_e")
    assert touch.ad_campaign_id == "c1"
    await admin.post(f"/attribution/aliases/{second.json()['alias']['id']}/revert")
    await store.work()
    (touch,) = await store.touches(id="touch_e")
    assert (touch.ad_campaign_id, touch.resolution_reason) == (None, "ignored")
    assert await rows(store) == after_first
    assert first.status_code == 202


async def test_a_decision_whose_run_was_lost_is_applied_later(store, runtime, admin):
    await history(store, runtime)
    group = (await inbox(admin))[0]
    alias = (await admin.post(f"/attribution/inbox/{group['key']}/approve", json={"ad_campaign_id": "c1"})).json()[
        "alias"
    ]
    async with runtime.database.transaction("main") as session:
        await session.execute(text("DELETE FROM adplanning.work_item WHERE id = :id"), {"id": alias["work"]["id"]})
        await run_job_now(session, runtime, "main", "apply-campaign-aliases")
    await store.work()
    alias = (await admin.get(f"/attribution/aliases/{alias['id']}")).json()["alias"]
    assert (alias["state"], alias["outcome"]["touches"]) == ("active", 3)


async def test_order_filters_pages_and_csv(store, runtime, admin):
    await history(store, runtime)
    names = ["monsoon_kurtas", "lamps"]
    assert [each["name"] for each in await inbox(admin, order="-touches")] == names
    assert [each["name"] for each in await inbox(admin, order="value")] == names[::-1]
    assert [each["name"] for each in await inbox(admin, order="name")] == names[::-1]
    assert [each["name"] for each in await inbox(admin, order="-score")] == names
    assert [each["name"] for each in await inbox(admin, limit=1, offset=1)] == ["lamps"]
    assert [each["name"] for each in await inbox(admin, q="KURTAZ")] == ["monsoon_kurtas"]
    assert [each["name"] for each in await inbox(admin, source="Instagram")] == ["monsoon_kurtas"]
    assert await inbox(admin, platform="google") == []
    assert await inbox(admin, suggested=False) == []
    file = await admin.get("/attribution/inbox", headers={"accept": "text/csv"})
    head, first, *_ = file.text.splitlines()
    assert head.startswith("key,name,platform,website_id,touches")
    assert "monsoon kurtas | monsoon kurtaz" in first


BAD = (
    ("approve", {"ad_campaign_id": "nobody"}, "ad_campaign_id"),
    ("approve", {"ad_campaign_id": "c1", "names": ["spring"]}, "names"),
    ("approve", {"ad_campaign_id": "c1", "names": []}, "names"),
    ("approve", {}, "ad_campaign_id"),
    ("ignore", {"names": ["spring"]}, "names"),
    ("ignore", {"campaign": "c1"}, "campaign"),
)


async def test_bad_input_names_its_field(store, runtime, admin):
    await history(store, runtime)
    group = (await inbox(admin))[0]
    for path, body, field in BAD:
        answer = await admin.post(f"/attribution/inbox/{group['key']}/{path}", json=body)
        assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field), answer.text


async def test_what_is_not_there_says_so_and_who_may_not_write_decides_nothing(store, runtime, admin):
    await history(store, runtime)
    gone = await admin.post("/attribution/inbox/name_0/approve", json={"ad_campaign_id": "c1"})
    assert gone.status_code == 404
    assert (await admin.get("/attribution/aliases/alias_0")).status_code == 404
    assert (await admin.get("/attribution/inbox", params={"order": "size"})).json()["errors"][0]["field"] == "order"
    group = (await inbox(admin))[0]
    readers = {"x-scopes": "adplanning:read"}
    path = f"/attribution/inbox/{group['key']}/approve"
    assert (await admin.post(path, json={"ad_campaign_id": "c1"}, headers=readers)).status_code == 403
    other = await admin.get("/attribution/inbox", headers={"x-store": "other"})
    assert other.json()["inbox"] == []


async def test_every_decision_is_in_the_audit(store, runtime, admin):
    await history(store, runtime)
    group = (await inbox(admin))[0]
    alias = (await admin.post(f"/attribution/inbox/{group['key']}/approve", json={"ad_campaign_id": "c1"})).json()[
        "alias"
    ]
    await admin.post(f"/attribution/aliases/{alias['id']}/revert")
    await store.work()
    async with runtime.database.reading("main") as session:
        statement = select(AuditEntry.action, AuditEntry.actor_id, AuditEntry.changes).where(
            AuditEntry.tenant_id == "main", AuditEntry.object_id == alias["id"]
        )
        found = (await session.execute(statement.order_by(AuditEntry.id))).all()
    assert [(row.action, row.actor_id) for row in found] == [
        ("attribution.alias_approved", "7"), ("attribution.alias_reverted", "7"),
    ]  # fmt: skip
    assert found[0].changes == {"names": ["monsoon kurtas", "monsoon kurtaz"], "ad_campaign_id": "c1"}
