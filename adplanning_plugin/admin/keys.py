"""Routes of publishable keys: make, list, rename, bind to origins, switch off, delete."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Controller, Response, delete, get, post, put
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.kernel.days import rfc3339
from adplanning_plugin.kernel.errors import FieldError, Invalid, NotFound
from adplanning_plugin.kernel.export import list_response
from adplanning_plugin.kernel.http import MANAGE, AdminCall, scope
from adplanning_plugin.kernel.keys import check_origins, key_cache, new_key, register_key
from adplanning_plugin.kernel.paging import ListParams, paginate
from adplanning_plugin.kernel.settings import stale
from adplanning_plugin.kernel.tables import PublicKey

MAX_NAME = 200


class KeyIn(msgspec.Struct, forbid_unknown_fields=True):
    """A new key."""

    name: str = ""
    origins: list[str] = []
    website_id: str | None = None


class KeyChange(msgspec.Struct, forbid_unknown_fields=True):
    """What may change of a key; what is not sent stays."""

    name: str | msgspec.UnsetType = msgspec.UNSET
    origins: list[str] | msgspec.UnsetType = msgspec.UNSET
    website_id: str | msgspec.UnsetType | None = msgspec.UNSET
    is_active: bool | msgspec.UnsetType = msgspec.UNSET
    version: int | None = None


class KeyOut(msgspec.Struct, kw_only=True, omit_defaults=False):
    """A key as the admin sees it; the key itself is shown once, when it is made."""

    id: str
    hint: str
    name: str
    origins: list[str]
    website_id: str | None
    is_active: bool
    version: int
    created_at: str
    key: str | msgspec.UnsetType = msgspec.UNSET


class KeyEnvelope(msgspec.Struct):
    """One key."""

    key: KeyOut


_CSV_COLUMNS = tuple(name for name in KeyOut.__struct_fields__ if name != "key")


class KeyController(Controller):
    """Publishable keys of the store."""

    path = "/keys"
    tags = ("keys",)

    @get("/", operation_id="listKeys", summary="Publishable keys")
    async def list_keys(
        self,
        call: NamedDependency[AdminCall],
        params: NamedDependency[ListParams],
        is_active: FromQuery[bool | None] = None,
    ) -> Response[Any]:
        """By the hint people recognise which is which."""
        wanted = select(*PublicKey.__table__.c).where(PublicKey.tenant_id == call.tenant_id)
        if is_active is not None:
            wanted = wanted.where(PublicKey.is_active.is_(is_active))
        async with call.reading() as session:
            page = await paginate(
                session,
                wanted,
                params,
                sortable={"created_at": PublicKey.created_at, "name": PublicKey.name},
                default="-created_at",
                tiebreak=PublicKey.id,
                search=[PublicKey.name, PublicKey.hint],
            )
        return list_response(call, "keys", page, _out, columns=_CSV_COLUMNS)

    @get("/{key_id:str}", operation_id="getKey", summary="One publishable key")
    async def get_key(self, call: NamedDependency[AdminCall], key_id: FromPath[str]) -> KeyEnvelope:
        """Without the key itself, of which only a hash is stored."""
        async with call.reading() as session:
            return KeyEnvelope(_out(await _found(session, call.tenant_id, key_id)))

    @post("/", operation_id="createKey", summary="Make a publishable key", guards=[scope(MANAGE)])
    async def create_key(self, call: NamedDependency[AdminCall], data: JSONBody[KeyIn]) -> Response[KeyEnvelope]:
        """Answers the key: this once."""
        _check_name(data.name)
        raw = new_key()

        async def work(session: AsyncSession) -> KeyEnvelope:
            key_id = await register_key(
                session, call.tenant_id, raw, data.origins, data.name.strip(), website_id=data.website_id
            )
            await call.audit(session, "key.created", "public_key", key_id, {"origins": len(data.origins)})
            out = _out(await _found(session, call.tenant_id, key_id))
            return KeyEnvelope(msgspec.structs.replace(out, key=raw))

        answer = await call.create(work, data)
        key_cache(call.runtime).clear()
        return answer

    @put("/{key_id:str}", operation_id="updateKey", summary="Change a publishable key", guards=[scope(MANAGE)])
    async def update_key(
        self, call: NamedDependency[AdminCall], key_id: FromPath[str], data: JSONBody[KeyChange]
    ) -> KeyEnvelope:
        """Name, origins, website, whether it is active."""
        changes = {
            name: value
            for name in ("name", "origins", "website_id", "is_active")
            if (value := getattr(data, name)) is not msgspec.UNSET
        }
        if "name" in changes:
            _check_name(changes["name"])
            changes["name"] = changes["name"].strip()
        if "origins" in changes:
            changes["origins"] = list(check_origins(changes["origins"]))
        async with call.transaction() as session:
            key = await _found(session, call.tenant_id, key_id, lock=True)
            if data.version is not None and data.version != key.version:
                raise stale(data.version, key.version)
            changed = sorted(name for name, value in changes.items() if getattr(key, name) != value)
            for name in changed:
                setattr(key, name, changes[name])
            if changed:
                key.version += 1
                await call.audit(session, "key.updated", "public_key", key_id, {"fields": changed})
            await session.flush()
            out = _out(key)
        key_cache(call.runtime).clear()
        return KeyEnvelope(out)

    @delete(
        "/{key_id:str}",
        operation_id="deleteKey",
        summary="Delete a publishable key",
        guards=[scope(MANAGE)],
        status_code=200,
    )
    async def delete_key(self, call: NamedDependency[AdminCall], key_id: FromPath[str]) -> dict[str, Any]:
        """Requests with it are refused from then on (elsewhere within half a minute)."""
        async with call.transaction() as session:
            await session.delete(await _found(session, call.tenant_id, key_id, lock=True))
            await call.audit(session, "key.deleted", "public_key", key_id)
        key_cache(call.runtime).clear()
        return {"id": key_id, "object": "key", "deleted": True}


async def _found(session: AsyncSession, tenant_id: str, key_id: str, *, lock: bool = False) -> PublicKey:
    wanted = select(PublicKey).where(PublicKey.tenant_id == tenant_id, PublicKey.id == key_id)
    key = (await session.execute(wanted.with_for_update() if lock else wanted)).scalar_one_or_none()
    if key is None:
        raise NotFound(f"There is no key {key_id!r}.")
    return key


def _check_name(name: str) -> None:
    if len(name) > MAX_NAME:
        raise Invalid(FieldError("name", "too_long", f"name must have at most {MAX_NAME} characters."))


def _out(row: Any) -> KeyOut:
    return KeyOut(
        id=row.id,
        hint=row.hint,
        name=row.name,
        origins=list(row.origins),
        website_id=row.website_id,
        is_active=row.is_active,
        version=row.version,
        created_at=rfc3339(row.created_at),
    )
