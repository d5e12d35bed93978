"""Identity over HTTP: who is linked to whom and why, revoking and restoring it, and the denylist. Thin routes."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from litestar import Controller, Response, delete, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, FromQuery, JSONBody
from sqlalchemy import Row, select
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.identity.denylist import allow, deny
from adplanning_plugin.identity.identifiers import identifier_for_email, person_identifier
from adplanning_plugin.identity.looking import denied_id, person_identity, shown, visitor_identity
from adplanning_plugin.identity.models import IdentityDenylist, Visitor
from adplanning_plugin.identity.repository import denylist_table
from adplanning_plugin.identity.revoking import (
    confirm_claim,
    part_from_person,
    restore_edge,
    restore_to_person,
    revoke_edge,
)
from adplanning_plugin.kernel.days import rfc3339
from adplanning_plugin.kernel.errors import Conflict, FieldError, Invalid, NotFound
from adplanning_plugin.kernel.export import list_response
from adplanning_plugin.kernel.http import MANAGE, PII, AdminCall, scope
from adplanning_plugin.kernel.paging import ListParams, paginate
from adplanning_plugin.links import Links

Reason = Annotated[str, msgspec.Meta(min_length=1, max_length=500)]


class RevokeEdge(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which state of the edge is revoked, and why."""

    version: int
    reason: Reason


class RestoreEdge(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Which state of the edge is restored."""

    version: int


class NotThisPerson(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """Why this visitor is not this person."""

    reason: Reason


class DenyIdentifier(msgspec.Struct, kw_only=True, forbid_unknown_fields=True):
    """An address or a person that is to link nobody."""

    kind: Literal["email", "person"]
    value: Annotated[str, msgspec.Meta(min_length=1, max_length=320)]
    """The address, of which the keyed hash alone is kept; or the host's id of the person."""
    reason: Reason


class DeniedOut(msgspec.Struct, frozen=True, kw_only=True):
    """An identifier that links nobody, or did not until somebody allowed it."""

    id: str
    kind: str
    identifier: str | None
    reason: str
    created_at: str
    created_by: str | None
    """The operator's id; null where a cap put it there."""
    allowed_at: str | None
    allowed_by: str | None
    version: int


class IdentityController(Controller):
    """Who is who."""

    path = "/identity"
    tags = ("Identity",)

    @get(
        "/people/{person_id:str}",
        operation_id="getPersonIdentity",
        summary="A person's visitors, and what links them",
        guards=[scope(PII)],
    )
    async def person(self, call: NamedDependency[AdminCall], person_id: FromPath[str]) -> dict[str, Any]:
        """Visitors with the edges that lead to them, those that only claim to be this person, and what was revoked."""
        async with call.reading() as session:
            identity = await person_identity(session, call.tenant_id, person_id, pii=True)
            if not identity["edges"]:
                linked = call.runtime.get(Links).by_ids("person", call.tenant_id, [person_id])
                if await session.scalar(select(linked.c.id).limit(1)) is None:
                    raise NotFound(f"There is no person {person_id}.")
            return {"identity": identity}

    @get("/visitors/{visitor_id:str}", operation_id="getVisitorIdentity", summary="A visitor's edges")
    async def visitor(self, call: NamedDependency[AdminCall], visitor_id: FromPath[str]) -> dict[str, Any]:
        """Every edge, also what was revoked; people's ids need adplanning:pii."""
        async with call.reading() as session:
            known = (Visitor.tenant_id == call.tenant_id) & (Visitor.id == visitor_id)
            identity = await visitor_identity(session, call.tenant_id, visitor_id, pii=call.allows(PII))
            if not identity["edges"] and await session.scalar(select(Visitor.id).where(known)) is None:
                raise NotFound(f"There is no visitor {visitor_id}.")
            return {"identity": identity}

    @post(
        "/visitors/{visitor_id:str}/edges/{edge_id:str}/revoke",
        operation_id="revokeIdentityEdge",
        summary="Revoke an edge",
        guards=[scope(MANAGE), scope(PII)],
        status_code=200,
    )
    async def revoke(
        self,
        call: NamedDependency[AdminCall],
        visitor_id: FromPath[str],
        edge_id: FromPath[str],
        data: JSONBody[RevokeEdge],
    ) -> dict[str, Any]:
        """It links nobody from now on, and credit is computed again as if it had never been."""
        async with call.transaction() as session:
            await revoke_edge(
                session, call.runtime, call.tenant_id, visitor_id, edge_id,
                version=data.version, by=call.actor.id, reason=data.reason,
            )  # fmt: skip
            await call.audit(session, "identity_edge.revoked", "identity_edge", edge_id)
            return {"identity": await visitor_identity(session, call.tenant_id, visitor_id, pii=True)}

    @post(
        "/visitors/{visitor_id:str}/edges/{edge_id:str}/restore",
        operation_id="restoreIdentityEdge",
        summary="Restore a revoked edge",
        guards=[scope(MANAGE), scope(PII)],
        status_code=200,
    )
    async def restore(
        self,
        call: NamedDependency[AdminCall],
        visitor_id: FromPath[str],
        edge_id: FromPath[str],
        data: JSONBody[RestoreEdge],
    ) -> dict[str, Any]:
        """It links again as it did, and credit follows."""
        async with call.transaction() as session:
            await restore_edge(session, call.runtime, call.tenant_id, visitor_id, edge_id, version=data.version)
            await call.audit(session, "identity_edge.restored", "identity_edge", edge_id)
            return {"identity": await visitor_identity(session, call.tenant_id, visitor_id, pii=True)}

    @post(
        "/people/{person_id:str}/visitors/{visitor_id:str}/revoke",
        operation_id="partVisitorFromPerson",
        summary="This visitor is not this person",
        guards=[scope(MANAGE), scope(PII)],
        status_code=200,
    )
    async def part(
        self,
        call: NamedDependency[AdminCall],
        person_id: FromPath[str],
        visitor_id: FromPath[str],
        data: JSONBody[NotThisPerson],
    ) -> dict[str, Any]:
        """Revokes every edge of the visitor that leads to the person, also a claim."""
        async with call.transaction() as session:
            revoked = await part_from_person(
                session, call.runtime, call.tenant_id, visitor_id, person_id, by=call.actor.id, reason=data.reason
            )
            await call.audit(session, "visitor.parted", "visitor", visitor_id, {"edges": revoked})
            return {"identity": await person_identity(session, call.tenant_id, person_id, pii=True)}

    @post(
        "/people/{person_id:str}/visitors/{visitor_id:str}/restore",
        operation_id="restoreVisitorToPerson",
        summary="This visitor is this person after all",
        guards=[scope(MANAGE), scope(PII)],
        status_code=200,
    )
    async def restore_all(
        self, call: NamedDependency[AdminCall], person_id: FromPath[str], visitor_id: FromPath[str]
    ) -> dict[str, Any]:
        """Restores whatever was revoked between the two at once, and credit becomes what it was."""
        async with call.transaction() as session:
            restored = await restore_to_person(session, call.runtime, call.tenant_id, visitor_id, person_id)
            await call.audit(session, "visitor.restored", "visitor", visitor_id, {"edges": restored})
            return {"identity": await person_identity(session, call.tenant_id, person_id, pii=True)}

    @post(
        "/people/{person_id:str}/visitors/{visitor_id:str}/confirm",
        operation_id="confirmVisitorOfPerson",
        summary="This visitor is this person indeed",
        guards=[scope(MANAGE), scope(PII)],
        status_code=200,
    )
    async def confirm(
        self, call: NamedDependency[AdminCall], person_id: FromPath[str], visitor_id: FromPath[str]
    ) -> dict[str, Any]:
        """A claim becomes theirs, with credit; revoking the edge of kind `confirmed` takes it back."""
        async with call.transaction() as session:
            await confirm_claim(session, call.runtime, call.tenant_id, visitor_id, person_id)
            await call.audit(session, "visitor.confirmed", "visitor", visitor_id)
            return {"identity": await person_identity(session, call.tenant_id, person_id, pii=True)}


class DenylistController(Controller):
    """Identifiers that link nobody."""

    path = "/identity/denylist"
    tags = ("Identity",)

    @get("/", operation_id="listDeniedIdentifiers", summary="Denylist")
    async def list_denied(
        self,
        call: NamedDependency[AdminCall],
        params: NamedDependency[ListParams],
        allowed: FromQuery[bool] = False,
    ) -> Response[Any]:
        """What links nobody now, or (`allowed=true`) what an operator took off the list."""
        row = IdentityDenylist
        wanted = row.allowed_at.is_not(None) if allowed else row.allowed_at.is_(None)
        statement = select(denylist_table, denied_id().label("id")).where(row.tenant_id == call.tenant_id, wanted)
        async with call.reading() as session:
            page = await paginate(
                session,
                statement,
                params,
                sortable={"created_at": row.created_at, "reason": row.reason},
                default="-created_at",
                tiebreak=row.identifier.expression,
                search=[row.reason.expression],
            )

        def encode(found: Row[Any]) -> DeniedOut:
            return _denied(found, pii=call.allows(PII))

        return list_response(call, "denied", page, encode, columns=DeniedOut.__struct_fields__)

    @post("/", operation_id="denyIdentifier", summary="Put an identifier on it", guards=[scope(MANAGE), scope(PII)])
    async def add(self, call: NamedDependency[AdminCall], data: JSONBody[DenyIdentifier]) -> Response[Any]:
        """It links nobody from now on; what it linked parts, and credit follows."""
        identifier = (
            person_identifier(data.value) if data.kind == "person" else identifier_for_email(call.runtime, data.value)
        )
        if identifier is None:
            raise Invalid(FieldError("value", "missing", "value must be an address."))

        async def work(session: AsyncSession) -> dict[str, Any]:
            if not await deny(session, call.runtime, call.tenant_id, identifier, data.reason, by=call.actor.id):
                raise Conflict("This identifier is on the denylist already.", code="already_denied")
            entry = await _entry(session, call.tenant_id, IdentityDenylist.identifier == identifier)
            await call.audit(session, "identifier.denied", "identifier", entry.id)
            return {"denied": _denied(entry, pii=True)}

        return await call.create(work, data)

    @delete(
        "/{denied_id:str}",
        operation_id="allowIdentifier",
        summary="Take an identifier off it",
        guards=[scope(MANAGE), scope(PII)],
        status_code=200,
    )
    async def remove(
        self, call: NamedDependency[AdminCall], denied_id: FromPath[str], version: FromQuery[int | None] = None
    ) -> dict[str, Any]:
        """Its edges link again, and the cap of its kind passes it over."""
        async with call.transaction() as session:
            entry = await _entry(session, call.tenant_id, _id_is(denied_id))
            by = call.actor.id
            if not await allow(session, call.runtime, call.tenant_id, entry.identifier, by=by, version=version):
                raise NotFound(f"There is no entry {denied_id} on the denylist.")
            await call.audit(session, "identifier.allowed", "identifier", denied_id)
        return {"id": denied_id, "object": "denied", "deleted": True}


def _id_is(id: str) -> Any:  # noqa: A002
    return denied_id() == id


async def _entry(session: AsyncSession, tenant_id: str, which: Any) -> Row[Any]:
    found = select(denylist_table, denied_id().label("id")).where(IdentityDenylist.tenant_id == tenant_id, which)
    entry = (await session.execute(found)).first()
    if entry is None:
        raise NotFound("There is no such entry on the denylist.")
    return entry


def _denied(row: Row[Any], *, pii: bool) -> DeniedOut:
    identifier = shown(row.identifier, pii=pii)
    return DeniedOut(
        id=row.id,
        kind=identifier.kind,
        identifier=identifier.shown,
        reason=row.reason,
        created_at=rfc3339(row.created_at),
        created_by=row.created_by,
        allowed_at=rfc3339(row.allowed_at) if row.allowed_at else None,
        allowed_by=row.allowed_by,
        version=row.version,
    )
