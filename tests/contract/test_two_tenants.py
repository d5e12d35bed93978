"""Two tenants on every endpoint of the route table: nothing of one is read, changed or named by the other."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from sqlalchemy import text

from tests.contract.store import ADMIN, NEEDED, TABLES, UNSAFE, Contract, Route, Side, assert_problem, strings

NOT_OBJECTS: dict[str, str] = {"section": "attribution", "name": "expire-idempotency-keys", "version": "1"}
"""Path parameters that name something of the installation, not of a tenant."""
BODIES: dict[str, Any] = {
    "updateConversion": {"version": 1, "properties": {"changed": True}},
    "deleteConversion": None,
    "updateGoal": {"version": 1, "name": "Changed"},
    "deleteGoal": None,
    "assignAttribution": {"version": 1, "ad_campaign_id": None},
    "deleteAttribution": None,
    "updateKey": {"name": "Changed", "version": 1},
    "deleteKey": None,
    "replayDeadLetter": None,
    "eraseCustomer": {"confirm": "whoever it is"},
    "revokeIdentityEdge": {"version": 1, "reason": "not theirs"},
    "restoreIdentityEdge": {"version": 1},
    "partVisitorFromPerson": {"reason": "not theirs"},
    "restoreVisitorToPerson": None,
    "confirmVisitorOfPerson": None,
    "allowIdentifier": None,
    "approveInboxGroup": {"ad_campaign_id": "3"},
    "ignoreInboxGroup": {},
    "revertCampaignAlias": None,
    "adoptDataDrivenFit": None,
}
"""A body that would change the object, for every unsafe route to an object."""
UNSEARCHED = tuple(
    f"{ADMIN}/{path}"
    for path in ("exchange-rates", "attribution/data-driven/fits", "attribution/rules", "customers/erasures")
)
"""Lists that `q` does not search: they say so."""
BESIDE = {("/roi/conversions", name): {"by": "ad", "kind": "touch"} for name in ("ad_set_id", "ad_id")}
"""What a filter cannot be used without."""
TOKEN = re.compile(r"[A-Za-z0-9_@.:-]{8,}")
FOREIGN_VALUE = """
SELECT DISTINCT each.text FROM adplanning."{table}" AS t, jsonb_each_text(to_jsonb(t)) AS each (field, text)
WHERE each.field ~ '(^|_)(id|key|ref|identifier|campaign)$' AND each.text IS NOT NULL
"""


def objects(contract: Contract) -> list[Route]:
    """Routes to one object of a tenant; a parameter that nothing here knows fails."""
    found = [route for route in contract.admin_routes if route.method != "OPTIONS" and route.parameters]
    for route in found:
        for name in route.parameters:
            assert name in contract.main.ids or name in NOT_OBJECTS, (
                f"{route}: say in store.py where {{{name}}} comes from"
            )
    return [route for route in found if any(name in contract.main.ids for name in route.parameters)]


def own_path(route: Route, side: Side) -> str:
    return route.at(**{name: id_of(route, name, side) for name in route.parameters})


def id_of(route: Route, name: str, side: Side) -> str:
    return NOT_OBJECTS.get(name) or side.ids[name]


async def values_of(contract: Contract, side: Side) -> set[str]:
    """Every id, key and reference in the plugin's tables of a tenant, and its people's addresses."""
    found: set[str] = set()
    async with contract.runtime.database.transaction(side.tenant) as session:
        for name in (await session.execute(text(TABLES))).scalars():
            if name not in ("alembic_version", "tenant", "public_key", "wakeup"):
                found |= set((await session.execute(text(FOREIGN_VALUE.format(table=name)))).scalars())
        people = "SELECT unnest(ARRAY[email, full_name]) FROM store.customers WHERE shop_no = :shop"
        orders = "SELECT email FROM store.purchases WHERE shop_no = :shop AND email IS NOT NULL"
        staff = "SELECT full_name FROM store.staff WHERE shop_no = :shop"
        for query in (people, orders, staff):
            found |= set((await session.execute(text(query), {"shop": int(side.tenant)})).scalars())
    return {*found, *side.ids.values(), side.key}


@pytest.fixture(scope="session")
async def foreign(contract: Contract) -> frozenset[str]:
    """What only the second tenant has."""
    theirs, mine = await values_of(contract, contract.second), await values_of(contract, contract.main)
    only = {value for value in theirs - mine if len(value) >= 4}
    assert any("@" in value for value in only)
    assert len(only) > 200
    return frozenset(only)


def assert_nothing_of(foreign: frozenset[str], side: Side, answer: Any, route: object) -> None:
    assert side.marker not in answer.text, f"{route} names something of tenant {side.tenant}"
    words = set(TOKEN.findall(answer.text))
    if answer.headers.get("content-type", "").startswith("application/json"):
        words |= set(strings(answer.json()))
    found = {word for word in words & foreign if not word.isdigit() or len(word) >= 8}
    assert not found, f"{route} names {sorted(found)[:5]} of tenant {side.tenant}"


async def test_no_get_route_names_anything_of_the_other_tenant(contract: Contract, foreign: frozenset[str]) -> None:
    asked = 0
    for route in contract.admin_routes:
        if route.method != "GET":
            continue
        path = own_path(route, contract.main).removeprefix(ADMIN)
        for headers in ({}, {"accept": "text/csv"}):
            answer = await contract.main.admin("GET", path, headers=headers, params=NEEDED.get(path))
            assert answer.status_code == 200, f"{route}: {answer.status_code} {answer.text}"
            assert_nothing_of(foreign, contract.second, answer, route)
            asked += 1
    assert asked > 60


async def test_every_list_shows_each_tenant_its_own_and_only_its_own(contract: Contract) -> None:
    """The other way round: each marker is found where it belongs, so that no check passes on empty answers."""
    for path in (
        "/conversions",
        "/goals",
        "/keys",
        "/ad-spend",
        "/exchange-rates",
        "/attribution",
        "/operations/dead-letters",
    ):
        for side, other in ((contract.main, contract.second), (contract.second, contract.main)):
            answer = await side.admin("GET", path, params={"limit": 200})
            assert other.marker not in answer.text, path
            if path == "/operations/dead-letters":
                assert str(77_000_001 + int(side.tenant)) in answer.text
                assert str(77_000_001 + int(other.tenant)) not in answer.text
            else:
                assert side.marker in answer.text, path


async def test_filters_by_foreign_values_find_nothing(contract: Contract, foreign: frozenset[str]) -> None:
    document = (await contract.main.admin("GET", "/openapi.json")).json()
    other = contract.second
    texts = {
        "q": other.marker,
        "website_id": "21",
        "ad_campaign_id": other.ids["ad_campaign_id"],
        "visitor_id": f"vis_{other.marker}",
    }
    asked = 0
    for path, item in document["paths"].items():
        operation = item.get("get")
        if operation is None or not path.startswith(ADMIN) or "{" in path:
            continue
        names = [parameter["name"] for parameter in operation.get("parameters", []) if parameter["in"] == "query"]
        for name in names:
            if name == "q" or name.endswith("_id") or name.startswith("utm_") or name in ("campaign", "source"):
                value = texts.get(name) or other.ids.get(name) or other.marker
                more = BESIDE.get((path.removeprefix(ADMIN), name), {})
                answer = await contract.main.admin("GET", path.removeprefix(ADMIN), params={name: value, **more})
                if name == "q" and path in UNSEARCHED:
                    assert_problem(answer, 422, "unknown_parameter")
                    continue
                assert answer.status_code == 200, f"{path}?{name}: {answer.text}"
                body = answer.json()
                if "count" in body:
                    assert body["count"] == 0, f"{path}?{name}={value}"
                asked += 1
    assert asked > 20


async def test_the_other_tenants_object_is_not_there(contract: Contract) -> None:
    asked = 0
    for route in objects(contract):
        if route.method == "GET":
            mine = await contract.main.admin("GET", own_path(route, contract.main).removeprefix(ADMIN))
            assert mine.status_code == 200, f"{route}: {mine.text}"
            theirs = await contract.main.admin("GET", own_path(route, contract.second).removeprefix(ADMIN))
            body = assert_problem(theirs, 404, "not_found")
            assert contract.second.marker not in json.dumps(body)
            asked += 1
    assert asked >= 7


async def test_a_write_to_the_other_tenants_object_is_not_found_and_changes_nothing(contract: Contract) -> None:
    asked = 0
    before = await fingerprint(contract)
    for route in objects(contract):
        if route.method in UNSAFE:
            assert route.operation in BODIES, f"{route}: give it a body in BODIES"
            body = BODIES[route.operation]
            more = {} if body is None else {"json": body}
            path = own_path(route, contract.second).removeprefix(ADMIN)
            assert_problem(await contract.main.admin(route.method, path, **more), 404, "not_found")
            asked += 1
    assert asked == len(BODIES)
    assert await fingerprint(contract) == before


FOREIGN_BODIES: tuple[tuple[str, str, str, int], ...] = (
    (
        "POST",
        "/conversions",
        '{"conversion_type": "custom", "value": "1", "currency": "EUR", "goal_id": "<goal_id>"}',
        422,
    ),
    ("PUT", "/conversions/<own conversion_id>", '{"version": 1, "goal_id": "<goal_id>"}', 422),
    ("POST", "/attribution/resolve", '{"ids": ["<touch_id>"]}', 404),
    ("PUT", "/attribution/<own touch_id>", '{"ad_campaign_id": "7101"}', 422),
    ("POST", "/attribution", '{"source": "x", "medium": "y", "visitor_id": "v", "ad_campaign_id": "7101"}', 422),
    (
        "POST",
        "/conversions",
        '{"conversion_type": "custom", "value": "1", "currency": "EUR", "ad_campaign_id": "7101"}',
        422,
    ),
)


@pytest.mark.parametrize(("method", "path", "body", "status"), FOREIGN_BODIES)
async def test_a_body_that_names_an_object_of_the_other_tenant_is_refused(
    contract: Contract, method: str, path: str, body: str, status: int
) -> None:
    before = await contract.counts()
    path = re.sub(r"<own (\w+)>", lambda found: contract.main.ids[found[1]], path)
    content = re.sub(r"<(\w+)>", lambda found: contract.second.ids[found[1]], body)
    answer = await contract.main.admin(method, path, content=content, headers={"content-type": "application/json"})
    assert_problem(answer, status)
    assert await contract.counts() == before


async def test_a_manual_purchase_that_names_the_other_tenants_order_is_unconfirmed(contract: Contract) -> None:
    [order] = await contract.rows(
        "SELECT purchase_no AS id FROM store.purchases WHERE shop_no = 202 ORDER BY 1 DESC LIMIT 1",
        contract.second.tenant,
    )
    body = {"conversion_type": "purchase", "order_id": str(order.id), "value": "5", "currency": "EUR"}
    answer = await contract.main.admin("POST", "/conversions", json=body)
    assert answer.status_code == 201
    made = answer.json()["conversion"]
    assert (made["status"], made["is_revenue"], made["person_id"]) == ("unconfirmed", False, None)
    assert (await contract.main.admin("DELETE", f"/conversions/{made['id']}")).status_code == 200


async def test_a_key_of_one_tenant_writes_into_that_tenant_alone(contract: Contract) -> None:
    """Whatever host name the request came to, the key decides."""
    event = {"name": "page_view", "url": "http://localhost/elsewhere", "id": "evt-crossing", "visitor_id": "v-crossing"}
    async with contract.main.browser() as shopper:
        answer = await shopper.post(
            "/web/ad-planning/track",
            json={"events": [event], "consent": {"analytics": True}},
            headers={"x-publishable-api-key": contract.second.key},
        )
    assert answer.json()["accepted"] == 1
    find = "SELECT 1 FROM adplanning.event WHERE id = 'evt-crossing'"
    assert len(await contract.rows(find, contract.second.tenant)) == 1
    assert await contract.rows(find, contract.main.tenant) == []


async def fingerprint(contract: Contract) -> dict[str, str]:
    """A digest of every row of the second tenant, and of its keys."""
    found: dict[str, str] = {}
    async with contract.runtime.database.transaction(contract.second.tenant) as session:
        for name in (await session.execute(text(TABLES))).scalars().all():
            digest = f"SELECT md5(coalesce(string_agg(t::text, '|' ORDER BY t::text), '')) FROM adplanning.\"{name}\" t"
            found[name] = (await session.execute(text(digest))).scalar_one()
    found.pop("tenant")
    return found
