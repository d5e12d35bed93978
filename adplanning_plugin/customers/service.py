"""Service: what an erasure needs before it begins, and receipts as the API shows them. No SQL, no HTTP."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.customers import people, receipts
from adplanning_plugin.customers.models import Erasure
from adplanning_plugin.customers.workflows import ERASE_PERSON
from adplanning_plugin.identity import PSEUDONYM, person_identifier, remember_erased, secret_of
from adplanning_plugin.kernel.days import now, rfc3339
from adplanning_plugin.kernel.errors import FieldError, Invalid
from adplanning_plugin.kernel.ids import new_id, new_ulid
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.workflows import start


async def request_erasure(
    session: AsyncSession, runtime: Runtime, tenant_id: str, person_id: str, *, confirm: str, by: str
) -> Erasure:
    """Begin to erase a person; the receipt of the erasure in hand where there is one.

    Raises:
        Invalid: `confirm` is not the person's id.
        NotFound: the store knows nobody of that id.
    """
    await people.check_known(session, runtime, tenant_id, person_id)
    if confirm != person_id:
        message = "confirm must repeat the id of the person who is to be erased; an erasure cannot be undone."
        raise Invalid(FieldError("confirm", "not_confirmed", message))
    erasure_id, pseudonym = new_id("era"), f"{PSEUDONYM}{new_ulid()}"
    begun = await receipts.begin(
        session,
        tenant_id,
        erasure_id,
        person_id=person_id,
        person_hash=person_hash(runtime, tenant_id, person_id),
        pseudonym=pseudonym,
        by=by,
    )
    if begun == erasure_id:
        await remember_erased(session, runtime, tenant_id, [person_identifier(person_id)], pseudonym, now())
    again = await receipts.failed_runs(session, tenant_id, ERASE_PERSON, begun)
    await start(runtime, session, tenant_id, ERASE_PERSON, {"erasure_id": begun}, key=f"{begun}:{again}")
    return await receipts.receipt(session, tenant_id, begun)


def person_hash(runtime: Runtime, tenant_id: str, person_id: str) -> str:
    """What a receipt calls the person: who knows the id and the installation's secret can tell that it is theirs."""
    key = hmac.new(secret_of(runtime).encode(), b"adplanning.customers.receipt", hashlib.sha256).digest()
    return hmac.new(key, f"{tenant_id}\0{person_id}".encode(), hashlib.sha256).hexdigest()


def receipt_body(row: Erasure) -> dict[str, Any]:
    """A receipt as the API shows it."""
    rows: Mapping[str, Mapping[str, int]] = row.rows
    return {
        "id": row.id,
        "status": row.status,
        "person_hash": row.person_hash,
        "requested_by": row.requested_by,
        "requested_at": rfc3339(row.requested_at),
        "finished_at": None if row.finished_at is None else rfc3339(row.finished_at),
        "rows": [
            {
                "table": table,
                "deleted": done.get("deleted", 0),
                "pseudonymised": done.get("pseudonymised", 0),
                "cleaned": done.get("cleaned", 0),
                "kept": done.get("kept", 0),
            }
            for table, done in sorted(rows.items())
        ],
        "kept": list(row.kept),
    }
