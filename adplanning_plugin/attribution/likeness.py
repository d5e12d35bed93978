"""Likeness: how alike two campaign names are, and whether one can only be the other, misspelt. Pure; knows no touches.

Two names of one campaign differ by typing: case, accents, separators, the order of words, how a date is written, a
letter or two. Names of two campaigns differ by meaning: another number, date, version, region or word. The first may
be overlooked, the second never, however small the difference looks. (rapidfuzz is imported where names are compared.)
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Set as AbstractSet
from functools import lru_cache

import msgspec

from adplanning_plugin.attribution.dates import with_dates
from adplanning_plugin.attribution.utm import normalise_name

THRESHOLD = 0.85
"""A name less alike than this never resolves by itself."""
MARGIN = 0.05
"""By how much the nearest campaign must be nearer than the next."""
SHORTEST = 8
"""Letters and digits below which a misspelt name never resolves by itself; one that differs by no letter may be
`SHORTEST_FOLDED` long."""
SHORTEST_FOLDED = 5
CODE = 3
"""Words up to here (regions, versions, sizes) must be equal: one letter makes another of them."""
REORDERED = 0.06
"""What another order of the words takes off: of two names of the same words the one in the same order is meant."""
CONFLICT, MISSING = 0.2, 0.1
"""What a differing number or code takes off the score, and one that only one of the names has."""
_MOST_ERRORS = 3

_PARTS = re.compile(r"\d+|\D+")
_MARKS = re.compile("[\u0300-\u036f]")
_LETTERS = str.maketrans({"ø": "o", "ł": "l", "đ": "d", "æ": "ae", "œ": "oe", "ı": "i", "þ": "th", "ð": "d"})


class Shape(msgspec.Struct, frozen=True):
    """A name as it is compared."""

    tokens: tuple[str, ...]
    """Words, numbers and codes such as `v2`, without accents; dates written one way."""
    joined: str
    ordered: str
    """The tokens in order of the alphabet, joined."""
    numbers: tuple[str, ...]
    """Its numbers and dates, sorted."""
    codes: tuple[str, ...]
    """Its short words and codes, sorted."""
    words: frozenset[str]
    """The tokens, each once."""


@lru_cache(maxsize=65_536)
def shape_of(name: str) -> Shape:
    """A campaign's name, or a tag, taken apart."""
    text = _MARKS.sub("", unicodedata.normalize("NFKD", normalise_name(name))).translate(_LETTERS)
    text = "".join(c if c.isalnum() or unicodedata.category(c)[0] == "M" else " " for c in text)
    parts = with_dates([part for word in text.split() for part in _PARTS.findall(word)])
    numbers = tuple(sorted(part for part in parts if part.isdecimal()))
    tokens: list[str] = []
    for part in parts:
        if part.isdecimal() and len(part) <= CODE and tokens and _is_mark(tokens[-1]):
            tokens[-1] += part
        else:
            tokens.append(part)
    codes = tuple(sorted(token for token in tokens if len(token) <= CODE and not token.isdecimal()))
    return Shape(tuple(tokens), "".join(tokens), "".join(sorted(tokens)), numbers, codes, frozenset(tokens))


def _is_mark(token: str) -> bool:
    """v in `v2`, q in `q1`, kw in `kw 12`."""
    return len(token) < CODE and token.isalpha()


def compared(tag: Shape, name: Shape, known: AbstractSet[str] = frozenset()) -> tuple[float, bool]:
    """How alike they are, 0 to 1, and whether the difference can only be one of typing.

    By letters or words in common, less for numbers, codes and known words that differ.

    Args:
        known: words of the campaigns' names: one that stands in their place is no misspelling of another.
    """
    edits = typing_errors(tag, name, known)
    if tag.joined == name.joined:
        return 1.0, edits is not None
    from rapidfuzz.distance import OSA

    if edits is not None:
        moved = REORDERED if OSA.distance(tag.joined, name.joined) > edits else 0.0
        return 1 - edits / max(len(tag.joined), len(name.joined)) - moved, True
    written, sorted_words = (tag.joined, name.joined), (tag.ordered, name.ordered)
    letters = max(OSA.normalized_similarity(*written), OSA.normalized_similarity(*sorted_words))
    common = len(tag.joined) - sum(map(len, _without(tag.tokens, name.tokens)))
    words = 2 * common / max(len(tag.joined) + len(name.joined), 1)
    return max(0.0, min(max(letters, words), 1.0) - _conflicts(tag, name, known)), False


def most_score(tag: Shape, name: Shape, letters: float, known: AbstractSet[str]) -> float:
    """What they score at the most, told quickly; `letters`: how alike they are by letters, at the most."""
    if tag.numbers == name.numbers and abs(len(tag.joined) - len(name.joined)) <= _MOST_ERRORS:
        return 1.0
    common = sum(len(token) for token in tag.tokens if token in name.words)
    off = MISSING if tag.numbers and tag.numbers != name.numbers else 0.0
    if _has_known(tag, name, known):
        off = CONFLICT
    return max(letters, 2 * common / (len(tag.joined) + len(name.joined))) - off


def typing_errors(tag: Shape, name: Shape, known: AbstractSet[str] = frozenset()) -> int | None:
    """How many letters were mistyped, where that alone explains the difference; None where it may be another name."""
    if tag.numbers != name.numbers or not tag.joined or not name.joined:
        return None
    length = min(len(tag.joined), len(name.joined))
    if tag.joined == name.joined or tag.ordered == name.ordered:
        return 0 if length >= SHORTEST_FOLDED or tag.tokens == name.tokens else None
    if length < SHORTEST:
        return None
    mine, theirs = _without(tag.tokens, name.tokens), _without(name.tokens, tag.tokens)
    if len(mine) == len(theirs):
        edits = _paired(mine, theirs, known)
    elif _too_far(tag.joined, name.joined, _most(length)):
        return None
    elif len(mine) < len(theirs):
        edits = _cut(tag.joined, name.tokens)
    else:
        edits = _cut(name.joined, tag.tokens)
    return edits if edits is not None and edits <= _most(length) else None


def _too_far(tag: str, name: str, most: int) -> bool:
    from rapidfuzz.distance import OSA

    return OSA.distance(tag, name, score_cutoff=most) > most


def _most(length: int) -> int:
    return 1 if length < 12 else 2 if length < 20 else _MOST_ERRORS


def _conflicts(tag: Shape, name: Shape, known: AbstractSet[str]) -> float:
    off = 0.0
    for mine, theirs in ((tag.numbers, name.numbers), (tag.codes, name.codes)):
        if mine == theirs:
            continue
        extra, missing = _without(mine, theirs), _without(theirs, mine)
        if missing and mine is tag.codes and _runs_together(tag, name):
            missing.clear()  # It may be there, and cannot be seen.
        off = max(off, CONFLICT if extra and missing else MISSING if extra or missing else 0.0)
    return CONFLICT if _has_known(tag, name, known) else off


def _has_known(tag: Shape, name: Shape, known: AbstractSet[str]) -> bool:
    """Whether words of other campaigns stand in the tag where the name has words of its own."""
    return not name.words <= tag.words and not known.isdisjoint(tag.words - name.words)


def _without(tokens: tuple[str, ...], others: tuple[str, ...]) -> list[str]:
    """The tokens that are not among the others, as often as they are more; equal ones stand together."""
    if len(set(tokens)) < len(tokens):
        return list((Counter(tokens) - Counter(others)).elements())
    return [token for token in tokens if token not in others]


def _runs_together(tag: Shape, name: Shape) -> bool:
    """Whether words of the name stand in the tag without a separator."""
    mine, theirs = _without(tag.tokens, name.tokens), _without(name.tokens, tag.tokens)
    return 0 < len(mine) < len(theirs) and sum(map(len, mine)) + CODE >= sum(map(len, theirs))


def _paired(mine: list[str], theirs: list[str], known: AbstractSet[str]) -> int | None:
    """Each differing word of the tag with the nearest of the name's."""
    from rapidfuzz.distance import OSA

    edits = 0
    for word in mine:
        nearest = min(theirs, key=lambda other: (OSA.distance(word, other), other))
        wrong = None if word in known else _misspelt(word, nearest)
        if wrong is None:
            return None
        theirs = [*theirs]
        theirs.remove(nearest)
        edits += wrong
    return edits


def _cut(joined: str, tokens: tuple[str, ...]) -> int | None:
    """The tokens found one after the other in a name that lacks their separators."""
    from rapidfuzz.distance import Levenshtein

    whole, places = "".join(tokens), [0]
    for token in tokens:
        places.append(places[-1] + len(token))
    cuts: list[int] = []
    blocks = Levenshtein.opcodes(whole, joined)
    for place in places[1:-1]:
        block = next(each for each in blocks if each.src_start <= place < each.src_end)
        cuts.append(min(block.dest_start + place - block.src_start, block.dest_end))
    edits = 0
    for token, start, end in zip(tokens, [0, *cuts], [*cuts, len(joined)], strict=True):
        part = joined[start:end]
        if _may_hold_another(part, token):
            return None
        wrong = _misspelt(part, token)
        if wrong is None:
            return None
        edits += wrong
    return edits


def _may_hold_another(part: str, token: str) -> bool:
    """A letter more at a word's edge may be a word of its own, as in `saleb`; one typed twice is not."""
    if len(part) <= len(token):
        return False
    doubled = (token + token[-1], token[0] + token)
    return (part.startswith(token) or part.endswith(token)) and part not in doubled


def _misspelt(word: str, other: str) -> int | None:
    """By how many letters one word is the other mistyped; None where it rather is another word."""
    if word == other:
        return 0
    shorter, longer = sorted((len(word), len(other)))
    if shorter <= CODE or not (word.isalpha() and other.isalpha()):
        return None
    from rapidfuzz.distance import OSA

    most = 1 if longer < 8 else 2
    wrong = OSA.distance(word, other, score_cutoff=most)
    if wrong > most:
        return None
    # Who mistypes a word seldom does so at its beginning, and there other words begin: gold and bold, active and
    # inactive.
    begins_alike = word[0] == other[0] or sorted(word) == sorted(other)
    return wrong if begins_alike or (wrong == 1 and shorter > 5) else None
