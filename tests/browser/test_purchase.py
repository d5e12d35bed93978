"""A purchase clicked through the storefront in a real browser, and what the dashboard says of it afterwards."""

from __future__ import annotations

import os
import re
from typing import Any

import pytest
from playwright.async_api import expect

from host_example.catalogue import PASSWORD
from tests.browser.conftest import OpenShopper, Shopper
from tests.matrix.journeys import BRAND
from tests.matrix.running import RunningStore

pytestmark = [pytest.mark.browser, pytest.mark.slow]
REVENUE = "1990.00"
"""A linen shirt before tax and shipping: what the store counts as revenue by default."""
SHOWN = "₹1,990.00"
"""The same as the pages write it."""
OWN_COOKIES = {"_adp_vid", "_adp_sid", "_adp_consent"}
TRACES = {
    "events of somebody": "SELECT 1 FROM adplanning.event WHERE coalesce(visitor_id, session_id) IS NOT NULL"
    " OR utm IS NOT NULL OR click_ids IS NOT NULL OR url LIKE '%?%'",
    "sessions": "SELECT 1 FROM adplanning.session",
    "visitors": "SELECT 1 FROM adplanning.visitor",
    "identity edges": "SELECT 1 FROM adplanning.identity_edge",
    "touchpoints": "SELECT 1 FROM adplanning.touchpoint",
    "bindings to a visitor": "SELECT 1 FROM adplanning.checkout_binding"
    " WHERE coalesce(visitor_id, session_id) IS NOT NULL",
    "orders of a visitor": "SELECT 1 FROM adplanning.order_visit WHERE coalesce(visitor_id, session_id) IS NOT NULL",
    "conversions of a visitor": "SELECT 1 FROM adplanning.conversion"
    " WHERE coalesce(visitor_id, session_id) IS NOT NULL OR utm IS NOT NULL OR click_ids IS NOT NULL",
    "the store's own visits": "SELECT 1 FROM store.web_sessions",
}
"""Where a visit would be found, if any of it were stored."""


async def _purchase(store: RunningStore) -> dict[str, Any]:
    """The only purchase there is, once everything has settled."""
    await store.settled(1)
    (found,) = await store.admin_all("/conversions", "conversions", conversion_type="purchase")
    return found


async def _traces(store: RunningStore) -> list[str]:
    return [name for name, query in TRACES.items() if await store.fetch(query)]


async def test_with_consent_a_clicked_purchase_is_in_the_dashboard_with_its_campaign(
    store: RunningStore, shopper: OpenShopper
) -> None:
    person = await shopper()
    await person.land(BRAND.landing)
    assert not OWN_COOKIES & (await person.cookies()).keys(), "a cookie before an answer"
    assert await _traces(store) == []
    await person.answer("Accept")
    assert await person.read() >= {"page_view"}
    number = await person.buy("ann@shoppers.example")
    cookies = await person.cookies()
    assert {"_adp_vid", "_adp_sid"} <= cookies.keys()
    assert person.errors == []

    bought = await _purchase(store)
    assert (bought["order_id"], bought["status"]) == (number, "confirmed")
    assert (bought["ad_campaign_id"], bought["platform"]) == (BRAND.campaign_id, "google")
    assert bought["visitor_id"] == cookies["_adp_vid"]
    assert bought["conversion_value"] == REVENUE

    dashboard = (await store.admin("/dashboard"))["dashboard"]
    assert (dashboard["coverage"]["joined"], dashboard["coverage"]["orders"]) == (1, 1)
    assert (dashboard["kpis"]["revenue"], dashboard["kpis"]["attributed_revenue"]) == (REVENUE, REVENUE)
    (best,) = [line for line in dashboard["top_campaigns"] if line["orders"]]
    assert (best["id"], best["name"], best["revenue"]) == (BRAND.campaign_id, BRAND.name, REVENUE)

    roi = await store.admin("/roi", by="campaign")
    (line,) = [line for line in roi["roi"] if line["id"] == BRAND.campaign_id]
    assert (line["revenue"], line["spend"], line["orders"]) == (REVENUE, "1200.00", 1)
    assert line["roas"] == pytest.approx(1990 / 1200, abs=1e-4)
    assert roi["total"]["revenue"] == REVENUE
    await _owner_sees_it(store, person, number)


async def _owner_sees_it(store: RunningStore, person: Shopper, number: str | None) -> None:
    """The same purchase in the admin pages: found from the dashboard by clicking, with its campaign."""
    if os.environ.get("ADPLANNING_SKIP_UI", "") not in {"", "0"}:
        return
    context = await person.new_profile()
    page = await context.new_page()
    await page.goto(f"{store.origin}/app/login?next=/app/ad-planning/")
    await page.get_by_label("Email").fill("admin@example.com")
    await page.get_by_label("Password").fill(PASSWORD)
    await page.get_by_role("button", name="Log in").click()
    await expect(page.get_by_role("heading", name="Dashboard", level=1)).to_be_visible()
    main = page.get_by_role("main")
    await expect(main.get_by_role("row").filter(has_text=BRAND.name)).to_contain_text(SHOWN)
    await main.get_by_role("link", name="Orders", exact=True).click()
    bought = main.get_by_role("row").filter(has_text=str(number))
    await expect(bought).to_contain_text(SHOWN)
    await expect(bought).to_contain_text(BRAND.name)
    await bought.get_by_role("button", name=re.compile(": open$")).click()
    credit = page.get_by_role("dialog", name="Conversion").get_by_role("tabpanel")
    await expect(credit.get_by_role("listitem").filter(has_text=BRAND.name)).to_contain_text("100.0%")


async def test_with_consent_declined_no_cookie_is_set_and_nothing_of_the_visit_is_stored(
    store: RunningStore, shopper: OpenShopper
) -> None:
    person = await shopper()
    seen: set[str] = set()
    person.context.on("response", lambda response: seen.update(_set_cookies(response.headers)))
    await person.land(f"{BRAND.landing}&gclid=a-click")
    await person.answer("Decline")
    await person.buy("ben@shoppers.example")
    assert not OWN_COOKIES & ({*await person.cookies()} | seen)
    assert await person.page.evaluate("localStorage.length + sessionStorage.length") == 0
    assert person.errors == []

    bought = await _purchase(store)
    assert await _traces(store) == []
    assert (bought["visitor_id"], bought["ad_campaign_id"], bought["conversion_value"]) == (None, None, REVENUE)
    (covered,) = await store.admin_all("/coverage/orders", "orders")
    assert (covered["order_id"], covered["cause"]) == (bought["order_id"], "no_consent")
    dashboard = (await store.admin("/dashboard"))["dashboard"]
    assert (dashboard["kpis"]["revenue"], dashboard["kpis"]["attributed_revenue_minor"]) == (REVENUE, 0)


def _set_cookies(headers: dict[str, str]) -> set[str]:
    return {line.partition("=")[0].strip() for line in headers.get("set-cookie", "").splitlines()}


async def test_a_blocked_script_loses_neither_the_visit_nor_the_campaign(
    store: RunningStore, shopper: OpenShopper
) -> None:
    person = await shopper()
    await person.context.route("**/web/ad-planning/**", lambda route: route.abort())
    await person.land(BRAND.landing)
    await person.answer("Accept")
    await person.buy("cy@shoppers.example")
    tracked = await store.fetch("SELECT 1 FROM adplanning.event WHERE source = 'tracker'")
    assert (set(person.tracked), tracked) == ({"tracker.js"}, [])
    assert (await _purchase(store))["ad_campaign_id"] == BRAND.campaign_id


async def test_a_tab_closed_at_the_payment_provider_loses_neither_the_order_nor_its_campaign(
    store: RunningStore, shopper: OpenShopper
) -> None:
    person = await shopper()
    await person.land(BRAND.landing)
    await person.answer("Accept")
    await person.buy("dee@shoppers.example", press="Pay, and stay here")
    assert (await _purchase(store))["ad_campaign_id"] == BRAND.campaign_id
    assert person.errors == []


async def test_global_privacy_control_without_an_answer_leaves_no_trace(
    store: RunningStore, shopper: OpenShopper
) -> None:
    person = await shopper(**{"sec-gpc": "1"})
    await person.context.add_init_script("Object.defineProperty(navigator, 'globalPrivacyControl', {value: true})")
    await person.land(f"{BRAND.landing}&gclid=a-click")
    await person.buy("eve@shoppers.example")
    assert not OWN_COOKIES & (await person.cookies()).keys()
    await _purchase(store)
    assert await _traces(store) == []


async def test_the_contact_and_feedback_forms_are_heard_and_a_lead_belongs_to_its_campaign(
    store: RunningStore, shopper: OpenShopper
) -> None:
    person = await shopper()
    page = person.page
    await person.land(BRAND.landing)
    await person.answer("Accept")
    await page.get_by_role("link", name="Contact").click()
    await page.get_by_label("Name").fill("Fay")
    await page.get_by_label("Email").fill("fay@shoppers.example")
    await page.get_by_label("Message").fill("Do you deliver to Pune?")
    await page.get_by_role("button", name="Send").click()
    await page.wait_for_url("**/thanks?for=contact")
    await page.get_by_role("link", name="Feedback").click()
    await page.get_by_label("Stars").select_option("4")
    await page.get_by_label("What should we know?").fill("Lovely cloth")
    await page.get_by_role("button", name="Send").click()
    await page.wait_for_url("**/thanks?for=feedback")
    assert await person.read() >= {"page_view"}
    assert person.errors == []

    await store.settled(0)
    (lead,) = await store.admin_all("/conversions", "conversions", conversion_type="lead_form_submission")
    assert lead["ad_campaign_id"] == BRAND.campaign_id
    assert lead["visitor_id"] == (await person.cookies())["_adp_vid"]
    told = await store.fetch(
        "SELECT properties->>'action' AS action FROM adplanning.event WHERE name = 'form_submit' AND visitor_id = $1",
        lead["visitor_id"],
    )
    # The banner is a form as well; whether its submission was still unsent when the answer was in is the browser's.
    assert sorted(row["action"] for row in told if row["action"] != "/consent") == ["/contact", "/feedback"]
    assert len(await store.fetch("SELECT 1 FROM store.reviews WHERE stars = 4")) == 1
