"""The example store with the plugin: a clicked purchase reaches its campaign with consent, and nobody's without."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from litestar.testing import AsyncTestClient

from host_example import payment
from host_example.app import create_app
from host_example.history import connect, generate, load
from host_example.settings import StoreSettings

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"
LANDING = "/?utm_source=google&utm_medium=cpc&utm_campaign=Brand"
BRAND = "7011"
PATIENCE = 60.0


@pytest.fixture
async def shop(database_url: str) -> AsyncIterator[AsyncTestClient]:
    settings = StoreSettings(database_url=database_url, secret="t" * 40)
    app = create_app(settings)
    async with AsyncTestClient(app, base_url="http://store.local") as client:
        connection = await connect(database_url)
        await load(
            connection, generate(3, datetime.now(UTC).date() - timedelta(days=1), scale=0.002, password_hash="unused")
        )
        await connection.close()
        client.headers["user-agent"] = BROWSER
        yield client


async def buy(client: AsyncTestClient, choice: str) -> None:
    """Land, answer the banner, buy, pay off-site and close the tab: the store hears of it by webhook alone."""
    told: list[dict[str, str]] = []

    async def keep(_: str, body: dict[str, str]) -> None:
        told.append(body)

    await client.get(LANDING)
    await client.post("/consent", data={"choice": choice, "next": LANDING})
    await client.post("/cart", data={"slug": "linen-shirt"})
    left = await client.post("/checkout", data={"email": f"{choice}@x.example"}, follow_redirects=False)
    address = urlsplit(left.headers["location"])
    provider = payment.create_app(client.app.state["store"].settings.payment_secret, deliver=keep)  # type: ignore[attr-defined]
    async with AsyncTestClient(provider, base_url="http://pay.local") as pay:
        ticket = parse_qs(address.query)["order"][0]
        await pay.post(address.path, data={"order": ticket, "outcome": "pay_and_close"})
    client.cookies.clear()
    assert (await client.post("/payments/webhook", json=told[0])).status_code == 200


async def conversion_of_newest_order(client: AsyncTestClient, *, has_campaign: bool) -> dict[str, Any]:
    """The newest purchase, as the admin sees it, once it has been worked out."""
    login = await client.post("/auth/login", json={"email": "admin@example.com", "password": "demo"})
    client.cookies.clear()
    bearer = {"authorization": f"Bearer {login.json()['token']}"}
    query = {"conversion_type": "purchase", "order": "-occurred_at", "limit": "1"}
    until = time.monotonic() + PATIENCE
    while True:
        answer = await client.get("/admin/ad-planning/conversions", params=query, headers=bearer)
        found = answer.json()["conversions"]
        newest = found[0] if found and found[0]["occurred_at"][:10] >= datetime.now(UTC).date().isoformat() else None
        # Version 2 is the one that attribution has written to.
        if newest and newest["version"] >= 2 and bool(newest["ad_campaign_id"]) == has_campaign:
            return newest
        assert time.monotonic() < until, f"after {PATIENCE:g} s the newest purchase is {newest}"
        await asyncio.sleep(0.2)


async def test_with_consent_a_purchase_reaches_its_campaign_though_the_tab_was_closed(shop: AsyncTestClient) -> None:
    await buy(shop, "granted")
    newest = await conversion_of_newest_order(shop, has_campaign=True)
    assert newest["ad_campaign_id"] == BRAND
    assert newest["visitor_id"]


async def test_without_consent_a_purchase_counts_but_belongs_to_no_visit(shop: AsyncTestClient) -> None:
    await buy(shop, "denied")
    newest = await conversion_of_newest_order(shop, has_campaign=False)
    assert (newest["visitor_id"], newest["session_id"], newest["utm_campaign"]) == (None, None, None)
    assert newest["conversion_value"] == "1990.00"
