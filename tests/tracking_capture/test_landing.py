"""A landing is captured on the server, without JavaScript, and only with consent."""

from tests.tracking_capture.conftest import Shop

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
