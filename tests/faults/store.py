"""The store whose processes are killed: a table of orders, a bus that shares its transaction, a stranger's plugin.

Settings come from `ADPLANNING_*` variables, as in production; `FAULTS_RECEIVER` is the world outside.
"""

from __future__ import annotations

import asyncio
import os
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.request import Request as Call
from urllib.request import urlopen

from litestar import Litestar, Request, Response, get, post
from litestar.exceptions import NotAuthorizedException
from litestar.params import JSONBody
from sqlalchemy import BigInteger, Column, DateTime, Identity, MetaData, Table, Text, func, literal, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession, create_async_engine

from adplanning_plugin import Actor, AdPlanning, HostEvent, Link, Options, Tenant, hookimpl
from adplanning_plugin.kernel.events import Delivery
from adplanning_plugin.kernel.jobs import Every, Job, JobContext
from adplanning_plugin.kernel.workflows import Run, StepContext, WorkflowHook, start, step, workflow
from adplanning_plugin.options import CookieOptions, IngestOptions

TENANT, KEY, TOKEN = "main", "pk_faults", "let-me-in"
SLOT_JOBS = 3
metadata = MetaData(schema="shop")
orders = Table(
    "orders",
    metadata,
    Column("number", BigInteger, Identity(), primary_key=True),
    Column("ref", Text, unique=True, nullable=False),
    Column("cents", BigInteger, nullable=False),
    Column("placed", DateTime(timezone=True), nullable=False, server_default=func.now()),
)
told = Table("told", metadata, Column("order_number", Text, nullable=False))
"""A row for each time that the stranger's hook ran: nothing makes it unique, so a repeat would show."""
slots_run = Table("slots_run", metadata, Column("job", Text), Column("slot", DateTime(timezone=True)))


class Bus:
    """Whoever subscribed is called with the order's own transaction."""

    def __init__(self) -> None:
        self._handlers: dict[str, list[Callable[[HostEvent], Awaitable[None]]]] = defaultdict(list)

    def subscribe(self, name: str, handler: Callable[[HostEvent], Awaitable[None]]) -> None:
        self._handlers[name].append(handler)

    async def emit(self, name: str, number: int, session: AsyncSession) -> None:
        event = HostEvent(name=name, data={"id": number}, tenant_id=TENANT, session=session)
        for handler in self._handlers[name]:
            await handler(event)


def _deliver(path: str, key: str) -> None:
    url = f"{os.environ['FAULTS_RECEIVER']}/{path}"
    with urlopen(Call(url, method="POST", headers={"Idempotency-Key": key}), timeout=60) as answer:
        answer.read()


@step
async def write_letter(ctx: StepContext, number: str) -> str:
    return f"letter/{number}"


@step(outside=True)
async def post_letter(ctx: StepContext, letter: str) -> str:
    if os.environ.get("FAULTS_RECEIVER"):
        await asyncio.to_thread(_deliver, letter, ctx.idempotency_key)
    return "sent"


@workflow("thank-the-buyer", durable=True)
async def thank_the_buyer(run: Run, given: dict[str, Any]) -> str:
    letter = await run(write_letter, given["order"])
    return str(await run(post_letter, letter))


async def on_recorded(delivery: Delivery, payload: dict[str, Any]) -> None:
    """The stranger's step at the purchase workflow's hook point: a row of its own, and a letter after the commit."""
    for number in payload["order_ids"]:
        await delivery.session.execute(told.insert().values(order_number=number))
        await start(delivery.runtime, delivery.session, delivery.tenant_id, thank_the_buyer, {"order": number}, number)


def note_slot(job: str) -> Callable[[JobContext], Awaitable[None]]:
    async def run(context: JobContext) -> None:
        async with context.transaction() as session:
            await session.execute(slots_run.insert().values(job=job, slot=context.slot))

    return run


class Stranger:
    """A third party's plugin."""

    @hookimpl
    def on_startup(self, runtime: Any) -> None:
        """Say that everything is imported and the database answers."""
        if "FAULTS_STARTED" in os.environ:
            Path(os.environ["FAULTS_STARTED"], str(os.getpid())).touch()

    @hookimpl
    def register_workflows(self) -> Sequence[Any]:
        return [thank_the_buyer]

    @hookimpl
    def register_workflow_hooks(self) -> Sequence[WorkflowHook]:
        hook = WorkflowHook(
            id="stranger.thanks",
            workflow="track-purchase-conversion",
            point="recorded",
            run=on_recorded,
            database_only=True,
        )
        return [hook]

    @hookimpl
    def register_jobs(self) -> Sequence[Job]:
        names = [f"stranger.slot-{n}" for n in range(SLOT_JOBS)]
        return [Job(name=name, schedule=Every(60), run=note_slot(name), catch_up="all") for name in names]


def guard(connection: Any, _: Any) -> None:
    if connection.headers.get("authorization") != f"Bearer {TOKEN}":
        raise NotAuthorizedException("Send the token as a bearer token.")


class StoreHooks:
    """The host's side."""

    def __init__(self) -> None:
        self.bus = Bus()

    provide_admin_guard = hookimpl(lambda _: guard)
    provide_event_bus = hookimpl(lambda self: self.bus)
    resolve_tenant = hookimpl(lambda _, connection: TENANT)

    @hookimpl
    def resolve_actor(self, connection: Any) -> Actor:
        scopes = frozenset(f"adplanning:{name}" for name in ("read", "write", "manage", "pii"))
        return Actor(id="admin", tenant_id=TENANT, scopes=scopes)

    @hookimpl
    def list_tenants(self) -> Callable[[], Awaitable[Sequence[Tenant]]]:
        async def tenants() -> Sequence[Tenant]:
            return [Tenant(id=TENANT, zone="Asia/Kolkata", currency="INR")]

        return tenants

    @hookimpl
    def provide_links(self) -> Sequence[Link]:
        columns = {
            "id": orders.c.number,
            "currency": literal("INR"),
            "total": orders.c.cents,
            "payment_state": literal("paid"),
            "placed_at": orders.c.placed,
        }
        return [Link(entity="order", source=orders, money="minor", tenant=literal(TENANT), columns=columns)]


def plugin() -> AdPlanning:
    """What `adplanning worker` and `adplanning scheduler` load."""
    return _install(StoreHooks())


def _install(hooks: StoreHooks) -> AdPlanning:
    options = Options(
        cookie=CookieOptions(secure=False),
        ingest=IngestOptions(rate_per_minute=1_000_000_000),  # one client stands for all
        secret="a secret that only the tests of faults know",
    )
    return AdPlanning(options, hooks, Stranger())


def create_app() -> Litestar:
    """The web process."""
    hooks = StoreHooks()
    ads = _install(hooks)
    url = os.environ["ADPLANNING_DATABASE_URL"].replace("postgresql://", "postgresql+asyncpg://", 1)
    engine = create_async_engine(url, pool_pre_ping=True, connect_args={"timeout": 5, "command_timeout": 10})

    @get("/health")
    async def health() -> dict[str, int]:
        return {"pid": os.getpid()}

    @post("/orders")
    async def place(request: Request[Any, Any, Any], data: JSONBody[dict[str, Any]]) -> Response[dict[str, Any]]:
        """An order, once for each reference, and its event in the same transaction."""
        try:
            async with AsyncSession(engine) as session, session.begin():
                new = insert(orders).values(ref=data["ref"], cents=data["cents"], placed=datetime.now(UTC))
                number = await session.scalar(new.on_conflict_do_nothing().returning(orders.c.number))
                if number is not None:
                    await hooks.bus.emit("order.placed", number, session)
                else:
                    number = await session.scalar(select(orders.c.number).where(orders.c.ref == data["ref"]))
        except Exception as problem:  # noqa: BLE001 - the store's own outage page
            return Response({"problem": type(problem).__name__}, status_code=503, headers={"retry-after": "1"})
        return Response({"number": number}, status_code=201)

    return Litestar(route_handlers=[health, place], plugins=[ads], on_shutdown=[engine.dispose])


async def make_store(url: str) -> None:
    """The store's tables and its publishable key, in a migrated database."""
    from adplanning_plugin.kernel.keys import register_key

    engine = create_async_engine(url.replace("postgresql://", "postgresql+asyncpg://", 1))
    async with engine.begin() as connection:
        await connection.execute(text("CREATE SCHEMA IF NOT EXISTS shop"))
        await connection.run_sync(metadata.create_all)
    async with AsyncSession(engine) as session, session.begin():
        await register_key(session, TENANT, KEY, [])
    await engine.dispose()
