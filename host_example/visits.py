"""The store's own visit counter: one row a session of a shopper who accepted cookies; without consent, nothing."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit

from litestar.datastructures import Cookie
from sqlalchemy import update
from sqlalchemy.ext.asyncio import AsyncSession

from host_example.context import DAY, VISIT_COOKIE, Connection, Store, StoreRequest, store_of
from host_example.models_marketing import WebEvent, WebSession

IDLE = timedelta(minutes=30)


def current_session(request: Connection) -> int | None:
    """The number of the visit that the shopper's cookie names, where consent still holds."""
    store = store_of(request)
    if store.consent_of(request) != "granted":
        return None
    visit = _read(store, request)
    return visit["session"] if visit else None


async def record_page(
    request: StoreRequest, session: AsyncSession, kind: str = "page_view", payload: dict[str, Any] | None = None
) -> Cookie | None:
    """Write a page view, opening a visit where there is none; returns the cookie to set."""
    store = store_of(request)
    if not store.settings.record_sessions or store.consent_of(request) != "granted":
        return None
    now = datetime.now(UTC)
    site = store.site_of(request)
    customer = store.customer_of(request)
    visit = _read(store, request)
    campaign = request.query_params.get("utm_campaign") or request.query_params.get("utm_id")
    is_over = visit is not None and now - datetime.fromisoformat(visit["seen"]) > IDLE
    begins = visit is None or is_over or (campaign and campaign != visit["campaign"])
    if visit is None or begins or not await _go_on(session, site.shop.shop_no, visit["session"], customer, now):
        # Whoever tracks visitors knows them by their own name; without them the store makes one up.
        uid = store.visitors.current(request) or (visit["visitor"] if visit else secrets.token_hex(8))
        row = WebSession(
            shop_no=site.shop.shop_no,
            site_no=site.site_no,
            visitor_uid=uid,
            customer_no=customer,
            started_at=now,
            ended_at=now,
            landing_url=str(request.url),
            referrer=_foreign(request),
            device="mobile" if "Mobile" in request.headers.get("user-agent", "") else "desktop",
            country="IN" if site.shop.currency == "INR" else "DE",
            consent="granted",
            page_count=1,
        )
        session.add(row)
        await session.flush()
        visit = {"session": row.session_no, "visitor": uid, "campaign": campaign}
    event = WebEvent(
        shop_no=site.shop.shop_no,
        session_no=visit["session"],
        visitor_uid=visit["visitor"],
        kind=kind,
        path=request.url.path,
        happened_at=now,
        payload=payload,
    )
    session.add(event)
    await session.flush()
    data = {"id": event.event_no}
    await store.bus.emit("analytics_event.created", data, shop=site.shop.shop_no, session=session, request=request)
    value = store.visit_signer.sign({**visit, "seen": now.isoformat()})
    return store_cookie(store, VISIT_COOKIE, value)


async def _go_on(session: AsyncSession, shop_no: int, number: int, customer: int | None, now: datetime) -> bool:
    """One more page in a visit; False where there is no such visit any more."""
    changes: dict[str, Any] = {"ended_at": now, "page_count": WebSession.page_count + 1}
    if customer is not None:
        changes["customer_no"] = customer
    mine = (WebSession.session_no == number, WebSession.shop_no == shop_no)
    changed = await session.execute(update(WebSession).where(*mine).values(**changes).returning(WebSession.session_no))
    return changed.first() is not None


def store_cookie(store: Store, key: str, value: str, days: int = 30, *, httponly: bool = True) -> Cookie:
    """A cookie of the store, with the store's usual attributes."""
    return Cookie(
        key=key,
        value=value,
        path="/",
        max_age=days * DAY,
        httponly=httponly,
        samesite="lax",
        secure=store.settings.secure_cookies,
    )


def _foreign(request: StoreRequest) -> str | None:
    """The page of another site that led here; our own pages are no referrer."""
    referrer = request.headers.get("referer")
    return None if referrer is None or urlsplit(referrer).netloc == request.url.netloc else referrer


def _read(store: Store, request: Connection) -> dict[str, Any] | None:
    visit = store.visit_signer.read(request.cookies.get(VISIT_COOKIE))
    return visit if isinstance(visit, dict) else None
