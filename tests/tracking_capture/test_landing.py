"""A landing is captured on the server, without JavaScript, and only with consent."""

import asyncio
import time

import pytest

from adplanning_plugin.kernel.ids import new_id
from adplanning_plugin.options import IngestOptions
from adplanning_plugin.tracking import signed_link, stop_capture
from adplanning_plugin.tracking.edges import settle
from adplanning_plugin.tracking.flush import Flusher
from adplanning_plugin.tracking.privacy import Privacy
from tests.tracking_capture.conftest import BROWSER, ORIGIN, Shop, StoreHooks, broken, make_app, make_runtime

HEADLESS = BROWSER.replace("Chrome", "HeadlessChrome")
CAMPAIGN = "/?utm_source=Meta&utm_medium=cpc&utm_campaign=Summer%20Sale&fbclid=abc123"


async def test_a_consented_landing_sets_first_party_cookies_and_stores_its_campaign(shop: Shop) -> None:
    async with shop.browser(consent="analytics.ads") as browser:
        page = await browser.get(CAMPAIGN, headers={"referer": "https://www.facebook.com/some/post?x=1"})

    cookies = page.headers.get_list("set-cookie")
    visitor = next(each for each in cookies if each.startswith("_adp_vid=vis_"))
    assert all(part in visitor for part in ("HttpOnly", "Secure", "SameSite=Lax", "Path=/", "Max-Age=34128000"))
    assert any(each.startswith("_adp_sid=ses_") and "Max-Age=1800" in each for each in cookies)
    (event,) = await shop.events()
    assert (event.name, event.source, event.path, event.consent) == ("page_view", "server", "/", 3)
    assert event.utm == {"source": "meta", "medium": "cpc", "campaign": "summer sale"}
    assert event.click_ids == {"fbclid": "abc123"}
    assert event.referrer == "https://www.facebook.com/some/post"
    assert event.visitor_id == browser.cookies["_adp_vid"]
    assert "fbclid" not in event.url
    assert str(int(event.occurred_at.timestamp() * 1000)) in page.headers["server-timing"]


async def test_ads_consent_is_needed_for_click_ids(shop: Shop) -> None:
    async with shop.browser(consent="analytics") as browser:
        await browser.get(CAMPAIGN)

    (event,) = await shop.events()
    assert event.click_ids is None
    assert event.utm["source"] == "meta"


@pytest.mark.parametrize("consent", [None, "none", "ads", "nonsense"])
async def test_without_analytics_consent_a_landing_leaves_nothing(shop: Shop, consent: str | None) -> None:
    async with shop.browser(consent=consent) as browser:
        page = await browser.get(CAMPAIGN)

    assert page.status_code == 200
    assert "set-cookie" not in page.headers
    assert "server-timing" not in page.headers
    assert await shop.events() == []


async def test_withdrawn_consent_expires_the_cookies_it_once_allowed(shop: Shop) -> None:
    async with shop.browser(consent="analytics") as browser:
        await browser.get("/")
        browser.cookies.delete("_adp_consent")
        browser.cookies.set("_adp_consent", "none")
        page = await browser.get("/product/1")

    gone = page.headers.get_list("set-cookie")
    assert len(gone) == 2
    assert all("Max-Age=0" in each for each in gone)
    assert len(await shop.events()) == 1


async def test_consent_given_after_landing_recovers_the_campaign_from_the_referer(shop: Shop) -> None:
    landing = f"{ORIGIN}/?utm_source=google&utm_medium=cpc&gclid=xyz"
    async with shop.browser() as browser:
        await browser.get("/?utm_source=google&utm_medium=cpc&gclid=xyz")
        assert await shop.events() == []
        browser.cookies.set("_adp_consent", "analytics.ads")
        await browser.get("/product/1", headers={"referer": landing})

    (event,) = await shop.events()
    assert event.utm == {"source": "google", "medium": "cpc"}
    assert event.click_ids == {"gclid": "xyz"}
    assert event.path == "/"


async def test_a_foreign_referer_is_not_taken_for_the_landing(shop: Shop) -> None:
    async with shop.browser(consent="analytics") as browser:
        await browser.get("/product/1", headers={"referer": "https://evil.example/?utm_source=stolen"})

    (event,) = await shop.events()
    assert event.utm is None
    assert event.referrer == "https://evil.example/"
    assert event.path == "/product/1"


async def test_pages_inside_a_visit_are_no_landings_but_a_second_campaign_is(shop: Shop) -> None:
    async with shop.browser(consent="analytics") as browser:
        await browser.get(CAMPAIGN)
        await browser.get("/product/1", headers={"referer": f"{ORIGIN}{CAMPAIGN}"})
        await browser.get("/?utm_source=newsletter", headers={"referer": f"{ORIGIN}/product/1"})

    events = await shop.events()
    assert [event.utm["source"] for event in events] == ["meta", "newsletter"]
    assert len({event.visitor_id for event in events}) == len({event.session_id for event in events}) == 1


async def test_what_is_no_page_for_one_person_is_not_captured(shop: Shop) -> None:
    async with shop.browser(consent="analytics") as browser:
        shared = await browser.get("/cached?utm_source=a")
        data = await browser.get("/api/stock?utm_source=a")
        prefetch = await browser.get("/?utm_source=a", headers={"sec-purpose": "prefetch"})
        image = await browser.get("/?utm_source=a", headers={"sec-fetch-dest": "image"})
    async with shop.browser(consent="analytics", agent="Googlebot/2.1 (+http://www.google.com/bot.html)") as robot:
        crawled = await robot.get("/?utm_source=a")

    assert all("set-cookie" not in page.headers for page in (shared, data, prefetch, image, crawled))
    assert await shop.events() == []


@pytest.mark.parametrize("agent", [HEADLESS, "python-httpx/0.28.1"])
async def test_programs_are_shoppers_only_where_the_store_says_so(
    capture_database: str, shop: Shop, agent: str
) -> None:
    async with shop.browser(consent="analytics", agent=agent) as program:
        unseen = await program.get("/?utm_source=a")
    told = await make_runtime(capture_database, StoreHooks(), IngestOptions(count_programs=True))
    open_shop = Shop(make_app(told), told, StoreHooks())
    async with open_shop.browser(consent="analytics", agent=agent) as program:
        seen = await program.get("/?utm_source=b")
        sent = await open_shop.track({"name": "click"}, client=program)
    async with open_shop.browser(consent="analytics", agent="Googlebot/2.1") as robot:
        crawled = await robot.get("/?utm_source=c")
    await told.get(Flusher).drain()
    events = await shop.events()
    await stop_capture(told)
    await told.database.close()

    assert ["set-cookie" in page.headers for page in (unseen, seen, crawled)] == [False, True, False]
    assert sent.json()["accepted"] == 1
    assert [event.utm["source"] for event in events if event.name == "page_view"] == ["b"]


async def test_a_redirect_that_drops_the_campaign_is_the_landing(shop: Shop) -> None:
    async with shop.browser(consent="analytics") as browser:
        moved = await browser.get("/go?utm_source=qr")
        await browser.get(moved.headers["location"])

    (event,) = await shop.events()
    assert event.utm == {"source": "qr"}
    assert event.path == "/go"


async def test_a_thousand_utm_parameters_are_ignored_and_the_page_is_served(shop: Shop) -> None:
    crowd = "&".join(f"utm_{n}=x{n}" for n in range(1000)) + "&utm_source=meta"
    async with shop.browser(consent="analytics") as browser:
        page = await browser.get(f"/?{crowd}")

    assert page.status_code == 200
    (event,) = await shop.events()
    assert event.utm is None
    assert event.url == f"{ORIGIN}/"


async def test_personal_parameters_of_the_landing_are_not_kept(shop: Shop) -> None:
    async with shop.browser(consent="analytics") as browser:
        await browser.get("/?email=asha@example.com&q=shoes&token=secret&utm_source=mail")

    (event,) = await shop.events()
    assert event.url == f"{ORIGIN}/?q=shoes&utm_source=mail"


async def test_the_hosts_own_consent_policy_comes_before_the_cookie(shop: Shop) -> None:
    shop.hooks.policy = {"analytics": False}
    async with shop.browser(consent="analytics.ads") as browser:
        refused = await browser.get(CAMPAIGN)
    shop.hooks.policy = {"analytics": True}
    async with shop.browser(consent="none") as browser:
        granted = await browser.get(CAMPAIGN)

    assert "set-cookie" not in refused.headers
    assert "_adp_vid=vis_" in granted.headers["set-cookie"]


async def test_a_store_may_grant_analytics_to_visitors_who_were_never_asked(shop: Shop) -> None:
    await shop.rows(
        "INSERT INTO adplanning.setting (tenant_id, section, value) "
        "VALUES ('main', 'privacy', '{\"unknown_consent\": \"analytics\"}') RETURNING section"
    )
    await shop.runtime.get(Privacy).settled_bits("main")
    async with shop.browser() as browser:
        asked_nobody = await browser.get(CAMPAIGN)
    async with shop.browser(consent="none") as browser:
        refused = await browser.get(CAMPAIGN)

    assert "_adp_vid=vis_" in asked_nobody.headers["set-cookie"]
    assert "set-cookie" not in refused.headers
    assert len(await shop.events()) == 1


async def test_an_old_or_forged_visitor_cookie_is_replaced(shop: Shop) -> None:
    old = new_id("vis", at_ms=int((time.time() - 400 * 86_400) * 1000))
    for value in (old, "vis_NOTAULID", "' OR 1=1 --", "x" * 5000):
        async with shop.browser(consent="analytics") as browser:
            page = await browser.get("/", headers={"cookie": f"_adp_consent=analytics; _adp_vid={value}"})
        assert "_adp_vid=vis_" in page.headers["set-cookie"], value
        assert value not in page.headers["set-cookie"]


async def test_the_page_is_served_when_the_database_is_gone(shop: Shop) -> None:
    await shop.runtime.database.engine.dispose()
    shop.runtime.get(Flusher)._runtime = broken(shop.runtime)
    async with shop.browser(consent="analytics") as browser:
        page = await browser.get(CAMPAIGN)

    assert page.status_code == 200
    assert "_adp_vid=vis_" in page.headers["set-cookie"]


async def test_landings_wait_out_an_outage_of_the_database(shop: Shop) -> None:
    flusher, real = shop.runtime.get(Flusher), shop.runtime
    flusher._runtime = broken(real)
    async with shop.browser(consent="analytics") as browser:
        await browser.get(CAMPAIGN)
    while flusher._retry is None or flusher._writer is not None:  # noqa: ASYNC110 - no event tells of it
        await asyncio.sleep(0)
    assert flusher.waiting == 1

    flusher._runtime = real
    assert len(await shop.events()) == 1
    assert flusher.waiting == 0


async def test_a_stop_during_an_outage_leaves_nothing_that_goes_on_trying(shop: Shop) -> None:
    flusher = shop.runtime.get(Flusher)
    flusher._runtime = broken(shop.runtime)
    async with shop.browser(consent="analytics") as browser:
        await browser.get(CAMPAIGN)
    await stop_capture(shop.runtime)

    assert (flusher.waiting, flusher._retry, flusher._writer) == (0, None, None)
    assert flusher.counts["landings_dropped"] == 1


async def test_a_full_queue_drops_the_landing_and_counts_it(shop: Shop) -> None:
    flusher = shop.runtime.get(Flusher)
    flusher._limit = 0
    async with shop.browser(consent="analytics") as browser:
        page = await browser.get(CAMPAIGN)

    assert page.status_code == 200
    assert flusher.counts["landings_dropped"] == 1


async def test_a_signed_link_ties_the_visitor_to_the_person_it_was_sent_to(shop: Shop) -> None:
    link = signed_link(shop.runtime, "main", f"{ORIGIN}/?utm_source=mail", 42)
    forged = link[:-4] + "AAAA"
    async with shop.browser(consent="analytics") as browser:
        await browser.get(link)
    async with shop.browser(consent="analytics") as stranger:
        await stranger.get(forged)
    async with shop.browser() as undecided:
        await undecided.get(link)
    await settle()

    edges = await shop.rows("SELECT visitor_id, identifier, kind, strength FROM adplanning.identity_edge")
    assert [tuple(edge) for edge in edges] == [(browser.cookies["_adp_vid"], "person:42", "signed_link", 2)]
    assert all("adp_link" not in event.url for event in await shop.events())
