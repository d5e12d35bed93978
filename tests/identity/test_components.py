"""Components: who is one with whom follows from the edges alone, in any order, and never makes two people one."""

import asyncio
import random
import time
from collections import defaultdict
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text

from adplanning_plugin.identity import (
    LINKED,
    UNLINKED,
    Edge,
    allow,
    components,
    deny,
    link,
    people_of_visitors,
    resolve_person,
    visitors_of,
)
from adplanning_plugin.identity.filling import FILL_JOB
from adplanning_plugin.identity.grouping import Seen, group
from adplanning_plugin.identity.settings import IDENTITY_SECTION
from adplanning_plugin.identity.upkeep import hold
from adplanning_plugin.kernel.errors import Conflict
from adplanning_plugin.kernel.jobs import run_job_now
from adplanning_plugin.kernel.runner import Runner
from adplanning_plugin.kernel.settings import save

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOUR = timedelta(hours=1)


def login(visitor: str, person: str, hours: float = 0) -> Edge:
    return Edge(visitor, f"person:{person}", "login", "login", AT + hours * HOUR)


def order(visitor: str, address: str, hours: float = 0) -> Edge:
    return Edge(visitor, f"email:{address}", "order", f"order:{visitor}-{address}", AT + hours * HOUR)


async def linked(whole: Any, *edges: Edge) -> None:
    async with whole.database.transaction("main") as session:
        await link(session, whole, "main", edges)


async def stored(whole: Any) -> dict[str, set[str]]:
    """Component → its members."""
    found: defaultdict[str, set[str]] = defaultdict(set)
    async with whole.database.reading("main") as session:
        for row in await session.execute(components("main").select()):
            found[row.component_id].add(row.node)
    return dict(found)


async def told(whole: Any, name: str) -> list[tuple[list[str], list[str]]]:
    async with whole.database.reading("main") as session:
        rows = await session.execute(
            text("SELECT data->'ids', data->'people' FROM adplanning.outbox_event WHERE name = :name ORDER BY id"),
            {"name": name},
        )
        return [(row[0], row[1]) for row in rows]


async def test_a_guests_devices_are_one_by_an_address_and_a_persons_once_one_of_them_logs_in(whole):
    await linked(whole, order("phone", "a"), order("laptop", "a"), order("laptop", "b"), order("tablet", "b"))
    everything = {"phone", "laptop", "tablet", "email:a", "email:b"}
    assert await stored(whole) == {"email:a": everything}

    await linked(whole, login("tablet", "7"))
    assert await stored(whole) == {"person:7": everything | {"person:7"}}
    assert (await told(whole, LINKED))[-1] == (["laptop", "phone", "tablet"], ["7"])
    async with whole.database.reading("main") as session:
        assert await resolve_person(session, "main", "phone") == "7"
        assert set(await session.scalars(visitors_of("main", ["email:a"]))) == {"phone", "laptop", "tablet"}


async def test_an_address_that_two_people_use_makes_them_one_by_no_way(whole):
    await linked(whole, login("his", "1"), login("hers", "2"), order("his", "home", 1), order("hers", "home", 2))
    assert await stored(whole) == {"person:1": {"his", "person:1"}, "person:2": {"hers", "person:2", "email:home"}}


async def test_a_cycle_of_claims_ends_with_whoever_was_seen_last(whole):
    await linked(whole, *(login(f"v{n}", str(n)) for n in range(3)))
    await linked(whole, *(login(f"v{n}", str((n + 1) % 3), 1 + n) for n in range(3)))
    assert await stored(whole) == {
        "person:1": {"person:1", "v0"},
        "person:2": {"person:2", "v1"},
        "person:0": {"person:0", "v2"},
    }


async def test_who_left_a_shared_browser_is_told_of(whole):
    await linked(whole, login("shared", "1"), login("own", "1"))
    await linked(whole, login("shared", "2", 1))
    assert (await told(whole, UNLINKED)) == [(["own", "shared"], ["1", "2"])]
    assert (await told(whole, LINKED))[-1] == (["shared"], ["1", "2"])


async def test_a_tills_browser_makes_none_of_its_buyers_one(whole):
    buyers = [order("till", f"a{n}", n) for n in range(10)]
    await linked(whole, *buyers, order("home", "a3"))
    assert len((await stored(whole))["email:a0"]) == 12
    await linked(whole, order("till", "one too many"))
    assert await stored(whole) == {"email:a3": {"home", "email:a3"}}


@pytest.mark.parametrize("seed", range(2))
async def test_the_same_edges_in_any_order_make_the_same_components(whole, seed):
    print(f"seed {seed}")
    dice = random.Random(seed)
    edges = [
        (login if dice.random() < 0.4 else order)(f"v{dice.randrange(25)}", str(dice.randrange(9)), dice.randrange(12))
        for _ in range(60)
    ]
    denied = {f"email:{dice.randrange(9)}", f"person:{dice.randrange(9)}"}
    latest: dict[tuple[str, str], datetime] = {}
    for edge in edges:
        key = (edge.visitor_id, edge.identifier)
        latest[key] = max(edge.seen_at, latest.get(key, AT))
    expected = {
        each.id: set(each.visitors | each.identifiers)
        for each in group(Seen(*key, at) for key, at in latest.items() if key[1] not in denied)
    }
    assert all(len([name for name in nodes if name.startswith("person:")]) <= 1 for nodes in expected.values())
    for _ in range(2):
        dice.shuffle(edges)
        async with whole.database.engine.begin() as connection:
            for table in ("identity_edge", "identity_denylist", "identity_component"):
                await connection.execute(text(f"TRUNCATE adplanning.{table}"))
        hidden, place = sorted(denied), 0
        while place < len(edges):
            some = edges[place : place + dice.randrange(1, 12)]
            place += len(some)
            await linked(whole, *some)
            async with whole.database.transaction("main") as session:
                # Denied and allowed again meanwhile: what is seen in between is seen again after it.
                if hidden and dice.random() < 0.3:
                    await deny(session, whole, "main", each := hidden.pop(), "a test")
                    await allow(session, whole, "main", each)
        async with whole.database.transaction("main") as session:
            for each in denied:
                await deny(session, whole, "main", each, "a test")
        assert await stored(whole) == expected

        async with whole.database.engine.begin() as connection:
            await connection.execute(text("TRUNCATE adplanning.identity_component"))
        async with whole.database.transaction("main") as session:
            await session.execute(text("DELETE FROM adplanning.watermark"))
            await run_job_now(session, whole, "main", FILL_JOB, {})
        await _work(whole)
        assert await stored(whole) == expected


async def test_a_mailbox_with_a_hundred_thousand_edges_links_nobody_and_one_more_costs_nothing(whole):
    async with whole.database.transaction("main") as session:
        await session.execute(
            text(
                "INSERT INTO adplanning.identity_edge (tenant_id, visitor_id, identifier, kind, strength, source,"
                " first_seen_at, last_seen_at) SELECT 'main', 'v' || n, 'email:office', 'order', 2, 'order:' || n,"
                " now(), now() FROM generate_series(1, 100000) n"
            )
        )
    await linked(whole, order("v7", "own"))
    assert await stored(whole) == {"email:own": {"v7", "email:own"}}
    async with whole.database.reading("main") as session:
        reason = (await session.execute(text("SELECT reason FROM adplanning.identity_denylist"))).scalar_one()
    assert "more than 500 visitors" in reason

    began = time.process_time()
    await linked(whole, order("one more", "office"))
    assert time.process_time() - began < 1
    with pytest.raises(Conflict, match="most_visitors_together"):
        async with whole.database.transaction("main") as session:
            await allow(session, whole, "main", "email:office")


async def test_addresses_that_chain_beyond_the_cap_are_cut_and_an_operator_may_say_otherwise(whole):
    async with whole.database.transaction("main") as session:
        await save(session, whole, "main", IDENTITY_SECTION, {"most_visitors_together": 4}, 0)
    chain = [edge for n in range(6) for edge in (order(f"v{n}", f"a{n}"), order(f"v{n + 1}", f"a{n}"))]
    await linked(whole, *chain)
    assert all(len([name for name in nodes if name[0] == "v"]) <= 4 for nodes in (await stored(whole)).values())
    async with whole.database.transaction("main") as session:
        await save(session, whole, "main", IDENTITY_SECTION, {"most_visitors_together": 7}, 1)
        cut = (await session.execute(text("SELECT identifier FROM adplanning.identity_denylist"))).scalars().all()
        assert cut
        for identifier in cut:
            assert await allow(session, whole, "main", identifier)
    assert len((await stored(whole))["email:a0"]) == 13


async def test_whoever_links_meanwhile_does_not_wait_and_is_brought_in_step_by_the_worker(whole):
    async with whole.database.transaction("main") as sweep:
        await hold(sweep, "main")
        async with asyncio.timeout(2):
            await linked(whole, login("phone", "7"))
        assert await stored(whole) == {}
    await _work(whole)
    assert await stored(whole) == {"person:7": {"phone", "person:7"}}
    assert await told(whole, LINKED) == [(["phone"], ["7"])]


async def test_edges_from_before_there_were_components_are_filled_in_by_the_job(whole):
    async with whole.database.transaction("main") as session:
        await session.execute(
            text(
                "INSERT INTO adplanning.identity_edge (tenant_id, visitor_id, identifier, kind, strength, source,"
                " first_seen_at, last_seen_at) SELECT 'main', 'v' || n, 'person:' || n % 900, 'login', 2, 'login',"
                " now(), now() FROM generate_series(1, 2700) n"
            )
        )
        await run_job_now(session, whole, "main", FILL_JOB, {})
    await _work(whole)
    async with whole.database.reading("main") as session:
        people = (await session.execute(people_of_visitors("main").select())).all()
    assert len(people) == 2700
    assert all(int(row.visitor_id[1:]) % 900 == int(row.person_id) for row in people)


async def _work(whole: Any) -> None:
    await Runner(whole).drain("main")
