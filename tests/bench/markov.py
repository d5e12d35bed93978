"""Data-driven models: CPU of exact Markov chains over a million paths beside a peer's simulation, and of Shapley."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.bench import peer
from tests.bench.harness import ROUNDS, BenchError, Section, median, ratios, scaled, spread

CHANNELS = 20
GAME = 15
RATE = 0.05


@dataclass(frozen=True)
class _Paths:
    """Made paths: as codes, and as the text that a peer reads."""

    names: list[str]
    codes: Any
    lengths: Any
    conversions: Any
    non_conversions: Any
    texts: list[str]


def run() -> Section:
    """All rows of the section."""
    try:
        import numpy as np
    except ModuleNotFoundError:
        message = "numpy is not installed: these models need the extra `science`."
        raise BenchError(message) from None
    section = Section(name="data-driven models")
    made = _made(np, scaled(1_000_000, 1.0), CHANNELS)
    _markov(np, section, made)
    _others(np, section, made)
    section.note(
        f"{len(made.texts):,} paths of {len(made.codes):,} touches, {CHANNELS} channels, geometric lengths of up to 40,"
        f" {RATE:.0%} converting; not summarised before, which would only help. Every figure is one process's CPU."
    )
    return section


def _made(np: Any, count: int, channels: int) -> _Paths:
    draw = np.random.RandomState(0)
    lengths = np.minimum(draw.geometric(0.25, count), 40)
    # Channels differ in how often they are met and in how often their journeys convert.
    weight = np.linspace(3.0, 1.0, channels)
    codes = draw.choice(channels, int(lengths.sum()), p=weight / weight.sum())
    first = np.concatenate([[0], np.cumsum(lengths)[:-1]])
    conversions = (draw.random_sample(count) < 2 * RATE * (codes[first] + 1) / (channels + 1)).astype(np.int64)
    names = [f"Channel {number:02}" for number in range(channels)]
    tokens = [names[code] for code in codes.tolist()]
    texts = [" > ".join(tokens[at : at + length]) for at, length in zip(first.tolist(), lengths.tolist(), strict=True)]
    return _Paths(names, codes, lengths, conversions, 1 - conversions, texts)


def _markov(np: Any, section: Section, made: _Paths) -> None:
    from adplanning_plugin.stats.markov import MarkovChain
    from adplanning_plugin.stats.path_table import PathTable

    def coded(order: int, turned: slice = slice(None)) -> Any:
        table = PathTable.of_codes(
            made.names[turned], made.codes, made.lengths, made.conversions, None, made.non_conversions
        )
        return MarkovChain(table, order).fit(table.counts)

    def text() -> Any:
        table = PathTable.of_text(made.texts, made.conversions, None, made.non_conversions)
        return MarkovChain(table, 1).fit(table.counts)

    exact = coded(1)
    ours: list[float] = []
    parsed: list[float] = []
    theirs: list[float] = []
    walls: list[tuple[float, float]] = []
    simulated: list[dict[str, float]] = []
    bits = {exact.effect.tobytes()}
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "paths.csv"
        _write(file, made)
        try:
            for seed in range(ROUNDS):
                (said,) = peer.ask("channel_attribution", str(file), "1", str(seed))
                theirs.append(said["cpu"])
                simulated.append(said["credit"])
                cpu, wall, found = _timed(lambda: coded(1))
                bits.add(found.effect.tobytes())
                ours.append(cpu)
                walls.append((said["wall"], wall))
                cpu, _, found = _timed(text)
                bits.add(found.effect.tobytes())
                parsed.append(cpu)
        except BenchError as problem:
            section.note(f"Not held against ChannelAttribution: {problem}")
            ours = [_timed(lambda: coded(1))[0] for _ in range(ROUNDS)]
    section.add("exact Markov, order 1, from arrays", f"{spread(ours)} CPU s")
    if simulated:
        section.add("the same, paths parsed from text", f"{spread(parsed)} CPU s")
        section.add("ChannelAttribution 2.2.5, order 1, from text", f"{spread(theirs)} CPU s")
        detail = f" (wall {median(a / b for a, b in walls):.1f}×)"
        section.at_least("ChannelAttribution against ours from arrays (CPU)", ratios(theirs, ours), 10, detail=detail)
        section.add("ChannelAttribution against ours from text (CPU)", f"{ratios(theirs, parsed):.1f}×")
        credit = dict(zip(made.names, exact.conversions.tolist(), strict=True))
        off = max(abs(one[name] / credit[name] - 1) for one in simulated for name in made.names)
        moved = max(
            max(one[name] for one in simulated) / min(one[name] for one in simulated) - 1 for name in made.names
        )
        section.add("ChannelAttribution's credit of a channel from one seed to another", f"moves by up to {moved:.1%}")
        section.add("its farthest from the exact credit", f"{off:.1%}")
    shuffled = np.random.RandomState(1).permutation(len(made.texts))
    table = PathTable.of_text(
        [made.texts[at] for at in shuffled.tolist()],
        made.conversions[shuffled],
        None,
        made.non_conversions[shuffled],
    )
    bits.add(MarkovChain(table, 1).fit(table.counts).effect.tobytes())
    section.add(
        "effects of every round, and of the paths in another order",
        "bit-equal" if len(bits) == 1 else f"{len(bits)} different",
        "bit-equal",
        met=len(bits) == 1,
    )
    for order in (2, 3):
        used = [_timed(lambda order=order: coded(order))[0] for _ in range(ROUNDS)]
        section.add(f"exact Markov, order {order}, from arrays", f"{spread(used)} CPU s")


def _others(np: Any, section: Section, made: _Paths) -> None:
    from adplanning_plugin.stats.bootstrap import resampled
    from adplanning_plugin.stats.leave_one_out import LeaveOneOut
    from adplanning_plugin.stats.markov import MarkovChain
    from adplanning_plugin.stats.path_table import PathTable
    from adplanning_plugin.stats.shapley import ConversionRateGame

    for channels in (GAME, 20):
        codes = made.codes % channels
        table = PathTable.of_codes(
            made.names[:channels], codes, made.lengths, made.conversions, None, made.non_conversions
        )
        timed = [_timed(lambda table=table: ConversionRateGame(table).fit(table.counts))[:2] for _ in range(ROUNDS)]
        cpu, wall = [one[0] for one in timed], [one[1] for one in timed]
        what = f"Shapley of {channels} channels, every coalition"
        if channels == GAME:
            section.at_most(what, median(cpu), 1.0, "CPU s", f" ({median(wall):.2f} s wall)")
        else:
            section.add(what, f"{spread(cpu)} CPU s")
    whole = PathTable.of_codes(made.names, made.codes, made.lengths, made.conversions, None, made.non_conversions)
    cpu, _, distinct = _timed(whole.distinct)
    section.add("distinct paths of the table", f"{len(distinct):,} in {cpu:.2f} CPU s")
    cpu, _, _ = _timed(lambda: LeaveOneOut(distinct).fit(distinct.counts))
    section.add("leave-one-out over the distinct paths", f"{cpu:.2f} CPU s")
    some = PathTable.of_text(
        made.texts[:20_000], made.conversions[:20_000], None, made.non_conversions[:20_000]
    ).distinct()
    cpu, _, _ = _timed(lambda: resampled(MarkovChain(some, 1), some, resamples=200, seed=1))
    section.add(f"200 resamples of an order 1 chain over {len(some):,} distinct paths", f"{cpu:.2f} CPU s")


def _write(file: Path, made: _Paths) -> None:
    pairs: Sequence[tuple[str, int, int]] = list(
        zip(made.texts, made.conversions.tolist(), made.non_conversions.tolist(), strict=True)
    )
    lines = (f"{text},{yes},{no}\n" for text, yes, no in pairs)
    with file.open("w") as out:
        out.write("path,conversions,non_conversions\n")
        out.writelines(lines)


def _timed(work: Callable[[], Any]) -> tuple[float, float, Any]:
    """(CPU seconds, wall seconds, what came back)."""
    cpu, wall = time.process_time(), time.perf_counter()
    found = work()
    return time.process_time() - cpu, time.perf_counter() - wall, found
