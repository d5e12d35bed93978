"""Binding: what checkout and login call, so that an order finds its visit after an off-site payment or a closed tab.

None of it raises for want of a database: a store's checkout goes on, and coverage counts what was lost.
"""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any, cast
from urllib.parse import urlencode

from sqlalchemy import func
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.identity import Edge, person_identifier
from adplanning_plugin.kernel.days import now
from adplanning_plugin.kernel.events import tenant_scope
from adplanning_plugin.tracking.capture import RequestVisit, current, landing_row
from adplanning_plugin.tracking.edges import write_edges
from adplanning_plugin.tracking.flush import Flusher
from adplanning_plugin.tracking.models import CheckoutBinding, OrderVisit
from adplanning_plugin.tracking.presence import Visit
from adplanning_plugin.tracking.tokens import write_link, write_visit

if TYPE_CHECKING:
    from litestar.connection import ASGIConnection

    from adplanning_plugin.kernel.runtime import Runtime

    Connection = ASGIConnection[Any, Any, Any, Any]

_REFERENCE = re.compile(r"^[^\x00-\x1f\x7f]{1,200}$")


def current_visitor(request: Connection) -> str | None:
    """The visitor's id, or None without analytics consent (or outside the store's pages)."""
    visit = _begun(request)[1]
    return visit.visitor_id if visit else None


def visitor_token(request: Connection) -> str | None:
    """The visit, signed, for a store that creates its orders elsewhere: pass it on as the order's `visitor_token`.

    Carries the consent too, so that a denied one is known as such. Good for 30 days; None outside the store's pages.
    """
    known, visit = _begun(request)
    if known is None or visit is None:
        return None
    return write_visit(known.runtime, visit.tenant_id, visit.visitor_id, visit.session_id, visit.consent.state)


async def bind_visitor(request: Connection, checkout_ref: object) -> bool:
    """Bind the request's visit to the checkout reference that the order will carry; call it before leaving for payment.

    Without consent the reference is bound to nobody, with the reason, so that coverage can tell why.

    Returns:
        Whether the binding is stored.
    Raises:
        ValueError: the reference is empty or longer than 200 characters.
    """
    reference = str(checkout_ref)
    if not _REFERENCE.match(reference):
        raise ValueError("checkout_ref must have 1-200 printable characters: it is what the order will be found by.")
    known, visit = _begun(request)
    if known is None or visit is None:
        return False
    statement = insert(CheckoutBinding).values(
        tenant_id=visit.tenant_id,
        checkout_ref=reference,
        visitor_id=visit.visitor_id,
        session_id=visit.session_id,
        consent=visit.consent.state,
        bound_at=now(),
    )
    excluded = statement.excluded
    upsert = statement.on_conflict_do_update(
        index_elements=["tenant_id", "checkout_ref"],
        set_={name: excluded[name] for name in ("visitor_id", "session_id", "consent", "bound_at")},
        # A later call knows more, unless it comes from somewhere that knows nothing (a payment provider's callback).
        where=excluded.consent != "unknown",
    )
    try:
        async with asyncio.timeout(2), known.runtime.database.transaction(visit.tenant_id) as session:
            await session.execute(upsert)
    except Exception as error:  # noqa: BLE001 - the shopper must reach the payment page
        known.runtime.log.warning("checkout not bound to its visit: %s", type(error).__name__)
        return False
    return True


async def identify(request: Connection, person_id: object) -> bool:
    """Call at login: links the visitor to the person (strong). False without consent, or where it was not stored."""
    known, visit = _begun(request)
    if known is None or visit is None or visit.visitor_id is None:
        return False
    edge = Edge(visit.visitor_id, person_identifier(str(person_id)), "login", "login", now())
    return await write_edges(known.runtime, visit.tenant_id, [edge])


def signed_link(runtime: Runtime, tenant_id: str, url: str, person_id: object) -> str:
    """A URL for a message to one person: whoever opens it, with consent, is linked to that person (strong)."""
    base, hash_, fragment = url.partition("#")
    joined = "&" if "?" in base else "?"
    return base + joined + urlencode({"adp_link": write_link(runtime, tenant_id, str(person_id))}) + hash_ + fragment


async def stamp_request(session: AsyncSession, runtime: Runtime, tenant_id: str, order_id: str) -> bool:
    """Stamp an order with the storefront request that is creating it, in the caller's transaction.

    Nothing is written where there is no such request, or it knows nothing (a payment provider's callback).
    """
    request = current.get()
    visit = request.visit if request is not None and request.runtime is runtime else None
    if request is None or visit is None or visit.tenant_id != tenant_id or visit.consent.state == "unknown":
        return False
    _begin(request, visit)
    statement = insert(OrderVisit).values(
        tenant_id=tenant_id,
        order_id=order_id,
        visitor_id=visit.visitor_id,
        session_id=visit.session_id,
        method="request",
        consent=visit.consent.state,
        stamped_at=func.now(),
    )
    # The first request about an order is the shopper's checkout; a later one may be somebody else's.
    async with tenant_scope(session, tenant_id):
        await session.execute(statement.on_conflict_do_nothing())
    return True


def _begun(request: Connection) -> tuple[RequestVisit | None, Visit | None]:
    known = _request_visit(request)
    if known is None:
        return None, None
    visit = known.visit
    if visit is not None:
        _begin(known, visit)
    return known, visit


def _begin(known: RequestVisit, visit: Visit) -> None:
    """A consented visit gets its ids now; the landing that its Referer still names is queued once."""
    if not visit.consent.analytics or visit.session_id is not None:
        return
    known.begin(visit)
    if known.recovered is not None and cast("dict[str, Any]", known.scope).get("method") != "GET":
        row = landing_row(known.recovered, visit, known.agent)
        known.runtime.get(Flusher).offer(visit.tenant_id, [row])


def _request_visit(request: Connection) -> RequestVisit | None:
    known = cast("dict[str, Any]", request.scope).get("adplanning")
    return known if isinstance(known, RequestVisit) else None
