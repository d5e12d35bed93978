"""Edges link visitors to identifiers: strong ones only by default, capped, never across stores."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pluggy
import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin import Options
from adplanning_plugin.hookspecs import PROJECT, Specs
from adplanning_plugin.identity import (
    LINKED,
    MAX_VISITORS,
    UNLINKED,
    WEAK,
    Edge,
    allow,
    deny,
    link,
    people_of_visitors,
    resolve_person,
    visitors_of,
)
from adplanning_plugin.kernel.database import Database
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.work import Work
from adplanning_plugin.options import DatabaseOptions

AT = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    opened = Database.connect(DatabaseOptions(url=database_url))
    yield opened
    await opened.close()


@pytest.fixture
def runtime() -> Runtime:
    hooks = pluggy.PluginManager(PROJECT)
    hooks.add_hookspecs(Specs)
    runtime = Runtime(Options(secret="x" * 40), hooks)
    runtime.put(Work.collect(runtime))
    return runtime


async def test_linking_again_widens_the_times_and_adds_no_row(database: Database, runtime: Runtime) -> None:
    async with database.transaction("main") as session:
        await link(session, runtime, "main", [Edge("vis_a", "person:1", "login", "login", AT)])
        await link(session, runtime, "main", [Edge("vis_a", "person:1", "login", "login", AT - timedelta(days=2))])
        await link(session, runtime, "main", [Edge("vis_a", "person:1", "login", "login", AT + timedelta(days=1))])
        rows = (await session.execute(text("SELECT first_seen_at, last_seen_at FROM adplanning.identity_edge"))).all()

    assert [tuple(row) for row in rows] == [(AT - timedelta(days=2), AT + timedelta(days=1))]


async def test_a_forms_address_alone_is_weak_and_resolves_nobody(database: Database, runtime: Runtime) -> None:
    async with database.transaction("main") as session:
        await link(session, runtime, "main", [Edge("vis_a", "email:x", "form", "form:9", AT)])
        strong = (await session.execute(visitors_of("main", ["email:x"]))).scalars().all()
        claimed = (await session.execute(visitors_of("main", ["email:x"], strength=WEAK))).scalars().all()

    assert (strong, claimed) == ([], ["vis_a"])


async def test_a_shared_browser_belongs_to_whoever_was_seen_on_it_last(database: Database, runtime: Runtime) -> None:
    edges = [
        Edge("vis_a", "person:1", "login", "login", AT),
        Edge("vis_a", "person:2", "order", "order:5", AT + timedelta(hours=1)),
        Edge("vis_b", "person:1", "login", "login", AT),
    ]
    async with database.transaction("main") as session:
        await link(session, runtime, "main", edges)
        assert await resolve_person(session, "main", "vis_a") == "2"
        assert await resolve_person(session, "main", "vis_b") == "1"
        assert await resolve_person(session, "main", "vis_c") is None
        # The shared browser does not make the two one.
        assert (await session.execute(visitors_of("main", ["person:2"]))).scalars().all() == ["vis_a"]


async def test_an_identifier_with_too_many_visitors_links_nobody_until_it_is_allowed(
    database: Database, runtime: Runtime
) -> None:
    crowd = [Edge(f"vis_{n}", "email:office", "order", f"order:{n}", AT) for n in range(MAX_VISITORS + 1)]
    async with database.transaction("main") as session:
        await link(session, runtime, "main", crowd[:-1])
        assert len((await session.execute(visitors_of("main", ["email:office"]))).all()) == MAX_VISITORS

        await link(session, runtime, "main", crowd[-1:])
        assert (await session.execute(visitors_of("main", ["email:office"]))).all() == []
        reason = (await session.execute(text("SELECT reason FROM adplanning.identity_denylist"))).scalar_one()
        assert str(MAX_VISITORS) in reason

        assert await allow(session, runtime, "main", "email:office")
        assert len((await session.execute(visitors_of("main", ["email:office"]))).all()) == MAX_VISITORS + 1


async def test_a_denied_identifier_gets_no_further_edges(database: Database, runtime: Runtime) -> None:
    async with database.transaction("main") as session:
        await deny(session, runtime, "main", "email:test", "a test address")
        assert await link(session, runtime, "main", [Edge("vis_a", "email:test", "order", "order:1", AT)]) == 0
        assert (await session.execute(text("SELECT count(*) FROM adplanning.identity_edge"))).scalar_one() == 0


async def test_another_store_sees_no_edge(database: Database, runtime: Runtime) -> None:
    async with database.transaction("main") as session:
        await link(session, runtime, "main", [Edge("vis_a", "person:1", "login", "login", AT)])
    async with database.transaction("other") as session:
        assert await resolve_person(session, "other", "vis_a") is None
        assert await resolve_person(session, "main", "vis_a") is None
        assert (await session.execute(people_of_visitors("main").select())).all() == []


async def test_only_a_strong_edge_that_was_not_there_before_is_told_of(database: Database, runtime: Runtime) -> None:
    async with database.transaction("main") as session:
        await link(session, runtime, "main", [Edge("vis_w", "email:x", "form", "form:9", AT)])
        assert await told(session) == []
        await link(session, runtime, "main", [Edge("vis_a", "person:1", "login", "login", AT)])
        await link(session, runtime, "main", [Edge("vis_a", "person:1", "login", "login", AT + timedelta(days=1))])
        await link(session, runtime, "main", [Edge("vis_b", "person:1", "login", "login", AT)])
        assert await told(session) == [["vis_a"], ["vis_b"]]


async def test_what_the_denylist_hides_and_shows_again_is_told_of_once(database: Database, runtime: Runtime) -> None:
    edges = [Edge("vis_a", "email:x", "order", "order:1", AT), Edge("vis_w", "email:x", "form", "form:9", AT)]
    async with database.transaction("main") as session:
        await link(session, runtime, "main", edges)
        assert await deny(session, runtime, "main", "email:x", "a till")
        assert not await deny(session, runtime, "main", "email:x", "a till, said again")
        assert await allow(session, runtime, "main", "email:x")
        assert not await allow(session, runtime, "main", "email:x")
        assert await told(session) == [["vis_a"], ["vis_a"]]
        assert await told(session, UNLINKED) == [["vis_a"]]


async def test_an_identifier_that_exceeds_the_cap_is_told_of_with_all_the_visitors_that_it_linked(
    database: Database, runtime: Runtime
) -> None:
    crowd = [Edge(f"vis_{n:02}", "email:office", "order", f"order:{n}", AT) for n in range(MAX_VISITORS + 1)]
    async with database.transaction("main") as session:
        await link(session, runtime, "main", crowd[:-1])
        await link(session, runtime, "main", crowd[-1:])
        assert await told(session, UNLINKED) == [[edge.visitor_id for edge in crowd[:-1]]]


async def told(session: AsyncSession, name: str = LINKED) -> list[list[str]]:
    rows = await session.execute(
        text("SELECT data->'ids' FROM adplanning.outbox_event WHERE name = :name ORDER BY id"), {"name": name}
    )
    return list(rows.scalars())
