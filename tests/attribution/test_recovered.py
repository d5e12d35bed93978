"""Landings that tracking recovered after consent, where the store's own sessions count."""

from __future__ import annotations

import pytest
from sqlalchemy import text

from tests.attribution.conftest import DAY, NOON, Store, make_runtime
from tests.attribution.test_touchpoints import MINUTE, sweep

META = {"source": "facebook", "medium": "paid_social", "campaign": "retargeting"}
SHOP = "https://shop.example"


@pytest.fixture
def host_store(empty_database):
    """A store whose own sessions count; they begin on the page after the banner was answered."""
    return Store(make_runtime(empty_database, sessions="host"))


async def sources(store: Store) -> list[tuple[str | None, str, str | None]]:
    return [(touch.session_id, touch.source, touch.campaign) for touch in await store.touches()]


async def begin(store: Store, session_id: str, at, visitor_id: str = "vis_1", **more) -> None:
    given = {"landing_url": f"{SHOP}/products/scarf", **more}
    await store.put("analytics_session", {"id": session_id, "visitor_id": visitor_id, "started_at": at, **given})


async def test_a_session_that_began_after_consent_takes_the_landing_that_tracking_recovered(host_store):
    await host_store.event(NOON, utm=META, click_ids={"fbclid": "abc"}, referrer="https://l.facebook.com/")
    await begin(host_store, "s1", NOON + MINUTE)
    await sweep(host_store.runtime, "attribution.sessions")
    (touch,) = await host_store.touches()
    assert (touch.session_id, touch.origin, touch.source) == ("s1", "host", "facebook")
    assert (touch.campaign, touch.click_ids) == ("retargeting", {"fbclid": "abc"})
    assert touch.occurred_at == NOON + MINUTE


async def test_a_landing_that_comes_to_light_later_corrects_a_direct_touch(host_store):
    await begin(host_store, "s1", NOON)
    await sweep(host_store.runtime, "attribution.sessions")
    assert await sources(host_store) == [("s1", "(direct)", None)]
    await host_store.event(NOON + MINUTE / 60, utm=META)
    await host_store.read_stream()
    assert await sources(host_store) == [("s1", "facebook", "retargeting")]
    # …and is not due for ever.
    (touch,) = await host_store.touches()
    await host_store.event(NOON + MINUTE / 30, utm=META, id="again")
    await host_store.read_stream()
    assert [each.version for each in await host_store.touches()] == [touch.version]


async def test_what_a_session_says_itself_stands(host_store):
    await host_store.event(NOON, utm=META)
    await begin(host_store, "s1", NOON + MINUTE, utm_source="newsletter")
    await sweep(host_store.runtime, "attribution.sessions")
    await host_store.read_stream()
    assert await sources(host_store) == [("s1", "newsletter", None)]


async def test_a_landing_begins_one_session_only(host_store):
    await host_store.event(NOON, utm=META)
    await begin(host_store, "s1", NOON, landing_url=f"{SHOP}/?utm_source=facebook&utm_campaign=Retargeting")
    await begin(host_store, "s2", NOON + 20 * MINUTE)
    await sweep(host_store.runtime, "attribution.sessions")
    assert await sources(host_store) == [("s1", "facebook", "retargeting"), ("s2", "(direct)", None)]


async def test_another_visitors_another_days_and_another_stores_landing_is_not_taken(host_store):
    await host_store.event(NOON, utm=META, visitor_id="vis_2")
    await host_store.event(NOON - DAY, utm=META)
    await Store(host_store.runtime, "second").event(NOON, utm=META)
    await begin(host_store, "s1", NOON + MINUTE)
    await sweep(host_store.runtime, "attribution.sessions")
    await host_store.read_stream()
    assert await sources(host_store) == [("s1", "(direct)", None)]


async def test_the_stores_own_pages_are_no_source(host_store):
    await host_store.event(NOON, url=f"{SHOP}/cart", referrer=f"{SHOP}/products/scarf")
    await begin(host_store, "s1", NOON + MINUTE)
    await sweep(host_store.runtime, "attribution.sessions")
    await host_store.read_stream()
    async with host_store.runtime.database.reading("main") as session:
        assert (await session.execute(text("SELECT count(*) FROM adplanning.event"))).scalar_one() == 1
    assert await sources(host_store) == [("s1", "(direct)", None)]
