"""Credit: the database's split of conversions among touches, against a plain replay, to the last minor unit."""

import math
import random
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from sqlalchemy import select, text

from adplanning_plugin import hookimpl
from adplanning_plugin.attribution import compute_credit, current_rules
from adplanning_plugin.attribution.models import Credit
from adplanning_plugin.attribution.rules import SECTION, WINDOWS
from adplanning_plugin.identity import Edge, deny, link
from adplanning_plugin.kernel.errors import ConfigurationError, Invalid
from adplanning_plugin.kernel.money import split_largest_remainder
from adplanning_plugin.kernel.settings import save
from adplanning_plugin.stats.credit import MODELS, weights
from adplanning_plugin.tracking.models import Conversion
from tests.attribution.conftest import DAY, NOON, Store, make_runtime


async def credited(runtime: Any, *ids: str, tenant_id: str = "main") -> int:
    async with runtime.database.transaction(tenant_id) as session:
        return await compute_credit(session, runtime, tenant_id, ids or None)


async def edge(store: Store, visitor_id: str, identifier: str, strength: int = 2) -> None:
    async with store.runtime.database.transaction(store.tenant_id) as session:
        kind = "order" if strength == 2 else "form"
        await link(session, store.runtime, store.tenant_id, [Edge(visitor_id, identifier, kind, "test", NOON)])


async def change(store: Store, id: str, **values: Any) -> None:  # noqa: A002
    async with store.runtime.database.transaction(store.tenant_id) as session:
        found = await session.get(Conversion, (store.tenant_id, id))
        assert found is not None
        for name, value in values.items():
            setattr(found, name, value)


async def test_a_touch_counts_after_the_window_opens_and_until_the_conversion(store, runtime):
    tick = timedelta(microseconds=1)
    await store.touch("touch_too_early", NOON - 7 * DAY)
    await store.touch("touch_first", NOON - 7 * DAY + tick)
    await store.touch("touch_last", NOON)
    await store.touch("touch_after", NOON + tick)
    await store.conversion("conv_1", visitor_id="vis_1")

    await credited(runtime, "conv_1")

    seven = [row.touch_id for row in await store.credit("conv_1", 7)]
    assert seven == ["touch_first", "touch_last"]
    lifetime = [row.touch_id for row in await store.credit("conv_1", 0)]
    assert lifetime == ["touch_too_early", "touch_first", "touch_last"]
    assert [row.touch_id for row in await store.credit("conv_1", 1)] == ["touch_last"]


async def test_touches_of_one_instant_are_ordered_by_id(store, runtime):
    for name in ("touch_c", "touch_a", "touch_b"):
        await store.touch(name, NOON - DAY)
    await store.conversion("conv_1", visitor_id="vis_1")
    await credited(runtime, "conv_1")
    assert [(row.touch_id, row.position) for row in await store.credit("conv_1", 30)] == [
        ("touch_a", 1),
        ("touch_b", 2),
        ("touch_c", 3),
    ]


async def test_without_a_touch_every_window_says_unattributed(store, runtime):
    await store.conversion("conv_1", value=4999, refunded=1000)
    await credited(runtime, "conv_1")
    rows = await store.credit("conv_1")
    assert sorted(row.window_days for row in rows) == sorted(WINDOWS)
    for row in rows:
        assert (row.touch_id, row.position, row.touches) == ("", 0, 0)
        assert row.weights == [1.0] * len(MODELS)
        assert row.amounts == [4999] * len(MODELS)
        assert row.refunds == [1000] * len(MODELS)
    assert (await store.stored_conversion("conv_1")).platform is None


async def test_a_direct_visit_alone_leaves_last_non_direct_unattributed(store, runtime):
    await store.touch("touch_d", NOON - DAY / 2, is_direct=True)
    await store.conversion("conv_1", value=700, visitor_id="vis_1")
    await credited(runtime, "conv_1")
    lost, direct = await store.credit("conv_1", 30)
    non_direct = MODELS.index("last_non_direct")
    assert [index for index, weight in enumerate(lost.weights) if weight] == [non_direct]
    assert lost.amounts[non_direct] == 700
    assert [direct.amounts[index] for index in range(len(MODELS)) if index != non_direct] == [700] * 5
    assert (await store.stored_conversion("conv_1")).platform == "direct"


async def test_the_last_touch_that_is_not_direct_names_the_conversions_campaign(store, runtime):
    await store.touch("touch_1", NOON - 3 * DAY, platform="meta", ad_campaign_id="c1", ad_set_id="s1", ad_id="a1")
    await store.touch("touch_2", NOON - DAY, is_direct=True)
    await store.conversion("conv_1", visitor_id="vis_1")
    await store.conversion(
        "conv_2", visitor_id="vis_1", platform="google", ad_campaign_id="by-hand", campaign_assigned=True
    )
    await credited(runtime, "conv_1", "conv_2")
    found = await store.stored_conversion("conv_1")
    assert (found.platform, found.ad_campaign_id, found.ad_set_id, found.ad_id) == ("meta", "c1", "s1", "a1")
    assert found.attribution_version == 1
    kept = await store.stored_conversion("conv_2")
    assert (kept.platform, kept.ad_campaign_id, kept.attribution_version) == ("google", "by-hand", 1)


async def test_strong_edges_bring_other_devices_weak_and_denied_ones_do_not(store, runtime):
    for visitor in ("laptop", "phone", "claimed", "shared", "stranger"):
        await store.touch(f"touch_{visitor}", NOON - DAY, visitor_id=visitor)
    await store.touch("touch_by_person", NOON - DAY, visitor_id="session:9", person_id="7")
    await edge(store, "phone", "person:7")
    await edge(store, "laptop", "email:abc")
    await edge(store, "claimed", "email:abc", strength=1)
    await edge(store, "shared", "email:mailbox")
    async with runtime.database.transaction("main") as session:
        await deny(session, store.runtime, "main", "email:mailbox", "shared")
    await store.conversion("conv_1", person_id="7", identifier="email:abc")
    await store.conversion("conv_2", identifier="email:mailbox")
    await store.conversion("conv_lead", identifier="email:abc", lead_id="9", conversion_type="lead_form_submission")
    await credited(runtime, "conv_1", "conv_2", "conv_lead")
    assert {row.touch_id for row in await store.credit("conv_1", 0)} == {
        "touch_laptop",
        "touch_phone",
        "touch_by_person",
    }
    assert {row.touch_id for row in await store.credit("conv_2", 0)} == {""}
    assert {row.touch_id for row in await store.credit("conv_lead", 0)} == {""}, (
        "an address typed in a form earns nothing"
    )


async def test_a_touch_reached_in_several_ways_counts_once(store, runtime):
    await store.touch("touch_1", NOON - DAY, visitor_id="vis_1", session_id="ses_1", person_id="7")
    await edge(store, "vis_1", "person:7")
    await edge(store, "vis_1", "email:abc")
    await store.conversion("conv_1", visitor_id="vis_1", session_id="ses_1", person_id="7", identifier="email:abc")
    await credited(runtime, "conv_1")
    assert [row.touch_id for row in await store.credit("conv_1", 0)] == ["touch_1"]


async def test_the_largest_value_is_shared_also_where_the_ends_earn_nothing(store, runtime):
    async with runtime.database.transaction("main") as session:
        await save(session, runtime, "main", SECTION, {"position_first": 0.0, "position_last": 0.0}, None)
    for number in range(4):
        await store.touch(f"touch_{number}", NOON - DAY * (4 - number))
    await store.conversion("conv_1", NOON, 2**63 - 1, visitor_id="vis_1")
    await credited(runtime, "conv_1")
    shares = [row.amounts[4] for row in await store.credit("conv_1", 0)]
    assert len(shares) == 4
    assert sum(shares) == 2**63 - 1
    assert shares[0] in range(4), "the ends earn nothing but what rounding leaves"


async def test_no_part_is_negative_and_all_sum_to_the_value_however_large_it_is(store, runtime):
    seed = random.randrange(10**9)
    print("seed", seed)
    rng = random.Random(seed)
    ends = rng.choice([(0.0, 0.0), (1.0, 0.0), (0.0, 1.0), (0.7, 0.3), (0.1, 0.2)])
    settings = {
        "position_first": ends[0],
        "position_last": ends[1],
        "half_life_hours": rng.choice([1.0, 168.0, 87_600.0]),
    }
    async with runtime.database.transaction("main") as session:
        await save(session, runtime, "main", SECTION, settings, None)
    for visitor in range(12):
        for number in range(visitor + 1):
            at = NOON - timedelta(seconds=rng.choice([rng.randrange(10), rng.randrange(400 * 86_400)]))
            await store.touch(f"touch_{visitor}_{number}", at, f"vis_{visitor}", is_direct=rng.random() < 0.2)
    totals: dict[str, tuple[int, int]] = {}
    for number in range(72):
        value = rng.choice(
            [2**63 - 1, 2**63 - rng.randrange(1, 2048), rng.randrange(2**53, 2**63), 2 ** rng.randrange(63)]
        )
        refunded = rng.choice([value, rng.randrange(value + 1)])
        id_ = await store.conversion(f"conv_{number}", NOON, value, visitor_id=f"vis_{number % 12}", refunded=refunded)
        totals[id_] = (value, refunded)
    await credited(runtime, *totals)
    for id_, sums in totals.items():
        for window in WINDOWS:
            rows = await store.credit(id_, window)
            for name, total in zip(("amounts", "refunds"), sums, strict=True):
                for index, model in enumerate(MODELS):
                    parts = [getattr(row, name)[index] for row in rows]
                    assert (sum(parts), min(parts) >= 0) == (total, True), (id_, window, model, name)


@pytest.mark.parametrize("direct", ["exclude_unless_all", "include", "exclude"])
async def test_the_database_agrees_with_a_plain_replay(store, runtime, direct):
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
    touches: dict[str, list[tuple[Any, str, bool]]] = {}
    for visitor in range(25):
        for number in range(rng.choice([0, 1, 2, 3, 5, 9])):
            at = NOON - timedelta(seconds=rng.choice([0, 86_400, rng.randrange(130 * 86_400)]))
            plain = rng.random() < 0.4
            id_ = f"touch_{visitor:02}_{number}_{rng.randrange(1000):03}"
            await store.touch(id_, at, visitor_id=f"vis_{visitor}", is_direct=plain)
            touches.setdefault(f"vis_{visitor}", []).append((at, id_, plain))
    conversions = []
    for number in range(60):
        visitor = f"vis_{rng.randrange(25)}"
        at = NOON - timedelta(seconds=rng.choice([0, rng.randrange(40 * 86_400)]))
        value = rng.choice([0, 1, 3, 7, 10, 99, 100_001, rng.randrange(10**9), 2**53 + 1, 2**63 - 1])
        refunded = rng.choice([0, 0, value, rng.randrange(value + 1)])
        id_ = f"conv_{number:02}"
        conversions.append((id_, visitor, at, value, refunded))
        await store.conversion(id_, at, value, visitor_id=visitor, refunded=refunded)

    assert await credited(runtime, *(each[0] for each in conversions)) == 60

    for id_, visitor, at, value, refunded in conversions:
        for window in WINDOWS:
            rows = await store.credit(id_, window)
            path = sorted(
                touch
                for touch in touches.get(visitor, [])
                if touch[0] <= at and (window == 0 or touch[0] > at - timedelta(days=window))
            )
            given = [row for row in rows if row.touch_id]
            assert [row.touch_id for row in given] == [touch[1] for touch in path]
            assert [row.position for row in given] == list(range(1, len(path) + 1))
            ages = [(at - touch[0]).total_seconds() / 3600 for touch in path]
            for index, model in enumerate(MODELS):
                expected = weights(
                    model,
                    ages,
                    [touch[2] for touch in path],
                    half_life_hours=settings["half_life_hours"],
                    first=settings["position_first"],
                    last=settings["position_last"],
                    direct=direct,
                )
                found = [row.weights[index] for row in given]
                assert found == pytest.approx(expected, abs=1e-12), (id_, window, model)
                lost = [row.weights[index] for row in rows if not row.touch_id]
                assert sum(lost) == (0 if any(expected) else 1), (id_, window, model)
                for amounts, total in (("amounts", value), ("refunds", refunded)):
                    parts = [getattr(row, amounts)[index] for row in rows]
                    assert sum(parts) == total, (id_, window, model, amounts)
                    assert min(parts) >= 0, (id_, window, model, amounts)
                    shares = [row.weights[index] for row in rows]
                    if total < 2**50:
                        assert parts == split_largest_remainder(total, shares), (id_, window, model, amounts)
                    if refunded == value:
                        assert [row.refunds[index] for row in rows] == [row.amounts[index] for row in rows]


async def test_computing_twice_gives_the_same_rows_bit_for_bit(store, runtime):
    rng = random.Random(5)
    for number in range(200):
        await store.touch(
            f"touch_{number}", NOON - timedelta(seconds=rng.randrange(5_000_000)), visitor_id=f"vis_{number % 7}"
        )
    for number in range(7):
        await store.conversion(f"conv_{number}", value=rng.randrange(10**6), visitor_id=f"vis_{number}", refunded=17)

    async def everything() -> list[Any]:
        async with runtime.database.reading("main") as session:
            table = Credit.__table__
            order = (table.c.conversion_id, table.c.window_days, table.c.touch_id)
            return [tuple(row) for row in await session.execute(select(table).order_by(*order))]

    await credited(runtime)
    first = await everything()
    await credited(runtime, *(f"conv_{number}" for number in range(7)))
    assert await everything() == first
    assert len(first) > 500
    assert await credited(runtime) == 0, "nothing is due after everything was computed"


async def test_a_refund_follows_the_original_weights_and_a_full_one_zeroes_every_part(store, runtime):
    for number in range(3):
        await store.touch(f"touch_{number}", NOON - (3 - number) * DAY)
    await store.conversion("conv_1", value=1000, visitor_id="vis_1")
    await credited(runtime, "conv_1")
    assert [row.refunds for row in await store.credit("conv_1", 30)] == [[0] * 6] * 3
    await change(store, "conv_1", refunded=250)
    await credited(runtime, "conv_1")
    linear = MODELS.index("linear")
    rows = await store.credit("conv_1", 30)
    assert [row.amounts[linear] for row in rows] == [334, 333, 333]
    assert [row.refunds[linear] for row in rows] == [84, 83, 83]
    await change(store, "conv_1", refunded=1000)
    await credited(runtime, "conv_1")
    for row in await store.credit("conv_1"):
        assert row.amounts == row.refunds


async def test_deleted_conversions_lose_their_credit(store, runtime):
    await store.touch("touch_1", NOON - DAY)
    await store.conversion("conv_1", visitor_id="vis_1")
    await credited(runtime, "conv_1")
    assert await store.credit("conv_1")
    await change(store, "conv_1", deleted_at=NOON)
    assert await credited(runtime, "conv_1") == 0
    assert await store.credit("conv_1") == []


async def test_another_tenants_touches_and_conversions_are_not_seen(store, runtime):
    other = Store(runtime, "other")
    await other.touch("touch_theirs", NOON - DAY)
    await other.conversion("conv_theirs", visitor_id="vis_1", currency="JPY")
    await store.conversion("conv_1", visitor_id="vis_1")
    assert await credited(runtime, "conv_1", "conv_theirs") == 1
    assert [row.touch_id for row in await store.credit("conv_1", 30)] == [""]
    assert await other.credit("conv_theirs") == []


async def test_changed_settings_make_a_rule_version_and_all_credit_due(store, runtime):
    await store.touch("touch_1", NOON - 3 * DAY)
    await store.touch("touch_2", NOON - DAY)
    await store.conversion("conv_1", value=100, visitor_id="vis_1")
    await credited(runtime, "conv_1")
    async with runtime.database.transaction("main") as session:
        await save(session, runtime, "main", SECTION, {"position_first": 0.9, "position_last": 0.1}, None)
    await store.work()
    position = MODELS.index("position_based")
    assert [row.amounts[position] for row in await store.credit("conv_1", 30)] == [90, 10]
    assert {row.rule_version for row in await store.credit("conv_1")} == {2}
    async with runtime.database.reading("main") as session:
        rules = await current_rules(session, "main")
    assert (rules.version, rules.settings.position_first) == (2, 0.9)


@pytest.mark.parametrize(
    ("settings", "field"),
    [
        ({"default_model": "coin_toss"}, "default_model"),
        ({"default_window_days": 5}, "default_window_days"),
        ({"position_first": 0.7, "position_last": 0.7}, "position_first"),
        ({"half_life_hours": 0}, "half_life_hours"),
        ({"unheard_of": 1}, "unheard_of"),
    ],
)
async def test_settings_that_make_no_sense_are_refused(runtime, settings, field):
    with pytest.raises(Invalid) as refusal:
        async with runtime.database.transaction("main") as session:
            await save(session, runtime, "main", SECTION, settings, None)
    assert refusal.value.errors[0].field == field
    async with runtime.database.reading("main") as session:
        assert (await current_rules(session, "main")).version == 1


class Square:
    """A model of another plugin: by the square of the position."""

    name = "square"
    label = "Square"

    def weights(self, ages_hours: Any, is_direct: Any) -> list[float]:
        raw = [0.0 if plain else float((place + 1) ** 2) for place, plain in enumerate(is_direct)]
        return [part / sum(raw) for part in raw] if sum(raw) else raw


class Broken(Square):
    def weights(self, ages_hours: Any, is_direct: Any) -> list[float]:
        return [2.0 for _ in ages_hours]


def plugin_with(model: Any) -> Any:
    class Plugin:
        @hookimpl
        def register_attribution_models(self) -> Any:
            return [model]

    return Plugin()


async def test_models_of_other_plugins_are_appended_and_sum_exactly(empty_database):
    runtime = make_runtime(empty_database, plugin_with(Square()))
    store = Store(runtime)
    await store.touch("touch_1", NOON - 2 * DAY)
    await store.touch("touch_2", NOON - DAY)
    await store.touch("touch_d", NOON - DAY / 2, visitor_id="vis_2", is_direct=True)
    await store.conversion("conv_1", value=101, visitor_id="vis_1", refunded=10)
    await store.conversion("conv_2", value=50, visitor_id="vis_2")
    await credited(runtime, "conv_1", "conv_2")
    rows = await store.credit("conv_1", 30)
    assert [row.weights[6] for row in rows] == pytest.approx([0.2, 0.8])
    assert [row.amounts[6] for row in rows] == [20, 81]
    assert [row.refunds[6] for row in rows] == [2, 8]
    lost, direct = await store.credit("conv_2", 30)
    assert (lost.touch_id, lost.amounts[6], direct.amounts[6]) == ("", 50, 0)
    async with runtime.database.reading("main") as session:
        assert (await current_rules(session, "main")).models == (*MODELS, "square")
    lengths = {len(row.weights) for row in [*await store.credit("conv_1"), *await store.credit("conv_2")]}
    assert lengths == {7}


async def test_a_model_whose_weights_do_not_fit_is_named(empty_database):
    runtime = make_runtime(empty_database, plugin_with(Broken()))
    store = Store(runtime)
    await store.touch("touch_1", NOON - DAY)
    await store.conversion("conv_1", visitor_id="vis_1")
    with pytest.raises(ConfigurationError, match="'square' returned weights"):
        await credited(runtime, "conv_1")
    assert await store.credit("conv_1") == []


async def test_credit_is_computed_at_the_conversions_event(store, runtime):
    from adplanning_plugin.kernel.events import publish

    await store.touch("touch_1", NOON - DAY)
    await store.conversion("conv_1", visitor_id="vis_1")
    await store.conversion("conv_2", visitor_id="vis_1")
    async with runtime.database.transaction("main") as session:
        await publish(session, runtime, "main", "conversion.created", {"id": "conv_1"})
        await publish(session, runtime, "main", "conversion.batch", {"ids": ["conv_2"]})
    await store.work()
    assert [row.touch_id for row in await store.credit("conv_1", 30)] == ["touch_1"]
    assert [row.touch_id for row in await store.credit("conv_2", 30)] == ["touch_1"]
    async with runtime.database.reading("main") as session:
        told = (
            await session.scalars(text("SELECT data FROM adplanning.outbox_event WHERE name = 'attribution.updated'"))
        ).all()
    assert sorted(each for data in told for each in data["ids"]) == ["conv_1", "conv_2"]


async def test_what_no_event_told_of_is_credited_by_the_job(store, runtime):
    from adplanning_plugin.kernel.jobs import run_job_now

    await store.touch("touch_1", NOON - DAY)
    await store.conversion("conv_1", visitor_id="vis_1")
    async with runtime.database.transaction("main") as session:
        await run_job_now(session, runtime, "main", "compute-credit")
    await store.work()
    assert [row.touch_id for row in await store.credit("conv_1", 30)] == ["touch_1"]


async def test_weights_of_each_model_sum_to_one_conversion(store, runtime):
    for number in range(9):
        await store.touch(f"touch_{number}", NOON - number * DAY, is_direct=number % 3 == 0)
    await store.conversion("conv_1", value=12345, visitor_id="vis_1")
    await credited(runtime, "conv_1")
    for window in WINDOWS:
        rows = await store.credit("conv_1", window)
        for index in range(len(MODELS)):
            assert math.isclose(sum(row.weights[index] for row in rows), 1, abs_tol=1e-12)


def test_settings_default_to_what_the_documents_say():
    values = msgspec.to_builtins(SECTION.type())
    assert values["half_life_hours"] == 168
    assert (values["position_first"], values["position_last"]) == (0.4, 0.4)
    assert values["default_window_days"] == 30
