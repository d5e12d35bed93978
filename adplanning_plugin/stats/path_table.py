"""Path table: many paths as arrays, the form that the data-driven models read. Needs numpy; gives no credit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import ArrayLike, NDArray

from adplanning_plugin.stats.path_text import numbered
from adplanning_plugin.stats.paths import SEPARATOR, JourneyPath

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Counts:
    """What happened on each path of a table: whole numbers, as floats because they are divided; shapes (paths,)."""

    conversions: Floats
    value: Floats
    non_conversions: Floats

    @property
    def journeys(self) -> Floats:
        """Conversions and non-conversions."""
        return self.conversions + self.non_conversions


@dataclass(frozen=True, eq=False)
class PathTable:
    """Paths one behind the other: path i is `codes[offsets[i]:offsets[i + 1]]`, each code an index into `names`.

    `names` is sorted, so that a result does not depend on which path came first.
    """

    names: tuple[str, ...]
    codes: Ints
    offsets: Ints
    counts: Counts

    def __len__(self) -> int:
        return len(self.offsets) - 1

    @cached_property
    def lengths(self) -> Ints:
        """Touches of each path; (paths,)."""
        return np.diff(self.offsets)

    @classmethod
    def of(cls, paths: Sequence[JourneyPath]) -> PathTable:
        """The table of paths as structs."""
        tokens = [channel for path in paths for channel in path.channels]
        names = sorted(set(tokens))
        code = {name: index for index, name in enumerate(names)}
        return cls.of_codes(
            names,
            np.fromiter(map(code.__getitem__, tokens), dtype=np.int64, count=len(tokens)),
            [len(path.channels) for path in paths],
            [path.conversions for path in paths],
            [path.value for path in paths],
            [path.non_conversions for path in paths],
        )

    @classmethod
    def of_text(
        cls,
        paths: Sequence[str],
        conversions: ArrayLike,
        value: ArrayLike | None = None,
        non_conversions: ArrayLike | None = None,
        separator: str = SEPARATOR,
    ) -> PathTable:
        """The table of paths as text, `Display > Email`; an empty text is a journey without a touch that counts."""
        names, codes, lengths = numbered(paths, separator)
        return cls.of_codes(names, codes, lengths, conversions, value, non_conversions)

    @classmethod
    def of_codes(
        cls,
        names: Sequence[str],
        codes: ArrayLike,
        lengths: ArrayLike,
        conversions: ArrayLike,
        value: ArrayLike | None = None,
        non_conversions: ArrayLike | None = None,
    ) -> PathTable:
        """The table of paths as indices into `names`, all touches in one array.

        Args:
            names: (channels,) distinct.
            codes: (touches,) path after path.
            lengths: (paths,) touches of each path.
            conversions: (paths,) ≥ 0; likewise `non_conversions` (0 where left out).
            value: (paths,) in minor units (0 where left out).
        Raises:
            ValueError: names that repeat, a code outside them, lengths that do not add up, a count below 0 or broken.
        """
        order = sorted(range(len(names)), key=names.__getitem__)
        if len(set(names)) != len(names):
            raise ValueError("names must be distinct: one entry for each channel")
        flat = np.asarray(codes, dtype=np.int64).reshape(-1)
        sizes = np.asarray(lengths, dtype=np.int64).reshape(-1)
        if (sizes < 0).any() or int(sizes.sum()) != len(flat):
            raise ValueError("lengths must be ≥ 0 and add up to the number of codes")
        if len(flat) and (int(flat.min()) < 0 or int(flat.max()) >= len(names)):
            raise ValueError("codes must be indices into names")
        if order != list(range(len(names))):
            place = np.empty(len(names), dtype=np.int64)
            place[order] = np.arange(len(names))
            flat = place[flat]
        offsets = np.zeros(len(sizes) + 1, dtype=np.int64)
        np.cumsum(sizes, out=offsets[1:])
        counts = Counts(
            _whole("conversions", conversions, len(sizes), floor=True),
            _whole("value", value, len(sizes), floor=False),
            _whole("non_conversions", non_conversions, len(sizes), floor=True),
        )
        return cls(tuple(names[index] for index in order), flat, offsets, counts)

    def distinct(self) -> PathTable:
        """Every path once with its counts added, ordered by the channels' names; the same for any order of paths."""
        keys = self.keys()
        place = {key: index for index, key in enumerate(sorted(set(keys)))}
        to = np.fromiter(map(place.__getitem__, keys), dtype=np.int64, count=len(keys))
        chosen = np.empty(len(place), dtype=np.int64)
        chosen[to] = np.arange(len(keys))
        sizes = self.lengths[chosen]
        offsets = np.zeros(len(sizes) + 1, dtype=np.int64)
        np.cumsum(sizes, out=offsets[1:])
        take = np.arange(int(offsets[-1])) + np.repeat(self.offsets[chosen] - offsets[:-1], sizes)
        counts = Counts(
            tally(to, self.counts.conversions, len(place)),
            tally(to, self.counts.value, len(place)),
            tally(to, self.counts.non_conversions, len(place)),
        )
        return PathTable(self.names, self.codes[take], offsets, counts)

    def keys(self) -> list[bytes]:
        """The codes of each path as bytes that sort as the codes do: what tells one path from another."""
        raw = self.codes.astype(">u4").tobytes()
        edges = (self.offsets * 4).tolist()
        return [raw[edges[index] : edges[index + 1]] for index in range(len(edges) - 1)]

    def channels(self, path: int) -> tuple[str, ...]:
        """The channels of one path by name."""
        return tuple(self.names[code] for code in self.codes[self.offsets[path] : self.offsets[path + 1]].tolist())


def tally(group: Ints, amounts: Floats, groups: int) -> Floats:
    """The sum of the amounts of each group; (groups,)."""
    return np.bincount(group, weights=amounts, minlength=groups).astype(np.float64, copy=False)


def _whole(name: str, given: ArrayLike | None, length: int, *, floor: bool) -> Floats:
    """Whole numbers as floats: sums of them are exact in any order, up to 2^53."""
    if given is None:
        return np.zeros(length)
    found = np.asarray(given, dtype=np.float64).reshape(-1)
    if len(found) != length:
        raise ValueError(f"{name} must have one entry for each path")
    if not np.isfinite(found).all() or (found != np.rint(found)).any():
        raise ValueError(f"{name} must be whole numbers" + ("" if floor else ", in minor units of the currency"))
    if floor and (found < 0).any():
        raise ValueError(f"{name} must be ≥ 0")
    if np.abs(found).sum() >= 2.0**53:
        raise ValueError(f"{name} must add up to less than 2^53, above which sums are not exact")
    return found
