"""Worlds: many small histories that share nothing, each with events in an order of its own, and credit from nothing.

After every event has been worked through, the credit that grew event by event must be the credit of a rebuild.
"""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from sqlalchemy import select, text

from adplanning_plugin.attribution import compute_credit
from adplanning_plugin.attribution.aliases import decide, take_back
from adplanning_plugin.attribution.jobs import start_bulk_resolution
from adplanning_plugin.attribution.manual import create_manual, delete_manual
from adplanning_plugin.attribution.models import Touchpoint
from adplanning_plugin.attribution.rules import SECTION
from adplanning_plugin.attribution.schemas import AssignTouchpoint, NewTouchpoint
from adplanning_plugin.attribution.service import assign, get_touch
from adplanning_plugin.attribution.subscribers import sweep_campaigns
from adplanning_plugin.identity import Edge, allow, deny, edge_table, link
from adplanning_plugin.identity.revoking import edge_id, restore_edge, revoke_edge
from adplanning_plugin.kernel.runtime import Runtime
from adplanning_plugin.kernel.settings import save
from adplanning_plugin.kernel.sweep import SweepContext
from adplanning_plugin.tracking import record_purchases
from tests.attribution.conftest import NOON, Store

TENANT = "main"
_CREDIT = """
SELECT c.conversion_id, c.window_days, c.touch_id, c.position, c.touches, c.touched_at, c.occurred_at, c.channel,
       c.platform, c.ad_campaign_id, c.ad_set_id, c.ad_id, c.weights, c.amounts, c.refunds, c.currency
FROM adplanning.credit c JOIN adplanning.rule_version r ON r.tenant_id = c.tenant_id AND r.version = c.rule_version
WHERE c.tenant_id = 'main' AND r.activated_at IS NOT NULL AND r.superseded_at IS NULL ORDER BY 1, 2, 4, 3
"""
_OUTCOMES = """
SELECT id, platform, ad_campaign_id, ad_set_id, ad_id, value, refunded FROM adplanning.conversion
WHERE tenant_id = 'main' AND deleted_at IS NULL ORDER BY id
"""
_FORGET = """
UPDATE adplanning.conversion SET attribution_version = NULL, platform = NULL, ad_campaign_id = NULL, ad_set_id = NULL,
  ad_id = NULL
"""


class World:
    """One small history: three browsers, a person, an address, two campaigns, and whatever happens to them."""

    def __init__(self, number: int, store: Store, rng: random.Random) -> None:
        self.number, self.store, self.rng = number, store, rng
        self.runtime: Runtime = store.runtime
        self.visitors = [f"vis_{number}_{each}" for each in range(3)]
        self.identifiers = [f"person:{number}", f"email:{number:064x}", f"person:{number}b"]
        self.names = [f"sale {number}", f"winter {number} offer", f"nobody {number} knows"]
        self.touches: list[str] = []
        self.orders: list[str] = []
        self.campaigns: list[str] = []
        self.aliases: list[str] = []
        self.happened: list[str] = []

    def events(self, count: int) -> list[Callable[[], Awaitable[None]]]:
        """So many events in an order of their own; there is an order and a touch among them."""
        likely = [self.touch, self.touch, self.order, self.refund, self.stitch, self.stitch]
        others = [
            self.view, self.weak, self.revoke, self.restore, self.deny, self.allow, self.campaign, self.rename,
            self.assign, self.unassign, self.take_back_touch, self.alias, self.unalias, self.change_order, self.resolve,
        ]  # fmt: skip
        chosen = [self.touch, self.order, *self.rng.choices([*likely, *others], k=count - 2)]
        self.rng.shuffle(chosen)
        return chosen

    def _at(self, days: int = 100) -> datetime:
        return NOON - timedelta(seconds=self.rng.randrange(days * 86_400))

    def _tagged(self) -> dict[str, Any]:
        name = self.rng.choice([*self.names, None, None])
        if name is None:
            return self.rng.choice([{}, {"source": "news", "medium": "email"}])
        return {"source": "google", "medium": "cpc", "campaign": name}

    async def touch(self) -> None:
        """A touch, mostly later in coming than what it led to."""
        given = NewTouchpoint(
            visitor_id=self.rng.choice(self.visitors), occurred_at=self._at().isoformat(), **self._tagged()
        )
        async with self.runtime.database.transaction(TENANT) as session:
            self.touches.append((await create_manual(session, self.runtime, TENANT, given)).id)

    async def view(self) -> None:
        """A tracked page view."""
        tags = self._tagged()
        utm = {key: value for key, value in tags.items() if value} or None
        visitor = self.rng.choice(self.visitors)
        session_id = f"ses_{self.number}_{self.rng.randrange(10**6)}"
        await self.store.event(self._at(), session_id, visitor, utm=utm, id=f"evt_{session_id}")

    async def order(self) -> None:
        """An order of the person or of the address."""
        id_ = f"o{self.number}_{len(self.orders)}"
        buyer = {"person_id": str(self.number)} if self.rng.random() < 0.6 else {"email": f"{self.number}@x.example"}
        at = self._at(30)
        await self.store.put(
            "order",
            {
                "id": id_, "currency": "INR", "total": self.rng.randrange(1, 10**6), "payment_state": "paid",
                "placed_at": at, "updated_at": at, "session_id": None, **buyer,
            },
        )  # fmt: skip
        self.orders.append(id_)
        await self._record(id_)

    async def _record(self, order_id: str) -> None:
        async with self.runtime.database.transaction(TENANT) as session:
            await record_purchases(session, self.runtime, TENANT, [order_id])

    async def refund(self) -> None:
        """Some of an order's money goes back."""
        if self.orders:
            order = self.rng.choice(self.orders)
            id_ = f"r{order}_{self.rng.randrange(10**9)}"
            row = {"id": id_, "order_id": order, "amount": self.rng.randrange(1, 50_000), "created_at": NOON}
            await self.store.put("refund", row)
            await self._record(order)

    async def change_order(self) -> None:
        """An order turns out to be somebody's, of another day, or cancelled."""
        if self.orders:
            order = self.rng.choice(self.orders)
            change = self.rng.choice(
                ["person_id = :person", "placed_at = placed_at - interval '3 days'", "payment_state = 'cancelled'"]
            )
            async with self.runtime.database.transaction(TENANT) as session:
                statement = f"UPDATE adplanning.owned_order SET {change} WHERE id = :id"
                values = {"id": order} | ({"person": str(self.number)} if ":person" in change else {})
                await session.execute(text(statement), values)
            await self._record(order)

    async def stitch(self, kind: Any = "login") -> None:
        """A browser is seen with an identifier."""
        edge = Edge(self.rng.choice(self.visitors), self.rng.choice(self.identifiers), kind, "login", self._at(5))
        async with self.runtime.database.transaction(TENANT) as session:
            await link(session, self.runtime, TENANT, [edge])

    async def weak(self) -> None:
        """Somebody types an address into a form."""
        await self.stitch("form")

    async def _edge(self, *, revoked: bool) -> Any:
        c = edge_table.c
        which = c.revoked_at.is_not(None) if revoked else c.revoked_at.is_(None)
        statement = select(c.visitor_id, edge_id().label("id"), c.version).where(
            c.tenant_id == TENANT, c.visitor_id.in_(self.visitors), which
        )
        async with self.runtime.database.reading(TENANT) as session:
            rows = (await session.execute(statement.order_by(c.visitor_id, c.identifier, c.kind))).all()
        return self.rng.choice(rows) if rows else None

    async def revoke(self) -> None:
        """An operator parts a browser from an identifier."""
        if edge := await self._edge(revoked=False):
            async with self.runtime.database.transaction(TENANT) as session:
                await revoke_edge(
                    session, self.runtime, TENANT, edge.visitor_id, edge.id, version=edge.version, by="1", reason="no"
                )

    async def restore(self) -> None:
        """And joins them again."""
        if edge := await self._edge(revoked=True):
            async with self.runtime.database.transaction(TENANT) as session:
                await restore_edge(session, self.runtime, TENANT, edge.visitor_id, edge.id, version=edge.version)

    async def deny(self) -> None:
        """An identifier is put on the denylist."""
        async with self.runtime.database.transaction(TENANT) as session:
            await deny(session, self.runtime, TENANT, self.rng.choice(self.identifiers), "shared")

    async def allow(self) -> None:
        """And taken off it."""
        async with self.runtime.database.transaction(TENANT) as session:
            await allow(session, self.runtime, TENANT, self.rng.choice(self.identifiers))

    async def campaign(self) -> None:
        """A campaign appears, after the touches that name it or before."""
        id_ = f"c{self.number}_{len(self.campaigns)}"
        name = self.rng.choice(self.names[:2])
        await self.store.put("ad_campaign", {"id": id_, "platform": "google", "name": name})
        self.campaigns.append(id_)
        async with self.runtime.database.transaction(TENANT) as session:
            await sweep_campaigns(SweepContext(session=session, runtime=self.runtime, tenant_id=TENANT), [id_])

    async def rename(self) -> None:
        """A campaign gets another name; what named it is matched anew."""
        if self.campaigns:
            values = {"id": self.rng.choice(self.campaigns), "name": self.rng.choice(self.names)}
            async with self.runtime.database.transaction(TENANT) as session:
                await session.execute(
                    text("UPDATE adplanning.owned_ad_campaign SET name = :name WHERE id = :id"), values
                )
                await start_bulk_resolution(session, self.runtime, TENANT, include_resolved=True)

    async def resolve(self) -> None:
        """What is pending is matched in the background."""
        async with self.runtime.database.transaction(TENANT) as session:
            await start_bulk_resolution(session, self.runtime, TENANT)

    async def _some_touch(self) -> str | None:
        return self.rng.choice(self.touches) if self.touches else None

    async def assign(self) -> None:
        """Somebody assigns a touch by hand."""
        if self.campaigns and (touch := await self._some_touch()):
            given = AssignTouchpoint(ad_campaign_id=self.rng.choice(self.campaigns))
            async with self.runtime.database.transaction(TENANT) as session:
                await assign(session, self.runtime, TENANT, touch, given)

    async def unassign(self) -> None:
        """And takes the assignment back."""
        if touch := await self._some_touch():
            async with self.runtime.database.transaction(TENANT) as session:
                await assign(session, self.runtime, TENANT, touch, AssignTouchpoint(ad_campaign_id=None))

    async def take_back_touch(self) -> None:
        """A touch that was written down is taken back."""
        if touch := await self._some_touch():
            self.touches.remove(touch)
            async with self.runtime.database.transaction(TENANT) as session:
                found: Touchpoint = await get_touch(session, TENANT, touch, lock=True)
                await delete_manual(session, self.runtime, TENANT, found)

    async def alias(self) -> None:
        """Somebody says which campaign a name means."""
        if self.campaigns:
            group: Any = SimpleNamespace(names={self.names[2]}, platform="google", website_id=None)
            async with self.runtime.database.transaction(TENANT) as session:
                made = await decide(
                    session, self.runtime, TENANT, group, campaign_id=self.rng.choice(self.campaigns), names=None,
                    nearest=None, actor="1",
                )  # fmt: skip
                self.aliases.append(made.id)

    async def unalias(self) -> None:
        """And takes it back."""
        if self.aliases:
            async with self.runtime.database.transaction(TENANT) as session:
                await take_back(session, self.runtime, TENANT, self.aliases.pop(), "1")


async def change_rules(runtime: Runtime, rng: random.Random) -> None:
    """Another half-life, other shares, another treatment of direct visits."""
    settings = {
        "direct": rng.choice(["exclude_unless_all", "include", "exclude"]),
        "half_life_hours": rng.choice([12.0, 168.0, 400.0]),
        "position_first": rng.choice([0.4, 0.1]),
        "position_last": rng.choice([0.4, 0.5]),
        "default_window_days": rng.choice([7, 30, 0]),
    }
    async with runtime.database.transaction(TENANT) as session:
        await save(session, runtime, TENANT, SECTION, settings, None)


async def live(store: Store, rng: random.Random, worlds: int, events: int, rule_changes: int) -> list[World]:
    """Let the worlds live: a round takes the next event of each, and only some rounds are worked through at once."""
    made = [World(number, store, rng) for number in range(worlds)]
    plans = [(world, world.events(events)) for world in made]
    turns = rng.sample(range(events), min(rule_changes, events))
    for turn in range(events):
        for world, plan in plans:
            world.happened.append(plan[turn].__name__)
            await plan[turn]()
        if turn in turns:
            await change_rules(store.runtime, rng)
        if rng.random() < 0.4:
            await store.read_stream()
    await store.read_stream()
    await store.work()
    return made


async def held(runtime: Runtime) -> tuple[list[Any], list[Any]]:
    """Credit by the active rules, and what the conversions say of it."""
    async with runtime.database.reading(TENANT) as session:
        credit = [tuple(row) for row in await session.execute(text(_CREDIT))]
        return credit, [tuple(row) for row in await session.execute(text(_OUTCOMES))]


async def rebuilt(runtime: Runtime) -> tuple[list[Any], list[Any]]:
    """The same after everything was forgotten and computed from nothing."""
    async with runtime.database.transaction(TENANT) as session:
        await session.execute(text("DELETE FROM adplanning.credit"))
        await session.execute(text(_FORGET))
    while True:
        async with runtime.database.transaction(TENANT) as session:
            if not await compute_credit(session, runtime, TENANT):
                return await held(runtime)


def differences(grown: tuple[list[Any], list[Any]], made: tuple[list[Any], list[Any]]) -> list[str]:
    """Conversions whose credit, or whose own campaign, is not that of the rebuild."""
    apart: set[str] = set()
    for one, other in zip(grown, made, strict=True):
        ours, theirs = ({repr(row): row[0] for row in rows} for rows in (one, other))
        apart |= {ours.get(key) or theirs[key] for key in ours.keys() ^ theirs.keys()}
    return sorted(apart)
