"""Resolution: which campaign a touch belongs to, why it belongs to none, and what people decided stays."""

from typing import Any

import pytest
from sqlalchemy import text

from adplanning_plugin.attribution import resolvers
from adplanning_plugin.attribution.resolution import resolve_page
from adplanning_plugin.attribution.resolvers import AdObject, Ambiguous, Campaign, Catalogue, Match, Named, resolve
from adplanning_plugin.kernel.backfill import run_sweep
from adplanning_plugin.kernel.jobs import run_job_now
from adplanning_plugin.kernel.work import Work
from adplanning_plugin.kernel.workflows import start
from tests.attribution.conftest import DAY, NOON, Store


def campaign(
    key: str, name: str, platform: str = "meta", platform_id: str | None = None, site: str | None = None
) -> Campaign:
    return Campaign(id=key, name=name, platform=platform, platform_id=platform_id, website_id=site)


CATALOGUE = Catalogue(
    [
        campaign("c1", "Spring Sale", platform_id="120001"),
        campaign("c2", "spring_sale", "google", "900002"),
        campaign("c3", "Twins"),
        campaign("c4", "TWINS"),
        campaign("c5", "Site A", site="w1"),
        campaign("c6", "Letter", "newsletter"),
    ],
    [AdObject("s1", "130001", "Women 25-34", "c1", "s1"), AdObject("s3", "130003", "Women 25-34", "c3", "s3")],
    [AdObject("a1", "140001", "Red shoes", "c1", "s1")],
)


def named(key: str | None, **more: Any) -> Named:
    return Named(key=key, **{"source": "facebook", "platform": "meta", "campaign": key, **more})


@pytest.mark.parametrize(
    ("given", "campaign_id", "confidence"),
    [
        (named("120001"), "c1", 1.0),
        (named("c1"), "c1", 1.0),
        (named("spring sale"), "c1", 0.95),
        (named("spring sale", platform="google", source="google"), "c2", 0.95),
        (named(None, click_campaign="900002", platform="google", source="google"), "c2", 1.0),
        (named("900002", campaign=None, source="(not set)", platform="generic"), "c2", 1.0),
        (named("unheard of", content="140001"), "c1", 1.0),
        (named("site a", website_id="w1"), "c5", 0.95),
        (named("site a"), "c5", 0.95),
        (named("letter", source="newsletter", platform="generic"), "c6", 0.95),
    ],
)
def test_ids_and_exact_names_resolve_within_their_scope(given, campaign_id, confidence):
    found = resolve(given, CATALOGUE)
    assert isinstance(found, Match)
    assert (found.campaign_id, found.method, found.confidence) == (campaign_id, "exact_utm_match", confidence)


@pytest.mark.parametrize(
    "given",
    [
        named("spring"),
        named("spring sale", source="newsletter", platform="generic"),
        named("900002"),
        named("site a", website_id="w2"),
        named("130003", source="google", platform="google"),
        named(None),
    ],
)
def test_nothing_is_guessed(given):
    assert resolve(given, CATALOGUE) is None


def test_two_campaigns_of_one_name_are_ambiguous():
    assert resolve(named("twins"), CATALOGUE) == Ambiguous(campaign_ids=("c3", "c4"))


def test_ad_and_ad_set_are_found_within_the_campaign():
    by_name = resolve(named("spring sale", content="red_shoes"), CATALOGUE)
    assert isinstance(by_name, Match)
    assert (by_name.ad_set_id, by_name.ad_id) == ("s1", "a1")
    by_set = resolve(named("spring sale", term="women 25 34"), CATALOGUE)
    assert isinstance(by_set, Match)
    assert (by_set.ad_set_id, by_set.ad_id) == ("s1", None)


def test_a_further_resolver_is_asked_last():
    class Fuzzy:
        name = "fuzzy"

        def resolve(self, given: Named, catalogue: Catalogue) -> Match:
            return Match(campaign_id="c1", method="fuzzy_name_match", confidence=0.7)

    chain = (*resolvers.RESOLVERS, Fuzzy())
    close = resolve(named("sprign sale"), CATALOGUE, chain)
    assert isinstance(close, Match)
    assert close.method == "fuzzy_name_match"
    exact = resolve(named("spring sale"), CATALOGUE, chain)
    assert isinstance(exact, Match)
    assert exact.method == "exact_utm_match"


async def pending(store: Store, id: str, name: str, **more: Any) -> str:  # noqa: A002
    return await store.touch(
        id,
        NOON,
        source="facebook",
        platform="meta",
        campaign=name,
        campaign_key=name,
        resolution_method="unresolved",
        **more,
    )


async def job(runtime: Any, store: Store, **payload: Any) -> str:
    async with runtime.database.transaction(store.tenant_id) as session:
        item = await run_job_now(session, runtime, store.tenant_id, "resolve-attributions", payload)
    await store.work()
    return item


async def test_pending_touches_resolve_when_their_campaign_appears(store, runtime):
    await pending(store, "touch_1", "spring sale")
    await job(runtime, store)
    (touch,) = await store.touches()
    assert (touch.is_resolved, touch.resolution_method, touch.resolution_reason) == (
        False,
        "unresolved",
        "unknown_campaign",
    )

    await store.put("ad_campaign", {"id": "c1", "platform": "facebook", "name": "Spring-Sale", "created_at": NOON})
    await run_sweep(runtime, "main", runtime.get(Work).sweeps["attribution.campaigns"])
    (touch,) = await store.touches()
    assert (touch.ad_campaign_id, touch.confidence, touch.resolution_reason) == ("c1", 0.95, None)


async def test_an_ambiguous_name_says_so(store, runtime):
    await store.put("ad_campaign", *({"id": each, "platform": "meta", "name": "Twins"} for each in ("c1", "c2")))
    await pending(store, "touch_1", "twins")
    await job(runtime, store)
    (touch,) = await store.touches()
    assert (touch.is_resolved, touch.resolution_reason, touch.ad_campaign_id) == (False, "ambiguous", None)


async def test_another_tenants_campaign_is_no_match(store, runtime):
    other = Store(runtime, "other")
    await other.put("ad_campaign", {"id": "c1", "platform": "meta", "name": "Spring Sale"})
    await pending(store, "touch_1", "spring sale")
    await job(runtime, store)
    (touch,) = await store.touches()
    assert touch.ad_campaign_id is None


async def test_a_bulk_run_resolves_everything_and_doing_it_again_changes_nothing(store, runtime, monkeypatch):
    from adplanning_plugin.attribution import resolution

    monkeypatch.setattr(resolution, "BATCH", 7)
    await store.put("ad_campaign", *({"id": f"c{n}", "platform": "meta", "name": f"Name {n}"} for n in range(4)))
    for number in range(40):
        await pending(store, f"touch_{number:02}", f"name {number % 5}")
    item = await job(runtime, store)
    touches = await store.touches()
    assert sum(touch.is_resolved for touch in touches) == 32
    assert {touch.ad_campaign_id for touch in touches if touch.campaign == "name 2"} == {"c2"}
    versions = [touch.version for touch in touches]

    await job(runtime, store)
    assert [touch.version for touch in await store.touches()] == versions
    async with runtime.database.reading("main") as session:
        from adplanning_plugin.kernel.tables import WorkItem

        done = await session.get(WorkItem, ("main", item))
    assert done is not None
    assert (done.status, done.progress) == ("done", {"done": 40, "total": 40})


async def test_a_page_of_many_names_is_written_in_time_when_the_plan_is_one_for_any_page(store, runtime):
    await store.put("ad_campaign", {"id": "c1", "platform": "meta", "name": "Spring Sale"})
    many = 8_000
    async with runtime.database.transaction("main") as session:
        await session.execute(
            text(
                """
                INSERT INTO adplanning.touchpoint (tenant_id, id, origin, visitor_id, occurred_at, source, medium,
                  campaign, campaign_key, term, channel, platform, is_direct, resolution_method)
                SELECT 'main', 'touch_' || n, 'own', 'vis_' || n, now(), 'facebook', 'paid', 'spring sale',
                  'spring sale', 'term ' || n, 'Paid Social', 'meta', false, 'unresolved'
                FROM generate_series(1, :many) n
                """
            ),
            {"many": many},
        )
    async with runtime.database.transaction("main") as session:
        # What a connection comes to by itself after five pages; row against row it takes several times as long.
        await session.execute(text("SET LOCAL plan_cache_mode = force_generic_plan"))
        await session.execute(text("SET LOCAL statement_timeout = '6s'"))
        page = await resolve_page(session, runtime, "main")
    assert (page.seen, page.resolved) == (many, many)


async def test_a_resolved_campaign_reaches_the_credit_that_was_computed_before(store, runtime):
    await pending(store, "touch_1", "spring sale")
    await store.conversion("conv_1", NOON + DAY, visitor_id="vis_1")
    async with runtime.database.transaction("main") as session:
        await run_job_now(session, runtime, "main", "compute-credit")
    await store.work()
    assert [row.ad_campaign_id for row in await store.credit("conv_1", 30)] == [None]
    await store.put("ad_campaign", {"id": "c1", "platform": "meta", "name": "Spring Sale"})
    await job(runtime, store)
    assert [row.ad_campaign_id for row in await store.credit("conv_1", 30)] == ["c1"]
    assert (await store.stored_conversion("conv_1")).ad_campaign_id == "c1"


async def test_the_workflow_resolves_one_session(store, runtime):
    await store.put("ad_campaign", {"id": "c1", "platform": "meta", "name": "Spring Sale"})
    await store.put(
        "analytics_session",
        {"id": "s1", "started_at": NOON, "utm_source": "fb", "utm_medium": "cpc", "utm_campaign": "spring_sale"},
        {"id": "s2", "started_at": NOON, "utm_source": "fb", "utm_medium": "cpc", "utm_campaign": "spring_sale"},
    )
    async with runtime.database.transaction("main") as session:
        await start(runtime, session, "main", "resolve-session-attribution", {"session_id": "s1"})
    (touch,) = await store.touches()
    assert (touch.session_id, touch.ad_campaign_id) == ("s1", "c1")


async def test_the_bulk_workflow_starts_the_job(store, runtime):
    await store.put("ad_campaign", {"id": "c1", "platform": "meta", "name": "Spring Sale"})
    await pending(store, "touch_1", "spring sale")
    async with runtime.database.transaction("main") as session:
        await start(runtime, session, "main", "bulk-resolve-attributions", {})
    await store.work()
    assert [touch.ad_campaign_id for touch in await store.touches()] == ["c1"]


def test_the_nightly_run_is_at_two_in_the_stores_zone(runtime):
    from datetime import UTC, datetime

    found = runtime.get(Work).job("resolve-attributions")
    after = found.schedule.after(datetime(2026, 3, 1, tzinfo=UTC), found.zone_of(runtime, "main"))
    assert after == datetime(2026, 3, 1, 20, 30, tzinfo=UTC)  # 02:00 in Kolkata
