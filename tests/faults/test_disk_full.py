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
from tests.faults.load import BROWSER, CONSENT, WEB, Load
from tests.faults.store import KEY, TOKEN

FILE_LIMIT = 18 * 2**20
"""Above the size of a segment of the write-ahead log, which is written whole when it is made."""
pytestmark = [pytest.mark.processes, pytest.mark.slow]
_FILLS = (
    """
    INSERT INTO adplanning.event (tenant_id, occurred_at, id, received_at, name, consent, source, properties)
    SELECT 'main', now(), 'fill-' || gen_random_uuid(), now(), 'page_view', 3, 'tracker',
           jsonb_build_object('text', (SELECT string_agg(md5(n::text || m::text), '') FROM generate_series(1, 30) m))
    FROM generate_series(1, 2000) n
    """,
    """
    INSERT INTO adplanning.conversion
        (tenant_id, id, conversion_type, status, origin, occurred_at, currency, properties)
    SELECT 'main', 'fill-' || gen_random_uuid(), 'custom', 'confirmed', 'manual', now(), 'INR',
           jsonb_build_object('text', (SELECT string_agg(md5(n::text || m::text), '') FROM generate_series(1, 30) m))
    FROM generate_series(1, 2000) n
    """,
)
_SIZE = """
    SELECT least(pg_relation_size('adplanning.conversion'), (
        SELECT max(pg_relation_size(inhrelid)) FROM pg_inherits WHERE inhparent = 'adplanning.event'::regclass))
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
        for fill in _FILLS:
            await rows(place.url, fill)
    web = await fleet.web()
    load.pause, load.mix = 0.05, {"event": 1, "batch": 3, "claim": 2}
    load.start(12)
    await load.at_least(30)
    before = memory_of(web)
    (limits / "limit").write_text(str(FILE_LIMIT // 512))  # in blocks of 512 bytes: neither table gets another page
    place.server.restart()

    async def refused_for_a_while() -> bool:
        return load.counts["status 503"] >= 60

    await within(60, refused_for_a_while, "refusals")
    kept, refused = await claims_until_refused(fleet.base)
    assert refused.headers["retry-after"].isdigit()
    assert kept <= {row[0] for row in await rows(place.url, "SELECT event_id FROM adplanning.conversion")}
    verdict = await judge(place.url, load, effects=False)
    assert not verdict.lost, verdict
    assert memory_of(web) - before < 64 * 2**20
    (limits / "limit").write_text("unlimited")
    place.server.restart()
    await load.at_least(20, seconds=15)
    await load.finish()
    print(dict(load.counts))
    assert web.poll() is None
    verdict = await judge(place.url, load, effects=False)
    assert not verdict.lost, verdict
    assert not verdict.doubled, verdict
    assert not load.odd
    async with httpx.AsyncClient(base_url=fleet.base, headers={"authorization": f"Bearer {TOKEN}"}) as admin:
        assert (await admin.get("/admin/ad-planning/conversions")).status_code == 200


async def claims_until_refused(base: str) -> tuple[set[str], httpx.Response]:
    """Claims that fill what room the last pages have: those that were acknowledged, and the first refusal."""
    kept: set[str] = set()
    async with httpx.AsyncClient(base_url=base, headers={"user-agent": BROWSER}) as client:
        while len(kept) < 500:
            claim = {
                "conversion_type": "add_to_cart",
                "event_id": f"big-{len(kept)}",
                "properties": {"text": "x" * 900},
            }
            answer = await client.post(f"{WEB}/track-conversion", json={"key": KEY, "consent": CONSENT, **claim})
            if answer.status_code != 201:
                assert answer.status_code == 503, answer.text
                return kept, answer
            kept.add(claim["event_id"])
    raise AssertionError("the disk was never full")
