"""Inbox: names without a campaign, look-alikes in one group, each with what is at stake and the nearest campaign."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import msgspec
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.inbox_rows import State, Written, names_in, stakes
from adplanning_plugin.attribution.resolvers import Catalogue, Named
from adplanning_plugin.attribution.rules import Rules, model_position
from adplanning_plugin.attribution.similarity import Names, Nearest
from adplanning_plugin.kernel.errors import NotFound

STATES: tuple[State, ...] = ("open", "matched", "ignored")
ELSEWHERE = 0.1
"""What a suggested campaign of another platform than the touches' loses in score."""


class Stake(msgspec.Struct, frozen=True):
    """What is at stake in one currency, in minor units after refunds."""

    currency: str
    orders: int
    """In which the touches had a share; those that count as revenue."""
    value: int
    """Of these orders."""
    credit: int
    """Of that, the part of the touches by the default model and window: it moves with a decision."""


class Group(msgspec.Struct, kw_only=True):
    """Names that look alike, of one platform and website."""

    platform: str
    website_id: str | None
    written: list[Written]
    stakes: list[Stake] = msgspec.field(default_factory=list[Stake])

    @property
    def names(self) -> set[str]:
        """Normalised, as a decision remembers them."""
        return {name_of(each) for each in self.written}

    @property
    def chief(self) -> Written:
        """The way of writing that most touches have."""
        return self.written[0]

    @property
    def key(self) -> str:
        """What the group is called by; as long as one of its names is where it was, it finds the group."""
        return key_of(self.chief)

    @property
    def touches(self) -> int:
        """Of all ways of writing."""
        return sum(each.touches for each in self.written)

    @property
    def ad_campaign_id(self) -> str | None:
        """The campaign that the touches were taken for, where they were matched by likeness."""
        return self.chief.ad_campaign_id


def name_of(written: Written) -> str:
    """The normalised name."""
    return Named(key=written.campaign_key, campaign=written.campaign).name


def key_of(written: Written) -> str:
    """A short digest of platform, website and name."""
    given = "\x1f".join((written.platform, written.website_id or "", name_of(written)))
    return "name_" + hashlib.sha256(given.encode("utf-8", "replace")).hexdigest()[:20]


def grouped(names: Iterable[Written]) -> list[Group]:
    """Look-alikes together: names of which one can only be the other, mistyped. The first of a group is its chief."""
    groups: list[Group] = []
    exact: dict[tuple[str, str | None, str | None, str], int] = {}
    chiefs: dict[tuple[str, str | None, str | None], Names] = {}
    for written in names:
        name = name_of(written)
        if not name:
            continue
        scope = (written.platform, written.website_id, written.ad_campaign_id)
        # Names that were taken for a campaign are alike by that.
        name_there = name if written.ad_campaign_id is None else ""
        place = exact.get((*scope, name_there))
        if place is None:
            among = chiefs.setdefault(scope, Names())
            nearest = among.certain(name)
            if nearest is not None and nearest.resolves:
                place = int(nearest.best.campaign_id)
            else:
                place = len(groups)
                groups.append(Group(platform=written.platform, website_id=written.website_id, written=[]))
                among.add(str(place), name)
            exact[*scope, name_there] = place
        groups[place].written.append(written)
    return groups


async def read_groups(session: AsyncSession, tenant_id: str, state: State, rules: Rules) -> list[Group]:
    """All groups of a state, each with what is at stake by the store's default model and window."""
    names = await names_in(session, tenant_id, state)
    groups = await asyncio.to_thread(grouped, names)
    places = [(written, place) for place, group in enumerate(groups) for written in group.written]
    if places:
        model, days = model_position(rules, rules.default_model), rules.default_window_days
        for row in await stakes(session, tenant_id, state, places, model, days):
            place: int = row.place
            groups[place].stakes.append(Stake(row.currency, row.orders, row.value, row.credit))
        for group in groups:
            group.stakes.sort(key=lambda stake: (-stake.value, stake.currency))
    return groups


async def find_group(session: AsyncSession, tenant_id: str, key: str) -> Group:
    """The group that one of its names' key finds, in whatever state.

    Raises:
        NotFound: no name without a decision has that key.
    """
    for state in STATES:
        names = await names_in(session, tenant_id, state)
        if any(key_of(written) == key for written in names):
            groups = await asyncio.to_thread(grouped, names)
            return next(group for group in groups if any(key_of(written) == key for written in group.written))
    message = f"There is no group {key!r} in the inbox; it may have been decided meanwhile: read the inbox again."
    raise NotFound(message)


def suggestion(catalogue: Catalogue, group: Group) -> Nearest | None:
    """The campaign that the group's chief name comes nearest to: of its platform, or else of any."""
    name = name_of(group.chief)
    found = catalogue.names(group.platform, group.website_id).suggest(name)
    if found is not None and found.best.score >= 1 - ELSEWHERE:
        return found
    others = catalogue.all_names(group.website_id).suggest(name)
    if others is None or (found is not None and found.best.score >= others.best.score - ELSEWHERE):
        return found
    return others


async def suggestions(catalogue: Catalogue, groups: Sequence[Group]) -> list[Nearest | None]:
    """Of many groups, without holding up other requests."""

    def work() -> list[Nearest | None]:
        return [suggestion(catalogue, group) for group in groups]

    return await asyncio.to_thread(work)


def order_value(group: Group, by: str, currency: str) -> Any:
    """What a group is sorted by; money in the store's own currency, else in the one of the most."""
    if by in {"value", "credit"}:
        own = next((stake for stake in group.stakes if stake.currency == currency), None)
        stake = own or (group.stakes[0] if group.stakes else None)
        return (own is not None, getattr(stake, by) if stake else 0)
    if by == "first_seen":
        return min(each.first_seen for each in group.written)
    if by == "last_seen":
        return max(each.last_seen for each in group.written)
    return group.touches if by == "touches" else name_of(group.chief)
