"""A worker as a process of its own, for tests that kill it: `python -m … URL RECEIVER [REDIS_URL]`."""

from __future__ import annotations

import asyncio
import sys
from typing import Any
from urllib.request import Request, urlopen

from adplanning_plugin.kernel.background import Background
from adplanning_plugin.kernel.events import Delivery, Event, Subscription
from adplanning_plugin.kernel.workflows import Run, StepContext, step, workflow

from .conftest import Registers, build_runtime, leave_effect

RECEIVER = ""


def call(path: str, key: str = "") -> None:
    """Tell the receiver; it may take its time to answer."""
    with urlopen(Request(f"{RECEIVER}/{path}", method="POST", headers={"Idempotency-Key": key}), timeout=60) as answer:
        answer.read()


async def slow(delivery: Delivery, event: Event) -> None:
    await leave_effect(delivery.session, delivery.tenant_id, str(event.data["order_id"]))
    await asyncio.to_thread(call, f"event/{event.data['order_id']}")


@step
async def prepare(ctx: StepContext) -> str:
    await leave_effect(ctx.session, ctx.tenant_id, "prepared")
    return "letter"


@step(outside=True)
async def send(ctx: StepContext, what: str) -> str:
    await asyncio.to_thread(call, f"send/{what}", ctx.idempotency_key)
    return "sent"


@step
async def close(ctx: StepContext) -> None:
    await leave_effect(ctx.session, ctx.tenant_id, "closed")


@workflow("post", durable=True)
async def post(run: Run, given: dict[str, Any]) -> str:
    letter = await run(prepare)
    sent = await run(send, letter)
    await run(close)
    return sent


PLUGIN = Registers(
    subscribers=[Subscription(id="slow", events=("order.placed",), handle=slow, max_attempts=8)], workflows=[post]
)


async def serve(url: str, more: dict[str, Any]) -> None:
    await Background(build_runtime(url, PLUGIN, mode="external", **more), works=True).until_stopped()


def main() -> None:
    """Work until killed."""
    global RECEIVER
    url, RECEIVER, *redis = sys.argv[1:]
    more: dict[str, Any] = {"redis_url": redis[0]} if redis else {}
    asyncio.run(serve(url, more))


if __name__ == "__main__":
    main()
