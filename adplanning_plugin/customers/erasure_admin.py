"""Erasure over HTTP: thin routes; what they mean is decided in `service`."""

from __future__ import annotations

from typing import Any

import msgspec
from litestar import Controller, Response, get, post
from litestar.di import NamedDependency
from litestar.params import FromPath, JSONBody

from adplanning_plugin.customers import receipts, service
from adplanning_plugin.customers.models import Erasure
from adplanning_plugin.kernel.export import list_response
from adplanning_plugin.kernel.http import MANAGE, PII, AdminCall, scope
from adplanning_plugin.kernel.paging import ListParams, paginate

_COLUMNS = ("id", "status", "person_hash", "requested_by", "requested_at", "finished_at", "rows", "kept")


class EraseIn(msgspec.Struct, forbid_unknown_fields=True):
    """The confirmation that an erasure asks for."""

    confirm: str
    """The person's id once more."""


class ErasureController(Controller):
    """The right to be forgotten, with a receipt."""

    path = "/customers"
    tags = ("customers",)

    @get("/erasures", operation_id="listErasures", summary="Receipts of erasures", guards=[scope(MANAGE)])
    async def list_erasures(
        self, call: NamedDependency[AdminCall], params: NamedDependency[ListParams]
    ) -> Response[Any]:
        """Newest first; they name nobody."""
        async with call.reading() as session:
            page = await paginate(
                session,
                receipts.receipts(call.tenant_id),
                params,
                sortable={"requested_at": Erasure.requested_at, "status": Erasure.status},
                default="-requested_at",
                tiebreak=Erasure.id.expression,
            )
        return list_response(call, "erasures", page, lambda row: service.receipt_body(row[0]), columns=_COLUMNS)

    @get("/erasures/{erasure_id:str}", operation_id="getErasure", summary="One receipt", guards=[scope(MANAGE)])
    async def get_erasure(self, call: NamedDependency[AdminCall], erasure_id: FromPath[str]) -> dict[str, Any]:
        """How far it is: rows by table, and what is kept and why."""
        async with call.reading() as session:
            return {"erasure": service.receipt_body(await receipts.receipt(session, call.tenant_id, erasure_id))}

    @post(
        "/{person_id:str}/erase",
        operation_id="eraseCustomer",
        summary="Erase a person",
        status_code=202,
        guards=[scope(MANAGE), scope(PII)],
    )
    async def erase(
        self, call: NamedDependency[AdminCall], person_id: FromPath[str], data: JSONBody[EraseIn]
    ) -> dict[str, Any]:
        """From every table of every plugin; money and what it earned stay. Asked twice, it happens once."""
        async with call.transaction() as session:
            row = await service.request_erasure(
                session, call.runtime, call.tenant_id, person_id, confirm=data.confirm, by=call.actor.id
            )
            await call.audit(session, "customer.erasure_requested", "erasure", row.id)
            return {"erasure": service.receipt_body(row)}
