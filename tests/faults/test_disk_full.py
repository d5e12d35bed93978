"""PostgreSQL has no room to grow a table: 503, no acknowledgement without a row, and it recovers when there is room."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from adplanning_plugin.embedded import Postgres
from adplanning_plugin.embedded.binaries import postgres_bin
from tests.databases import TEST_SETTINGS, PostgresServer, make_template, prepare
from tests.faults.conftest import Place
from tests.faults.fleet import Fleet, memory_of, within
from tests.faults.ledger import judge, rows
from tests.faults.load import Load
from tests.faults.store import TOKEN, make_store

FILE_LIMIT = 18 * 2**20
"""Above the size of a segment of the write-ahead log, which is written whole when it is made."""
pytestmark = [pytest.mark.processes, pytest.mark.slow]
_FILL = """
    INSERT INTO adplanning.event (tenant_id, occurred_at, id, received_at, name, consent, source, properties)
    SELECT 'main', now(), 'fill-' || gen_random_uuid(), now(), 'page_view', 3, 'tracker',
           jsonb_build_object('text', (SELECT string_agg(md5(n::text || m::text), '') FROM generate_series(1, 30) m))
    FROM generate_series(1, 2000) n
"""
_SIZE = """
    SELECT max(pg_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'adplanning.event'::regclass
"""


@pytest.fixture
def limits() -> Iterator[Path]:
    """A folder that stands for PostgreSQL's programs, whose server starts under the file limit written there."""
    folder = Path(tempfile.mkdtemp(prefix="adplanning-limited-", dir="/var/tmp"))
    folder.chmod(0o755)  # the server may run as another account
    for program in postgres_bin().iterdir():
        if program.name != "postgres":
            (folder / program.name).symlink_to(program)
    (folder / "limit").write_text("unlimited")
    server = folder / "postgres"
    real = postgres_bin() / "postgres"
    server.write_text(f'#!/bin/sh\nulimit -S -f "$(cat {folder}/limit)"\nexec {real} "$@"\n')
    server.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def mortal_postgres(limits: Path) -> Iterator[Postgres]:
    """A server whose files may not grow past a limit once it is set; in place of the one that other tests kill."""
    with Postgres(settings=TEST_SETTINGS, programs=limits) as server:
        prepare(PostgresServer.of(server))
        make_template(PostgresServer.of(server), "template_faults")
        yield server


async def test_a_full_disk_is_503_and_never_an_acknowledgement_without_a_row(
    place: Place, fleet: Fleet, load: Load, limits: Path
) -> None:
    while ((await rows(place.url, _SIZE))[0][0] or 0) < FILE_LIMIT:
        await rows(place.url, _FILL)
    size = (await rows(place.url, _SIZE))[0][0]
    web = await fleet.web()
    load.pause, load.mix = 0.05, {"event": 1, "batch": 3}
    load.start(12)
    await load.at_least(30)
    before = memory_of(web)
    (limits / "limit").write_text(str(size // 512))  # in blocks of 512 bytes: the next page of that table has no room
    place.server.restart()

    async def refused_for_a_while() -> bool:
        return load.counts["status 503"] >= 60

    await within(60, refused_for_a_while, "refusals")
    verdict = await judge(place.url, load, effects=False)
    assert not verdict.lost, verdict
    assert memory_of(web) - before < 64 * 2**20
    (limits / "limit").write_text("unlimited")
    place.server.restart()
    refused = load.counts["status 503"]
    await load.at_least(20, seconds=15)
    await load.finish()
    print(dict(load.counts), "refused after the restart", load.counts["status 503"] - refused)
    assert web.poll() is None
    verdict = await judge(place.url, load, effects=False)
    assert not verdict.lost, verdict
    assert not verdict.doubled, verdict
    assert not load.odd
    async with httpx.AsyncClient(base_url=fleet.base, headers={"authorization": f"Bearer {TOKEN}"}) as admin:
        assert (await admin.get("/admin/ad-planning/conversions")).status_code == 200
