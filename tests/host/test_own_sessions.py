"""A host without analytics sessions: from the landing to the return of the campaign, by tracked visits alone."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from httpx import ASGITransport, AsyncClient

from adplanning_plugin import AdPlanning
from adplanning_plugin.kernel.backfill import backfill
from adplanning_plugin.links import Links
from tests.host.minimal import ADMIN_TOKEN, create_app

BROWSER = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36"
ADMIN = "/admin/ad-planning"
BEARER = {"authorization": f"Bearer {ADMIN_TOKEN}"}
PATIENCE = 60.0


async def make_campaign(runtime: Any) -> None:
    table = runtime.get(Links).source("ad_campaign").owned
    row = {"tenant_id": "default", "id": "c1", "source_key": "c1", "platform": "google", "name": "Brand"}
    async with runtime.database.transaction("default") as session:
        await session.execute(table.insert().values(row))


async def shop(client: AsyncClient, cents: int, consent: str) -> None:
    """Land by an advertisement, fill a basket, pay elsewhere; the provider calls back without the shopper's cookies."""
    client.cookies.set("_adp_consent", consent)
    await client.get("/?utm_source=google&utm_medium=cpc&utm_campaign=Brand", headers={"user-agent": BROWSER})
    answer = await client.post("/baskets", json={"cents": cents}, headers={"user-agent": BROWSER})
    client.cookies.clear()
    mail = f"{consent}@x.example"
    await client.post(f"/baskets/{answer.json()['basket']}/settle", json={"mail": mail})


async def lines_of(client: AsyncClient, today: date) -> dict[str | None, dict[str, Any]]:
    days = {"from_date": today.isoformat(), "to_date": today.isoformat()}
    answer = await client.get(f"{ADMIN}/roi", params=days, headers=BEARER)
    assert answer.status_code == 200, answer.text
    return {line["id"]: line for line in answer.json()["roi"]}


async def test_from_the_landing_to_the_return_of_its_campaign(database_url: str) -> None:
    app = create_app(database_url)
    # In this loop, since the pool's connections belong to it.
    async with app.lifespan(), AsyncClient(transport=ASGITransport(app), base_url="http://mini.local") as client:
        runtime = app.plugins.get(AdPlanning).runtime
        await make_campaign(runtime)
        today = datetime.now(UTC).astimezone(ZoneInfo("Europe/Lisbon")).date()
        spend = {
            "day": today.isoformat(),
            "platform": "google",
            "ad_campaign_id": "c1",
            "spend": "10",
            "currency": "EUR",
        }
        put = await client.put(f"{ADMIN}/ad-spend", json={"ad_spend": [spend]}, headers=BEARER)
        assert put.status_code == 200, put.text
        await shop(client, 4990, "analytics.ads")
        await shop(client, 1000, "none")
        await backfill(runtime, "default")

        until = time.monotonic() + PATIENCE
        while True:
            lines = await lines_of(client, today)
            if "c1" in lines and lines["c1"]["revenue_minor"]:
                break
            assert time.monotonic() < until, f"after {PATIENCE:g} s the report is {lines}"
            await asyncio.sleep(0.2)
        earned = lines["c1"]
        assert (earned["revenue"], earned["spend"], earned["roas"]) == ("49.90", "10.00", 4.99)
        assert sum(line["revenue_minor"] for line in lines.values()) == 5990

        listed = await client.get(f"{ADMIN}/conversions", params={"order": "-conversion_value"}, headers=BEARER)
        first, second = listed.json()["conversions"]
        assert first["visitor_id"].startswith("vis_")
        journey = await client.get(f"{ADMIN}/journeys/conversions/{first['id']}", headers=BEARER)
        assert [(touch["device"], touch["browser"]) for touch in journey.json()["journey"]["touchpoints"]] == [
            ("desktop", "Chrome")
        ]
        why = await client.get(f"{ADMIN}/attribution/explain/{first['id']}", headers=BEARER)
        assert [touch["device"] for touch in why.json()["explanation"]["touches"]] == ["desktop"]
        assert (second["visitor_id"], second["session_id"]) == (None, None)
