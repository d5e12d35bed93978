"""Paths: which ways journeys took, how often each led to a conversion, what it was worth; read from touches.

`path_summary` answers the same from counted days; what is shown of either is decided here.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import TextClause, text
from sqlalchemy.dialects.postgresql import asyncpg
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.journeys import path_sql as sql
from adplanning_plugin.journeys.subjects import components
from adplanning_plugin.kernel.days import day_range
from adplanning_plugin.stats import paths as transforms

# ruff: noqa: S608 - numbers and words of our own are pasted; every value is a parameter.


class PathQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Which journeys, and how their paths are written."""

    tenant_id: str
    zone: str
    currency: str
    start: datetime
    end: datetime
    window_days: int
    conversion_type: str = "purchase"
    level: str = "channel"
    collapse: str = "exposure"
    newest: int | None = None
    """Only the last so many steps of what the collapse rule leaves."""
    open: bool = True
    """Whether journeys without a conversion are counted too."""

    def transform(self, path: transforms.Channels) -> transforms.Channels:
        """A whole path as this question writes it."""
        written = transforms.TRANSFORMS[self.collapse](path)
        return written if self.newest is None else transforms.newest(self.newest)(written)

    def values(self) -> dict[str, Any]:
        """The parameters of a statement."""
        return {
            "tenant": self.tenant_id,
            "window": self.window_days,
            "type": self.conversion_type,
            "start": self.start,
            "end": self.end,
        }


class PathCounts(msgspec.Struct):
    """How many journeys took a path."""

    path: tuple[str, ...]
    conversions: int = 0
    unconverted: int = 0
    values: dict[str, int] = msgspec.field(default_factory=dict[str, int])
    """Minor units less refunds, by currency."""

    @property
    def journeys(self) -> int:
        """All that took it."""
        return self.conversions + self.unconverted


class Distribution(msgspec.Struct):
    """Touches before conversions, and the time from the first of them."""

    lengths: dict[int, int] = msgspec.field(default_factory=dict[int, int])
    """Number of touches → conversions."""
    hours: dict[int, int] = msgspec.field(default_factory=dict[int, int])
    """Bucket of `path_sql.HOURS` → conversions."""
    seconds: int = 0

    def add(self, n: int, bucket: int | None, journeys: int, seconds: int | None) -> None:
        """Count some conversions."""
        self.lengths[n] = self.lengths.get(n, 0) + journeys
        if bucket is not None:
            self.hours[bucket] = self.hours.get(bucket, 0) + journeys
            self.seconds += seconds or 0


def merged(rows: Iterable[Any], write: Callable[[Any], Any]) -> list[PathCounts]:
    """Rows of path, won, currency, journeys and value as one line a path, each path written by `write`."""
    found: dict[tuple[str, ...], PathCounts] = {}
    for row in rows:
        written = write(tuple(row.path))
        counts = found.get(written)
        if counts is None:
            counts = found[written] = PathCounts(written)
        if row.won:
            counts.conversions += row.journeys
            counts.values[row.currency] = counts.values.get(row.currency, 0) + row.value
        else:
            counts.unconverted += row.journeys
    return list(found.values())


@lru_cache(maxsize=1)
def components_sql() -> str:
    """`subjects.components` as text, its tenant the parameter `:tenant`."""
    part: Any = components(_ANY_TENANT)
    written = str(part.element.compile(dialect=asyncpg.dialect(), compile_kwargs={"literal_binds": True}))
    return written.replace(f"'{_ANY_TENANT}'", ":tenant")


@lru_cache(maxsize=64)
def _ranked(collapse: str, rank_by: str, *, newest: bool, opened: bool) -> TextClause:
    """The first `:limit` paths of campaigns, collapsed row by row: there are almost as many paths as journeys."""
    parts = [f"conv AS MATERIALIZED ({sql.converted(in_ranges(0))})"]
    steps = sql.steps_of_converted("campaign")
    if opened:
        label = f"{sql.label_of_touch('campaign')} AS label"
        parts += [
            f"open AS MATERIALIZED ({sql.open_touches(components_sql(), label)})",
            f"open_journey AS ({sql.OPEN_JOURNEYS})",
        ]
        steps += f" UNION ALL {sql.STEPS_OF_OPEN}"
    parts += [
        f"step AS ({steps})",
        f"kept AS ({sql.kept(collapse, newest=newest)})",
        f"path AS ({sql.PATHS})",
        f"counted AS ({sql.COUNTED_PATHS})",
        """
      line AS (
        SELECT path, coalesce(sum(journeys) FILTER (WHERE won), 0)::bigint AS conversions,
               coalesce(sum(journeys) FILTER (WHERE NOT won), 0)::bigint AS unconverted,
               coalesce(sum(value) FILTER (WHERE won AND currency = :currency), 0)::bigint AS own_value,
               jsonb_object_agg(currency, value) FILTER (WHERE won) AS values
        FROM counted GROUP BY path
      )""",
    ]
    return text(f"""WITH {", ".join(parts)}
      SELECT path, conversions, unconverted, values, count(*) OVER () AS paths,
             (sum(conversions) OVER ())::bigint AS all_conversions,
             (sum(unconverted) OVER ())::bigint AS all_unconverted
      FROM line ORDER BY {_RANKS[rank_by]}, conversions DESC, unconverted DESC, path COLLATE "C" LIMIT :limit""")


_HASHED = text(sql.HASHED)
_ANY_TENANT = "any tenant"
_RANKS = {
    "journeys": "conversions + unconverted DESC",
    "conversions": "conversions DESC",
    "value": "own_value DESC",
    "conversion_rate": "conversions::float8 / (conversions + unconverted) DESC",
}


def in_ranges(count: int) -> str:
    """A condition on `c`: the whole period, or a number of ranges of instants."""
    ranges = [("start", "end")] if not count else [(f"from_{n}", f"to_{n}") for n in range(count)]
    return "(" + " OR ".join(f"c.occurred_at >= :{low} AND c.occurred_at < :{high}" for low, high in ranges) + ")"


class Ranked(msgspec.Struct, frozen=True, kw_only=True):
    """The first paths by some figure, and what all come to."""

    lines: list[PathCounts]
    paths: int
    conversions: int
    unconverted: int


async def ranked_paths(
    session: AsyncSession, question: PathQuestion, by: str, limit: int
) -> tuple[Ranked, Distribution]:
    """The `limit` first paths, and how long all are and take, from touches."""
    if question.level != "campaign":
        rows = await whole_paths(session, question)
        spread = Distribution()
        for row in rows:
            if row.won:
                spread.add(len(row.path), row.bucket, row.journeys, row.seconds)
        return first_of(merged(rows, question.transform), by, question.currency, limit), spread
    statement = _ranked(question.collapse, by, newest=question.newest is not None, opened=question.open)
    values = {**question.values(), "currency": question.currency, "limit": limit, "newest": question.newest}
    await session.execute(_HASHED)
    found = (await session.execute(statement, values)).all()
    first = found[0] if found else None
    ranked = Ranked(
        lines=[PathCounts(tuple(row[0]), row[1], row[2], dict(row[3] or {})) for row in found],
        paths=first.paths if first else 0,
        conversions=first.all_conversions if first else 0,
        unconverted=first.all_unconverted if first else 0,
    )
    return ranked, await distribution(session, question)


def first_of(lines: Sequence[PathCounts], by: str, currency: str, limit: int) -> Ranked:
    """The first lines, and what all come to."""
    return Ranked(
        lines=rank(lines, by, currency)[:limit],
        paths=len(lines),
        conversions=sum(each.conversions for each in lines),
        unconverted=sum(each.unconverted for each in lines),
    )


async def whole_paths(session: AsyncSession, question: PathQuestion, days: Sequence[date] = ()) -> Sequence[Any]:
    """Whole paths of the period, or of some local days of it: path, won, currency, bucket, journeys, value, seconds."""
    ranges = ranges_of(days, question.zone)
    await session.execute(_HASHED)
    statement = _whole(question.level, len(ranges) // 2, opened=question.open)
    return (await session.execute(statement, {**question.values(), **ranges})).all()


def ranges_of(days: Sequence[date], zone: str) -> dict[str, datetime]:
    """`from_0`, `to_0`, `from_1`, …: the instants that bound the days; days in a row are one range."""
    found: dict[str, datetime] = {}
    runs: list[list[date]] = []
    for day in sorted(days):
        if runs and day - runs[-1][-1] == timedelta(days=1):
            runs[-1].append(day)
        else:
            runs.append([day])
    for n, run in enumerate(runs):
        found[f"from_{n}"], found[f"to_{n}"] = day_range(run[0], run[-1], zone)
    return found


@lru_cache(maxsize=64)
def _whole(level: str, ranges: int, *, opened: bool) -> TextClause:
    return text(sql.whole(level, in_ranges(ranges), components_sql() if opened else None))


async def distribution(session: AsyncSession, question: PathQuestion) -> Distribution:
    """Lengths and times of the period's conversions, from touches."""
    found = Distribution()
    for row in await session.execute(_DISTRIBUTION, question.values()):
        found.add(row.n, row.bucket, row.journeys, row.seconds)
    return found


_DISTRIBUTION = text(f"WITH conv AS MATERIALIZED ({sql.converted(in_ranges(0))}) {sql.DISTRIBUTION}")


def rank(lines: Sequence[PathCounts], by: str, currency: str) -> list[PathCounts]:
    """Ordered as `ranked_paths` orders them."""

    def key(line: PathCounts) -> Any:
        figure = {
            "journeys": line.journeys,
            "conversions": line.conversions,
            "value": line.values.get(currency, 0),
            "conversion_rate": line.conversions / line.journeys,
        }[by]
        return (-figure, -line.conversions, -line.unconverted, line.path)

    return sorted(lines, key=key)
