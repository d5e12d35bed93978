"""Similarity: which campaigns a tag comes nearest to, by how much, and whether that is sure. Resolves no touch."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from functools import lru_cache
from heapq import nsmallest

import msgspec

from adplanning_plugin.attribution.likeness import CODE, MARGIN, THRESHOLD, Shape, compared, most_score, shape_of

NEARBY = 12
"""Candidates of one search that are compared closely."""
LEAST = 0.4
"""A campaign less alike than this is no suggestion."""
_NOT_FAR = 0.7
"""Names farther than this from a tag cannot be within the margin of one that resolves."""
_Choices = tuple[dict[int, str], dict[int, str]]
_COMMON = 200
"""A word that more campaigns than this have in their names finds none of them."""
_REMEMBERED = 20_000
"""Suggestions that are remembered."""


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
        self._suggested: dict[str, Nearest | None] = {}
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
        return self._nearest(shape, [(1.0, place) for place in _alike(shape, among, _NOT_FAR).found])

    def suggest(self, tag: str) -> Nearest | None:
        """The nearest campaign of all, whatever differs; None: no campaign is like it at all. It is remembered."""
        try:
            return self._suggested[tag]
        except KeyError:
            if len(self._suggested) >= _REMEMBERED:
                self._suggested.clear()
            nearest = self._suggested[tag] = self._suggest(shape_of(tag))
            return nearest

    def _suggest(self, shape: Shape) -> Nearest | None:
        if not shape.joined:
            return None
        alike = _alike(shape, self._all, LEAST)
        places = {*alike.found, *self._of_like_words(shape)}
        most = [(most_score(shape, self._shapes[at], alike.most(at), self._known), at) for at in places]
        nearest = self._nearest(shape, sorted(most, reverse=True))
        return nearest if nearest and nearest.best.score >= LEAST else None

    def _of_like_words(self, shape: Shape) -> Sequence[int]:
        """Names that have most of the tag's words."""
        shared: dict[int, int] = defaultdict(int)
        for token in shape.words:
            places = self._with_word.get(token, ())
            for place in places if len(places) <= _COMMON else ():
                shared[place] += len(token)
        by_length = [(-length, len(self._shapes[place].joined), place) for place, length in shared.items()]
        return [place for _, _, place in nsmallest(NEARBY, by_length)]

    def _nearest(self, shape: Shape, bounded: Iterable[tuple[float, int]]) -> Nearest | None:
        """The nearest two of these; those that cannot be among them are not compared closely."""
        near: list[Near] = []
        for most, place in bounded:
            if len(near) > 1 and most < near[1].score - 1e-6:
                break
            alike, sure = compared(shape, self._shapes[place], self._known)
            near.append(Near(self._ids[place], round(alike, 6), sure))
            near.sort(key=lambda each: (-each.score, not each.sure, each.campaign_id))
        return Nearest(best=near[0], runner_up=near[1] if len(near) > 1 else None) if near else None


class _Alike:
    """Names that look alike, read as they are or with their words sorted, and by how much any can at the most."""

    def __init__(self, searches: Sequence[Sequence[tuple[str, float, int]]], least: float) -> None:
        self.found: dict[int, float] = {}
        for search in searches:
            for _, letters, place in search:
                self.found[place] = max(letters, self.found.get(place, 0.0))
        self._others = max((search[-1][1] if len(search) == NEARBY else least for search in searches), default=least)

    def most(self, place: int) -> float:
        """How alike a name is by its letters, at the most."""
        return max(self.found.get(place, 0.0), self._others)


def _alike(shape: Shape, among: _Choices, least: float) -> _Alike:
    from rapidfuzz.distance import OSA
    from rapidfuzz.process import extract

    def search(wanted: str, choices: dict[int, str]) -> Sequence[tuple[str, float, int]]:
        return extract(
            wanted, choices, scorer=OSA.normalized_similarity, processor=None, limit=NEARBY, score_cutoff=least
        )

    return _Alike([search(*each) for each in zip((shape.joined, shape.ordered), among, strict=True)], least)


@lru_cache(maxsize=8)
def names_of(campaigns: tuple[tuple[str, str], ...]) -> Names:
    """The names of these (id, name), ready to be searched; the last catalogues' keep what they were asked."""
    return Names(campaigns)
