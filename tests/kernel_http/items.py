"""Routes like a domain's own, over audit entries: enough to see lists, creates, scopes and failures from outside."""

from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from litestar import Controller, Response, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy import select, text

from adplanning_plugin.kernel.errors import NotFound, TooMany, Unavailable
from adplanning_plugin.kernel.export import list_response
from adplanning_plugin.kernel.http import PII, READ, AdminCall, scope
from adplanning_plugin.kernel.ids import new_id
from adplanning_plugin.kernel.paging import ListParams, paginate
from adplanning_plugin.kernel.tables import AuditEntry


class Part(msgspec.Struct, forbid_unknown_fields=True):
    name: str
    weight: int


class Item(msgspec.Struct, forbid_unknown_fields=True):
    title: Annotated[str, msgspec.Meta(min_length=1, max_length=40)]
    count: Annotated[int, msgspec.Meta(ge=0, le=100)] = 0
    kind: Literal["red", "green"] = "red"
    at: datetime | None = None
    parts: list[Part] = []


def _row(row: Any) -> dict[str, Any]:
    return {"id": row.id, "action": row.action, "object_id": row.object_id, "at": row.at, "changes": row.changes}


class ItemController(Controller):
    path = "/items"

    @get("/", operation_id="listItems")
    async def list_items(
        self,
        call: NamedDependency[AdminCall],
        params: NamedDependency[ListParams],
        action: FromQuery[str | None] = None,
        color: FromQuery[Literal["red", "green"] | None] = None,
    ) -> Response[Any]:
        columns = (AuditEntry.id, AuditEntry.action, AuditEntry.object_id, AuditEntry.at, AuditEntry.changes)
        wanted = select(*columns).where(AuditEntry.tenant_id == call.tenant_id)
        if action is not None:
            wanted = wanted.where(AuditEntry.action == action)
        async with call.reading() as session:
            page = await paginate(
                session,
                wanted,
                params,
                sortable={"at": AuditEntry.at, "action": AuditEntry.action},
                default="-at",
                tiebreak=AuditEntry.id,
                search=[AuditEntry.object_id],
            )
        return list_response(call, "items", page, _row)

    @get("/plain", operation_id="listPlainItems")
    async def plain(self, call: NamedDependency[AdminCall], params: NamedDependency[ListParams]) -> Response[Any]:
        wanted = select(AuditEntry.id, AuditEntry.action).where(AuditEntry.tenant_id == call.tenant_id)
        async with call.reading() as session:
            by_id = {"id": AuditEntry.id}
            page = await paginate(
                session, wanted, params, sortable=by_id, default="id", tiebreak=AuditEntry.id, stream=True
            )
        return list_response(call, "items", page, lambda row: {"id": row.id, "action": row.action})

    @get("/{item_id:str}", operation_id="getItem")
    async def get_item(self, call: NamedDependency[AdminCall], item_id: FromPath[str]) -> dict[str, Any]:
        wanted = select(AuditEntry).where(AuditEntry.tenant_id == call.tenant_id, AuditEntry.id == item_id)
        async with call.reading() as session:
            row = (await session.execute(wanted)).scalar_one_or_none()
        if row is None:
            raise NotFound(f"There is no item {item_id!r}.")
        return {"item": _row(row)}

    @post("/", operation_id="createItem")
    async def create(self, call: NamedDependency[AdminCall], data: JSONBody[Item]) -> Response[Any]:
        item_id = new_id("item")

        async def work(session: Any) -> dict[str, Any]:
            await call.audit(session, "item.created", "item", data.title, {"count": data.count})
            return {"item": {"id": item_id, "title": data.title}}

        return await call.create(work, data)

    @put("/{item_id:str}", operation_id="putItem")
    async def update(
        self, call: NamedDependency[AdminCall], item_id: FromPath[str], data: JSONBody[Item]
    ) -> dict[str, Any]:
        return {"item": {"id": item_id, "title": data.title}}

    @get(["/{item_id:str}/private", "/{item_id:str}/also/private"], operation_id="getPrivate", guards=[scope(PII)])
    async def private(self, call: NamedDependency[AdminCall], item_id: FromPath[str]) -> dict[str, str]:
        return {"id": item_id}

    @post("/preview", operation_id="previewItem", guards=[scope(READ)], status_code=200)
    async def preview(self, call: NamedDependency[AdminCall]) -> dict[str, bool]:
        return {"preview": True}


class FailureController(Controller):
    path = "/failures"

    @get("/{kind:str}", operation_id="fail")
    async def fail(self, call: NamedDependency[AdminCall], kind: FromPath[str]) -> dict[str, Any]:
        if kind == "bug":
            raise ValueError("secret detail jane@example.com")
        if kind == "limit":
            raise TooMany("Too many exports.", retry_after=17)
        if kind == "busy":
            raise Unavailable("Not now.", retry_after=3)
        if kind == "refused":
            raise ConnectionRefusedError(111, "connect refused")
        async with call.transaction() as session:
            if kind == "slow":
                await session.execute(text("SET LOCAL statement_timeout = 20"))
                await session.execute(text("SELECT pg_sleep(5)"))
            if kind == "overflow":
                await session.execute(text("SELECT CAST(:n AS bigint)"), {"n": 2**70})
            if kind == "nul":
                await session.execute(text("SELECT CAST(:n AS text)"), {"n": "a\x00b"})
            if kind == "full":
                await session.execute(text("DO $$ BEGIN RAISE EXCEPTION 'disk' USING ERRCODE = '53100'; END $$"))
            if kind == "duplicate":
                await session.execute(text("DO $$ BEGIN RAISE EXCEPTION 'twice' USING ERRCODE = '23505'; END $$"))
            if kind == "killed":
                await session.execute(text("SELECT pg_terminate_backend(pg_backend_pid())"))
            if kind == "syntax":
                await session.execute(text("SELEC 1"))
        return {}


@post("/echo", operation_id="echo")
async def echo(data: JSONBody[dict[str, Any]], loud: FromQuery[bool] = False) -> dict[str, Any]:
    return {"size": len(data)}


def item_routes() -> Any:
    return (ItemController, FailureController)


def public_routes() -> Any:
    return (echo,)
