"""Damage: campaign names as a store has them, near-twins among them, and what becomes of names in tags. Seeded.

Each tag knows the campaign that was meant, or that none of the catalogue's was: a twin that the store no longer has.
"""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass
from random import Random

from rapidfuzz.distance import OSA
from rapidfuzz.process import extract

from adplanning_plugin.attribution.likeness import shape_of

THEMES = (
    "spring", "summer", "autumn", "winter", "monsoon", "diwali", "holi", "eid", "christmas", "easter",
    "valentine", "anniversary", "clearance", "festive", "wedding", "graduation", "harvest", "midnight",
    "weekend", "founders", "loyalty", "welcome", "birthday", "premium", "signature", "heritage", "essential",
    "everyday", "limited", "vintage", "organic", "wanderlust", "botanical", "coastal", "himalaya", "riviera",
    "métro", "fête", "café", "señora", "über",
)  # fmt: skip
PRODUCTS = (
    "sarees", "kurtas", "shirts", "dresses", "sneakers", "sandals", "handbags", "jewellery", "watches",
    "cushions", "blankets", "curtains", "lanterns", "cookware", "ceramics", "candles", "perfume", "skincare",
    "notebooks", "backpacks", "jackets", "sweaters", "denim", "linen", "leather", "crochet", "décor", "bébé",
)  # fmt: skip
KINDS = (
    "sale", "launch", "collection", "edit", "offers", "retargeting", "prospecting", "remarketing", "awareness",
    "newsletter", "giveaway", "preview", "lookalike", "catalogue", "carousel", "testimonials", "bestsellers",
    "arrivals", "restock",
)  # fmt: skip
AUDIENCES = ("", "women", "men", "kids", "students", "subscribers", "returning", "new visitors")
REGIONS = ("", "", "IN", "US", "UK", "DE", "AE", "SG")
TAILS = (
    "", "", "v1", "v2", "v3", "2024", "2025", "2026", "Q1", "Q4", "2025-03-14", "2025-11-28", "Mar 2026", "Oct 2025",
)  # fmt: skip
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
SEPARATORS = (" ", "_", "-", " | ", ".", "+", "%20", "--", " / ")
NEIGHBOURS = {
    "a": "sqz", "b": "vn", "c": "xv", "d": "sf", "e": "wr", "f": "dg", "g": "fh", "h": "gj", "i": "uo", "j": "hk",
    "k": "jl", "l": "k", "m": "n", "n": "bm", "o": "ip", "p": "o", "q": "wa", "r": "et", "s": "ad", "t": "ry",
    "u": "yi", "v": "cb", "w": "qe", "x": "zc", "y": "tu", "z": "x",
}  # fmt: skip
ACCENTS = {"a": "áàâä", "e": "éèêë", "i": "íîï", "o": "óôö", "u": "úûü", "n": "ñ", "c": "ç"}
DAMAGES = (
    "case", "separators", "joined", "accents", "typo", "typo", "typo", "typos", "swap", "date", "case+typo",
    "swap+typo", "joined+typo", "accents+typo",
)  # fmt: skip
TWINS = ("number", "version", "region", "audience", "word", "date", "unknown")


@dataclass(frozen=True, slots=True)
class Tag:
    """A name as a tag has it."""

    text: str
    truth: str | None
    """The name that was meant; None: no campaign of the catalogue."""
    kind: str


def catalogue(rng: Random, size: int) -> list[str]:
    """Names, about a third of them in families that differ by a number, a region, an audience or a word alone."""
    names: dict[str, None] = {}
    while len(names) < size:
        words = [rng.choice(THEMES), rng.choice(PRODUCTS), rng.choice(KINDS)]
        rng.shuffle(words)
        words = words[: rng.choice((2, 3, 3))]
        parts = [rng.choice(AUDIENCES), rng.choice(REGIONS), rng.choice(TAILS)]
        names[_name(words, parts)] = None
        if rng.random() < 0.25:
            for _ in range(rng.randrange(1, 4)):
                twin = list(parts)
                place = rng.randrange(3)
                twin[place] = rng.choice((AUDIENCES, REGIONS, TAILS)[place])
                names[_name(words, twin)] = None
    return list(names)[:size]


def tags(rng: Random, names: list[str], count: int) -> list[Tag]:
    """Damaged tags of these names; of the others, names that the catalogue nearly has."""
    known = {_plain(name) for name in names}
    found: list[Tag] = []
    while len(found) < count:
        name = rng.choice(names)
        if rng.random() < 0.6:
            kind = rng.choice(DAMAGES)
            found.append(Tag(damaged(rng, name, kind), name, kind))
            continue
        kind = rng.choice(TWINS)
        twin = _twin(rng, name, kind)
        if _plain(twin) in known:
            continue
        also = rng.choice(("case", "separators", "typo", "none"))
        found.append(Tag(damaged(rng, twin, also), None, f"twin {kind}"))
    return found


def damaged(rng: Random, name: str, kind: str) -> str:
    """The name with this done to it."""
    text = name
    for step in kind.split("+"):
        if step == "case":
            text = rng.choice((text.upper(), text.lower(), text.title(), text.swapcase()))
        elif step == "separators":
            text = rng.choice(SEPARATORS).join(text.split())
        elif step == "joined":
            words = text.split()
            keep = rng.randrange(len(words))
            text = "".join(word + (" " if n == keep and rng.random() < 0.5 else "") for n, word in enumerate(words))
        elif step == "accents":
            text = _accents(rng, text)
        elif step == "swap":
            words = text.split()
            at = rng.randrange(len(words) - 1)
            words[at], words[at + 1] = words[at + 1], words[at]
            text = " ".join(words)
        elif step == "date":
            text = _redated(rng, text)
        elif step in {"typo", "typos"}:
            for _ in range(2 if step == "typos" else 1):
                text = _typo(rng, text)
    return text


def _name(words: list[str], parts: list[str]) -> str:
    return " ".join([*(word.capitalize() for word in words), *(part for part in parts if part)])


def _plain(name: str) -> str:
    """The same for names that differ by case, accents and the order of words: a twin is none of these."""
    words = unicodedata.normalize("NFKD", name.casefold()).split()
    return "".join(sorted("".join(c for c in word if c.isalnum()) for word in words))


def _twin(rng: Random, name: str, kind: str) -> str:
    words = name.split()
    if kind == "unknown":
        return _name([rng.choice(THEMES), rng.choice(PRODUCTS), rng.choice(KINDS)], [rng.choice(REGIONS), ""])
    if kind == "word":
        place = rng.randrange(len(words))
        words[place] = rng.choice(THEMES + PRODUCTS + KINDS)
        return " ".join(words)
    plain = [word for word in words if word.isalpha() and word not in REGIONS and word not in AUDIENCES]
    more = {
        "number": (str(rng.randrange(2, 99)), str(rng.randrange(2015, 2032))),
        "version": (f"v{rng.randrange(1, 9)}", f"v{rng.randrange(10, 30)}", "A", "B", "II"),
        "region": ("FR", "ES", "CA", "AU", "NL", "EU", "IN", "US"),
        "audience": ("women", "men", "kids", "teens", "vip"),
        "date": (f"{rng.randrange(2023, 2028)}-{rng.randrange(1, 13):02}-{rng.randrange(1, 29):02}", "Feb 2027"),
    }[kind]
    keeps = words if rng.random() < 0.5 else plain
    return " ".join([*keeps, rng.choice(more)])


def _typo(rng: Random, text: str) -> str:
    places = [n for n, c in enumerate(text) if c.isalpha() and (n == 0 or text[n - 1] != "%")]
    # As people mistype: in words rather than in codes, and seldom at a word's first letter.
    words = [n for n in places if len(_word_at(text, n)) > 3 and (text[n - 1 : n].isalpha() or rng.random() < 0.3)]
    if not words:
        return text
    at = rng.choice(words)
    letter = text[at]
    how = rng.randrange(5)
    if how == 0:
        return text[:at] + text[at + 1 :]
    if how == 1:
        return text[:at] + letter + text[at:]
    if how == 2:
        return text[:at] + rng.choice(NEIGHBOURS.get(letter.lower(), "e")) + text[at + 1 :]
    if how == 3 and at + 1 < len(text) and text[at + 1].isalpha():
        return text[:at] + text[at + 1] + letter + text[at + 2 :]
    return text[:at] + rng.choice("abcdefghijklmnopqrstuvwxyz") + text[at + (how == 4) :]


def _word_at(text: str, place: int) -> str:
    start = end = place
    while start and text[start - 1].isalpha():
        start -= 1
    while end < len(text) and text[end].isalpha():
        end += 1
    return text[start:end]


def _accents(rng: Random, text: str) -> str:
    plain = "".join(c for c in unicodedata.normalize("NFKD", text) if not unicodedata.combining(c))
    if plain != text:
        return plain
    places = [n for n, c in enumerate(text) if c in ACCENTS]
    for at in rng.sample(places, min(2, len(places))):
        text = text[:at] + rng.choice(ACCENTS[text[at]]) + text[at + 1 :]
    return text


def _redated(rng: Random, text: str) -> str:
    words = text.split()
    tail = words[-1]
    if tail.count("-") == 2:
        year, month, day = tail.split("-")
        short = MONTHS[int(month) - 1]
        forms = (
            f"{year}{month}{day}", f"{year}.{month}.{day}", f"{day}-{month}-{year}", f"{day}{short}{year}",
            f"{int(day)} {short} {year}",
        )  # fmt: skip
        return " ".join([*words[:-1], rng.choice(forms)])
    if len(words) > 1 and words[-2].lower() in MONTHS:
        month = MONTHS.index(words[-2].lower()) + 1
        forms = (f"{tail}-{month:02}", f"{tail}{month:02}", f"{month:02}/{tail}", f"{words[-2]}{tail}")
        return " ".join([*words[:-2], rng.choice(forms)])
    return text.replace(" ", "_")


@dataclass(frozen=True, slots=True)
class Measured:
    """How well damaged tags were resolved."""

    resolved: int
    right: int
    meant: int
    """Tags whose campaign is nearer by plain edit distance than every other."""
    found: int
    twins: int
    wrong: list[tuple[Tag, str]]

    @property
    def precision(self) -> float:
        return self.right / self.resolved

    @property
    def recall(self) -> float:
        return self.found / self.meant


def measured(names: list[str], given: list[Tag], answers: list[str | None]) -> Measured:
    """Precision of what was resolved, and recall where the truth is the unique nearest by edit distance."""
    shapes = [shape_of(name) for name in names]
    written = ([shape.joined for shape in shapes], [shape.ordered for shape in shapes])
    wrong = [(tag, answer) for tag, answer in zip(given, answers, strict=True) if answer not in {None, tag.truth}]
    resolved = sum(answer is not None for answer in answers)
    meant = found = 0
    for tag, answer in zip(given, answers, strict=True):
        if tag.truth is None:
            continue
        shape = shape_of(tag.text)
        near: dict[int, int] = {}
        for text, choices in zip((shape.joined, shape.ordered), written, strict=True):
            for _, distance, place in extract(text, choices, scorer=OSA.distance, limit=3):
                near[place] = min(distance, near.get(place, distance))
        least = min(near.values())
        if [names[place] for place, distance in near.items() if distance == least] == [tag.truth]:
            meant += 1
            found += answer == tag.truth
    twins = sum(tag.truth is None for tag in given)
    return Measured(resolved, resolved - len(wrong), meant, found, twins, [(t, a) for t, a in wrong if a])
