"""A runtime over a fresh database, with what a test registers; the ordinary role, so that row-level security binds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any

import pluggy
import pytest
from sqlalchemy import text

from adplanning_plugin.hookspecs import PROJECT, Specs, hookimpl
from adplanning_plugin.kernel.database import Database
from adplanning_plugin.kernel.runtime import Runtime, Tenant
from adplanning_plugin.kernel.work import Work
from adplanning_plugin.options import DatabaseOptions, Options, WorkOptions

TENANTS = (
    Tenant(id="main", zone="Europe/Berlin", currency="EUR"),
    Tenant(id="second", zone="Asia/Kolkata", currency="INR"),
)
EFFECTS = "CREATE TABLE public.effect (n bigserial PRIMARY KEY, tenant text, name text, at timestamptz DEFAULT now())"


@dataclass(eq=False)
class Registers:
    """A plugin object made of lists."""

    subscribers: Sequence[Any] = ()
    jobs: Sequence[Any] = ()
    workflows: Sequence[Any] = ()
    workflow_hooks: Sequence[Any] = ()
    sweeps: Sequence[Any] = ()

    @hookimpl
    def register_subscribers(self, runtime: Runtime) -> Sequence[Any]:
        return self.subscribers

    @hookimpl
    def register_jobs(self, runtime: Runtime) -> Sequence[Any]:
        return self.jobs

    @hookimpl
    def register_workflows(self, runtime: Runtime) -> Sequence[Any]:
        return self.workflows

    @hookimpl
    def register_workflow_hooks(self) -> Sequence[Any]:
        return self.workflow_hooks

    @hookimpl
    def register_sweeps(self, runtime: Runtime) -> Sequence[Any]:
        return self.sweeps


def build_runtime(url: str, *plugins: Registers, **work: Any) -> Runtime:
    """A runtime with two tenants; several over one database stand for several processes."""
    hooks = pluggy.PluginManager(PROJECT)
    hooks.add_hookspecs(Specs)
    for number, plugin in enumerate(plugins):
        hooks.register(plugin, f"plugin-{number}")
    runtime = Runtime(Options(database=DatabaseOptions(url=url), work=WorkOptions(**work)), hooks)
    runtime.set_tenants(TENANTS)
    runtime.put(Database.connect(runtime.options.database))
    runtime.put(Work.collect(runtime))
    return runtime


MakeRuntime = Callable[..., Runtime]


@pytest.fixture
async def make_runtime(database_url: str) -> AsyncIterator[MakeRuntime]:
    """`make_runtime(subscribers=[...], work={...})`; every pool is closed after the test."""
    made: list[Runtime] = []

    def make(work: dict[str, Any] | None = None, **registers: Any) -> Runtime:
        runtime = build_runtime(database_url, Registers(**registers), **(work or {}))
        made.append(runtime)
        return runtime

    yield make
    for runtime in made:
        await runtime.database.close()


@pytest.fixture
async def effects(database_url: str) -> None:
    """A table of the host's, in which handlers leave what they did."""
    await execute(database_url, EFFECTS)


async def execute(url: str, statement: str) -> None:
    """One statement in a transaction of its own."""
    database = Database.connect(DatabaseOptions(url=url))
    async with database.system() as session:
        await session.execute(text(statement))
    await database.close()


async def rows(runtime: Runtime, statement: str, tenant: str = "main", **values: Any) -> list[tuple[Any, ...]]:
    """What the tenant sees."""
    async with runtime.database.transaction(tenant) as session:
        return [tuple(row) for row in (await session.execute(text(statement), values)).all()]


async def wait_for_rows(runtime: Runtime, statement: str, seconds: float = 20.0) -> None:
    """Until the statement finds something; a background process has no other face to wait on."""
    async with asyncio.timeout(seconds):
        while not await rows(runtime, statement):  # noqa: ASYNC110
            await asyncio.sleep(0.05)


async def leave_effect(session: Any, tenant: str, name: str) -> None:
    """What a handler did, in the handler's transaction."""
    await session.execute(text("INSERT INTO public.effect (tenant, name) VALUES (:t, :n)"), {"t": tenant, "n": name})
