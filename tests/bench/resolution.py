"""Resolution: precision and recall on damaged campaign names, and how fast they are compared, beside a plain search."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from rapidfuzz import fuzz
from rapidfuzz.process import extractOne

from adplanning_plugin.attribution.likeness import shape_of
from adplanning_plugin.attribution.resolvers import Answer, Campaign, Catalogue, Match, Named, resolve
from adplanning_plugin.attribution.similarity import names_of
from adplanning_plugin.attribution.utm import normalise_name
from tests.attribution.damage import Tag, catalogue, measured, tags
from tests.bench.harness import ROUNDS, Section, median, ratios, scaled

CAMPAIGNS = 5_000
OPEN, OF = 3_000, 500
"""Names in the inbox, and campaigns that they are compared with."""


def run() -> Section:
    """All rows of the section."""
    section = Section(name="resolution of mistyped names")
    seed = int(os.environ.get("ADPLANNING_TEST_SEED", Random().randrange(1_000_000)))
    count = scaled(500_000, 0.1)
    right = resolved = found = meant = twins = 0
    ours: list[float] = []
    plain: list[float] = []
    exact: list[float] = []
    for number in range(ROUNDS):
        rng = Random(seed + number)
        names = catalogue(rng, CAMPAIGNS)
        known = _catalogue(names)
        given = tags(rng, names, count // ROUNDS)
        texts = [tag.text for tag in given]
        answers, seconds = _timed(lambda known=known, texts=texts: [resolve(_named(text), known) for text in texts])
        ours.append(len(given) / seconds)
        result = measured(names, given, [_campaign(answer) for answer in answers])
        right, resolved = right + result.right, resolved + result.resolved
        found, meant, twins = found + result.found, meant + result.meant, twins + result.twins
        some = given[: max(1, len(given) // 20)]
        _, seconds = _timed(lambda names=names, some=some: _plainly(names, some))
        plain.append(len(some) / seconds)
        _, seconds = _timed(lambda known=known, names=names: [resolve(_named(name), known) for name in names])
        exact.append(len(names) / seconds)
    section.at_least("precision of what resolved by itself", right / resolved * 100, 99.5, "%", f" of {resolved:,}")
    section.at_least("recall where the truth is the unique nearest", found / meant * 100, 95, "%", f" of {meant:,}")
    section.add("tags of near-twins that the store does not have", f"{twins:,}")
    section.add(f"unknown names a CPU second, {CAMPAIGNS:,} campaigns", f"{median(ours):,.0f}")
    section.at_least("against rapidfuzz's extractOne over all names", ratios(ours, plain), 1)
    first, again = _inbox(Random(seed))
    section.add(f"{OPEN:,} open names with the nearest of {OF} campaigns, the first time", f"{first:.3g} CPU s")
    section.at_most("and for each page of the inbox after that", again, 0.3, " CPU s")
    section.add("exact names a CPU second", f"{median(exact):,.0f}")
    section.note(
        f"{count:,} tags in {ROUNDS} catalogues, seed {seed}: case, separators, accents, typing errors, swapped words,"
        " dates written another way; two fifths are twins by number, version, region, audience, date or word."
        " Unique nearest is judged by plain edit distance. ADPLANNING_TEST_SEED repeats a run."
    )
    return section


def _inbox(rng: Random) -> tuple[float, float]:
    """CPU seconds of a suggestion for each open name; the catalogue is read anew for each page."""
    names = catalogue(rng, OF)
    texts = [tag.text for tag in tags(rng, names, OPEN)]
    names_of.cache_clear()
    rounds = [
        _timed(lambda known=known: [known.names("meta", None).suggest(text) for text in texts])[1]
        for known in [_catalogue(names) for _ in range(ROUNDS + 1)]
    ]
    return rounds[0], median(rounds[1:])


def _catalogue(names: Sequence[str]) -> Catalogue:
    return Catalogue(
        [Campaign(id=name, name=name, platform="meta", platform_id=None, website_id=None) for name in names]
    )


def _named(name: str) -> Named:
    return Named(key=normalise_name(name), campaign=name.casefold(), source="facebook", platform="meta")


def _campaign(answer: Answer) -> str | None:
    return answer.campaign_id if isinstance(answer, Match) else None


def _plainly(names: Sequence[str], given: Sequence[Tag]) -> None:
    folded = [shape_of(name).joined for name in names]
    for tag in given:
        extractOne(shape_of(tag.text).joined, folded, scorer=fuzz.ratio)


def _timed(work: Callable[[], Any]) -> tuple[Any, float]:
    """What came of it, and the CPU seconds it took; nothing is remembered from before."""
    normalise_name.cache_clear()
    shape_of.cache_clear()
    began = time.process_time()
    answer = work()
    return answer, time.process_time() - began
