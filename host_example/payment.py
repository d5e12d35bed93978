"""A payment provider that only pretends: its own origin, its own pages, a signed receipt by return and by webhook."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx
from litestar import Litestar, Request, get, post
from litestar.background_tasks import BackgroundTask
from litestar.exceptions import ClientException
from litestar.params import FromPath
from litestar.plugins.jinja import JinjaTemplateEngine
from litestar.response import Redirect, Template
from litestar.template import TemplateConfig

from host_example.security import Signer
from host_example.settings import StoreSettings

Deliver = Callable[[str, dict[str, str]], Awaitable[None]]
TRIES = 5


async def deliver_webhook(url: str, body: dict[str, str]) -> None:
    """Tell the store, up to five times with growing pauses, as providers do."""
    async with httpx.AsyncClient(timeout=10) as client:
        for attempt in range(TRIES):
            try:
                answer = await client.post(url, json=body)
            except httpx.HTTPError:
                answer = None
            if answer is not None and answer.status_code < 300:
                return
            await asyncio.sleep(0.5 * 2**attempt)


def create_app(secret: str | None = None, deliver: Deliver = deliver_webhook) -> Litestar:
    """The provider's app; `secret` is what it shares with the shop."""
    shared = secret or os.environ.get("STORE_PAYMENT_SECRET", StoreSettings.payment_secret)
    signer = Signer(shared, "payment", 86_400)

    def order_of(ticket: str | None, reference: str) -> dict[str, Any]:
        order = signer.read(ticket)
        if not isinstance(order, dict) or order.get("ref") != reference:
            raise ClientException("This payment link is not valid: go back to the shop and start again.")
        return order

    @get("/pay/{reference:str}")
    async def show(request: Request[Any, Any, Any], reference: FromPath[str]) -> Template:
        ticket = request.query_params.get("order")
        return Template("payment.html", context={"order": order_of(ticket, reference), "ticket": ticket})

    @post("/pay/{reference:str}", status_code=200)
    async def pay(request: Request[Any, Any, Any], reference: FromPath[str]) -> Template | Redirect:
        form = await request.form()
        order = order_of(form.get("order"), reference)
        outcome = form.get("outcome")
        if outcome == "decline":
            return Redirect(order["return_url"], status_code=303)
        kept = {key: order[key] for key in ("ref", "amount", "currency")}
        receipt = signer.sign({**kept, "status": "paid"})
        tell = BackgroundTask(deliver, order["webhook_url"], {"receipt": receipt})
        if outcome == "pay_and_close":
            return Template("paid.html", context={"order": order}, background=tell)
        return Redirect(f"{order['return_url']}?{urlencode({'receipt': receipt})}", status_code=303, background=tell)

    templates = TemplateConfig(directory=Path(__file__).parent / "templates", engine=JinjaTemplateEngine)
    return Litestar(route_handlers=[show, pay], template_config=templates, openapi_config=None)


app = create_app()
