"""Touchpoints: what tracked events and linked sessions become, once, whatever the order they come in."""

from datetime import timedelta
from typing import Any

from sqlalchemy import text

from adplanning_plugin.attribution.models import Touchpoint
from adplanning_plugin.kernel.backfill import run_sweep
from adplanning_plugin.kernel.events import publish
from adplanning_plugin.kernel.work import Work
from tests.attribution.conftest import DAY, NOON, Store, make_runtime

MINUTE = timedelta(minutes=1)
META = {"source": "facebook", "medium": "paid_social", "campaign": "spring sale"}


def told(touches: list[Touchpoint]) -> list[tuple[str, str, str | None]]:
    return [(touch.source, touch.medium, touch.campaign) for touch in touches]


async def sweep(runtime: Any, name: str) -> Any:
    return await run_sweep(runtime, "main", runtime.get(Work).sweeps[name])


async def test_one_session_with_utm_becomes_a_touch_a_campaign_and_a_conversions_credit(store, runtime):
    await store.put("ad_campaign", {"id": "c1", "platform": "meta", "platform_id": "120", "name": "Spring Sale"})
    await store.event(NOON, utm=META, click_ids={"fbclid": "IwAR"})
    await store.event(NOON + MINUTE, url="https://shop.example/cart", referrer="https://shop.example/")
    await store.read_stream()
    (touch,) = await store.touches()
    assert (touch.source, touch.channel, touch.platform) == ("facebook", "Paid Social", "meta")
    assert (touch.is_resolved, touch.resolution_method, touch.ad_campaign_id) == (True, "exact_utm_match", "c1")
    assert (touch.origin, touch.session_id, touch.click_ids) == ("own", "ses_1", {"fbclid": "IwAR"})

    await store.conversion("conv_1", NOON + 5 * MINUTE, 499900, visitor_id="vis_1")
    async with runtime.database.transaction("main") as session:
        await publish(session, runtime, "main", "conversion.created", {"id": "conv_1"})
    await store.work()

    (row,) = await store.credit("conv_1", 30)
    assert (row.touch_id, row.ad_campaign_id, row.amounts) == (touch.id, "c1", [499900] * 6)
    found = await store.stored_conversion("conv_1")
    assert (found.platform, found.ad_campaign_id) == ("meta", "c1")


async def test_a_campaign_change_within_a_session_starts_a_touch_and_a_page_view_does_not(store):
    await store.event(NOON, utm=META)
    await store.event(NOON + MINUTE, referrer="https://shop.example/")
    await store.event(NOON + 2 * MINUTE, utm=META)
    await store.event(NOON + 3 * MINUTE, utm={"source": "google", "medium": "cpc", "campaign": "brand"})
    await store.event(NOON + 4 * MINUTE, referrer="https://www.paypal.com/checkout")
    await store.event(NOON + 5 * MINUTE, utm=META)
    await store.read_stream()
    assert told(await store.touches()) == [
        ("facebook", "paid_social", "spring sale"),
        ("google", "cpc", "brand"),
        ("facebook", "paid_social", "spring sale"),
    ]


async def test_a_session_without_a_source_is_one_direct_touch(store):
    await store.event(NOON)
    await store.event(NOON + MINUTE, url="https://shop.example/p")
    await store.read_stream()
    (touch,) = await store.touches()
    assert (touch.channel, touch.is_direct, touch.resolution_method) == ("Direct", True, "not_applicable")


async def test_the_way_back_from_payment_starts_no_touch(store):
    await store.event(NOON, referrer="https://checkout.stripe.com/pay")
    await store.read_stream()
    assert await store.touches() == []


async def test_events_without_consent_make_no_touch(store, runtime):
    await store.event(NOON, visitor_id=None, session_id=None, utm=META)
    await store.read_stream()
    assert await store.touches() == []


async def test_reading_again_and_in_another_order_gives_the_same_touches(store, runtime):
    await store.event(NOON + MINUTE, utm=META, id="b")
    await store.read_stream()
    await store.event(NOON, id="a")
    await store.read_stream()
    first = [(touch.id, touch.source, touch.occurred_at) for touch in await store.touches()]
    assert [source for _, source, _ in first] == ["(direct)", "facebook"]

    async with runtime.database.transaction("main") as session:
        await session.execute(text("DELETE FROM adplanning.watermark"))
        await session.execute(text("DELETE FROM adplanning.touchpoint WHERE tenant_id = 'main'"))
    await store.read_stream()
    assert [(touch.id, touch.source, touch.occurred_at) for touch in await store.touches()] == first


async def test_an_earlier_event_that_comes_late_moves_the_beginning(store):
    await store.event(NOON, id="b")
    await store.read_stream()
    await store.event(NOON - MINUTE, id="a")
    await store.read_stream()
    (touch,) = await store.touches()
    assert touch.occurred_at == NOON - MINUTE


async def test_a_late_touch_makes_its_conversions_due_and_no_others(store, runtime):
    await store.conversion("conv_1", NOON, visitor_id="vis_1")
    await store.conversion("conv_earlier", NOON - 2 * DAY, visitor_id="vis_1")
    await store.conversion("conv_stranger", NOON, visitor_id="vis_2")
    async with runtime.database.transaction("main") as session:
        ids = ["conv_1", "conv_earlier", "conv_stranger"]
        await publish(session, runtime, "main", "conversion.batch", {"ids": ids})
    await store.work()
    assert [row.touch_id for row in await store.credit("conv_1", 30)] == [""]

    await store.event(NOON - DAY, utm=META)
    await store.read_stream()

    (touch,) = await store.touches()
    assert [row.touch_id for row in await store.credit("conv_1", 30)] == [touch.id]
    assert [row.touch_id for row in await store.credit("conv_earlier", 30)] == [""]
    async with runtime.database.reading("main") as session:
        due = (
            await session.scalars(text("SELECT data FROM adplanning.outbox_event WHERE name = 'attribution.due'"))
        ).all()
    assert due == [{"ids": ["conv_1"]}]


async def test_imported_sessions_become_touches_and_learn_their_campaign(store, runtime):
    await store.put("website", {"id": "w1", "name": "Shop", "domain": "shop.example"})
    await store.put(
        "ad_campaign", {"id": "c1", "platform": "google", "name": "Brand", "status": "active", "created_at": NOON}
    )
    await store.put(
        "analytics_session",
        {
            "id": "s1",
            "visitor_id": "v1",
            "person_id": "7",
            "started_at": NOON,
            "landing_url": "https://shop.example/?utm_source=ignored&utm_term=Shoes&gclid=Cj",
            "utm_source": "Google ",
            "utm_medium": "CPC",
            "utm_campaign": "brand",
        },
        {"id": "s2", "started_at": NOON + DAY, "referrer": "https://www.google.com/"},
        {"id": "s3", "visitor_id": "v1", "started_at": NOON + DAY, "referrer": "shop.example", "website_id": "w1"},
    )
    await sweep(runtime, "attribution.sessions")
    first, second = await store.touches()
    assert (first.source, first.medium, first.term, first.click_ids) == ("google", "cpc", "shoes", {"gclid": "Cj"})
    assert (first.ad_campaign_id, first.person_id, first.origin) == ("c1", "7", "host")
    assert (second.visitor_id, second.channel) == ("session:s2", "Organic Search")
    async with runtime.database.reading("main") as session:
        rows = await session.execute(
            text("SELECT id, ad_campaign_id, attribution_resolved FROM adplanning.owned_analytics_session ORDER BY id")
        )
        assert [tuple(row) for row in rows][:2] == [("s1", "c1", True), ("s2", None, None)]

    again = await sweep(runtime, "attribution.sessions")
    assert again.changed == 0
    assert [touch.version for touch in await store.touches()] == [first.version, second.version]


async def test_where_the_hosts_sessions_count_tracked_ones_do_not(empty_database):
    runtime = make_runtime(empty_database, sessions="host")
    store = Store(runtime)
    await store.event(NOON, session_id="s1", utm=META)
    await store.put("analytics_session", {"id": "s1", "visitor_id": "v1", "started_at": NOON, "utm_source": "google"})
    await store.read_stream()
    assert await store.touches() == []
    await sweep(runtime, "attribution.sessions")
    assert [(touch.session_id, touch.source) for touch in await store.touches()] == [("s1", "google")]


async def test_the_stores_own_event_brings_its_session_at_once(empty_database):
    runtime = make_runtime(empty_database, sessions="host")
    store = Store(runtime)
    await store.put("analytics_session", {"id": "s1", "visitor_id": "v1", "started_at": NOON, "utm_source": "google"})
    await store.put("analytics_event", {"id": "e1", "session_id": "s1", "name": "page_view", "occurred_at": NOON})
    async with runtime.database.transaction("main") as session:
        await publish(session, runtime, "main", "analytics_event.created", {"id": "e1"})
    await store.work()
    assert [touch.session_id for touch in await store.touches()] == ["s1"]


async def test_a_conversion_brings_the_touch_of_its_own_visit(empty_database):
    runtime = make_runtime(empty_database, sessions="host")
    store = Store(runtime)
    await store.put("analytics_session", {"id": "s1", "started_at": NOON - MINUTE, "utm_source": "newsletter"})
    await store.conversion("conv_1", NOON, session_id="s1")
    async with runtime.database.transaction("main") as session:
        await publish(session, runtime, "main", "conversion.created", {"id": "conv_1"})
    await store.work()
    (touch,) = await store.touches()
    assert [row.touch_id for row in await store.credit("conv_1", 1)] == [touch.id]


async def test_a_session_whose_source_was_corrected_replaces_its_touch(store, runtime):
    await store.put("analytics_session", {"id": "s1", "visitor_id": "v1", "started_at": NOON, "utm_source": "gogle"})
    await sweep(runtime, "attribution.sessions")
    async with runtime.database.transaction("main") as session:
        await session.execute(
            text("UPDATE adplanning.owned_analytics_session SET utm_source = 'google', ended_at = now()")
        )
    await sweep(runtime, "attribution.sessions")
    (touch,) = await store.touches()
    assert (touch.source, touch.version) == ("google", 2)
