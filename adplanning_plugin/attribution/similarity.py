"""Similarity: which campaigns a tag comes nearest to, by how much, and whether that is sure. Resolves no touch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

import msgspec

from adplanning_plugin.attribution.likeness import CODE, MARGIN, THRESHOLD, Shape, score, shape_of, typing_errors

NEARBY = 12
"""Candidates of one search that are compared closely."""
LEAST = 0.4
"""A campaign less alike than this is no suggestion."""
_NOT_FAR = 0.7
"""Names farther than this from a tag cannot be within the margin of one that resolves."""
_Choices = tuple[dict[int, str], dict[int, str]]
_COMMON = 200
"""A word that more campaigns than this have in their names finds none of them."""


class Near(msgspec.Struct, frozen=True):
    """A campaign that a tag is like."""

    campaign_id: str
    score: float
    sure: bool
    """The difference can only be one of typing."""


class Nearest(msgspec.Struct, frozen=True, kw_only=True):
    """The nearest campaign, and the next."""

    best: Near
    runner_up: Near | None = None

    @property
    def margin(self) -> float:
        """By how much the nearest is nearer than the next."""
        return self.best.score - (self.runner_up.score if self.runner_up else 0.0)

    @property
    def resolves(self) -> bool:
        """Whether the tag may be taken for the nearest campaign without asking anybody."""
        return self.best.sure and self.best.score >= THRESHOLD and not self.is_tie

    @property
    def is_tie(self) -> bool:
        """Whether the next one is so near that the nearest is only one of two."""
        return self.runner_up is not None and self.margin < MARGIN - 1e-9


class Names:
    """The names of some campaigns, ready to be searched."""

    def __init__(self, campaigns: Iterable[tuple[str, str]] = ()) -> None:
        """`campaigns`: (id, name); a name without letters or digits is left out."""
        self._ids: list[str] = []
        self._shapes: list[Shape] = []
        self._all: _Choices = ({}, {})
        self._with_numbers: dict[tuple[str, ...], _Choices] = {}
        self._with_word: dict[str, list[int]] = {}
        self._known: set[str] = set()
        for campaign_id, name in campaigns:
            self.add(campaign_id, name)

    def add(self, campaign_id: str, name: str) -> None:
        """One more name."""
        shape = shape_of(name)
        if not shape.joined:
            return
        place = len(self._ids)
        self._ids.append(campaign_id)
        self._shapes.append(shape)
        for joined, ordered in (self._all, self._with_numbers.setdefault(shape.numbers, ({}, {}))):
            joined[place], ordered[place] = shape.joined, shape.ordered
        for token in set(shape.tokens):
            self._with_word.setdefault(token, []).append(place)
            if token.isalpha() and len(token) > CODE:
                self._known.add(token)

    def certain(self, tag: str) -> Nearest | None:
        """The nearest campaign of the same numbers and dates: another one cannot be meant by itself."""
        shape = shape_of(tag)
        among = self._with_numbers.get(shape.numbers)
        if among is None or not shape.joined:
            return None
        return self._nearest(shape, _alike(shape, among, _NOT_FAR))

    def suggest(self, tag: str) -> Nearest | None:
        """The nearest campaign of all, whatever differs; None: no campaign is like it at all."""
        shape = shape_of(tag)
        if not shape.joined:
            return None
        found = _alike(shape, self._all, LEAST)
        shared: dict[int, int] = defaultdict(int)
        for token in set(shape.tokens):
            places = self._with_word.get(token, ())
            for place in places if len(places) <= _COMMON else ():
                shared[place] += len(token)
        most_shared = sorted(shared, key=lambda place: (-shared[place], len(self._shapes[place].joined), place))
        found.update(most_shared[:NEARBY])
        nearest = self._nearest(shape, found)
        return nearest if nearest and nearest.best.score >= LEAST else None

    def _nearest(self, shape: Shape, places: set[int]) -> Nearest | None:
        near = [
            Near(
                self._ids[place],
                round(score(shape, self._shapes[place], self._known), 6),
                typing_errors(shape, self._shapes[place], self._known) is not None,
            )
            for place in places
        ]
        near.sort(key=lambda each: (-each.score, not each.sure, each.campaign_id))
        return Nearest(best=near[0], runner_up=near[1] if len(near) > 1 else None) if near else None


def _alike(shape: Shape, among: _Choices, least: float) -> set[int]:
    """Names that look alike, read as they are or with their words sorted."""
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import extract

    found: set[int] = set()
    for wanted, choices in zip((shape.joined, shape.ordered), among, strict=True):
        near = extract(
            wanted, choices, scorer=OSA.normalized_similarity, processor=None, limit=NEARBY, score_cutoff=least
        )
        found.update(each[2] for each in near)
    return found
