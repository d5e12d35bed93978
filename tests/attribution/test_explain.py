"""An explanation says of every touch whether it counts and why, and alone suffices to compute the credit once more."""

from __future__ import annotations

import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select

from adplanning_plugin.attribution import compute_credit
from adplanning_plugin.attribution.rules import DATA_DRIVEN, SECTION, WINDOWS
from adplanning_plugin.identity import deny, edge_table
from adplanning_plugin.identity.revoking import edge_id, revoke_edge
from adplanning_plugin.kernel.money import split_largest_remainder
from adplanning_plugin.kernel.settings import save
from adplanning_plugin.stats.credit import MODELS, weights
from adplanning_plugin.stats.data_driven import touch_weights
from adplanning_plugin.tracking.models import OrderVisit
from tests.attribution.conftest import DAY, NOON, Store
from tests.attribution.test_credit import change, edge
from tests.attribution.test_data_driven import CHANNELS, touch
from tests.attribution.test_data_driven_credit import BY_PLATFORM, EFFECTS, adopt, stored_fit
from tests.attribution.test_inbox import history, inbox


async def explained(admin: Any, conversion_id: str = "conv_1", **params: Any) -> dict[str, Any]:
    answer = await admin.get(f"/attribution/explain/{conversion_id}", params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()["explanation"]


async def credited(runtime: Any, *ids: str) -> None:
    async with runtime.database.transaction("main") as session:
        await compute_credit(session, runtime, "main", ids or None)


def reasons(explanation: dict[str, Any]) -> dict[str, str]:
    return {each["id"]: each["reason"] for each in (*explanation["touches"], *explanation["left_out"])}


def by_effects(explanation: dict[str, Any], touches: list[dict[str, Any]]) -> list[float]:
    """The shares of data_driven: the effects of the touches' channels or platforms, direct visits apart."""
    fit = explanation["rules"]["data_driven"]
    counted = [touch for touch in touches if not touch["is_direct"]]
    shares = iter(touch_weights([touch[fit["level"]] for touch in counted], fit["effects"]))
    return [0.0 if touch["is_direct"] else next(shares) for touch in touches]


def recomputed(explanation: dict[str, Any]) -> dict[str, dict[str, list[int]]]:
    """The recipe of docs/attribution.md, by `stats/credit.py` and the JSON alone: parts by model and touch."""
    settings = explanation["rules"]["settings"]
    at = datetime.fromisoformat(explanation["conversion"]["occurred_at"])
    touches = sorted(explanation["touches"], key=lambda touch: touch["position"])
    ages = [(at - datetime.fromisoformat(touch["occurred_at"])).total_seconds() / 3600 for touch in touches]
    direct = [touch["is_direct"] for touch in touches]
    found: dict[str, dict[str, list[int]]] = {}
    for model in explanation["rules"]["models"]:
        shares = (
            by_effects(explanation, touches)
            if model == DATA_DRIVEN
            else weights(
                model,
                ages,
                direct,
                half_life_hours=settings["half_life_hours"],
                first=settings["position_first"],
                last=settings["position_last"],
                direct=settings["direct"],
            )
        )
        lost = [0.0] if any(shares) else [1.0]
        value, refunded = (explanation["conversion"][f"{name}_minor"] for name in ("value", "refunded"))
        parts = zip(
            ["", *(touch["id"] for touch in touches)],
            split_largest_remainder(value, [*lost, *shares]),
            split_largest_remainder(refunded, [*lost, *shares]),
            strict=True,
        )
        found[model] = {id_: [amount, refund] for id_, amount, refund in parts if id_ or lost[0]}
    return found


@pytest.mark.parametrize("direct", ["exclude_unless_all", "include", "exclude"])
async def test_the_answer_alone_gives_the_stored_credit_to_the_minor_unit(
    store: Store, runtime: Any, admin: Any, direct: str
) -> None:
    seed = random.randrange(10**9)
    print("seed", seed)
    rng = random.Random(seed)
    settings = {
        "direct": direct,
        "half_life_hours": rng.choice([1.0, 24.0, 168.0]),
        "position_first": rng.choice([0.4, 0.0, 0.25]),
        "position_last": rng.choice([0.4, 0.3, 0.0]),
    }
    async with runtime.database.transaction("main") as session:
        await save(session, runtime, "main", SECTION, settings, None)
    for number in range(6):
        for place in range(rng.choice([0, 1, 2, 3, 7])):
            at = NOON - timedelta(seconds=rng.choice([0, 86_400, rng.randrange(130 * 86_400)]))
            await store.touch(f"touch_{number}_{place}", at, f"vis_{number}", is_direct=rng.random() < 0.4)
        value = rng.choice([0, 1, 7, 100_001, rng.randrange(10**9)])
        refunded = rng.choice([0, value, rng.randrange(value + 1)])
        at = NOON - timedelta(seconds=rng.choice([0, rng.randrange(20 * 86_400)]))
        await store.conversion(f"conv_{number}", at, value, visitor_id=f"vis_{number}", refunded=refunded)
    await credited(runtime)
    for number in range(6):
        for window in WINDOWS:
            explanation = await explained(admin, f"conv_{number}", window=str(window))
            stored = await store.credit(f"conv_{number}", window)
            for place, model in enumerate(MODELS):
                given = {row.touch_id: [row.amounts[place], row.refunds[place]] for row in stored}
                expected = recomputed(explanation)[model]
                assert {key: parts for key, parts in given.items() if any(parts)} == {
                    key: parts for key, parts in expected.items() if any(parts)
                }, (number, window, model)
            _sums_agree(explanation)


@pytest.mark.parametrize(("level", "effects"), [("channel", EFFECTS), ("platform", BY_PLATFORM)])
async def test_the_answer_alone_gives_the_stored_credit_of_data_driven(
    store: Store, runtime: Any, admin: Any, level: str, effects: dict[str, float]
) -> None:
    seed = random.randrange(10**9)
    print("seed", seed)
    rng = random.Random(seed)
    for number, size in enumerate([0, 1, 2, 3, 7, 12]):
        for place in range(size):
            at = NOON - timedelta(seconds=rng.randrange(20 * 86_400))
            await touch(store, f"touch_{number}_{place:02}", at, f"vis_{number}", rng.choice(CHANNELS))
        value = rng.choice([0, 1, 100_001, rng.randrange(10**9)])
        await store.conversion(f"conv_{number}", NOON, value, visitor_id=f"vis_{number}", refunded=value // 3)
    await credited(runtime)
    fit_id = await stored_fit(store, effects, level)
    await adopt(store, admin, fit_id)
    for number in range(6):
        explanation = await explained(admin, f"conv_{number}")
        fit = explanation["rules"]["data_driven"]
        assert (fit["fit_id"], fit["algorithm"], fit["chain_order"], fit["level"]) == (fit_id, "markov", 1, level)
        assert fit["effects"] == effects
        version = explanation["rules"]["version"]
        place = explanation["rules"]["models"].index(DATA_DRIVEN)
        stored = [row for row in await store.credit(f"conv_{number}", 30) if row.rule_version == version]
        given: dict[str, list[int]] = {row.touch_id: [row.amounts[place], row.refunds[place]] for row in stored}
        expected = recomputed(explanation)[DATA_DRIVEN]
        assert {key: parts for key, parts in given.items() if any(parts)} == {
            key: parts for key, parts in expected.items() if any(parts)
        }, number
        _sums_agree(explanation)


async def test_who_gave_a_touch_its_campaign_is_named_with_the_decision(store: Store, runtime: Any, admin: Any) -> None:
    await history(store, runtime)
    group = next(each for each in await inbox(admin) if each["name"] != "lamps")
    answer = await admin.post(f"/attribution/inbox/{group['key']}/approve", json={"ad_campaign_id": "c1"})
    approved = answer.json()["alias"]
    await store.work()
    lamps = next(each for each in await inbox(admin) if each["name"] == "lamps")
    ignored = (await admin.post(f"/attribution/inbox/{lamps['key']}/ignore")).json()["alias"]
    await store.work()

    def decisions(explanation: dict[str, Any]) -> dict[str, Any]:
        return {each["id"]: each["resolution"]["decision"] for each in explanation["touches"]}

    (first,) = {decision["id"] for decision in decisions(await explained(admin, "conv_1")).values()}
    assert first == approved["id"]
    (decided,) = decisions(await explained(admin, "conv_2")).values()
    assert (decided["kind"], decided["by"], decided["at"]) in {
        (kind, "7", approved["decided_at"]) for kind in ("suggestion", "alias")
    }
    assert decided["score"] == approved["score"]
    (left,) = decisions(await explained(admin, "conv_3")).values()
    assert (left["kind"], left["id"]) == ("ignored", ignored["id"])

    (matched,) = (await explained(admin, "conv_4"))["touches"]
    assert matched["resolution"]["decision"] is None
    assigned = await admin.put(f"/attribution/{matched['id']}", json={"ad_campaign_id": "c2"})
    assert assigned.status_code == 200
    await store.work()
    (by_hand,) = decisions(await explained(admin, "conv_4")).values()
    assert (by_hand["kind"], by_hand["by"]) == ("manual", "7")

    await admin.post(f"/attribution/aliases/{approved['id']}/revert")
    await store.work()
    assert set(decisions(await explained(admin, "conv_2")).values()) == {None}


def _sums_agree(explanation: dict[str, Any]) -> None:
    for place, model in enumerate(explanation["models"]):
        whole = [touch["credit"][place] for touch in explanation["touches"]] + [model["unattributed"]]
        for name in ("value_minor", "refunded_minor", "net_minor"):
            assert sum(each[name] for each in whole) == model["sum"][name] == explanation["conversion"][name]
        assert sum(each["weight"] for each in whole) == pytest.approx(1)


async def test_every_touch_that_could_be_meant_says_why_it_is_in_or_out(store: Store, runtime: Any, admin: Any) -> None:
    await store.touch("touch_in", NOON - DAY)
    await store.touch("touch_old", NOON - 40 * DAY)
    await store.touch("touch_after", NOON + DAY)
    for visitor, identifier, strength in (
        ("phone", "email:" + "a" * 64, 2),
        ("claimed", "email:" + "a" * 64, 1),
        ("office", "person:9", 2),
        ("vis_1", "person:8", 2),
        ("tablet", "person:8", 2),
    ):
        if visitor != "vis_1":
            await store.touch(f"touch_{visitor}", NOON - 2 * DAY, visitor_id=visitor)
        await edge(store, visitor, identifier, strength)
    async with runtime.database.transaction("main") as session:
        await deny(session, store.runtime, "main", "person:9", "a till")
    await store.conversion("conv_1", visitor_id="vis_1", person_id="9", identifier="email:" + "a" * 64)
    await credited(runtime, "conv_1")

    explanation = await explained(admin)
    assert reasons(explanation) == {
        "touch_in": "in_window",
        "touch_phone": "in_window",
        "touch_old": "outside_window",
        "touch_after": "after_conversion",
        "touch_claimed": "claimed",
        "touch_office": "denied",
        "touch_tablet": "another_person",
    }
    assert (explanation["state"], explanation["left_out_count"]) == ("computed", 5)
    by_id = {each["id"]: each for each in explanation["touches"]}
    assert by_id["touch_in"]["linked_by"] == "own_visitor"
    link = by_id["touch_phone"]["link"]
    assert (link["kind"], link["source"], link["identifier"]) == ("order", "test", {"kind": "email", "hash": "a" * 12})
    lifetime = reasons(await explained(admin, window="lifetime"))
    assert lifetime["touch_old"] == "in_window"


async def test_a_revoked_link_brings_nothing_and_says_so(store: Store, runtime: Any, admin: Any) -> None:
    await store.touch("touch_phone", NOON - DAY, visitor_id="phone")
    await edge(store, "phone", "person:7")
    async with runtime.database.transaction("main") as session:
        (row,) = await session.execute(select(edge_id().label("id"), edge_table.c.version))
        await revoke_edge(session, runtime, "main", "phone", row.id, version=row.version, by="1", reason="a mistake")
    await store.conversion("conv_1", person_id="7")
    await credited(runtime, "conv_1")
    explanation = await explained(admin)
    assert reasons(explanation) == {"touch_phone": "revoked"}
    assert explanation["models"][0]["unattributed"]["reason"] == "no_touch"


async def test_what_is_joined_over_several_links_counts_and_is_named(store: Store, runtime: Any, admin: Any) -> None:
    await store.touch("touch_tablet", NOON - DAY, visitor_id="tablet")
    for visitor, identifier in (("phone", "person:7"), ("phone", "email:" + "b" * 64), ("tablet", "email:" + "b" * 64)):
        await edge(store, visitor, identifier)
    await store.conversion("conv_1", person_id="7")
    await credited(runtime, "conv_1")
    (touch,) = (await explained(admin))["touches"]
    assert (touch["reason"], touch["link"]["reason"]) == ("in_window", "linked")
    assert touch["link"]["identifier"] == {"kind": "email", "hash": "b" * 12}


async def test_an_order_without_consent_reaches_nothing(store: Store, runtime: Any, admin: Any) -> None:
    await store.touch("touch_1", NOON - DAY)
    await store.conversion("conv_1", visitor_id="vis_1", value=500)
    async with runtime.database.transaction("main") as session:
        session.add(
            OrderVisit(tenant_id="main", order_id="order-conv_1", method="request", consent="denied", stamped_at=NOON)
        )
    await credited(runtime, "conv_1")
    explanation = await explained(admin)
    assert reasons(explanation) == {"touch_1": "no_consent"}
    lost = explanation["models"][0]["unattributed"]
    assert (lost["value_minor"], lost["reason"]) == (500, "no_consent")


async def test_a_model_that_passes_over_direct_visits_says_which_and_who_gets_nothing(
    store: Store, runtime: Any, admin: Any
) -> None:
    await store.touch("touch_ad", NOON - 2 * DAY)
    await store.touch("touch_direct", NOON - DAY, is_direct=True)
    await store.conversion("conv_1", visitor_id="vis_1", value=500)
    await store.touch("touch_alone", NOON - DAY, visitor_id="vis_2", is_direct=True)
    await store.conversion("conv_2", visitor_id="vis_2", value=500)
    await credited(runtime, "conv_1", "conv_2")
    models = {each["model"]: each for each in (await explained(admin))["models"]}
    assert models["last_click"]["passed_over"] == []
    assert models["linear"]["passed_over"] == models["last_non_direct"]["passed_over"] == ["touch_direct"]
    alone = {each["model"]: each for each in (await explained(admin, "conv_2"))["models"]}
    assert alone["last_non_direct"]["unattributed"]["reason"] == "only_direct"
    assert alone["linear"]["unattributed"]["weight"] == 0


async def test_credit_that_is_behind_says_that_it_is_due(store: Store, runtime: Any, admin: Any) -> None:
    await store.touch("touch_1", NOON - DAY)
    await store.conversion("conv_1", visitor_id="vis_1", value=500)
    assert (await explained(admin))["state"] == "not_computed"
    await credited(runtime, "conv_1")
    await store.touch("touch_2", NOON - DAY / 2)
    late = await explained(admin)
    assert (late["state"], reasons(late)["touch_2"]) == ("due", "due")
    await credited(runtime, "conv_1")
    await change(store, "conv_1", refunded=100)
    assert (await explained(admin))["state"] == "due"


async def test_an_address_is_shown_to_nobody_and_a_person_only_to_those_who_may(
    store: Store, runtime: Any, admin: Any
) -> None:
    await edge(store, "phone", "person:ann@example.com")
    await store.touch("touch_phone", NOON - DAY, visitor_id="phone")
    await store.conversion("conv_1", person_id="ann@example.com", identifier="email:" + "f" * 64)
    await credited(runtime, "conv_1")
    open_answer = await admin.get("/attribution/explain/conv_1")
    assert "ann@example.com" in open_answer.text
    closed = await admin.get("/attribution/explain/conv_1", headers={"x-scopes": "adplanning:read"})
    assert closed.status_code == 200
    assert "ann@example.com" not in closed.text
    assert "f" * 13 not in open_answer.text


async def test_unknown_conversions_and_windows_are_refused(store: Store, admin: Any) -> None:
    await store.conversion("conv_1")
    assert (await admin.get("/attribution/explain/conv_9")).status_code == 404
    assert (await admin.get("/attribution/explain/conv_1", params={"window": "5"})).status_code == 422
    theirs = await admin.get("/attribution/explain/conv_1", headers={"x-store": "other"})
    assert theirs.status_code == 404
