"""The web process is killed while people shop: what was acknowledged is stored, what was not is repeated, once."""

from __future__ import annotations

import random

import pytest

from tests.faults.conftest import Place
from tests.faults.fleet import Fleet
from tests.faults.ledger import judge
from tests.faults.load import Load

pytestmark = [pytest.mark.processes, pytest.mark.slow]


async def test_a_killed_web_process_loses_no_acknowledged_event_and_replays_are_stored_once(
    place: Place, fleet: Fleet, load: Load, seed: int
) -> None:
    chance = random.Random(seed)
    web = await fleet.web()
    load.start(16)
    for _ in range(2):
        await load.at_least(chance.randrange(60, 160))
        fleet.kill(web)
        at_the_kill = await judge(place.url, load, effects=False)
        assert not at_the_kill.lost, at_the_kill
        web = await fleet.web()
    await load.at_least(50)
    await load.finish()

    verdict = await judge(place.url, load, effects=False)
    assert not verdict.lost, verdict
    assert not verdict.doubled, verdict
    assert not load.odd
    assert load.counts["cut off"] >= 2
    print(dict(load.counts), len(load.events), "events", len(load.claims), "claims")
    assert len(load.events) > 500
    assert len(load.claims) > 20
