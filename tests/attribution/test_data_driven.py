"""Data-driven fits: journeys as distinct paths, fits that repeat to the bit, too little data as an answer."""

import asyncio
import random
import sys
from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from adplanning_plugin.attribution import compute_credit
from adplanning_plugin.attribution.fit_models import Fit
from adplanning_plugin.attribution.fit_paths import Asked, read_paths
from adplanning_plugin.kernel.days import day_start
from adplanning_plugin.stats.data_driven import DATA_DRIVEN_MODELS, Attribution, attribute
from adplanning_plugin.stats.fit_process import SEPARATOR
from adplanning_plugin.stats.paths import JourneyPath
from tests.attribution.conftest import DAY, NOON, Store
from tests.attribution.test_credit import edge

CHANNELS = ("Paid Search", "Paid Social", "Email", "Direct")
START = day_start(NOON.date() - 40 * DAY, "Asia/Kolkata")
END = day_start(NOON.date() + DAY, "Asia/Kolkata")
PERIOD = {"from_date": (NOON.date() - 40 * DAY).isoformat(), "to_date": NOON.date().isoformat()}
FITS = "/attribution/data-driven/fits"
PLATFORMS = {"Paid Search": "google", "Paid Social": "meta", "Email": "generic", "Direct": "direct"}


async def touch(store: Store, id: str, at: Any, visitor_id: str, channel: str, **more: Any) -> None:  # noqa: A002
    given = {"channel": channel, "platform": PLATFORMS[channel], "is_direct": channel == "Direct", **more}
    await store.touch(id, at, visitor_id, **given)


async def journeys(store: Store, seed: int, people: int = 120) -> dict[str, Any]:
    """Visits of made people, some of whom buy; what is returned is all of it, to be replayed without the database."""
    draw = random.Random(seed)
    touches: list[tuple[str, Any, str, str]] = []
    orders: list[tuple[str, Any, str, int]] = []
    for number in range(people):
        visitor = f"vis_{number:03}"
        for step in range(draw.randint(0, 5)):
            at = NOON - timedelta(hours=draw.randint(1, 90 * 24), minutes=step)
            touches.append((f"touch_{number:03}_{step}", at, visitor, draw.choice(CHANNELS)))
        if draw.random() < 0.45:
            at = NOON - timedelta(hours=draw.randint(0, 60 * 24))
            orders.append((f"conv_{number:03}", at, visitor, draw.randint(100, 9_000)))
    for one in touches:
        await touch(store, *one)
    for name, at, visitor, value in orders:
        await store.conversion(name, at, value, visitor_id=visitor)
    async with store.runtime.database.transaction("main") as session:
        await compute_credit(session, store.runtime, "main", [name for name, *_ in orders])
    return {"touches": touches, "orders": orders}


def replayed(made: dict[str, Any], days: int) -> dict[str, list[int]]:
    """Distinct paths by the rule as it is written down, one visitor after another."""
    span = timedelta(days=days or 100_000)
    found: dict[str, list[int]] = {}

    def add(path: list[str], conversions: int, value: int, others: int) -> None:
        key = SEPARATOR.join(channel for channel in path if channel != "Direct")
        sums = found.setdefault(key, [0, 0, 0])
        for place, amount in enumerate((conversions, value, others)):
            sums[place] += amount

    visits: dict[str, list[tuple[Any, str, str]]] = {}
    for name, at, visitor, channel in made["touches"]:
        visits.setdefault(visitor, []).append((at, name, channel))
    bought = {visitor: (at, value) for _, at, visitor, value in made["orders"]}
    for visitor, (at, value) in bought.items():
        seen = [one for one in sorted(visits.get(visitor, [])) if at - span < one[0] <= at]
        if START <= at < END:
            add([channel for *_, channel in seen], 1, value, 0)
        visits[visitor] = [one for one in visits.get(visitor, []) if one not in seen]
    for free in visits.values():
        free.sort()
        for place, (at, _, _) in enumerate(free):
            is_last = place + 1 == len(free) or free[place + 1][0] - at >= span
            if is_last and START <= at < END:
                add([channel for when, _, channel in free[: place + 1] if when > at - span], 0, 0, 1)
    return found


async def fitted(store: Store, admin: Any, **asked: Any) -> dict[str, Any]:
    """A fit, asked for and made."""
    given = {**PERIOD, "minimum_conversions": 10, "resamples": 20, **asked}
    answer = await admin.post(FITS, json=given)
    assert answer.status_code == 202, answer.text
    await store.work()
    return (await admin.get(f"{FITS}/{answer.json()['fit']['id']}")).json()["fit"]


@pytest.mark.parametrize("days", [7, 30, 0])
async def test_distinct_paths_are_those_of_a_replay_visitor_by_visitor(store, runtime, days):
    made = await journeys(store, seed=days)
    asked = Asked(tenant_id="main", level="channel", window_days=days, start=START, end=END, currency="INR")
    async with runtime.database.reading("main") as session:
        read = await read_paths(session, asked)
    got = {
        path: [one, value, others]
        for path, one, value, others in zip(read.paths, read.conversions, read.value, read.non_conversions, strict=True)
    }
    assert got == replayed(made, days)
    assert any(others for *_, others in got.values())
    assert read.paths == sorted(read.paths, key=str.encode)


async def test_a_person_on_two_devices_took_one_journey(store, runtime):
    await touch(store, "touch_1", NOON - 3 * DAY, "phone", "Email")
    await touch(store, "touch_2", NOON - 2 * DAY, "laptop", "Paid Search")
    await touch(store, "touch_3", NOON - 1 * DAY, "laptop", "Direct")
    for visitor in ("phone", "laptop"):
        await edge(store, visitor, "person:7")
    asked = Asked(tenant_id="main", level="platform", window_days=30, start=START, end=END, currency="INR")
    async with runtime.database.reading("main") as session:
        read = await read_paths(session, asked)
    assert (read.paths, read.non_conversions) == ([f"generic{SEPARATOR}google"], [1])


async def test_conversions_of_other_types_renewals_and_currencies_are_told_apart(store, runtime):
    for number, more in enumerate(
        ({}, {"conversion_type": "lead", "order_id": None}, {"sales_channel": "renewal"}, {"currency": "USD"})
    ):
        await touch(store, f"touch_{number}", NOON - DAY, f"vis_{number}", "Email")
        await store.conversion(f"conv_{number}", value=500, visitor_id=f"vis_{number}", **more)
    async with runtime.database.transaction("main") as session:
        await compute_credit(session, runtime, "main", [f"conv_{number}" for number in range(4)])
    asked = Asked(
        tenant_id="main",
        level="channel",
        window_days=30,
        start=START,
        end=END,
        currency="INR",
        conversion_type="purchase",
    )
    async with runtime.database.reading("main") as session:
        read = await read_paths(session, asked)
    assert (read.conversions, read.value, read.other_currencies, read.non_conversions) == ([2], [500], 1, [2])


@pytest.mark.parametrize("algorithm", DATA_DRIVEN_MODELS)
async def test_a_fit_says_what_the_model_says_of_the_same_paths_bit_for_bit_in_another_process(
    store, runtime, admin, algorithm
):
    made = await journeys(store, seed=5)
    first = await fitted(store, admin, algorithm=algorithm)
    second = await fitted(store, admin, algorithm=algorithm)
    assert first["status"] == "done", first
    told = ("channels", "inputs_hash", "below_zero", "libraries", "conversions", "value_minor", "paths")
    assert {name: first[name] for name in told} == {name: second[name] for name in told}
    paths = [
        JourneyPath(
            channels=tuple(path.split(SEPARATOR)) if path else (), conversions=one, value=value, non_conversions=others
        )
        for path, (one, value, others) in replayed(made, 30).items()
    ]
    random.Random(1).shuffle(paths)
    here = attribute(paths, algorithm, resamples=20, seed=1)
    assert isinstance(here, Attribution)
    assert [each["channel"] for each in first["channels"]] == [each.channel for each in here.channels]
    for there, each in zip(first["channels"], here.channels, strict=True):
        assert each.effect_interval is not None
        assert (there["effect"], there["share"], there["conversions"]) == (each.effect, each.share, each.conversions)
        assert there["effect_interval"] == {"low": each.effect_interval.low, "high": each.effect_interval.high}
        assert there["includes_zero"] is each.includes_zero
    assert first["journeys"] == first["conversions"] + first["non_conversions"] == here.journeys
    assert sum(each["conversions"] for each in first["channels"]) + first["unattributed_conversions"] == pytest.approx(
        first["conversions"], abs=1e-9
    )


async def test_too_little_data_is_an_answer_that_says_what_is_missing(store, admin):
    await journeys(store, seed=5, people=30)
    fit = await fitted(store, admin, minimum_conversions=500)
    assert fit["status"] == "insufficient_data"
    assert Counter(each["code"] for each in fit["missing"]) == {"too_few_conversions": 1, "too_few_non_conversions": 1}
    assert fit["missing"][0]["need"] == 500
    assert fit["channels"] == []
    assert (await admin.get("/attribution/data-driven")).json()["data_driven"]["latest"]["id"] == fit["id"]


async def test_without_the_extra_the_answer_names_it(admin, monkeypatch):
    monkeypatch.setattr("adplanning_plugin.attribution.fits.installed", lambda: False)
    answer = await admin.post(FITS, json={})
    assert (answer.status_code, answer.json()["code"]) == (409, "model_not_installed")
    assert "adplanning-plugin[science]" in answer.json()["detail"]


async def test_one_fit_at_a_time_and_its_place_is_free_once_its_work_is_given_up(store, runtime, admin):
    first = (await admin.post(FITS, json=PERIOD)).json()["fit"]
    again = await admin.post(FITS, json=PERIOD)
    assert (again.status_code, again.json()["code"]) == (409, "fit_running")
    assert first["id"] in again.json()["detail"]
    async with runtime.database.transaction("main") as session:
        await session.execute(
            text("UPDATE adplanning.work_item SET status = 'dead', last_error = 'Gone.' WHERE id = :id"),
            {"id": first["work_id"]},
        )
    shown = (await admin.get(f"{FITS}/{first['id']}")).json()["fit"]
    assert (shown["status"], shown["problem"]) == ("failed", "Gone.")
    assert (await admin.post(FITS, json=PERIOD)).status_code == 202


async def test_a_process_that_ends_without_an_answer_is_a_failed_fit_with_a_sentence(store, admin, monkeypatch):
    await journeys(store, seed=5, people=30)
    with monkeypatch.context() as patched:
        patched.setattr(sys, "executable", "/bin/false")
        fit = await fitted(store, admin)
    assert (fit["status"], fit["channels"]) == ("failed", [])
    assert fit["problem"].startswith("The fit's process failed")


async def test_a_fit_that_was_cut_off_is_made_by_whoever_takes_its_work_over(store, runtime, admin):
    await journeys(store, seed=5, people=60)
    asked = (await admin.post(FITS, json={**PERIOD, "minimum_conversions": 5, "resamples": 0})).json()["fit"]
    async with runtime.database.transaction("main") as session:
        await session.execute(update(Fit).where(Fit.id == asked["id"]).values(status="running"))
    await store.work()
    assert (await admin.get(f"{FITS}/{asked['id']}")).json()["fit"]["status"] == "done"


@pytest.mark.parametrize(
    ("asked", "field"),
    [
        ({"window_days": 5}, "window_days"),
        ({"algorithm": "shapley", "order": 2}, "order"),
        ({"order": 4}, "order"),
        ({"from_date": "2026-03-01", "to_date": "2026-02-01"}, "to_date"),
        ({"from_date": "2020-03-01", "to_date": "2026-02-01"}, "from_date"),
        ({"resamples": 1}, "resamples"),
        ({"level": "planet"}, "level"),
        ({"conversion_type": "wish"}, "conversion_type"),
    ],
)
async def test_what_does_not_fit_together_is_refused_beside_its_field(admin, asked, field):
    answer = await admin.post(FITS, json=asked)
    assert answer.status_code == 422, answer.text
    assert [each["field"] for each in answer.json()["errors"]] == [field]


async def test_another_store_sees_no_fit(store, admin):
    fit = (await admin.post(FITS, json=PERIOD)).json()["fit"]
    other = {"headers": {"x-store": "other"}}
    assert (await admin.get(f"{FITS}/{fit['id']}", **other)).status_code == 404
    assert (await admin.get(FITS, **other)).json()["count"] == 0
    assert (await admin.get(FITS)).json()["count"] == 1


async def test_the_event_loop_stays_free_while_a_fit_is_made(store, admin):
    await journeys(store, seed=5, people=60)
    longest = 0.0

    async def beat() -> None:
        nonlocal longest
        loop = asyncio.get_running_loop()
        while True:
            before = loop.time()
            await asyncio.sleep(0.01)
            longest = max(longest, loop.time() - before)

    beating = asyncio.create_task(beat())
    fit = await fitted(store, admin, algorithm="markov", order=3, minimum_conversions=5, resamples=400)
    beating.cancel()
    assert fit["status"] == "done"
    assert longest < 1.0
