"""Path text: turns many paths written as `Display > Email` into codes. Needs numpy; gives no counts and no credit.

Millions of touches are split and numbered on the bytes of the text, eight at a time, without a Python string for each.
Where that cannot be exact (a line break or NUL in a name, a long name, overlapping separators), splitting does it.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]
Words = NDArray[np.uint64]

_LONGEST = 64
_SLOTS = 18
_MIXES = (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9)
_SMALL = 2_000
_BLOCK = 50_000
"""Paths at a time: arrays of a block stay in the processor's cache, those of a million paths would not."""


def numbered(paths: Sequence[str], separator: str) -> tuple[list[str], Ints, Ints]:
    """(names in no special order, the code of each touch, touches of each path); an empty text has no touches."""
    if len(paths) < _SMALL or not separator.isascii():
        return _by_splitting(paths, separator)
    numbers = _Numbers()
    codes: list[Ints] = []
    lengths: list[Ints] = []
    for begin in range(0, len(paths), _BLOCK):
        block = paths[begin : begin + _BLOCK]
        names, own, per_path = _by_bytes(block, separator) or _by_splitting(block, separator)
        codes.append(np.fromiter(map(numbers.__getitem__, names), dtype=np.int64, count=len(names))[own])
        lengths.append(per_path)
    return list(numbers), np.concatenate(codes), np.concatenate(lengths)


class _Numbers(dict[str, int]):
    """Names numbered as they are first met."""

    def __missing__(self, name: str) -> int:
        self[name] = len(self)
        return self[name]


def _by_splitting(paths: Sequence[str], separator: str) -> tuple[list[str], Ints, Ints]:
    some = [path for path in paths if path]
    tokens = [token for path in some for token in path.split(separator)]
    numbers = _Numbers()
    codes = np.fromiter(map(numbers.__getitem__, tokens), dtype=np.int64, count=len(tokens))
    lengths = np.fromiter((path.count(separator) + 1 if path else 0 for path in paths), np.int64, count=len(paths))
    return list(numbers), codes, lengths


def _by_bytes(paths: Sequence[str], separator: str) -> tuple[list[str], Ints, Ints] | None:
    raw = "\n".join(paths).encode() + b"\n"
    if b"\0" in raw or "\n" in separator:
        return None
    text = np.frombuffer(raw + bytes(8), dtype=np.uint8)
    breaks = text == ord("\n")
    if int(np.count_nonzero(breaks)) != len(paths):
        return None
    parts = _separators(text, separator.encode())
    if parts is None:
        return None
    edges = breaks
    edges[parts] = True
    ends = np.flatnonzero(edges)
    closing = text[ends] == ord("\n")
    starts = np.zeros(len(ends), dtype=np.int64)
    starts[1:] = ends[:-1] + np.where(closing[:-1], 1, len(separator))
    sizes = ends - starts
    per_path = np.diff(np.flatnonzero(closing), prepend=-1)
    empty = (sizes == 0) & closing & np.repeat(per_path == 1, per_path)
    if empty.any():
        starts, sizes = starts[~empty], sizes[~empty]
        per_path = per_path - empty[closing]
    codes = _codes(text, starts, sizes)
    if codes is None:
        return None
    ids, firsts = codes
    names = [raw[at : at + size].decode() for at, size in zip(starts[firsts], sizes[firsts], strict=True)]
    return names, ids, per_path


def _separators(text: NDArray[np.uint8], separator: bytes) -> Ints | None:
    """Where separators begin; None where two overlap, which splitting from the left decides."""
    rarest = min(range(len(separator)), key=lambda place: separator[place] == ord(" "))
    found = np.flatnonzero(text == separator[rarest]) - rarest
    found = found[(found >= 0) & (found + len(separator) < len(text))]
    for place, byte in enumerate(separator):
        if place != rarest:
            found = found[text[found + place] == byte]
    return None if len(found) > 1 and int(np.diff(found).min()) < len(separator) else found


def _codes(text: NDArray[np.uint8], starts: Ints, sizes: Ints) -> tuple[Ints, Ints] | None:
    """(the number of each touch's name, one touch of each name); every name is compared with its slot's."""
    if len(starts) == 0:
        return np.zeros(0, dtype=np.int64), np.zeros(0, dtype=np.int64)
    longest = int(sizes.max())
    if longest > _LONGEST:
        return None
    words: list[Words] = []
    eights = np.ndarray((len(text) - 7,), dtype="<u8", buffer=text, strides=(1,))
    keep = (np.uint64(1) << (np.arange(8, dtype=np.uint64) * np.uint64(8))) - np.uint64(1)
    masks = np.append(keep, ~np.uint64(0))
    for offset in range(0, max(longest, 1), 8):
        at = np.minimum(starts + offset, len(text) - 8)
        words.append(eights[at] & masks[np.clip(sizes - offset, 0, 8)])
    for mix in map(np.uint64, _MIXES):
        mixed = words[0] * mix
        for word in words[1:]:
            mixed = (mixed ^ (mixed >> np.uint64(29)) ^ word) * mix
        slots = ((mixed ^ (mixed >> np.uint64(32))) * mix >> np.uint64(64 - _SLOTS)).astype(np.int64)
        holder = np.full(1 << _SLOTS, -1, dtype=np.int64)
        holder[slots] = np.arange(len(slots))
        held = holder[slots]
        if any((word != word[held]).any() for word in words):
            continue  # two names met in one slot: mix them otherwise
        taken = np.flatnonzero(holder >= 0)
        number = np.empty(1 << _SLOTS, dtype=np.int64)
        number[taken] = np.arange(len(taken))
        return number[slots], holder[taken]
    return None
