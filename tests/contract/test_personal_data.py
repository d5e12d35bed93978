"""Planted personal data, sent through every face and failure: in no log record, and in declared columns only."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import text

from adplanning_plugin.kernel.telemetry import JsonFormatter
from tests.contract.store import ADMIN, UNSAFE, WEB, Contract, running

EMAIL = "planted.person@secret-mail.example"
PHONE = "+919876501234"
NAME = "Zebedee Quillfeather"
GCLID = "Cj0KCQplantedclickid0123456789abcdef"
TOKEN = "eyJwbGFudGVkIjoidG9rZW4ifQ.planted.signature"
PLANTED = (EMAIL, "secret-mail", PHONE, PHONE[1:], "Quillfeather", "plantedclickid", "planted.signature")
COLUMNS = """
SELECT c.relname AS table_, a.attname AS column_ FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = 'adplanning' AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0
  AND NOT a.attisdropped AND format_type(a.atttypid, NULL) IN ('text', 'jsonb', 'text[]', 'bytea', 'character varying')
ORDER BY 1, 2
"""


class Kept(logging.Handler):
    """Every record, formatted as a host would, and with whatever it carries."""

    def __init__(self) -> None:
        super().__init__(logging.DEBUG)
        self.lines: list[str] = []
        self._format = JsonFormatter()

    def emit(self, record: logging.LogRecord) -> None:
        extras = {key: str(value) for key, value in vars(record).items()}
        self.lines.append(f"{record.name} {self._format.format(record)} {extras}")


@pytest.fixture
def logs() -> Iterator[Kept]:
    """All of the plugin's loggers down to DEBUG, and the database libraries from WARNING on."""
    kept = Kept()
    held: list[tuple[logging.Logger, int]] = []
    watched = {
        "adplanning": logging.DEBUG,
        "sqlalchemy": logging.WARNING,
        "asyncpg": logging.WARNING,
        "litestar": logging.WARNING,
    }
    for name, level in watched.items():
        logger = logging.getLogger(name)
        held.append((logger, logger.level))
        logger.setLevel(level)
        logger.addHandler(kept)
    yield kept
    for logger, level in held:
        logger.removeHandler(kept)
        logger.setLevel(level)


async def test_planted_personal_data_is_in_no_log_and_in_no_undeclared_column(database_url: str, logs: Kept) -> None:
    async with running(database_url) as store:
        key = (await store.main.admin("POST", "/keys", json={"name": "k", "origins": []})).json()["key"]
        store.main.key, store.main.ids["key_id"] = key["key"], key["id"]
        await public_faces(store)
        await admin_faces(store)
        await store.emit(
            store.main.tenant, "order.placed", id="no-such-order", email=EMAIL, phone=PHONE, first_name=NAME
        )
        await store.emit(store.main.tenant, "lead.created", id="no-such-lead", Email=EMAIL)
        await store.emit("nobody", "order.placed", id=EMAIL)  # no such tenant: the failure is logged
        await store.kill(store.main.tenant, "true")
        await store.counts()
        told = [line for line in logs.lines if any(word in line for word in PLANTED)]
        assert told == [], told[:3]
        assert any(line.startswith("adplanning") for line in logs.lines), "nothing was logged: the check proves nothing"
        declared = await declared_columns(store)
        found = await columns_with(store, (EMAIL, PHONE[1:], "Quillfeather", "planted.signature"))
        assert found - declared == set(), "columns that hold personal data and are not declared"
        clicks = await columns_with(store, ("plantedclickid",))
        assert ("event", "click_ids") in clicks, "the planted click id never arrived: the check proves nothing"
        assert clicks - declared == set(), "columns that hold a click id and are not declared"


async def public_faces(store: Contract) -> None:
    """Pages, forms, orders, events, claims and consents that carry it, in right and wrong places."""
    landing = f"/?utm_source=x&utm_campaign=y&gclid={GCLID}&email={EMAIL}&phone={PHONE}&token={TOKEN}"
    async with store.main.browser(referer=f"https://mail.example/?q={EMAIL}") as shopper:
        await shopper.get(landing)
        await shopper.post("/cart", data={"slug": store.main.product})
        placed = await shopper.post("/checkout", data={"email": EMAIL, "pay": "transfer"})
        assert placed.status_code == 303
        form = {"email": EMAIL, "name": NAME, "message": f"Call {PHONE}, {NAME}"}
        assert (await shopper.post("/contact", data=form)).status_code == 303
        assert (
            await shopper.post("/login", data={"email": EMAIL, "password": "quite long", "new": "1"})
        ).status_code == 303
    url = f"http://localhost{landing}"
    bodies: list[Any] = [
        {"name": "page_view", "url": url, "referrer": url, "visitor_id": "vis_planted", "session_id": "s_planted"},
        {"name": "form", "properties": {"email": EMAIL, "phone": PHONE, "name": NAME}, "visitor_id": "vis_planted"},
        {"name": EMAIL},
        {"name": "page_view", "id": EMAIL, "visitor_id": f"{NAME}"},
        {"name": "page_view", "value": EMAIL, "currency": PHONE},
        {"name": "page_view", EMAIL: NAME},
        {"name": "page_view", "click_ids": {"gclid": GCLID, EMAIL: "1"}},
        {"name": "page_view", "properties": {"n": 2**63, "e": EMAIL}},
        {
            "conversion_type": "purchase",
            "order_id": "no-such-order",
            "value": "1",
            "currency": "INR",
            "event_id": "e-1",
        },
        {"conversion_type": "custom", "value": EMAIL, "currency": "INR"},
        {"conversion_type": EMAIL, "properties": {"e": EMAIL}},
        {"token": TOKEN, "visitor_token": TOKEN},
        {"consent": {"analytics": EMAIL}},
        {"consent": {"analytics": True}, "url": url, "referrer": url, "visitor_token": TOKEN},
        EMAIL,
        [NAME, PHONE],
    ]
    granted = {"analytics": True, "ads": True}
    for key in (store.main.key, f"pk_{EMAIL}", None):
        headers = {"x-publishable-api-key": key} if key else {}
        async with store.main.browser(**headers) as shopper:
            for path in ("/track", "/track-conversion", "/consent", "/identify"):
                for body in bodies:
                    given = {**body, "consent": body.get("consent", granted)} if isinstance(body, dict) else body
                    answer = await shopper.post(f"{WEB}{path}", json=given)
                    assert answer.status_code < 500, answer.text
                await shopper.post(f"{WEB}{path}", content=f'{{"{EMAIL}": '.encode())
                await shopper.get(f"{WEB}{path}?email={EMAIL}&token={TOKEN}")


async def admin_faces(store: Contract) -> None:
    """Every admin route with it as path parameter, as query, as header and as body."""
    plants: list[Any] = [
        {"name": EMAIL, EMAIL: NAME},
        {"conversion_type": EMAIL, "value": {"email": EMAIL}},
        EMAIL,
        [PHONE],
    ]
    headers = {"x-request-id": EMAIL, "idempotency-key": TOKEN, "user-agent": NAME, "cookie": f"a={TOKEN}"}
    for route in store.admin_routes:
        if route.method == "OPTIONS":
            continue
        path = route.at(**dict.fromkeys(route.parameters, EMAIL)).removeprefix(ADMIN)
        for query in ({}, {"q": EMAIL}, {EMAIL: PHONE}, {"from_date": EMAIL, "order": EMAIL}):
            if route.method in UNSAFE:
                for plant in plants:
                    answer = await store.main.admin(route.method, path, params=query, json=plant, headers=headers)
                    assert answer.status_code < 500, answer.text
            else:
                answer = await store.main.admin(route.method, path, params=query, headers=headers)
                assert answer.status_code < 500, answer.text
        async with store.main.client(f"{TOKEN}") as stranger:
            assert (await stranger.request(route.method, f"{ADMIN}{path}", params={"q": EMAIL})).status_code == 401
    rows = {
        "ad_spend": [
            {"day": "2026-01-01", "platform": "meta", "ad_campaign_id": EMAIL, "spend": EMAIL, "currency": "EUR"}
        ]
    }
    assert (await store.main.admin("PUT", "/ad-spend", json=rows)).status_code == 422
    csv = f"day,platform,spend\n{EMAIL},{NAME},{PHONE}\n".encode()
    assert (
        await store.main.admin("PUT", "/ad-spend", content=csv, headers={"content-type": "text/csv"})
    ).status_code == 422


async def declared_columns(store: Contract) -> set[tuple[str, str]]:
    """Where the domains say that personal data lies (the hook register_personal_data)."""
    declared: set[tuple[str, str]] = set()
    for group in store.runtime.hooks.hook.register_personal_data():
        for each in group:
            declared |= {(each.table.removeprefix("adplanning."), column) for column in each.columns}
    return declared


async def columns_with(store: Contract, words: tuple[str, ...]) -> set[tuple[str, str]]:
    """Columns of the plugin's tables in which one of the words stands."""
    pattern = "|".join(re.escape(word) for word in words)
    found: set[tuple[str, str]] = set()
    async with store.runtime.database.transaction(store.main.tenant) as session:
        for table, column in (await session.execute(text(COLUMNS))).all():
            shown = (
                f"convert_from(\"{column}\", 'LATIN1')"
                if (table, column) == ("public_key", "key_hash")
                else f'"{column}"::text'
            )
            query = f'SELECT EXISTS (SELECT FROM adplanning."{table}" WHERE {shown} ~ :pattern)'
            if (await session.execute(text(query), {"pattern": pattern})).scalar_one():
                found.add((table, column))
    return found
