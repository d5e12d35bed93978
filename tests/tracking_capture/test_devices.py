"""What a visit came on is told by its User-Agent header: the kind of device and the browser, never the header itself."""

# ruff: noqa: E501 - user agents are as long as they are

import pytest

from adplanning_plugin.tracking import agent_of
from tests.tracking_capture.conftest import BROWSER, Shop

IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Mobile/15E148 Safari/604.1"
ANDROID = (
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Mobile Safari/537.36"
)


@pytest.mark.parametrize(
    ("said", "device", "browser"),
    [
        (BROWSER, "desktop", "Chrome"),
        (IPHONE, "mobile", "Safari"),
        (ANDROID, "mobile", "Chrome"),
        (ANDROID.replace(" Mobile", ""), "tablet", "Chrome"),
        (IPHONE.replace("iPhone; CPU iPhone OS", "iPad; CPU OS"), "tablet", "Safari"),
        ("Mozilla/5.0 (Android 14; Tablet; rv:131.0) Gecko/131.0 Firefox/131.0", "tablet", "Firefox"),
        ("Mozilla/5.0 (Android 14; Mobile; rv:131.0) Gecko/131.0 Firefox/131.0", "mobile", "Firefox"),
        (BROWSER.replace("X11; Linux x86_64", "Windows NT 10.0; Win64; x64") + " Edg/130.0.0.0", "desktop", "Edge"),
        (ANDROID.replace("Chrome/", "SamsungBrowser/26.0 Chrome/"), "mobile", "Samsung Internet"),
        (ANDROID.replace("Chrome/", "Version/4.0 Chrome/") + " Instagram 350.0.0.0", "mobile", "Instagram"),
        (IPHONE + " [FBAN/FBIOS;FBAV/480.0]", "mobile", "Facebook"),
        ("Dalvik/2.1.0 (Linux; U; Android 13; Pixel 7)", "mobile", None),
        ("MyShop/3.1 CFNetwork/1494 Darwin/23.4.0", None, None),
        ("okhttp/4.12.0", None, None),
        ("", None, None),
    ],
)
def test_common_agents_are_told_apart_and_nothing_is_guessed(
    said: str, device: str | None, browser: str | None
) -> None:
    assert agent_of(said) == (device, browser)


async def test_landings_and_events_of_a_visitor_say_what_they_came_on(shop: Shop) -> None:
    async with shop.browser(consent="analytics", agent=IPHONE) as phone:
        await phone.get("/?utm_source=meta")
        await shop.track({"name": "product_view"}, client=phone)
    async with shop.browser(consent="analytics") as app:
        app.headers["user-agent"] = "okhttp/4.12.0"
        await shop.track({"name": "page_view"}, client=app)
    found = {(event.name, event.source): (event.device, event.browser) for event in await shop.events()}
    assert found == {
        ("page_view", "server"): ("mobile", "Safari"),
        ("product_view", "tracker"): ("mobile", "Safari"),
        ("page_view", "tracker"): (None, None),
    }
    (kept,) = await shop.rows("SELECT count(*) FROM adplanning.event e WHERE to_jsonb(e)::text LIKE '%AppleWebKit%'")
    assert kept.count == 0


async def test_without_consent_nothing_says_what_somebody_came_on(shop: Shop) -> None:
    async with shop.browser(consent="none", agent=IPHONE) as phone:
        await shop.track({"name": "page_view"}, client=phone)
    (event,) = await shop.events()
    assert (event.visitor_id, event.device, event.browser) == (None, None, None)


async def test_a_landing_that_consent_recovers_says_it_too(shop: Shop) -> None:
    async with shop.browser(agent=ANDROID) as phone:
        page = {"url": "https://shop.example/?utm_source=google", "consent": {"analytics": True}}
        answer = await phone.post(
            "/web/ad-planning/consent", json=page, headers={"x-publishable-api-key": "pk_capture_test"}
        )
    assert answer.status_code == 200
    (event,) = await shop.events()
    assert (event.utm, event.device, event.browser) == ({"source": "google"}, "mobile", "Chrome")
