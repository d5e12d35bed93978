"""The store's in-process event bus: whoever subscribed is called in order; a failing subscriber stops nobody else."""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from litestar import Request
from sqlalchemy.ext.asyncio import AsyncSession

EVENTS = (
    "order.placed",
    "order.paid",
    "order.updated",
    "order.cancelled",
    "order.refunded",
    "lead.created",
    "feedback.created",
    "form_response.created",
    "person.created",
    "analytics_event.created",
    "social_interaction.created",
)
log = logging.getLogger(__name__)


@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened in a shop: ids only, and the open transaction where there is one."""

    name: str
    data: Mapping[str, Any]
    shop: int
    session: AsyncSession | None = None
    request: Request[Any, Any, Any] | None = None
    at: datetime = field(default_factory=lambda: datetime.now(UTC))


Handler = Callable[[Event], Awaitable[None]]


class Bus:
    """Subscribers by event name."""

    def __init__(self) -> None:
        self._handlers: dict[str, list[Handler]] = defaultdict(list)

    def subscribe(self, name: str, handler: Handler) -> None:
        """Call `handler` at each event of that name."""
        self._handlers[name].append(handler)

    async def emit(
        self,
        name: str,
        data: Mapping[str, Any],
        *,
        shop: int,
        session: AsyncSession | None = None,
        request: Request[Any, Any, Any] | None = None,
    ) -> None:
        """Tell every subscriber. The shopper's request goes on whatever a subscriber does."""
        if name not in EVENTS:
            raise ValueError(f"The store emits no event {name!r}; it emits {', '.join(EVENTS)}.")
        event = Event(name=name, data=dict(data), shop=shop, session=session, request=request)
        for handler in self._handlers[name]:
            try:
                await handler(event)
            except Exception:
                log.exception("A subscriber of %s failed.", name)
