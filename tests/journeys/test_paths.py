"""Which ways journeys took: counts, rates and values, collapsed as asked; what is counted equals what touches say."""

import csv
import io
import os
import random
from typing import Any

import pytest

from adplanning_plugin.attribution import current_rules
from adplanning_plugin.journeys.path_jobs import COUNT_JOB, RECOUNT_JOB
from adplanning_plugin.kernel.jobs import run_job_now
from tests.journeys.conftest import DAY, HOUR, NOON, Store

PERIOD = {"from_date": "2026-03-01", "to_date": "2026-03-20"}
SEED = int(os.environ.get("ADPLANNING_TEST_SEED", "0")) or random.SystemRandom().randrange(2**32)
CHANNELS = {"Paid Search": "google", "Paid Social": "meta", "Email": "generic", "Direct": "direct"}


async def asked(admin: Any, **query: Any) -> dict[str, Any]:
    answer = await admin.get("/journeys/paths", params={**PERIOD, **query})
    assert answer.status_code == 200, answer.text
    return answer.json()


def counted(body: dict[str, Any]) -> dict[str, tuple[int, int]]:
    return {" > ".join(line["path"]): (line["conversions"], line["unconverted"]) for line in body["paths"]}


async def count(store: Store, job: str = COUNT_JOB) -> None:
    async with store.runtime.database.transaction(store.tenant_id) as session:
        await run_job_now(session, store.runtime, store.tenant_id, job)
    await store.work()


async def journey(store: Store, visitor: str, *channels: str, at: Any = NOON, order: str | None = None) -> None:
    """Touches an hour apart, the last of them an hour before the order, where there is one."""
    for n, channel in enumerate(channels):
        when = at - (len(channels) - n) * HOUR
        named = CHANNELS[channel]
        await store.touch(when, visitor, channel, platform=named, source=named, session_id=f"s-{visitor}")
    if order is not None:
        await store.put("analytics_session", {"id": f"s-{visitor}", "visitor_id": visitor, "started_at": at - HOUR})
        await store.order(order, at, session_id=f"s-{visitor}")
        await store.emit("order.placed", order)


async def shop(store: Store) -> None:
    await journey(store, "v1", "Paid Search", "Paid Search", "Email", order="o1")
    await journey(store, "v2", "Paid Search", "Email", order="o2")
    await journey(store, "v3", "Paid Search", "Email")
    await journey(store, "v4", "Paid Social")


async def test_a_path_has_its_journeys_its_rate_and_its_value(store: Store, admin: Any) -> None:
    await shop(store)
    body = await asked(admin)
    first = body["paths"][0]
    assert (first["path"], first["journeys"], first["conversions"]) == (["Paid Search", "Email"], 3, 2)
    assert first["conversion_rate"] == pytest.approx(2 / 3, abs=1e-6)
    assert (first["value"], first["value_minor"], first["average_value"]) == ("20.00", 2000, "10.00")
    assert counted(body) == {"Paid Search > Email": (2, 1), "Paid Social": (0, 1)}
    assert body["total"] == {"journeys": 4, "conversions": 2, "unconverted": 2}
    assert body["source"] == "touches"
    alone = await asked(admin, non_converting="false")
    assert [line["path"] for line in alone["paths"]] == [["Paid Search", "Email"]]
    assert (alone["paths"][0]["conversion_rate"], alone["total"]["unconverted"]) == (None, None)
    answer = await admin.get("/journey/paths", params=PERIOD, headers={"accept": "text/csv"})
    rows = list(csv.DictReader(io.StringIO(answer.text)))
    assert (rows[0]["path"], rows[0]["conversions"]) == ('["Paid Search","Email"]', "2")
    other = (await admin.get("/journeys/paths", params=PERIOD, headers={"x-store": "other"})).json()
    assert (other["paths"], other["count"]) == ([], 0)


AS_ASKED: list[tuple[dict[str, Any], dict[str, tuple[int, int]]]] = [
    ({"collapse": "unique"}, {"Paid Search > Paid Search > Email": (1, 0), "Paid Search > Email": (1, 1)}),
    ({"collapse": "frequency"}, {"Paid Search(2) > Email(1)": (1, 0), "Paid Search(1) > Email(1)": (1, 1)}),
    ({"newest": 1}, {"Email": (2, 1), "Paid Social": (0, 1)}),
    ({"level": "platform"}, {"google > generic": (2, 1), "meta": (0, 1)}),
    ({"level": "source"}, {"google > generic": (2, 1), "meta": (0, 1)}),
    ({"level": "campaign"}, {"(none)": (2, 2)}),
]


async def test_paths_are_written_as_asked_and_analysed(store: Store, admin: Any) -> None:
    await shop(store)
    for query, paths in AS_ASKED:
        assert counted(await asked(admin, **query)).items() >= paths.items(), query
    analysis = (await asked(admin))["analysis"]
    assert (analysis["average_touchpoints"], analysis["average_hours_to_conversion"]) == (2.5, 2.5)
    assert analysis["path_lengths"] == [{"touches": 2, "conversions": 1}, {"touches": 3, "conversions": 1}]
    times = {each["label"]: each["conversions"] for each in analysis["time_to_conversion"] if each["conversions"]}
    assert times == {"1 to 24 hours": 2}


async def test_touches_out_of_the_window_are_no_part_of_a_path(store: Store, admin: Any) -> None:
    await store.touch(NOON - 10 * DAY, "v1", "Paid Social", platform="meta")
    await journey(store, "v1", "Email", order="o1")
    assert counted(await asked(admin, window="7")) == {"Email": (1, 0)}
    assert counted(await asked(admin, window="14")) == {"Paid Social > Email": (1, 0)}


async def test_a_journey_without_conversion_ends_where_the_window_passes_quietly(store: Store, admin: Any) -> None:
    await store.touch(NOON, "v1", "Paid Search")
    await store.touch(NOON + 3 * DAY, "v1", "Email")
    await store.touch(NOON + 18 * DAY, "v1", "Display")
    assert counted(await asked(admin, window="7")) == {"Paid Search > Email": (0, 1), "Display": (0, 1)}
    assert counted(await asked(admin, window="30")) == {"Paid Search > Email > Display": (0, 1)}
    assert counted(await asked(admin, window="7", to_date="2026-03-10")) == {"Paid Search > Email": (0, 1)}


async def test_a_person_on_two_devices_takes_one_path(store: Store, admin: Any) -> None:
    await store.touch(NOON, "phone", "Paid Social")
    await store.touch(NOON + HOUR, "laptop", "Email")
    for visitor in ("phone", "laptop"):
        await store.link(visitor, "person:7")
    assert counted(await asked(admin)) == {"Paid Social > Email": (0, 1)}


async def test_counted_days_answer_and_say_as_of_when(store: Store, admin: Any) -> None:
    await shop(store)
    fresh = await asked(admin)
    await count(store, RECOUNT_JOB)
    body = await asked(admin)
    assert (body["source"], body["as_of"] is not None) == ("summary", True)
    assert body["paths"] == fresh["paths"]
    assert body["analysis"] == fresh["analysis"]
    assert (await asked(admin, fresh="true"))["source"] == "touches"
    assert (await asked(admin, level="campaign"))["source"] == "touches"
    # What changes a day that was counted is seen at once.
    await journey(store, "v9", "Paid Search", "Email", order="o9")
    body = await asked(admin)
    assert (body["source"], body["paths"][0]["conversions"]) == ("summary", 3)
    await store.order("o1", NOON, session_id="s-v1", payment_state="cancelled", cancelled_at=NOON + DAY)
    await store.emit("order.cancelled", "o1")
    body = await asked(admin)
    assert (body["source"], body["paths"][0]["conversions"]) == ("summary", 2)


async def test_what_is_counted_equals_what_touches_say(store: Store, admin: Any) -> None:
    print("seed", SEED)
    rng = random.Random(SEED)
    for n in range(24):
        at = NOON + rng.randrange(0, 18 * 24) * HOUR
        channels = [rng.choice(list(CHANNELS)) for _ in range(rng.randrange(1, 6))]
        await journey(store, f"v{rng.randrange(12)}", *channels, at=at, order=f"o{n}" if rng.random() < 0.5 else None)
        if rng.random() < 0.1:
            await store.link(f"v{rng.randrange(12)}", f"person:{rng.randrange(4)}")
        if n == 12:
            await count(store, RECOUNT_JOB)
    await store.work()
    await count(store, RECOUNT_JOB)
    names = ("paths", "count", "total", "analysis")
    for query in (
        {},
        {"window": "7", "collapse": "unique", "by": "journeys"},
        {"level": "platform", "collapse": "first", "by": "value"},
        {"collapse": "recency", "newest": 2, "by": "conversion_rate"},
        {"from_date": "2026-03-05", "to_date": "2026-03-09", "collapse": "frequency"},
        {"non_converting": "false", "window": "14"},
    ):
        summary, touches = await asked(admin, limit=200, **query), await asked(admin, limit=200, fresh="true", **query)
        assert (summary["source"], touches["source"]) == ("summary", "touches")
        assert {name: summary[name] for name in names} == {name: touches[name] for name in names}, query


async def test_other_rules_are_not_answered_from_what_was_counted_under_the_old(store: Store, admin: Any) -> None:
    await shop(store)
    await count(store, RECOUNT_JOB)
    async with store.runtime.database.reading(store.tenant_id) as session:
        version = (await current_rules(session, store.tenant_id)).version
    changed = await admin.put("/settings/attribution", json={"value": {"half_life_hours": 24}, "version": 0})
    assert changed.status_code == 200, changed.text
    await store.work()
    async with store.runtime.database.reading(store.tenant_id) as session:
        assert (await current_rules(session, store.tenant_id)).version > version
    assert (await asked(admin))["source"] == "touches"
    await count(store)
    assert (await asked(admin))["source"] == "summary"


async def test_a_question_that_means_nothing_names_its_field(admin: Any) -> None:
    for query, field in (
        ({"window": "8"}, "window"),
        ({"conversion_type": "sale"}, "conversion_type"),
        ({"from_date": "2026-03-05", "to_date": "2026-03-01"}, "to_date"),
        ({"limit": 0}, "limit"),
    ):
        answer = await admin.get("/journeys/paths", params=query)
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == [field]
