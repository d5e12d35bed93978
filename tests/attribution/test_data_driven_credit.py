"""Data-driven credit: a fit's effects share each conversion, to the minor unit, from its adoption on."""

import random
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import update

from adplanning_plugin.attribution import compute_credit, current_rules
from adplanning_plugin.attribution.fit_models import Fit
from adplanning_plugin.attribution.fits import FIT_JOB, ask_for_first_fit
from adplanning_plugin.attribution.rules import DATA_DRIVEN, WINDOWS
from adplanning_plugin.kernel.jobs import run_job_now
from adplanning_plugin.kernel.money import split_largest_remainder
from adplanning_plugin.stats.credit import MODELS
from adplanning_plugin.stats.data_driven import ChannelCredit, touch_weights
from tests.attribution.conftest import DAY, NOON, Store
from tests.attribution.test_data_driven import CHANNELS, END, FITS, PLATFORMS, START, fitted, journeys, touch

EFFECTS = {"Paid Search": 0.41, "Paid Social": 0.17, "Email": 0.0, "Display": 0.3}
BY_PLATFORM = {"google": 0.5, "meta": 0.25, "generic": 1e-3}


def channel(name: str, effect: float) -> dict[str, Any]:
    zero = {"share": 0.0, "value_share": 0.0, "conversions": 0.0, "value": 0.0, "value_effect": effect}
    return msgspec.to_builtins(ChannelCredit(channel=name, effect=effect, **zero))


async def stored_fit(store: Store, effects: dict[str, float], level: str = "channel", status: str = "done") -> str:
    """A fit as its job would have left it."""
    fit_id = f"fit_{level}_{len(effects)}_{status}"
    async with store.runtime.database.transaction("main") as session:
        session.add(
            Fit(
                tenant_id="main", id=fit_id, status=status, algorithm="markov", chain_order=1, level=level,
                window_days=30, starts_at=START, ends_at=END, zone="Asia/Kolkata", minimum_conversions=1, resamples=0,
                confidence=0.95, seed=1, currency="INR",
                answer={"channels": [channel(name, effect) for name, effect in effects.items()]},
            )
        )  # fmt: skip
    return fit_id


async def adopt(store: Store, admin: Any, fit_id: str) -> None:
    answer = await admin.post(f"{FITS}/{fit_id}/adopt")
    assert answer.status_code == 202, answer.text
    await store.work()


async def credit(store: Store, *ids: str) -> None:
    async with store.runtime.database.transaction("main") as session:
        await compute_credit(session, store.runtime, "main", ids)


def weighed(touches: Sequence[Any], effects: dict[str, float], level: str) -> list[float]:
    """Each touch's share by the pure arithmetic; direct touches stand outside."""
    counted = [row for row in touches if row.channel != "Direct"]
    shares = dict(
        zip(
            [row.touch_id for row in counted],
            touch_weights([getattr(row, level) for row in counted], effects),
            strict=True,
        )
    )
    return [shares.get(row.touch_id, 0.0) for row in touches]


@pytest.mark.parametrize(("level", "effects"), [("channel", EFFECTS), ("platform", BY_PLATFORM)])
async def test_every_conversion_is_shared_as_the_pure_weights_share_it_to_the_minor_unit(
    store, runtime, admin, level, effects
):
    draw = random.Random(11)
    sizes = [0, 1, 2, 3, 7, 500, *(draw.randint(1, 12) for _ in range(14))]
    ids: list[str] = []
    for number, size in enumerate(sizes):
        for step in range(size):
            at = NOON - timedelta(minutes=draw.randint(0, 120 * 1440), seconds=step)
            await touch(store, f"touch_{number:02}_{step:03}", at, f"vis_{number}", draw.choice(CHANNELS))
        value = draw.choice([0, 1, 7, 100, 99_999, 2**52 - 1, 9_000_000_000_000_007])
        refunded = draw.choice([0, value // 3, value])
        ids.append(await store.conversion(f"conv_{number}", NOON, value, visitor_id=f"vis_{number}", refunded=refunded))
    await credit(store, *ids)
    plain = {name: [(r.window_days, r.touch_id, r.weights, r.amounts, r.refunds) for r in await store.credit(name)]
             for name in ids}  # fmt: skip
    await adopt(store, admin, await stored_fit(store, effects, level))

    async with runtime.database.reading("main") as session:
        rules = await current_rules(session, "main")
    assert rules.models == (*MODELS, DATA_DRIVEN)
    lost = 0
    for name in ids:
        conversion = await store.stored_conversion(name)
        rows = [row for row in await store.credit(name) if row.rule_version == rules.version]
        for days in WINDOWS:
            mine = [row for row in rows if row.window_days == days]
            touches = [row for row in mine if row.touch_id]
            shares = weighed(touches, effects, level)
            unattributed = [row for row in mine if not row.touch_id]
            if not any(shares):
                lost += 1
                (rest,) = unattributed
                assert (rest.weights[6], rest.amounts[6], rest.refunds[6]) == (
                    1.0, conversion.value, conversion.refunded,
                )  # fmt: skip
                assert all((row.weights[6], row.amounts[6], row.refunds[6]) == (0, 0, 0) for row in touches)
                continue
            assert [row.weights[6] for row in touches] == pytest.approx(shares, abs=1e-9)
            assert sum(row.amounts[6] for row in mine) == conversion.value
            assert sum(row.refunds[6] for row in mine) == conversion.refunded
            if conversion.value < 2**40:
                assert [row.amounts[6] for row in touches] == split_largest_remainder(conversion.value, shares)
                assert [row.refunds[6] for row in touches] == split_largest_remainder(conversion.refunded, shares)
            assert all(row.weights[6] == 0 for row in unattributed)
        # What the other models say is as it was, to the last bit; a row that only data_driven needs says nothing else.
        kept = [(r.window_days, r.touch_id, r.weights[:6], r.amounts[:6], r.refunds[:6]) for r in rows]
        assert [row for row in kept if row[1] or any(row[2])] == plain[name]
    assert lost > 5


async def test_a_fit_is_adopted_beside_the_credit_in_use_and_then_a_model_like_any_other(store, runtime, admin):
    await touch(store, "touch_1", NOON - 2 * DAY, "vis_1", "Paid Search", ad_campaign_id="cmp_1")
    await touch(store, "touch_2", NOON - 1 * DAY, "vis_1", "Paid Social", ad_campaign_id="cmp_2")
    await store.conversion("conv_1", value=5_800, visitor_id="vis_1")
    await credit(store, "conv_1")
    asked = "/attribution/stats?model=data_driven&group_by=channel"
    refused = await admin.get(asked)
    assert (refused.status_code, refused.json()["errors"][0]["code"]) == (422, "no_fit")
    assert "/attribution/data-driven" in refused.json()["detail"]
    assert (await fitted(store, admin, minimum_conversions=70))["status"] == "insufficient_data"
    lacking = (await admin.get("/attribution?model=data_driven")).json()["detail"]
    assert "takes at least 70" in lacking

    fit_id = await stored_fit(store, EFFECTS)
    answer = await admin.post(f"{FITS}/{fit_id}/adopt")
    assert answer.json()["fit"]["is_being_adopted"] is True
    assert (await admin.get("/attribution/data-driven")).json()["data_driven"]["adopting"]["id"] == fit_id
    models = (await admin.get("/attribution/models")).json()["models"]
    assert [each["model"] for each in models] == list(MODELS)
    await store.work()

    models = (await admin.get("/attribution/models")).json()["models"]
    assert [each["model"] for each in models] == [*MODELS, DATA_DRIVEN]
    lines = (await admin.get(asked)).json()["stats"]
    assert {line["key"]: line["value_minor"] for line in lines} == {"Paid Search": 4_100, "Paid Social": 1_700}
    compared = (await admin.get("/attribution/comparison?group_by=channel")).json()["comparison"]
    credit_of = {each["model"]: each["value_minor"] for each in compared[0]["credit"]}
    assert credit_of[DATA_DRIVEN] == 4_100
    shown = (await admin.get("/attribution/data-driven")).json()["data_driven"]
    assert (shown["adopted"]["id"], shown["adopted"]["adopted_by"], shown["adopting"]) == (fit_id, "7", None)

    taken = await admin.delete("/attribution/data-driven/adoption")
    assert taken.json() == {"id": fit_id, "object": "adoption", "deleted": True}
    await store.work()
    assert (await admin.get(asked)).status_code == 422
    again = await admin.delete("/attribution/data-driven/adoption")
    assert (again.status_code, again.json()["code"]) == (409, "no_fit")


async def test_a_setting_that_changes_keeps_the_fit_and_the_default_model_keeps_it_from_being_taken_out(store, admin):
    fit_id = await stored_fit(store, EFFECTS)
    refused = await admin.put("/settings/attribution", json={"value": {"default_model": DATA_DRIVEN}})
    assert [each["field"] for each in refused.json()["errors"]] == ["default_model"]
    await touch(store, "touch_1", NOON - 2 * DAY, "vis_1", "Paid Search")
    await store.conversion("conv_1", visitor_id="vis_1")
    await credit(store, "conv_1")
    await adopt(store, admin, fit_id)
    saved = await admin.put(
        "/settings/attribution", json={"value": {"default_model": DATA_DRIVEN, "half_life_hours": 24}}
    )
    assert saved.status_code == 200, saved.text
    await store.work()
    assert (await admin.get("/attribution/models")).json()["models"][6]["is_default"] is True
    kept = await admin.delete("/attribution/data-driven/adoption")
    assert (kept.status_code, kept.json()["code"]) == (409, "default_model")


@pytest.mark.parametrize("status", ["pending", "insufficient_data", "failed"])
async def test_a_fit_without_effects_is_not_adopted(store, admin, status):
    refused = await admin.post(f"{FITS}/{await stored_fit(store, {}, status=status)}/adopt")
    assert (refused.status_code, refused.json()["code"]) == (409, status)
    assert (await admin.post(f"{FITS}/fit_none/adopt")).status_code == 404
    reading = {"x-scopes": "adplanning:read adplanning:write"}
    assert (await admin.post(f"{FITS}/fit_none/adopt", headers=reading)).status_code == 403


async def test_the_first_fit_of_the_schedule_is_adopted_by_itself_and_later_ones_wait(store, runtime, admin):
    small = {"minimum_conversions": 5, "period_days": 1_000, "resamples": 0}
    assert (await admin.put("/settings/data_driven", json={"value": small})).status_code == 200
    async with runtime.database.transaction("main") as session:
        assert await ask_for_first_fit(session, runtime, "main") is None
    await journeys(store, seed=5, people=40)
    async with runtime.database.transaction("main") as session:
        assert await ask_for_first_fit(session, runtime, "main") is not None
        assert await ask_for_first_fit(session, runtime, "main") is None
    await store.work()
    first = (await admin.get("/attribution/data-driven")).json()["data_driven"]["adopted"]
    assert (first["requested_by"], first["adopted_by"], first["status"]) == (None, None, "done")

    async with runtime.database.transaction("main") as session:
        assert await ask_for_first_fit(session, runtime, "main") is None
        await run_job_now(session, runtime, "main", FIT_JOB)
    await store.work()
    second = (await admin.get("/attribution/data-driven")).json()["data_driven"]
    assert second["adopted"]["id"] == first["id"] != second["latest"]["id"]

    assert (await admin.put("/settings/data_driven", json={"value": {"adopt": "every"}})).status_code == 200
    async with runtime.database.transaction("main") as session:
        await run_job_now(session, runtime, "main", FIT_JOB)
    await store.work()
    third = (await admin.get("/attribution/data-driven")).json()["data_driven"]
    assert third["adopted"]["id"] == third["latest"]["id"] != second["latest"]["id"]


async def test_what_somebody_fits_is_never_adopted_by_itself(store, admin):
    await journeys(store, seed=5, people=40)
    assert (await fitted(store, admin, minimum_conversions=5, resamples=0))["is_adopted"] is False


async def test_no_weekly_fit_where_the_store_wants_none(store, runtime, admin):
    assert (await admin.put("/settings/data_driven", json={"value": {"weekly": False}})).status_code == 200
    async with runtime.database.transaction("main") as session:
        await run_job_now(session, runtime, "main", FIT_JOB)
    await store.work()
    assert (await admin.get(FITS)).json()["count"] == 0


async def test_a_late_touch_is_shared_by_the_fit_in_use(store, runtime, admin):
    await touch(store, "touch_1", NOON - 2 * DAY, "vis_1", "Paid Search")
    await store.conversion("conv_1", value=5_800, visitor_id="vis_1")
    await credit(store, "conv_1")
    await adopt(store, admin, await stored_fit(store, EFFECTS))
    await touch(store, "touch_2", NOON - 1 * DAY, "vis_1", "Paid Social")
    await credit(store, "conv_1")
    rows = await store.credit("conv_1", 30)
    assert {row.touch_id: row.amounts[6] for row in rows} == {"touch_1": 4_100, "touch_2": 1_700}
    assert PLATFORMS["Paid Search"] == rows[0].platform


async def test_effects_of_a_fit_are_read_as_they_were_stored_whatever_is_fitted_later(store, runtime, admin):
    await touch(store, "touch_1", NOON - 2 * DAY, "vis_1", "Paid Search")
    await touch(store, "touch_2", NOON - 1 * DAY, "vis_1", "Email")
    await store.conversion("conv_1", value=100, visitor_id="vis_1")
    await credit(store, "conv_1")
    await adopt(store, admin, await stored_fit(store, EFFECTS))
    await stored_fit(store, {"Email": 1.0})
    await credit(store, "conv_1")
    assert {row.touch_id: row.amounts[6] for row in await store.credit("conv_1", 30)} == {"touch_1": 100, "touch_2": 0}
    async with runtime.database.transaction("main") as session:
        await session.execute(update(Fit).values(status="done"))


async def test_an_explanation_is_enough_to_compute_the_data_driven_credit_again(store, runtime, admin):
    for number, channel_name in enumerate(("Paid Search", "Direct", "Paid Search", "Display", "Email")):
        more = {} if channel_name != "Display" else {"channel": "Display", "platform": "google"}
        name = "Email" if channel_name == "Display" else channel_name
        await store.touch(
            f"touch_{number}", NOON - (5 - number) * DAY, "vis_1",
            **{"channel": name, "platform": PLATFORMS[name], "is_direct": name == "Direct", **more},
        )  # fmt: skip
    await store.conversion("conv_1", value=99_999, visitor_id="vis_1", refunded=333)
    await credit(store, "conv_1")
    fit_id = await stored_fit(store, EFFECTS)
    await adopt(store, admin, fit_id)

    told = (await admin.get("/attribution/explain/conv_1")).json()["explanation"]
    used = told["rules"]["data_driven"]
    assert (used["fit_id"], used["level"]) == (fit_id, "channel")
    counted = [each for each in told["touches"] if not each["is_direct"]]
    weights = touch_weights([each[used["level"]] for each in counted], used["effects"])
    amounts = split_largest_remainder(told["conversion"]["value_minor"], weights)
    stored = {row.touch_id: row for row in await store.credit("conv_1", told["window_days"])}
    assert {each["id"]: stored[each["id"]].amounts[6] for each in counted} == {
        each["id"]: amount for each, amount in zip(counted, amounts, strict=True)
    }
    model = next(each for each in told["models"] if each["model"] == DATA_DRIVEN)
    assert (model["label"], model["is_built_in"], model["passed_over"]) == ("Data-driven", True, ["touch_1"])
