"""Fit process: `python -m adplanning_plugin.stats.fit_process` fits a data-driven model in a process of its own.

A question on standard input, lines on standard output: how many draws are done, and at last the answer. A long fit then
holds up nobody's event loop, its memory goes when it ends, and whoever started it can end it.
"""

from __future__ import annotations

import os
import platform
import sys
import time
from collections.abc import Callable
from contextlib import suppress

import msgspec

from adplanning_plugin.stats.data_driven import Attribution, InsufficientData, ModelName, attribute

SEPARATOR = "\x1f"
"""Between the channels of a path; no channel's name has it."""
REPORT_SECONDS = 0.5


class Question(msgspec.Struct, frozen=True, kw_only=True):
    """Distinct paths with their counts, and the model that is to be fitted to them."""

    paths: list[str]
    conversions: list[int]
    value: list[int]
    non_conversions: list[int]
    model: ModelName
    order: int = 1
    minimum_conversions: int = 1
    minimum_non_conversions: int = 1
    resamples: int = 0
    seed: int = 0
    confidence: float = 0.95


class Drawn(msgspec.Struct, frozen=True, kw_only=True, tag="drawn", tag_field="line"):
    """How far the fit is."""

    done: int


class Fitted(msgspec.Struct, frozen=True, kw_only=True, tag="fitted", tag_field="line"):
    """The answer, and what computed it."""

    answer: Attribution | InsufficientData
    libraries: dict[str, str]


def fit(question: Question, say: Callable[[Drawn], None] | None = None) -> Fitted:
    """Fit the model to the paths; `say` is called with a `Drawn` now and then."""
    from adplanning_plugin.stats.path_table import PathTable

    table = PathTable.of_text(
        question.paths, question.conversions, question.value, question.non_conversions, separator=SEPARATOR
    )
    said = time.monotonic()

    def progress(done: int) -> None:
        nonlocal said
        if say is not None and time.monotonic() - said >= REPORT_SECONDS:
            said = time.monotonic()
            say(Drawn(done=done))

    answer = attribute(
        table,
        question.model,
        order=question.order,
        minimum_conversions=question.minimum_conversions,
        minimum_non_conversions=question.minimum_non_conversions,
        resamples=question.resamples,
        seed=question.seed,
        confidence=question.confidence,
        progress=progress,
    )
    return Fitted(answer=answer, libraries=libraries())


def libraries() -> dict[str, str]:
    """The versions of what computes: Python, numpy, scipy."""
    from importlib.metadata import version

    return {"python": platform.python_version(), **{name: version(name) for name in ("numpy", "scipy")}}


def main() -> None:
    """Read the question, write the lines; at a lower priority than whoever serves the store."""
    with suppress(AttributeError, OSError):
        os.nice(10)
    question = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Question)
    encode = msgspec.json.Encoder().encode

    def say(line: Drawn | Fitted) -> None:
        sys.stdout.buffer.write(encode(line) + b"\n")
        sys.stdout.buffer.flush()

    say(fit(question, say))


if __name__ == "__main__":
    main()
