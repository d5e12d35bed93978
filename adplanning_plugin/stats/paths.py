"""Paths: the order of channels that journeys took, how many converted, and what may be done to a path before a model
sees it. Plain Python; it reads no touches and gives no credit.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence

import msgspec

SEPARATOR = " > "

Channels = tuple[str, ...]
Transform = Callable[[Channels], Channels]


class JourneyPath(msgspec.Struct, frozen=True, kw_only=True):
    """One distinct path with its counts; oldest touch first, no channels where a journey had no touch that counts.

    `value` is what its conversions were worth together, in minor units of one currency; refunds may make it negative.
    """

    channels: Channels
    conversions: int = 0
    value: int = 0
    non_conversions: int = 0


def parse(text: str, separator: str = SEPARATOR) -> Channels:
    """`Display > Email` as a tuple; nothing where the text is empty."""
    return tuple(text.split(separator)) if text else ()


def summarise(paths: Iterable[JourneyPath], *transforms: Transform) -> list[JourneyPath]:
    """Every distinct path once, its counts added, after the transforms in the order they are given; sorted by path.

    Raises:
        ValueError: a count below 0.
    """
    found: dict[Channels, list[int]] = {}
    for path in paths:
        if path.conversions < 0 or path.non_conversions < 0:
            raise ValueError(f"conversions and non_conversions of the path {path.channels!r} must be ≥ 0")
        channels = path.channels
        for transform in transforms:
            channels = transform(channels)
        sums = found.setdefault(channels, [0, 0, 0])
        sums[0] += path.conversions
        sums[1] += path.value
        sums[2] += path.non_conversions
    return [
        JourneyPath(channels=channels, conversions=sums[0], value=sums[1], non_conversions=sums[2])
        for channels, sums in sorted(found.items())
    ]


# --- transforms; the names, and the first four, are Fractribution's ---


def unique(path: Channels) -> Channels:
    """Every touch stays: D A B B C D C C is D A B B C D C C."""
    return path


def exposure(path: Channels) -> Channels:
    """Repeats in a row become one: D A B B C D C C is D A B C D C."""
    return tuple(channel for index, channel in enumerate(path) if index == 0 or channel != path[index - 1])


def first(path: Channels) -> Channels:
    """Each channel once, where it was first met: D A B B C D C C is D A B C."""
    return tuple(dict.fromkeys(path))


def frequency(path: Channels) -> Channels:
    """Each channel once, with how often it was met: D A B B C D C C is D(2) A(1) B(2) C(3)."""
    return tuple(f"{channel}({count})" for channel, count in Counter(path).items())


def recency(path: Channels) -> Channels:
    """Each channel once, where it was last met: D A B B C D C C is A B D C."""
    return tuple(reversed(dict.fromkeys(reversed(path))))


TRANSFORMS: dict[str, Transform] = {
    "unique": unique,
    "exposure": exposure,
    "first": first,
    "frequency": frequency,
    "recency": recency,
}
"""The transforms that take nothing but the path, by name."""


def newest(limit: int) -> Transform:
    """Only the last `limit` touches.

    Raises:
        ValueError: a limit below 1.
    """
    if limit < 1:
        raise ValueError("limit must be at least 1 touch")
    return lambda path: path[-limit:]


def without(names: Collection[str], *, unless_all: bool = True) -> Transform:
    """Leaves the named channels out; a path of nothing else stays, or becomes empty with `unless_all=False`."""
    out = frozenset(names)

    def transform(path: Channels) -> Channels:
        kept = tuple(channel for channel in path if channel not in out)
        return path if unless_all and not kept else kept

    return transform


def without_at_the_end(names: Collection[str]) -> Transform:
    """Leaves the named channels out where they close the path; a path of nothing else stays as it is."""
    out = frozenset(names)

    def transform(path: Channels) -> Channels:
        length = len(path)
        while length and path[length - 1] in out:
            length -= 1
        return path[:length] or path

    return transform


def with_the_rest_as(paths: Sequence[JourneyPath], limit: int, name: str = "(other)") -> Transform:
    """Keeps the `limit` − 1 channels that most journeys met and calls every other one `name`.

    For models that take a bounded number of channels; where there are no more than `limit`, all keep their names.

    Raises:
        ValueError: a limit below 2.
    """
    if limit < 2:
        raise ValueError("limit must be at least 2: one channel and the rest")
    met: Counter[str] = Counter()
    for path in paths:
        for channel in set(path.channels):
            met[channel] += path.conversions + path.non_conversions
    if len(met) <= limit:
        return unique
    kept = {channel for channel, _ in sorted(met.items(), key=lambda pair: (-pair[1], pair[0]))[: limit - 1]}
    return lambda path: tuple(channel if channel in kept else name for channel in path)
