"""How far people came: by the table of stages and by raw events, each equal to a replay of what was sent."""

import csv
import io
import os
import random
from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from statistics import median
from typing import Any

import pytest

from adplanning_plugin.journeys.progress import rebuild
from tests.journeys.conftest import DAY, HOUR, NOON, Store

PERIOD = {"from_date": "2026-03-01", "to_date": "2026-03-20"}
START, END = datetime.fromisoformat("2026-03-01T00:00+05:30"), datetime.fromisoformat("2026-03-21T00:00+05:30")
SEED = int(os.environ.get("ADPLANNING_TEST_SEED", "0")) or random.SystemRandom().randrange(2**32)
Done = dict[str, list[tuple[str, datetime]]]
"""Subject → what it did."""
KINDS = {
    "page_view": "awareness", "product_view": "consideration", "add_to_cart": "intent", "purchase": "conversion",
    "ad_click": "interest",
}  # fmt: skip


async def asked(admin: Any, **query: Any) -> dict[str, Any]:
    answer = await admin.get("/journeys/funnel", params={**PERIOD, **query})
    assert answer.status_code == 200, answer.text
    return answer.json()


def people(body: dict[str, Any]) -> list[int]:
    return [step["people"] for step in body["steps"]]


async def went(store: Store, visitor: str, *names: str, at: datetime = NOON, every: timedelta = HOUR) -> None:
    for n, name in enumerate(names):
        await store.track(name, at + n * every, visitor)


async def test_each_step_has_its_people_what_was_lost_and_how_long_it_took(store: Store, admin: Any) -> None:
    await went(store, "v1", "page_view", "product_view", "add_to_cart")
    await went(store, "v2", "page_view", "product_view", every=3 * HOUR)
    await went(store, "v3", "page_view")
    await store.read_stream()
    body = await asked(admin, steps="awareness,consideration,intent")
    assert body["source"] == "stages"
    assert people(body) == [3, 2, 1]
    assert [step["dropped"] for step in body["steps"]] == [None, 1, 1]
    assert body["steps"][1]["drop_rate"] == pytest.approx(1 / 3, abs=1e-6)
    assert [step["median_seconds"] for step in body["steps"]] == [None, 2 * 3600, 3600]
    assert (body["people"], body["completed"]) == (3, 1)
    assert people(await asked(admin, steps="event:page_view,event:product_view,event:add_to_cart")) == [3, 2, 1]
    query = {**PERIOD, "steps": "awareness,consideration"}
    answer = await admin.get("/journey/funnel", params=query, headers={"accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert [(row["step"], row["people"]) for row in rows] == [("awareness", "3"), ("consideration", "2")]
    for steps in ("awareness,consideration", "event:page_view,event:product_view"):
        query = {**PERIOD, "steps": steps}
        other = await admin.get("/journeys/funnel", params=query, headers={"x-store": "other"})
        assert people(other.json()) == [0, 0]


async def test_a_person_on_two_devices_counts_once_and_an_anonymous_one_too(store: Store, admin: Any) -> None:
    await went(store, "phone", "page_view")
    await went(store, "laptop", "product_view", at=NOON + DAY)
    await store.link("phone", "person:7")
    await store.link("laptop", "person:7")
    await went(store, "stranger", "page_view")
    await store.read_stream()
    for steps in ("awareness,consideration", "event:page_view,event:product_view"):
        body = await asked(admin, steps=steps)
        assert people(body) == [2, 1], steps
        assert [step["identified"] for step in body["steps"]] == [1, 1], steps


async def test_a_step_counts_at_or_after_the_one_before_and_within_the_window(store: Store, admin: Any) -> None:
    await went(store, "backwards", "product_view", "page_view")
    await went(store, "at-once", "page_view", "product_view", every=timedelta(0))
    await went(store, "in-time", "page_view", "product_view", every=7 * DAY)
    await went(store, "too-late", "page_view", "product_view", every=7 * DAY + timedelta(seconds=1))
    await store.read_stream()
    assert people(await asked(admin, steps="event:page_view,event:product_view", window=7)) == [4, 2]
    # Whoever views a product has come: the visit itself is the first thing known of them.
    assert people(await asked(admin, steps="awareness,consideration", window=7)) == [4, 3]
    assert people(await asked(admin, steps="consideration,awareness", window=7)) == [4, 2]


async def test_events_may_begin_anew_where_the_first_attempt_ran_out_of_time(store: Store, admin: Any) -> None:
    await store.track("page_view", NOON)
    await store.track("page_view", NOON + 10 * DAY)
    await store.track("product_view", NOON + 11 * DAY)
    await store.read_stream()
    body = await asked(admin, steps="event:page_view,event:product_view", window=2)
    assert people(body) == [1, 1]
    assert body["steps"][1]["median_seconds"] == 86400


async def test_the_same_step_twice_takes_two_events(store: Store, admin: Any) -> None:
    await went(store, "once", "page_view")
    await went(store, "twice", "page_view", "page_view")
    await went(store, "twice-at-once", "page_view", "page_view", every=timedelta(0))
    await store.read_stream()
    assert people(await asked(admin, steps="event:page_view,event:page_view")) == [3, 1]


async def test_the_first_step_lies_in_the_period_and_the_last_may_lie_behind_it(store: Store, admin: Any) -> None:
    last_hour = END - HOUR
    await went(store, "before", "page_view", "product_view", at=START - HOUR)
    await went(store, "late", "page_view", "product_view", at=last_hour, every=2 * HOUR)
    await store.read_stream()
    for steps in ("awareness,consideration", "event:page_view,event:product_view"):
        assert people(await asked(admin, steps=steps)) == [1, 1], steps


async def test_pages_goals_kinds_and_stages_may_be_steps_of_one_funnel(store: Store, admin: Any) -> None:
    await store.touch(NOON, "v1", "Paid Social")
    await store.track("page_view", NOON + HOUR, "v1", path="/product/kurta")
    await store.track("page_view", NOON, "v2", path="/about")
    await store.track("add_to_cart", NOON + 2 * HOUR, "v1")
    await store.put("analytics_session", {"id": "s-v1", "visitor_id": "v1", "started_at": NOON})
    await store.order("o1", NOON + 3 * HOUR, session_id="s-v1")
    await store.emit("order.placed", "o1")
    await store.read_stream()
    body = await asked(admin, steps="ad_click,page:/product/*,intent,purchase")
    assert [step["kind"] for step in body["steps"]] == ["type", "page", "stage", "type"]
    assert people(body) == [1, 1, 1, 1]
    assert people(await asked(admin, steps="page:/about,purchase")) == [1, 0]


async def test_a_funnel_is_divided_by_where_people_came_from(store: Store, admin: Any) -> None:
    await store.put("ad_campaign", {"id": "c1", "platform": "meta", "name": "Spring"})
    for visitor, channel in (("v1", "Paid Social"), ("v2", "Paid Social"), ("v3", "Organic Search")):
        first = {"ad_campaign_id": "c1", "device": "mobile"} if channel == "Paid Social" else {}
        await store.touch(NOON - HOUR, visitor, channel, **first)
        await went(store, visitor, "page_view", *(["product_view"] if visitor != "v2" else []))
    await store.read_stream()
    async with store.runtime.database.transaction(store.tenant_id) as session:
        await rebuild(session, store.runtime, store.tenant_id)
    for steps in ("awareness,consideration", "event:page_view,event:product_view"):
        body = await asked(admin, steps=steps, breakdown="channel")
        assert [(each["value"], people(each)) for each in body["breakdown"]] == [
            ("Paid Social", [2, 1]),
            ("Organic Search", [1, 1]),
        ], steps
        assert people(body) == [3, 2]
    by_campaign = await asked(admin, steps="awareness,consideration", breakdown="campaign")
    assert [each["label"] for each in by_campaign["breakdown"]] == ["Spring", None]
    by_device = await asked(admin, steps="awareness,consideration", breakdown="device")
    assert [(each["value"], people(each)) for each in by_device["breakdown"]] == [("mobile", [2, 1]), (None, [1, 1])]


async def test_steps_that_mean_nothing_are_refused(admin: Any) -> None:
    eleven = ",".join(["event:x"] * 11)
    for steps in ("awareness", "awareness,awareness", "awareness,nonsense", eleven, "event:,awareness"):
        answer = await admin.get("/journeys/funnel", params={"steps": steps})
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == ["steps"]


# --- against a replay -------------------------------------------------------------------------------------------------


def replayed(done: Done, steps: Sequence[str], window: timedelta) -> tuple[list[int], list[float | None]]:
    """People by step, and the median seconds from the step before: every chain of events is tried."""
    best: list[list[datetime]] = []
    for events in done.values():
        chains: list[list[datetime]] = []

        def follow(chain: list[datetime], events: Any = events, chains: Any = chains) -> None:
            chains.append(chain)
            if len(chain) == len(steps):
                return
            name, again = steps[len(chain)], steps[len(chain)] in steps[: len(chain)]
            for each, at in events:
                later = at > chain[-1] if again else at >= chain[-1]
                if each == name and later and at - chain[0] <= window:
                    follow([*chain, at])

        for each, at in events:
            if each == steps[0] and START <= at < END:
                follow([at])
        if chains:
            furthest = max(len(chain) for chain in chains)
            first = min(chain[-1] for chain in chains if len(chain) == furthest)
            best.append(max(chain for chain in chains if len(chain) == furthest and chain[-1] == first))
    counts = [sum(len(chain) > n for chain in best) for n in range(len(steps))]
    taken = [[(chain[n] - chain[n - 1]).total_seconds() for chain in best if len(chain) > n] for n in range(len(steps))]
    return counts, [None if n == 0 or not each else median(each) for n, each in enumerate(taken)]


def first_reached(events: list[tuple[str, datetime]]) -> list[tuple[str, datetime]]:
    """The first time of each stage, by the event that shows it; whatever is tracked shows a visit: awareness."""
    first = {name: min(at for each, at in events if each == name) for name in {each for each, _ in events}}
    visits = [at for name, at in events if name != "purchase"]
    return list((first | ({"page_view": min(visits)} if visits else {})).items())


async def history(store: Store, rng: random.Random) -> Done:
    """Some visitors do things at hours of a month, some turn out to be known; what each subject did."""
    done: Done = defaultdict(list)
    owner: dict[str, str] = {}
    names = ["page_view", "product_view", "add_to_cart"]
    for n in range(40):
        visitor = f"v{n}"
        if rng.random() < 0.4:
            person = f"p{rng.randrange(8)}"
            owner[visitor] = f"person:{person}"
            await store.link(visitor, owner[visitor])
        subject = owner.get(visitor, f"visitor:{visitor}")
        for _ in range(rng.randrange(1, 7)):
            at = START - 2 * DAY + rng.randrange(0, 27 * 6) * timedelta(hours=4)
            name = rng.choice(names)
            await store.track(name, at, visitor)
            done[subject].append((name, at))
    for n in range(12):
        person = f"p{rng.randrange(8)}"
        at = START + rng.randrange(0, 25 * 6) * timedelta(hours=4)
        await store.order(f"o{n}", at, person_id=person)
        done[f"person:{person}"].append(("purchase", at))
    await store.emit("order.placed", *(f"o{n}" for n in range(12)))
    await store.read_stream()
    return done


async def test_stages_and_events_answer_as_a_replay_of_what_was_sent(store: Store, admin: Any) -> None:
    print("seed", SEED)
    rng = random.Random(SEED)
    done = await history(store, rng)
    first_times = {subject: first_reached(events) for subject, events in done.items()}
    for names in (
        ["page_view", "product_view", "add_to_cart", "purchase"],
        ["page_view", "purchase"],
        ["product_view", "add_to_cart"],
        ["add_to_cart", "page_view", "purchase"],
    ):
        for days in (1, 5, 30):
            stages = await asked(admin, steps=",".join(KINDS[name] for name in names), window=days)
            events = await asked(
                admin,
                steps=",".join(name if name == "purchase" else f"event:{name}" for name in names),
                window=days,
            )
            for body, of in ((stages, first_times), (events, done)):
                counts, medians = replayed(of, names, days * DAY)
                told = f"{body['source']} {names} {days}"
                assert people(body) == counts, told
                assert [step["median_seconds"] for step in body["steps"]] == medians, told
    again = ["page_view", "product_view", "page_view", "product_view"]
    body = await asked(admin, steps=",".join(f"event:{name}" for name in again), window=20)
    counts, medians = replayed(done, again, 20 * DAY)
    assert (people(body), [step["median_seconds"] for step in body["steps"]]) == (counts, medians)
