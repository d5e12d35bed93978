"""Rules: versions are built beside the one that counts, and nothing of the past changes until all of it can."""

from typing import Any

import pytest
from sqlalchemy import select, text

from adplanning_plugin.attribution import compute_credit, current_rules, of_active
from adplanning_plugin.attribution.models import Credit
from adplanning_plugin.attribution.rebuild import advance_rebuild
from adplanning_plugin.attribution.rules import CREDIT_JOB, SECTION, rule_state
from adplanning_plugin.attribution.service import read_events
from adplanning_plugin.kernel.errors import Invalid
from adplanning_plugin.kernel.jobs import run_job_now
from adplanning_plugin.kernel.runner import Runner
from adplanning_plugin.kernel.settings import save
from adplanning_plugin.stats.credit import MODELS
from tests.attribution.conftest import DAY, NOON, Store

POSITION = MODELS.index("position_based")


async def change(runtime: Any, **settings: Any) -> None:
    async with runtime.database.transaction("main", actor="7") as session:
        await save(session, runtime, "main", SECTION, settings, None)


async def compute(runtime: Any, ids: Any = None) -> int:
    async with runtime.database.transaction("main") as session:
        return await compute_credit(session, runtime, "main", ids)


async def step(runtime: Any) -> str:
    async with runtime.database.transaction("main") as session:
        return await advance_rebuild(session, runtime, "main")


async def seen(runtime: Any, conversion_id: str, model: int = POSITION) -> list[int]:
    """What reports see of a conversion in the window of 30 days."""
    async with runtime.database.reading("main") as session:
        rows = await session.scalars(
            select(Credit)
            .filter_by(tenant_id="main", conversion_id=conversion_id, window_days=30)
            .where(of_active("main"))
            .order_by(Credit.position)
        )
        return [row.amounts[model] for row in rows]


async def versions(runtime: Any) -> list[tuple[int, bool, bool]]:
    """(version, was it ever active, was it superseded)."""
    async with runtime.database.reading("main") as session:
        rows = await session.execute(
            text(
                "SELECT version, activated_at IS NOT NULL, superseded_at IS NOT NULL FROM adplanning.rule_version"
                " WHERE tenant_id = 'main' ORDER BY version"
            )
        )
        return [tuple(row) for row in rows]


@pytest.fixture
async def bought(store: Store, runtime: Any) -> Store:
    await store.touch("touch_1", NOON - 3 * DAY)
    await store.touch("touch_2", NOON - DAY, source="facebook", channel="Paid Social", platform="meta")
    await store.conversion("conv_1", value=100, visitor_id="vis_1")
    await store.conversion("conv_2", value=1000, visitor_id="vis_1")
    await compute(runtime, ["conv_1", "conv_2"])
    return store


async def test_reports_keep_the_active_version_until_the_new_one_is_complete(bought, runtime):
    await change(runtime, position_first=0.9, position_last=0.1)
    assert await step(runtime) == "classified"
    assert await compute(runtime) == 2
    assert await seen(runtime, "conv_1") == [50, 50]
    assert len(await bought.credit("conv_1", 30)) == 4, "both versions stand side by side"
    assert await step(runtime) == "activated"
    assert await seen(runtime, "conv_1") == [90, 10]
    assert [await step(runtime), await step(runtime)] == ["purged", "nothing"]
    assert {row.rule_version for row in await bought.credit("conv_1")} == {2}
    assert await versions(runtime) == [(1, True, True), (2, True, False)]


async def test_what_comes_due_while_a_version_is_built_is_computed_for_both(bought, runtime):
    await change(runtime, position_first=0.9, position_last=0.1)
    await step(runtime)
    await compute(runtime)
    await bought.conversion("conv_3", value=200, visitor_id="vis_1")
    assert await step(runtime) == "due", "it is not swapped in while anything is behind"
    assert await compute(runtime) == 1
    assert await seen(runtime, "conv_3") == [100, 100]
    # Late: a touch came, and a conversion that both versions have is asked for again.
    await bought.touch("touch_0", NOON - 5 * DAY)
    await compute(runtime, ["conv_1"])
    assert await seen(runtime, "conv_1") == [40, 20, 40]
    assert await step(runtime) == "activated"
    assert await seen(runtime, "conv_3") == [180, 20]
    assert await seen(runtime, "conv_1") == [90, 0, 10]


async def test_a_further_change_takes_the_place_of_the_version_being_built(bought, runtime):
    await change(runtime, position_first=0.9, position_last=0.1)
    await step(runtime)
    await compute(runtime)
    await change(runtime, position_first=0.7, position_last=0.3)
    assert await versions(runtime) == [(1, True, False), (2, False, True), (3, False, False)]
    await bought.work()
    assert await seen(runtime, "conv_1") == [70, 30]
    assert {row.rule_version for row in await bought.credit("conv_1")} == {3}


async def test_taking_a_change_back_before_it_counts_leaves_the_active_version_alone(bought, runtime):
    await change(runtime, position_first=0.9, position_last=0.1)
    await step(runtime)
    await compute(runtime)
    await change(runtime, position_first=0.4, position_last=0.4)
    await bought.work()
    assert await versions(runtime) == [(1, True, False), (2, False, True)]
    assert {row.rule_version for row in await bought.credit("conv_1")} == {1}
    assert await seen(runtime, "conv_1") == [50, 50]


async def test_a_rebuild_that_was_cut_off_at_any_step_is_finished_by_the_next_worker(bought, runtime):
    for number, cut in enumerate(("nothing done", "classified", "computed", "activated", "purged")):
        await change(runtime, position_first=0.9 - number / 100, position_last=0.1)
        if cut != "nothing done":
            await step(runtime)
        if cut not in ("nothing done", "classified"):
            await compute(runtime)
        if cut in ("activated", "purged"):
            await step(runtime)
        if cut == "purged":
            await step(runtime)
        await bought.work()
        assert await seen(runtime, "conv_1") == [90 - number, 10 + number] or number, cut
        assert {row.rule_version for row in await bought.credit("conv_1")} == {number + 2}, cut


class Cut(Exception):
    pass


async def cut_off(runtime: Any) -> None:
    async with runtime.database.transaction("main") as session:
        assert await advance_rebuild(session, runtime, "main") == "activated"
        raise Cut


async def test_an_interrupted_step_leaves_nothing_behind(bought, runtime):
    await change(runtime, position_first=0.9, position_last=0.1)
    await step(runtime)
    await compute(runtime)
    with pytest.raises(Cut):
        await cut_off(runtime)
    assert await seen(runtime, "conv_1") == [50, 50]
    await bought.work()
    assert await seen(runtime, "conv_1") == [90, 10]


async def test_each_version_keeps_its_settings_and_who_made_it(bought, runtime):
    await change(runtime, half_life_hours=24)
    async with runtime.database.reading("main") as session:
        state = await rule_state(session, "main")
        assert (state.active.version, state.active.settings.half_life_hours) == (1, 168)
        assert state.building is not None
        assert (state.building.version, state.building.settings.half_life_hours) == (2, 24)
        assert (await current_rules(session, "main")).version == 1
        made = await session.execute(text("SELECT version, created_by FROM adplanning.rule_version ORDER BY version"))
        assert made.all() == [(1, None), (2, "7")]


async def test_a_conversions_own_campaign_follows_the_new_default_window_at_the_swap(store, runtime):
    await store.touch("touch_old", NOON - 20 * DAY, ad_campaign_id="c-old")
    await store.touch("touch_direct", NOON - DAY, is_direct=True)
    await store.conversion("conv_1", visitor_id="vis_1")
    await store.conversion("conv_by_hand", visitor_id="vis_1", campaign_assigned=True, ad_campaign_id="c-hand")
    await compute(runtime, ["conv_1", "conv_by_hand"])
    assert (await store.stored_conversion("conv_1")).ad_campaign_id == "c-old"
    await change(runtime, default_window_days=7)
    assert (await store.stored_conversion("conv_1")).ad_campaign_id == "c-old"
    await Runner(runtime).drain("main")
    assert (await store.stored_conversion("conv_1")).ad_campaign_id is None
    assert (await store.stored_conversion("conv_by_hand")).ad_campaign_id == "c-hand"


async def test_own_channels_are_read_beside_and_given_to_the_touches_after_the_swap(bought, runtime):
    rule = {"channel": "Creators", "conditions": [{"field": "source", "op": "starts_with", "value": "Face"}]}
    await change(runtime, channel_rules=[rule])
    assert await step(runtime) == "classified"
    assert {touch.channel for touch in await bought.touches(id="touch_2")} == {"Paid Social"}
    await bought.work()
    assert {touch.channel for touch in await bought.touches(id="touch_2")} == {"Creators"}
    assert [row.channel for row in await bought.credit("conv_1", 30)] == ["Paid Search", "Creators"]
    await change(runtime, channel_rules=[])
    await bought.work()
    assert [row.channel for row in await bought.credit("conv_1", 30)] == ["Paid Search", "Paid Social"]
    assert {touch.channel for touch in await bought.touches(id="touch_2")} == {"Paid Social"}


async def test_touches_that_come_while_a_version_is_built_are_read_by_both(store, runtime):
    await store.event(NOON - DAY, utm={"source": "tiktok", "medium": "cpc"})
    await store.read_stream()
    await store.conversion("conv_1", visitor_id="vis_1")
    await compute(runtime, ["conv_1"])
    rule = {"channel": "Creators", "conditions": [{"field": "source", "value": "tiktok"}]}
    await change(runtime, channel_rules=[rule])
    assert await step(runtime) == "classified"
    await store.event(NOON - DAY / 2, session_id="ses_2", utm={"source": "tiktok", "medium": "paid"})
    async with runtime.database.transaction("main") as session:
        await read_events(runtime, session, "main", 0, 2**62)
    assert [each.channel for each in await store.touches()] == ["Paid Video", "Paid Video"]
    await store.work()
    assert [each.channel for each in await store.touches()] == ["Creators", "Creators"]
    await compute(runtime, ["conv_1"])
    assert [row.channel for row in await store.credit("conv_1", 30)] == ["Creators", "Creators"]


async def test_a_payment_pages_visits_count_no_more_and_count_again_when_it_is_taken_off_the_list(store, runtime):
    await store.touch("touch_1", NOON - 2 * DAY)
    await store.touch(
        "touch_pay", NOON - DAY, source="pay.bank.example", medium="referral", channel="Referral", platform="generic",
        referrer_host="www.pay.bank.example",
    )  # fmt: skip
    await store.touch(
        "touch_link", NOON - DAY / 2, source="bank", medium="email", channel="Email", platform="generic",
        referrer_host="www.pay.bank.example", campaign_key="spring",
    )  # fmt: skip
    await store.conversion("conv_1", value=100, visitor_id="vis_1")
    await compute(runtime, ["conv_1"])
    assert [row.touch_id for row in await store.credit("conv_1", 30)] == ["touch_1", "touch_pay", "touch_link"]
    await change(runtime, exclusion_hosts=["bank.example"])
    await store.work()
    assert [row.touch_id for row in await store.credit("conv_1", 30)] == ["touch_1", "touch_link"]
    await change(runtime, exclusion_hosts=[])
    await store.work()
    assert [row.touch_id for row in await store.credit("conv_1", 30)] == ["touch_1", "touch_pay", "touch_link"]


SOURCE = {"field": "source", "op": "contains", "value": "face"}


@pytest.mark.parametrize(
    ("settings", "field", "fix"),
    [
        ({"default_model": "square"}, "default_model", "is not installed: use one of"),
        ({"windows": []}, "windows", "at least one"),
        ({"windows": [7, 28]}, "default_window_days", "add it to windows"),
        ({"default_window_days": 5}, "default_window_days", "must be one of 1, 3, 7"),
        ({"position_middle": 0.5}, "position_middle", "sum to 1.3, not to 1"),
        ({"position_first": 0.8, "position_last": 0.4}, "position_first", "sum to at most 1"),
        ({"exclusion_hosts": ["https://pay.example/x"]}, "exclusion_hosts[0]", "without https://"),
        ({"exclusion_hosts": ["pay.example", "pay.example"]}, "exclusion_hosts[1]", "in the list already"),
        (
            {"channel_rules": [{"channel": "paid social", "conditions": [SOURCE]}]},
            "channel_rules[0].channel",
            "spell it",
        ),
        ({"channel_rules": [{"channel": "Own", "conditions": []}]}, "channel_rules[0].conditions", ""),
        (
            {
                "channel_rules": [
                    {"channel": "Own", "conditions": [SOURCE]},
                    {
                        "channel": "Own too",
                        "conditions": [
                            {"field": "source", "op": "equals", "value": "Facebook"},
                            {"field": "medium", "op": "equals", "value": "cpc"},
                        ],
                    },
                ]
            },
            "channel_rules[1]",
            "Move it above that rule, or delete it.",
        ),
    ],
)
async def test_rules_that_make_no_sense_are_refused_by_field_with_the_fix(bought, runtime, settings, field, fix):
    with pytest.raises(Invalid) as refusal:
        await change(runtime, **settings)
    found = refusal.value.errors[0]
    assert field in found.field
    assert fix in found.message
    await bought.work()
    assert await versions(runtime) == [(1, True, False)]
    assert await seen(runtime, "conv_1") == [50, 50]


async def test_a_model_that_is_gone_leaves_conversions_to_nobody_until_the_rebuild(bought, runtime):
    async with runtime.database.transaction("main") as session:
        await session.execute(text("UPDATE adplanning.rule_version SET models = models || 'gone'::text"))
    await bought.conversion("conv_3", value=200, visitor_id="vis_1")
    await compute(runtime, ["conv_3"])
    assert await seen(runtime, "conv_3", 6) == [200, 0, 0], "the unattributed row has it"
    async with runtime.database.transaction("main") as session:
        await run_job_now(session, runtime, "main", CREDIT_JOB)
    await bought.work()
    assert {len(row.amounts) for row in await bought.credit("conv_3")} == {6}
