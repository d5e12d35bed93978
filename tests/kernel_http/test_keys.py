"""Publishable keys: shown once, bound to a store and to origins, found fast and forgotten when they change."""

from typing import Any

import pytest
from httpx import AsyncClient
from sqlalchemy import event, text

from adplanning_plugin.kernel.errors import Invalid
from adplanning_plugin.kernel.keys import check_origins, find_key, register_key
from adplanning_plugin.kernel.runtime import Runtime
from tests.kernel_http.test_problems import ADMIN, assert_problem, errors_of

pytestmark = pytest.mark.usefixtures("clean")


async def make(client: AsyncClient, **body: Any) -> dict[str, Any]:
    response = await client.post(f"{ADMIN}/keys", json=body)
    assert response.status_code == 201, response.text
    made: dict[str, Any] = response.json()["key"]
    return made


async def test_a_key_is_shown_once_and_stored_as_a_hash(client: AsyncClient, runtime: Runtime) -> None:
    made = await make(client, name="Shop", origins=["https://shop.example"])
    raw = made["key"]
    assert raw.startswith("pk_")
    assert made["hint"] == f"{raw[:7]}…"
    again = (await client.get(f"{ADMIN}/keys/{made['id']}")).json()["key"]
    assert "key" not in again
    assert again == {name: value for name, value in made.items() if name != "key"}
    assert raw not in (await client.get(f"{ADMIN}/keys")).text
    async with runtime.database.system() as session:
        row = (await session.execute(text("SELECT to_jsonb(k)::text FROM adplanning.public_key k"))).scalar_one()
    assert raw not in row
    found = await find_key(runtime, raw)
    assert found is not None
    assert (found.id, found.tenant_id, found.origins) == (made["id"], "main", ("https://shop.example",))


async def test_a_found_key_is_not_asked_for_again_until_it_changes(client: AsyncClient, runtime: Runtime) -> None:
    made = await make(client, origins=["https://shop.example"])
    asked = 0

    def count(*_: Any) -> None:
        nonlocal asked
        asked += 1

    engine = runtime.database.engine.sync_engine
    await find_key(runtime, made["key"])
    event.listen(engine, "before_cursor_execute", count)
    for _ in range(50):
        await find_key(runtime, made["key"])
    event.remove(engine, "before_cursor_execute", count)
    assert asked == 0
    changed = await client.put(f"{ADMIN}/keys/{made['id']}", json={"origins": ["https://new.example"], "version": 1})
    assert (changed.status_code, changed.json()["key"]["version"]) == (200, 2)
    found = await find_key(runtime, made["key"])
    assert found is not None
    assert found.origins == ("https://new.example",)


async def test_a_key_switched_off_or_deleted_is_unknown(client: AsyncClient, runtime: Runtime) -> None:
    made = await make(client)
    assert await find_key(runtime, made["key"]) is not None
    await client.put(f"{ADMIN}/keys/{made['id']}", json={"is_active": False})
    assert await find_key(runtime, made["key"]) is None
    await client.put(f"{ADMIN}/keys/{made['id']}", json={"is_active": True})
    assert await find_key(runtime, made["key"]) is not None
    gone = await client.delete(f"{ADMIN}/keys/{made['id']}")
    assert gone.json() == {"id": made["id"], "object": "key", "deleted": True}
    assert await find_key(runtime, made["key"]) is None
    assert_problem(await client.delete(f"{ADMIN}/keys/{made['id']}"), 404, "not_found")


@pytest.mark.parametrize("raw", ["", "pk_", "pk_nothing", "sk_other", "pk_" + "x" * 500, "pk_\x00"])
async def test_nonsense_is_no_key(runtime: Runtime, raw: str) -> None:
    assert await find_key(runtime, raw) is None


async def test_another_stores_key_is_not_there(client: AsyncClient) -> None:
    made = await make(client, name="mine")
    second = {"x-actor": "second"}
    assert (await client.get(f"{ADMIN}/keys", headers=second)).json()["count"] == 0
    for method, body in (("GET", None), ("PUT", {"name": "taken"}), ("DELETE", None)):
        response = await client.request(method, f"{ADMIN}/keys/{made['id']}", headers=second, json=body)
        assert_problem(response, 404, "not_found")
    assert (await client.get(f"{ADMIN}/keys/{made['id']}")).json()["key"]["name"] == "mine"


async def test_a_stale_version_is_409(client: AsyncClient) -> None:
    made = await make(client)
    await client.put(f"{ADMIN}/keys/{made['id']}", json={"name": "a", "version": 1})
    response = await client.put(f"{ADMIN}/keys/{made['id']}", json={"name": "b", "version": 1})
    assert_problem(response, 409, "stale_version")


async def test_keys_are_for_those_who_manage(client: AsyncClient) -> None:
    response = await client.post(f"{ADMIN}/keys", json={}, headers={"x-actor": "writer"})
    assert_problem(response, 403, "missing_scope")


async def test_a_repeated_create_answers_the_same_key(client: AsyncClient, runtime: Runtime) -> None:
    headers = {"idempotency-key": "one"}
    first = (await client.post(f"{ADMIN}/keys", json={"name": "a"}, headers=headers)).json()["key"]
    second = (await client.post(f"{ADMIN}/keys", json={"name": "a"}, headers=headers)).json()["key"]
    assert first == second
    assert (await client.get(f"{ADMIN}/keys")).json()["count"] == 1
    assert await find_key(runtime, second["key"]) is not None


async def test_every_bad_origin_is_named(client: AsyncClient) -> None:
    origins = [
        "https://ok.example",
        "shop.example",
        "https://a.example/path",
        "ftp://a.example",
        "https://*",
        "https://*.com",
    ]
    body = assert_problem(await client.post(f"{ADMIN}/keys", json={"origins": origins}), 422, "invalid")
    assert errors_of(body) == {f"origins[{n}]": "invalid_origin" for n in range(1, 6)}


@pytest.mark.parametrize(
    ("allowed", "origin", "fits"),
    [
        ("https://shop.example", "https://shop.example", True),
        ("https://Shop.Example:443/", "https://shop.example", True),
        ("https://shop.example", "http://shop.example", False),
        ("https://shop.example", "https://shop.example:8443", False),
        ("https://shop.example", "https://evil-shop.example", False),
        ("http://localhost:3000", "http://localhost:3000", True),
        ("https://*.shop.example", "https://a.shop.example", True),
        ("https://*.shop.example", "https://a.b.shop.example", True),
        ("https://*.shop.example", "https://shop.example", False),
        ("https://*.shop.example", "https://evilshop.example", False),
        ("https://*.shop.example", "https://a.shop.example.evil.test", False),
        ("https://*.shop.example", "https://.shop.example", False),
        ("https://münchen.example", "https://xn--mnchen-3ya.example", True),
    ],
)
async def test_origins_are_compared_whole(runtime: Runtime, allowed: str, origin: str, fits: bool) -> None:
    async with runtime.database.system() as session:
        await register_key(session, "main", "pk_origins", [allowed])
    found = await find_key(runtime, "pk_origins")
    assert found is not None
    assert found.allows(origin) is fits


async def test_a_known_key_is_registered_once_and_for_one_store(runtime: Runtime) -> None:
    async with runtime.database.system() as session:
        first = await register_key(session, "main", "pk_demo", ["http://127.0.0.1:9000"], "Demo")
        assert await register_key(session, "main", "pk_demo", [], "Demo") == first
        with pytest.raises(Invalid, match="belongs to another store"):
            await register_key(session, "second", "pk_demo", [])


def test_equal_origins_are_one() -> None:
    assert check_origins(["https://a.example", "https://A.example:443"]) == ("https://a.example",)


@pytest.fixture(autouse=True)
def forget(runtime: Runtime) -> None:
    from adplanning_plugin.kernel.keys import key_cache

    key_cache(runtime).clear()
