"""Harness: medians, CPU seconds read from /proc, rows with their targets, and the Markdown they end in."""

from __future__ import annotations

import os
import platform
import re
import statistics
import subprocess
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

ROUNDS = int(os.environ.get("ADPLANNING_BENCH_ROUNDS", "5"))
RESULTS = Path(__file__).with_name("RESULTS.md")
ROOT = Path(__file__).parent.parent.parent
_TICK = os.sysconf("SC_CLK_TCK") if hasattr(os, "sysconf") else 100


class BenchError(Exception):
    """A measurement that cannot be taken here; the sentence says why."""


def scaled(full: int, default: float) -> int:
    """A size: `full` is the target's, `default` the share taken unless ADPLANNING_BENCH_SCALE says another."""
    return max(1, round(full * float(os.environ.get("ADPLANNING_BENCH_SCALE", str(default)))))


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of a table. `met` is None where the figure has no target, or was not taken."""

    what: str
    measured: str
    target: str = ""
    met: bool | None = None

    @property
    def verdict(self) -> str:
        """What stands in the last column."""
        return "" if self.met is None else ("met" if self.met else "**not met**")


@dataclass(kw_only=True)
class Section:
    """What one section measured, and what it rests on."""

    name: str
    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def add(self, what: str, measured: str, target: str = "", *, met: bool | None = None) -> None:
        """One more line, printed at once: a section may take minutes."""
        self.rows.append(Row(what=what, measured=measured, target=target, met=met))
        print(f"   {what}: {measured}" + (f"  [{target}: {self.rows[-1].verdict}]" if target else ""), flush=True)

    def at_least(self, what: str, value: float, floor: float, unit: str = "×", detail: str = "") -> None:
        """A line whose value must not be below the floor."""
        self.add(what, _figure(value, unit) + detail, f"≥ {_figure(floor, unit)}", met=value >= floor)

    def at_most(self, what: str, value: float, limit: float, unit: str = "×", detail: str = "") -> None:
        """A line whose value must not be above the limit."""
        self.add(what, _figure(value, unit) + detail, f"≤ {_figure(limit, unit)}", met=value <= limit)

    def note(self, sentence: str) -> None:
        """What a reader must know beside the table."""
        self.notes.append(sentence)

    def markdown(self) -> str:
        """The section as it stands in RESULTS.md."""
        when = f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC"
        lines = [f"## {self.name}", "", f"{machine()}; {when}; commit {commit()}; {ROUNDS} rounds.", ""]
        lines += ["| what | measured | target | |", "|---|---|---|---|"]
        lines += [f"| {row.what} | {row.measured} | {row.target} | {row.verdict} |" for row in self.rows]
        return "\n".join([*lines, "", *(f"- {note}" for note in self.notes), ""])


def _figure(value: float, unit: str) -> str:
    digits = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.1f}" if abs(value) >= 10 else f"{value:.3g}"
    return f"{digits}{unit}" if unit in {"×", ""} else f"{digits} {unit}"


def median(values: Iterable[float]) -> float:
    """The middle of the rounds."""
    return statistics.median(list(values))


def ratios(ours: Sequence[float], theirs: Sequence[float]) -> float:
    """The median of the ratios round by round: two figures of one round met the same neighbours on the machine."""
    return median(a / b for a, b in zip(ours, theirs, strict=True))


def spread(values: Sequence[float]) -> str:
    """`12.3 (11.9–13.0)`: the median and the range of the rounds."""
    return f"{_figure(median(values), '')} ({_figure(min(values), '')}–{_figure(max(values), '')})"


async def repeat(work: Callable[[], Awaitable[float]], rounds: int = ROUNDS) -> list[float]:
    """The figure of every round; the first, unmeasured one warms caches and plans."""
    await work()
    return [await work() for _ in range(rounds)]


# --- CPU and memory ---


def tree_cpu(pid: int) -> float:
    """CPU seconds of a process, of its living descendants and of those that it waited for."""
    children = _children()
    total, waiting = 0.0, [pid]
    while waiting:
        each = waiting.pop()
        try:
            total += process_cpu(each) + sum(int(value) for value in _fields(each)[13:15]) / _TICK
        except (FileNotFoundError, ProcessLookupError):
            continue
        waiting.extend(children.get(each, ()))
    return total


def process_cpu(pid: int) -> float:
    """CPU seconds of one process and its living threads, to the nanosecond where the kernel keeps them."""
    try:
        threads = list(Path(f"/proc/{pid}/task").iterdir())
        return sum(int((thread / "schedstat").read_text().split()[0]) for thread in threads) / 1e9
    except (FileNotFoundError, IndexError):
        return sum(int(value) for value in _fields(pid)[11:13]) / _TICK


def parent_of(pid: int) -> int:
    """The process that started this one; BenchError where /proc does not show it (another machine, or no Linux)."""
    try:
        return int(_fields(pid)[1])
    except FileNotFoundError:
        message = "CPU seconds are read from /proc: run this on Linux, on the machine of the PostgreSQL server."
        raise BenchError(message) from None


def memory(pid: int, entry: str = "VmRSS") -> float:
    """Resident megabytes of a process; `VmHWM` is the most it ever had."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(f"{entry}:"):
            return int(line.split()[1]) / 1024
    raise BenchError(f"/proc/{pid}/status has no {entry}.")


def _fields(pid: int) -> list[str]:
    """The fields of /proc/<pid>/stat behind the command's name: state, parent, …"""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def _children() -> Mapping[int, list[int]]:
    found: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                found.setdefault(int(_fields(int(folder.name))[1]), []).append(int(folder.name))
            except (FileNotFoundError, ProcessLookupError, IndexError):
                continue
    return found


# --- the report ---


def machine() -> str:
    """What it ran on."""
    name, cores = platform.machine(), os.cpu_count()
    info = Path("/proc/cpuinfo")
    if info.exists() and (found := re.search(r"^model name\s*:\s*(.+)$", info.read_text(), re.MULTILINE)):
        name = found[1].strip()
    total = Path("/proc/meminfo").read_text().split()[1] if Path("/proc/meminfo").exists() else "0"
    load = f", load {os.getloadavg()[0]:.1f} at the end" if hasattr(os, "getloadavg") else ""
    return f"{name}, {cores} cores, {int(total) // 1_048_576} GB, Python {platform.python_version()}{load}"


def commit() -> str:
    """The commit that is checked out, with a mark when files differ from it."""

    def git(*arguments: str) -> str:
        done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True, check=False)
        return done.stdout.strip()

    changed = git("status", "--porcelain", "--untracked-files=no", "--", "adplanning_plugin")
    return (git("rev-parse", "--short", "HEAD") or "unknown") + (" with uncommitted changes" if changed else "")


HEAD = """# Results of `./run bench`

Written by the last run of each section, never by hand. Every target is a ratio taken in one run, or CPU seconds; wall
times are for scale. Figures are medians of the rounds, interleaved where two things are compared. The load that is
named is the machine's: where it exceeds the cores, others were at work and wall times say little.
"""


def write(section: Section) -> None:
    """Put the section into RESULTS.md in place of what it said before."""
    kept: dict[str, str] = {}
    if RESULTS.exists():
        for part in re.split(r"^(?=## )", RESULTS.read_text(), flags=re.MULTILINE)[1:]:
            kept[part.split("\n", 1)[0][3:].strip()] = part.rstrip() + "\n"
    kept[section.name] = section.markdown().rstrip() + "\n"
    RESULTS.write_text("\n".join([HEAD, *(kept[name] for name in sorted(kept))]))


def table(section: Section) -> str:
    """The section for a terminal."""
    widths = [max(len(cell) for cell in column) for column in zip(*_cells(section), strict=True)]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in _cells(section)]
    return "\n".join([f"\n{section.name}", *lines, *(f"- {note}" for note in section.notes)])


def _cells(section: Section) -> list[tuple[str, str, str, str]]:
    head = ("what", "measured", "target", "")
    return [head, *((row.what, row.measured, row.target, row.verdict.replace("*", "")) for row in section.rows)]
