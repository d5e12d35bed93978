"""Hooks: the page lists them all, a clash names both owners, and what is built in can be added from outside."""

from __future__ import annotations

import inspect
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from litestar import get
from sqlalchemy import text

from adplanning_plugin import AdPlanning, Options, hookimpl
from adplanning_plugin.hookspecs import AdminPage, Section, Specs
from adplanning_plugin.kernel.errors import ConfigurationError
from adplanning_plugin.kernel.events import Subscription
from adplanning_plugin.kernel.jobs import Cron, Job
from adplanning_plugin.kernel.settings import SettingsSection
from adplanning_plugin.kernel.sweep import Sweep
from adplanning_plugin.kernel.workflows import WorkflowHook
from tests.contract.store import ADMIN, Contract, running

HOOKS = frozenset(name for name, member in vars(Specs).items() if inspect.isfunction(member))
DOCUMENT = Path(__file__).parents[2] / "docs" / "hooks.md"


def test_the_page_lists_every_hook_and_no_other() -> None:
    rows = [line for line in DOCUMENT.read_text().splitlines() if line.startswith("| `")]
    listed = {name for row in rows for name in re.findall(r"`(\w+)`", row.split("|")[1])}
    assert len(HOOKS) > 25
    assert listed == HOOKS


def test_every_hook_says_what_it_is_for() -> None:
    for name in HOOKS:
        assert (vars(Specs)[name].__doc__ or "").strip(), f"{name} has no sentence"


def test_somebody_asks_every_hook() -> None:
    package = DOCUMENT.parents[1] / "adplanning_plugin"
    files = (path for path in package.rglob("*.py") if path.name != "hookspecs.py" and "node_modules" not in path.parts)
    code = "\n".join(path.read_text() for path in files)
    assert {name for name in HOOKS if not re.search(rf'hooks?\.{name}\(|"{name}"', code)} == set()


def test_credentials_come_from_the_store_of_them_unless_the_environment_says_otherwise(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    vault = {
        "ADPLANNING_SECRET": "a secret of the vault, long enough",
        "ADPLANNING_DATABASE_URL": "postgresql://vault@db.example/store",
        "ADPLANNING_WORK_REDIS_URL": "redis://vault.example",
        "ADPLANNING_ZONE": "Asia/Tokyo",
    }
    given = Options(secret="in the code", zone="Europe/Berlin", currency="EUR")
    for name in ("ADPLANNING_SECRET", "ADPLANNING_DATABASE_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ADPLANNING_WORK_REDIS_URL", "redis://environment.example")
    plugin = AdPlanning(given, plugin_object("provide_secrets", vault))
    options = plugin.runtime.options
    assert (options.secret, options.database.url) == (vault["ADPLANNING_SECRET"], vault["ADPLANNING_DATABASE_URL"])
    assert plugin.runtime.database.engine.url.host == "db.example"
    assert options.work.redis_url == "redis://environment.example"
    assert options.zone == "Europe/Berlin", "only credentials are asked for"


def plugin_object(name: str, value: Any) -> object:
    """A plugin with one hook, named after what it is."""

    def implementation(self: object) -> Any:
        return value

    implementation.__name__ = name
    return type(f"Stranger_{name}", (), {name: hookimpl(implementation)})()


async def _nothing(*_: object) -> Any:
    return None


class _Model:
    name, label = "linear", "Mine"

    def weights(self, ages_hours: Sequence[float], is_direct: Sequence[bool]) -> Sequence[float]:
        return [1 / len(ages_hours)] * len(ages_hours)


CLASHES: list[tuple[str, Any, str]] = [
    (
        "register_subscribers",
        [Subscription(id="tracking.purchases", events=("x.y",), handle=_nothing)],
        "tracking.purchases",
    ),
    (
        "register_jobs",
        [Job(name="resolve-attributions", schedule=Cron("0 2 * * *"), run=_nothing)],
        "resolve-attributions",
    ),
    ("register_sections", [Section(key="kpis", title="Mine", compute=_nothing)], "kpis"),
    ("register_admin_pages", [AdminPage(key="settings", title="Mine", path="mine")], "settings"),
    ("register_attribution_models", [_Model()], "linear"),
]


@pytest.mark.parametrize(("hook", "value", "key"), CLASHES, ids=[clash[0] for clash in CLASHES])
async def test_a_key_that_is_taken_stops_the_start_and_names_both_owners(
    database_url: str, hook: str, value: Any, key: str
) -> None:
    with pytest.raises(ConfigurationError) as refused:
        async with running(database_url, plugin_object(hook, value)):
            pass
    assert key in refused.value.detail
    assert f"Stranger_{hook}" in refused.value.detail
    owners = ("tracking", "attribution", "insights", "admin", "identity", "the plugin")
    assert any(owner in refused.value.detail for owner in owners)


async def test_two_strangers_with_one_sweep_are_both_named(database_url: str) -> None:
    def sweeps(name: str) -> object:
        made = [Sweep(id="shared.sweep", entity="order", process=_nothing)]
        return type(name, (), {"register_sweeps": hookimpl(lambda self, runtime: made)})()

    with pytest.raises(ConfigurationError, match=r"shared\.sweep") as refused:
        async with running(database_url, sweeps("FirstStranger"), sweeps("SecondStranger")):
            pass
    assert "FirstStranger" in refused.value.detail
    assert "SecondStranger" in refused.value.detail


async def test_an_unknown_hook_stops_the_start_and_is_named(database_url: str) -> None:
    with pytest.raises(ConfigurationError, match="register_horoscopes"):
        async with running(database_url, plugin_object("register_horoscopes", [])):
            pass


class Stranger:
    """What a package of somebody else brings."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.ran: list[str] = []
        self.hooked: list[Mapping[str, Any]] = []
        self.started = self.stopped = 0

    name, label = "half_to_the_first", "Half to the first"

    def weights(self, ages_hours: Sequence[float], is_direct: Sequence[bool]) -> Sequence[float]:
        rest = [0.5 / (len(ages_hours) - 1)] * (len(ages_hours) - 1) if len(ages_hours) > 1 else []
        return [0.5, *rest] if rest else [1.0]

    @hookimpl
    def register_attribution_models(self) -> Any:
        return [self]

    @hookimpl
    def register_sections(self) -> Any:
        async def moon(runtime: Any, session: Any, query: Any) -> dict[str, Any]:
            rows = await session.execute(
                text("SELECT count(*) FROM adplanning.goal WHERE tenant_id = :t"), {"t": query.tenant_id}
            )
            return {"phase": "full", "goals": rows.scalar_one()}

        return [Section(key="moon", title="Moon", compute=moon)]

    @hookimpl
    def register_subscribers(self, runtime: Any) -> Any:
        async def listen(delivery: Any, event: Any) -> None:
            self.told.append(event.name)

        return [Subscription(id="stranger.listens", events=("conversion.*",), handle=listen)]

    @hookimpl
    def register_jobs(self, runtime: Any) -> Any:
        async def run(context: Any) -> None:
            self.ran.append(context.tenant_id)

        return [Job(name="strangers-job", schedule=Cron("0 5 * * *"), run=run)]

    @hookimpl
    def register_admin_routes(self, runtime: Any) -> Any:
        @get("/stranger", operation_id="getStranger", summary="A route of a stranger")
        async def stranger(call: Any) -> dict[str, str]:
            return {"tenant": call.tenant_id}

        stranger.fn.__annotations__["call"] = _call_type()
        return [stranger]

    @hookimpl
    def register_workflow_hooks(self) -> Any:
        async def recorded(delivery: Any, payload: Mapping[str, Any]) -> None:
            self.hooked.append(payload)

        return [WorkflowHook(id="stranger.hook", workflow="track-purchase-conversion", point="recorded", run=recorded)]

    @hookimpl
    def on_startup(self, runtime: Any) -> None:
        self.started += 1

    @hookimpl
    async def on_shutdown(self, runtime: Any) -> None:
        self.stopped += 1


def _call_type() -> Any:
    from litestar.di import NamedDependency

    from adplanning_plugin.kernel.http import AdminCall

    return NamedDependency[AdminCall]


async def test_a_stranger_adds_a_model_a_section_a_subscription_a_job_a_route_and_a_workflow_hook(
    database_url: str,
) -> None:
    stranger = Stranger()
    async with running(database_url, stranger) as store:
        assert stranger.started == 1
        await shop_with_two_visits(store)

        assert stranger.hooked, "the workflow hook ran after the commit"
        assert "conversion.created" in stranger.told

        answer = await store.main.admin("GET", "/stranger")
        assert answer.json() == {"tenant": store.main.tenant}
        assert (await store.main.client("").get(f"{ADMIN}/stranger")).status_code == 401

        metrics = (await store.main.admin("GET", "/metrics")).json()
        goals = (await store.main.admin("GET", "/goals")).json()["count"]
        assert {"phase": "full", "goals": goals}.items() <= dict(find(metrics, "moon")).items()

        jobs = {job["name"] for job in (await store.main.admin("GET", "/operations/jobs")).json()["jobs"]}
        assert "strangers-job" in jobs
        assert (await store.main.admin("POST", "/operations/jobs/strangers-job/run", json={})).status_code == 202
        await store.work(store.main.tenant)
        assert stranger.ran == [store.main.tenant]

        params = {"model": stranger.name, "window": "30"}
        listed = (await store.main.admin("GET", "/attribution", params=params)).json()["attributions"]
        assert listed
        assert {row["model"] for row in listed} == {stranger.name}
        assert sum(row["conversions"] for row in listed) == pytest.approx(1)
        assert "stranger" in str((await store.main.admin("GET", "/openapi.json")).json()["paths"].keys())
    assert stranger.stopped == 1


def find(value: Any, key: str) -> Any:
    """The value under that key, or of the section of that key, anywhere in the document."""
    if isinstance(value, dict):
        if key in value:
            return value[key]
        if value.get("key") == key:
            return value.get("data") or value.get("value") or value
        return next((found for inner in value.values() if (found := find(inner, key)) is not None), None)
    if isinstance(value, list):
        return next((found for inner in value if (found := find(inner, key)) is not None), None)
    return None


async def shop_with_two_visits(store: Contract) -> None:
    """A landing by a campaign and an order."""
    from adplanning_plugin.kernel.backfill import backfill

    async with store.main.browser() as shopper:
        await shopper.get("/?utm_source=news&utm_medium=email&utm_campaign=spring")
        await shopper.post("/cart", data={"slug": store.main.product})
        placed = await shopper.post("/checkout", data={"email": "a@stranger.example", "pay": "transfer"})
        assert placed.status_code == 303
    async with store.runtime.database.transaction(store.main.tenant) as session:
        await session.execute(text("UPDATE store.purchases SET payment = 'paid', paid_at = now(), updated_at = now()"))
        [number] = (await session.execute(text("SELECT purchase_no FROM store.purchases"))).scalars().all()
    await store.emit(store.main.tenant, "order.paid", id=number)
    await store.work(store.main.tenant)
    await backfill(store.runtime, store.main.tenant)
    await store.work(store.main.tenant)


async def test_settings_of_a_stranger_are_read_and_changed_over_http(database_url: str) -> None:
    import msgspec

    class Tides(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
        height: int = 3

    section = SettingsSection(key="tides", type=Tides, title="Tides")
    async with running(database_url, plugin_object("register_settings", [section])) as store:
        assert (await store.main.admin("GET", "/settings/tides")).json()["setting"]["value"] == {"height": 3}
        assert (await store.main.admin("PUT", "/settings/tides", json={"value": {"height": 5}})).status_code == 200
        assert (await store.main.admin("GET", "/settings/tides")).json()["setting"]["value"] == {"height": 5}
        assert (await store.second.admin("GET", "/settings/tides")).json()["setting"]["value"] == {"height": 3}
