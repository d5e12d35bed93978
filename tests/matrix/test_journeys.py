"""Journeys that the matrix does not take: a second click, a pause, a withdrawn consent, two shoppers on one machine."""

from __future__ import annotations

from typing import Any

import pytest

from tests.matrix.browser import Browser
from tests.matrix.conftest import OpenBrowser
from tests.matrix.journeys import BRAND, RETARGETING, Ad, accept, check_out, fill_cart
from tests.matrix.running import RunningStore

MINUTE = 60.0


async def _land(browser: Browser, store: RunningStore, ad: Ad) -> None:
    await browser.open(store.origin + ad.landing, referrer=ad.referrer)
    await browser.read()


async def _purchases(store: RunningStore, orders: int) -> list[dict[str, Any]]:
    """The purchases in the order they were made, once everything has settled."""
    await store.settled(orders)
    return await store.admin_all("/conversions", "conversions", conversion_type="purchase", order="occurred_at")


async def _winners(store: RunningStore, model: str) -> dict[str, float]:
    """Conversions by campaign under a model."""
    stats = (await store.admin("/attribution/stats", model=model, conversion_type="purchase"))["stats"]
    return {line["key"]: line["conversions"] for line in stats if line["conversions"]}


@pytest.mark.slow
async def test_a_second_click_takes_the_last_credit_and_leaves_the_first_one_its_own(
    store: RunningStore, browser: OpenBrowser
) -> None:
    async with browser() as tab:
        await _land(tab, store, BRAND)
        await accept(tab)
        await _land(tab, store, RETARGETING)
        await fill_cart(tab, "linen-shirt")
        await check_out(tab, store, "tab closed", "twice@shoppers.example")
    (bought,) = await _purchases(store, 1)
    assert bought["ad_campaign_id"] == RETARGETING.campaign_id
    assert await _winners(store, "last_non_direct") == {RETARGETING.campaign_id: 1}
    assert await _winners(store, "first_click") == {BRAND.campaign_id: 1}
    assert await _winners(store, "linear") == {BRAND.campaign_id: 0.5, RETARGETING.campaign_id: 0.5}


@pytest.mark.slow
async def test_a_pause_of_25_minutes_stays_one_session_and_one_of_35_begins_another_and_neither_loses_the_visit(
    store: RunningStore, browser: OpenBrowser
) -> None:
    """The pause is on the browser's clock, by which its cookies live and die."""
    sessions: list[set[str | None]] = []
    for minutes in (25, 35):
        async with browser() as tab:
            await _land(tab, store, BRAND)
            await accept(tab)
            first = tab.jar.get("_adp_sid")
            tab.jar.ahead += minutes * MINUTE
            await fill_cart(tab, "linen-shirt")
            sessions.append({first, tab.jar.get("_adp_sid")})
            await check_out(tab, store, "off-site return", f"pause{minutes}@shoppers.example")
    short, long = await _purchases(store, 2)
    assert [len(each) for each in sessions] == [1, 2]
    assert short["session_id"] in sessions[0]
    assert long["session_id"] in sessions[1]
    assert [row["ad_campaign_id"] for row in (short, long)] == [BRAND.campaign_id] * 2


@pytest.mark.slow
async def test_consent_withdrawn_before_the_purchase_leaves_the_order_without_a_visit(
    store: RunningStore, browser: OpenBrowser
) -> None:
    async with browser() as tab:
        await _land(tab, store, BRAND)
        await accept(tab)
        assert tab.jar.get("_adp_vid")
        await tab.consent(False)
        await fill_cart(tab, "linen-shirt")
        assert (tab.jar.get("_adp_vid"), tab.jar.get("_adp_sid")) == (None, None)
        await check_out(tab, store, "guest", "changed@shoppers.example")
    (bought,) = await _purchases(store, 1)
    assert (bought["visitor_id"], bought["session_id"], bought["ad_campaign_id"]) == (None, None, None)
    (covered,) = await store.admin_all("/coverage/orders", "orders")
    assert covered["cause"] == "no_consent"


@pytest.mark.slow
async def test_two_shoppers_behind_one_address_are_two_visitors(store: RunningStore, browser: OpenBrowser) -> None:
    async with browser() as one, browser() as other:
        other._address = one._address
        for tab, ad in ((one, BRAND), (other, RETARGETING)):
            await _land(tab, store, ad)
            await accept(tab)
        for tab, email in ((one, "one@shoppers.example"), (other, "other@shoppers.example")):
            await fill_cart(tab, "linen-shirt")
            await check_out(tab, store, "tab closed", email)
    bought = await _purchases(store, 2)
    assert {row["ad_campaign_id"] for row in bought} == {BRAND.campaign_id, RETARGETING.campaign_id}
    assert len({row["visitor_id"] for row in bought}) == 2
