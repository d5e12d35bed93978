"""Settings: typed sections over their defaults, versions that notice a second writer, callbacks in the transaction."""

import asyncio
from typing import Any, Literal

import msgspec
import pytest
from httpx import AsyncClient
from sqlalchemy import text

from adplanning_plugin.hookspecs import hookimpl
from adplanning_plugin.kernel.errors import ConfigurationError
from adplanning_plugin.kernel.runtime import Runtime, Tenant
from adplanning_plugin.kernel.settings import SettingsSection, load, sections
from tests.kernel_http.conftest import Store, make_app, make_runtime, serving
from tests.kernel_http.test_problems import ADMIN, assert_problem, errors_of

pytestmark = pytest.mark.usefixtures("clean")


class Colours(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    primary: Literal["red", "green"] = "red"
    shades: int = 3


class Fussy(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    low: int = 1
    high: int = 2

    def __post_init__(self) -> None:
        if self.low > self.high:
            raise ValueError("low must not be above high")


CHANGES: list[tuple[Any, Any]] = []


async def changed(_session: Any, _runtime: Runtime, _tenant_id: str, old: Any, new: Any) -> None:
    CHANGES.append((old, new))
    if new.shades == 13:
        raise RuntimeError("thirteen is refused by whoever listens")


class Painter:
    @hookimpl
    def register_settings(self) -> Any:
        return (
            SettingsSection(key="colours", type=Colours, title="Colours", on_change=changed),
            SettingsSection(key="fussy", type=Fussy, title="Fussy"),
        )


@pytest.fixture
async def painted(runtime: Runtime) -> Any:
    CHANGES.clear()
    other = make_runtime(runtime.options, Store(), Painter())
    async with serving(make_app(other)) as client:
        yield client
    await other.database.close()


async def put(client: AsyncClient, value: dict[str, Any], version: int | None = None, section: str = "colours") -> Any:
    body: dict[str, Any] = {"value": value} | ({} if version is None else {"version": version})
    return await client.put(f"{ADMIN}/settings/{section}", json=body)


async def test_defaults_then_a_partial_change_then_the_next_version(painted: AsyncClient) -> None:
    first = (await painted.get(f"{ADMIN}/settings/colours")).json()["setting"]
    assert (first["value"], first["version"], first["updated_at"]) == ({"primary": "red", "shades": 3}, 0, None)
    assert first["schema"]
    second = (await put(painted, {"shades": 5}, 0)).json()["setting"]
    assert (second["value"], second["version"]) == ({"primary": "red", "shades": 5}, 1)
    assert second["updated_at"].endswith("Z")
    third = (await put(painted, {"primary": "green"})).json()["setting"]
    assert (third["value"], third["version"]) == ({"primary": "green", "shades": 5}, 2)
    assert [
        (Colours(), Colours(shades=5)),
        (Colours(shades=5), Colours(primary="green", shades=5)),
    ] == CHANGES


async def test_a_stale_version_is_409_and_changes_nothing(painted: AsyncClient) -> None:
    await put(painted, {"shades": 4}, 0)
    assert_problem(await put(painted, {"shades": 9}, 0), 409, "stale_version")
    assert (await painted.get(f"{ADMIN}/settings/colours")).json()["setting"]["value"]["shades"] == 4


async def test_of_two_writers_at_once_one_is_stale(painted: AsyncClient) -> None:
    for version in range(3):
        answers = await asyncio.gather(*(put(painted, {"shades": 10 + n}, version) for n in (1, 2)))
        assert sorted(answer.status_code for answer in answers) == [200, 409]


async def test_fields_that_do_not_fit_are_all_named(painted: AsyncClient) -> None:
    body = assert_problem(await put(painted, {"primary": "blue", "shades": "x", "size": 1}), 422, "invalid")
    assert errors_of(body) == {"primary": "unknown_value", "shades": "wrong_type", "size": "unknown_field"}
    body = assert_problem(await put(painted, {"low": 5}, section="fussy"), 422, "invalid")
    assert "low must not be above high" in body["detail"]
    assert_problem(await put(painted, {}, section="nothing"), 404, "not_found")
    assert_problem(await painted.put(f"{ADMIN}/settings/colours", json={"shades": 1}), 422, "invalid")


async def test_a_listener_that_refuses_rolls_the_change_back(painted: AsyncClient) -> None:
    assert_problem(await put(painted, {"shades": 13}), 500, "internal")
    setting = (await painted.get(f"{ADMIN}/settings/colours")).json()["setting"]
    assert (setting["value"]["shades"], setting["version"]) == (3, 0)


async def test_a_change_is_audited_by_field_name(painted: AsyncClient, runtime: Runtime) -> None:
    await put(painted, {"shades": 8})
    async with runtime.database.reading("main") as session:
        found = await session.execute(text("SELECT actor_id, action, object_id, changes FROM adplanning.audit_entry"))
        assert found.one() == ("1", "settings.updated", "colours", {"fields": ["shades"]})


async def test_stores_do_not_share_settings(painted: AsyncClient) -> None:
    await put(painted, {"shades": 8})
    other = await painted.get(f"{ADMIN}/settings/colours", headers={"x-actor": "second"})
    assert other.json()["setting"]["value"]["shades"] == 3


async def test_what_an_older_version_stored_falls_back_to_the_default(painted: AsyncClient, runtime: Runtime) -> None:
    await put(painted, {"shades": 8})
    async with runtime.database.transaction("main") as session:
        stored = """UPDATE adplanning.setting SET value = '{"gone": 1, "shades": "many", "primary": "green"}'"""
        await session.execute(text(stored))
        assert await load(session, "main", Colours) == (Colours(primary="green"), 1)


async def test_the_list_shows_the_stores_zone_and_currency(painted: AsyncClient) -> None:
    body = (await painted.get(f"{ADMIN}/settings")).json()
    assert body["store"] == {"id": "main", "name": "Main", "zone": "Asia/Kolkata", "currency": "INR", "locale": "en-IN"}
    assert [section["section"] for section in body["settings"]] == ["colours", "fussy"]


async def test_the_locale_is_the_hosts_or_else_the_usual_one_of_the_currency(runtime: Runtime) -> None:
    other = make_runtime(runtime.options, Store())
    other.set_tenants(
        [
            Tenant(id="main", zone="Europe/Vienna", currency="EUR", locale="de-AT"),
            Tenant(id="second", zone="Europe/Berlin", currency="EUR"),
        ]
    )
    async with serving(make_app(other)) as client:
        main = (await client.get(f"{ADMIN}/me")).json()
        second = (await client.get(f"{ADMIN}/me", headers={"x-actor": "second"})).json()
    assert (main["store"]["locale"], second["store"]["locale"]) == ("de-AT", "en")
    await other.database.close()


def test_a_duplicate_section_names_both_owners(runtime: Runtime) -> None:
    twice = make_runtime(runtime.options)
    twice.hooks.register(Painter(), name="painter")
    twice.hooks.register(Painter(), name="decorator")
    with pytest.raises(ConfigurationError, match="'colours' is registered by painter and by decorator"):
        sections(twice)


def test_a_section_without_a_default_is_refused_when_declared() -> None:
    class Needy(msgspec.Struct):
        wanted: int

    with pytest.raises(ConfigurationError, match="needs a default for wanted"):
        SettingsSection(key="needy", type=Needy, title="Needy")
