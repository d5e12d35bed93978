"""Each domain has a kill switch: without it, and what builds on it, the store starts, sells and answers."""

from __future__ import annotations

import pytest

from adplanning_plugin.kernel.errors import ConfigurationError
from adplanning_plugin.plugin import DOMAINS
from tests.contract.store import ADMIN, NEEDED, WEB, Contract, Side, assert_problem, running

# a domain, what is left, a route of it, a route that stays
CASES: list[tuple[str, set[str], tuple[str, str], str]] = [
    (
        "customers",
        {"identity", "tracking", "attribution", "journeys", "insights", "admin"},
        ("GET", f"{ADMIN}/customers"),
        f"{ADMIN}/journeys",
    ),
    (
        "journeys",
        {"identity", "tracking", "attribution", "insights", "admin"},
        ("GET", f"{ADMIN}/journeys"),
        f"{ADMIN}/dashboard",
    ),
    (
        "insights",
        {"identity", "tracking", "attribution", "journeys", "customers", "admin"},
        ("GET", f"{ADMIN}/dashboard"),
        f"{ADMIN}/attribution",
    ),
    ("attribution", {"identity", "tracking", "admin"}, ("GET", f"{ADMIN}/attribution"), f"{ADMIN}/conversions"),
    ("tracking", {"identity", "admin"}, ("POST", f"{WEB}/track"), f"{ADMIN}/settings"),
    ("identity", {"admin"}, ("POST", f"{WEB}/track"), f"{ADMIN}/settings"),
    (
        "admin",
        {"identity", "tracking", "attribution", "journeys", "customers", "insights"},
        ("GET", f"{ADMIN}/settings"),
        f"{ADMIN}/dashboard",
    ),
]


def test_every_domain_has_a_case_here() -> None:
    assert {name for name, *_ in DOMAINS} == {name for name, *_ in CASES}


@pytest.mark.parametrize(("domain", "left", "gone", "stays"), CASES, ids=[case[0] for case in CASES])
async def test_without_a_domain_its_routes_are_not_found_and_the_rest_works(
    database_url: str, domain: str, left: set[str], gone: tuple[str, str], stays: str
) -> None:
    async with running(database_url, disabled_domains=(domain,)) as store:
        assert store.plugin.domains == left
        async with store.main.client() as owner:
            assert_problem(await owner.request(*gone), 404)
            assert (await owner.get(stays)).status_code == 200
        await buys(store.main)
        for each in (store.main, store.second):
            await store.work(each.tenant)
        async with store.main.client("") as anyone:
            assert (await anyone.get(f"{WEB}/health")).status_code == (404 if domain == "admin" else 200)
        await every_get_route_answers(store)


async def buys(side: Side) -> None:
    """The storefront sells whatever of the plugin is switched off."""
    async with side.browser() as shopper:
        assert (await shopper.get("/?utm_source=a&utm_campaign=b")).status_code == 200
        await shopper.post("/cart", data={"slug": side.product})
        placed = await shopper.post("/checkout", data={"email": "b@buyer.example", "pay": "transfer"})
        assert placed.status_code == 303
        assert (await shopper.get(placed.headers["location"])).status_code == 200
        login = {"email": "b@buyer.example", "password": "long enough", "new": "1"}
        assert (await shopper.post("/login", data=login)).status_code == 303


async def every_get_route_answers(store: Contract) -> None:
    for route in store.admin_routes:
        if route.method == "GET" and not route.parameters:
            path = route.path.removeprefix(ADMIN)
            answer = await store.main.admin("GET", path, params=NEEDED.get(path))
            assert answer.status_code == 200, f"{route}: {answer.text}"


async def test_an_unknown_domain_stops_the_start(database_url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"'horoscopes'; there are admin, attribution"):
        async with running(database_url, disabled_domains=("horoscopes",)):
            pass
