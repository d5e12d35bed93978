"""Path summary: paths of whole days, counted once and read in milliseconds; `paths` says the same from touches.

Converted journeys are counted by the day of the conversion, and a day anew when a conversion's credit changes: a day
that waits for it is read from touches. Journeys without a conversion are counted by a job, every hour as far back as
what happens now can reach, and whole every night; an answer says as of when.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from functools import lru_cache
from typing import Any

import msgspec
from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution import Rules
from adplanning_plugin.journeys import path_sql as sql
from adplanning_plugin.journeys.paths import (
    Distribution,
    PathCounts,
    PathQuestion,
    components_sql,
    in_ranges,
    merged,
    ranges_of,
    whole_paths,
)
from adplanning_plugin.kernel.days import day_of, day_range

# ruff: noqa: S608 - numbers and words of our own are pasted; every value is a parameter.
LEVELS = ("channel", "platform")
TYPES = ("purchase", "lead_form_submission")
WINDOWS = (7, 14, 28, 30)
"""Counted beside the default window of the rules."""
READER = "journeys.open_paths"
MOST_STALE = 31
"""Days that are read from touches beside the counted ones; where more wait, all are."""
_KEY = "encode(sha256(convert_to(array_to_string(k.path, E'\\x1f'), 'UTF8')), 'hex')"
_COLUMNS = """tenant_id, window_days, level, conversion_type, day, is_converted, currency, path_key, path, journeys,
  value, seconds"""


class Counted(msgspec.Struct, frozen=True, kw_only=True):
    """Up to when journeys without a conversion are counted, and under what."""

    as_of: datetime
    rule_version: int
    zone: str
    windows: tuple[int, ...]


def windows_of(rules: Rules) -> tuple[int, ...]:
    """The windows that are counted under some rules."""
    return tuple(sorted({*WINDOWS, rules.default_window_days} & set(rules.windows)))


# --- reading ----------------------------------------------------------------------------------------------------------

_STATE = text("SELECT position FROM adplanning.watermark WHERE tenant_id = :tenant AND reader = :reader")
_STALE = text(
    """
    SELECT day FROM adplanning.journey_path_day
    WHERE tenant_id = :tenant AND day BETWEEN :first AND :last
      AND (is_stale OR rule_version <> :version OR zone <> :zone)
    ORDER BY day LIMIT :most
    """
)
_READ = text(
    """
    SELECT path, is_converted AS won, currency, sum(journeys)::bigint AS journeys, sum(value)::bigint AS value
    FROM adplanning.journey_path
    WHERE tenant_id = :tenant AND window_days = :window AND level = :level AND conversion_type = :type
      AND day BETWEEN :first AND :last AND (NOT is_converted OR day <> ALL(CAST(:stale AS date[])))
      AND (is_converted OR :open)
    GROUP BY path, is_converted, currency
    """
)
_READ_DISTRIBUTION = text(
    """
    SELECT level, path[1]::int AS bucket, sum(journeys)::bigint AS journeys, sum(seconds)::bigint AS seconds
    FROM adplanning.journey_path
    WHERE tenant_id = :tenant AND window_days = :window AND level IN ('length', 'hours') AND conversion_type = :type
      AND day BETWEEN :first AND :last AND day <> ALL(CAST(:stale AS date[]))
    GROUP BY level, path
    """
)


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """The days of a question that are counted."""

    first: date
    last: date
    stale: list[date]
    as_of: datetime


async def summary_for(session: AsyncSession, rules: Rules, question: PathQuestion) -> Summary | None:
    """What is counted of the question; None where it has to be read from touches."""
    first, last = day_of(question.start, question.zone), day_of(question.end - timedelta(microseconds=1), question.zone)
    whole_days = day_range(first, last, question.zone) == (question.start, question.end)
    known = question.level in LEVELS and question.conversion_type in TYPES
    if not (whole_days and known):
        return None
    state = (await session.execute(_STATE, {"tenant": question.tenant_id, "reader": READER})).scalar_one_or_none()
    if state is None:
        return None
    counted = msgspec.convert(state, Counted)
    if (counted.rule_version, counted.zone) != (rules.version, question.zone):
        return None
    if question.window_days not in counted.windows:
        return None
    values = {
        "tenant": question.tenant_id,
        "first": first,
        "last": last,
        "version": rules.version,
        "zone": question.zone,
        "most": MOST_STALE + 1,
    }
    stale = list((await session.execute(_STALE, values)).scalars())
    return None if len(stale) > MOST_STALE else Summary(first=first, last=last, stale=stale, as_of=counted.as_of)


async def summarised(
    session: AsyncSession, question: PathQuestion, summary: Summary
) -> tuple[list[PathCounts], Distribution]:
    """Every path of the question, written as it asks, and how long they are and take."""
    values = _of(question, summary)
    rows: list[Any] = [
        *(await session.execute(_READ, {**values, "level": question.level, "open": question.open})).all()
    ]
    spread = Distribution()
    for row in await session.execute(_READ_DISTRIBUTION, values):
        if row.level == "length":
            spread.add(row.bucket, None, row.journeys, None)
        else:
            spread.hours[row.bucket] = spread.hours.get(row.bucket, 0) + row.journeys
            spread.seconds += row.seconds
    if summary.stale:
        for row in await whole_paths(session, msgspec.structs.replace(question, open=False), summary.stale):
            rows.append(row)
            spread.add(len(row.path), row.bucket, row.journeys, row.seconds)
    return merged(rows, question.transform), spread


def _of(question: PathQuestion, summary: Summary) -> dict[str, Any]:
    return {
        "tenant": question.tenant_id,
        "window": question.window_days,
        "type": question.conversion_type,
        "first": summary.first,
        "last": summary.last,
        "stale": summary.stale,
    }


# --- counting ---------------------------------------------------------------------------------------------------------

_MARK = text(
    f"""
    INSERT INTO adplanning.journey_path_day (tenant_id, day)
    SELECT DISTINCT CAST(:tenant AS text), (c.occurred_at AT TIME ZONE :zone)::date FROM adplanning.conversion c
    WHERE c.tenant_id = :tenant AND c.id = ANY(CAST(:ids AS text[])) AND c.conversion_type = ANY(ARRAY{list(TYPES)})
    ORDER BY 2
    ON CONFLICT (tenant_id, day) DO UPDATE SET is_stale = true WHERE NOT journey_path_day.is_stale
    """
)
_ENSURE = text(
    f"""
    INSERT INTO adplanning.journey_path_day (tenant_id, day)
    SELECT CAST(:tenant AS text), day::date FROM generate_series(
      (SELECT min(c.occurred_at AT TIME ZONE :zone)::date FROM adplanning.conversion c
       WHERE c.tenant_id = :tenant AND c.conversion_type = ANY(ARRAY{list(TYPES)}) AND c.deleted_at IS NULL),
      CAST(:today AS date), interval '1 day') AS day
    ON CONFLICT DO NOTHING
    """
)
_OUTDATED = text(
    """
    UPDATE adplanning.journey_path_day SET is_stale = true
    WHERE tenant_id = :tenant AND NOT is_stale AND (:all OR rule_version <> :version OR zone <> :zone)
    """
)
_CLAIM = text(
    """
    SELECT day FROM adplanning.journey_path_day WHERE tenant_id = :tenant AND is_stale
    ORDER BY day DESC LIMIT :most FOR UPDATE
    """
)
_FORGET = text(
    """
    DELETE FROM adplanning.journey_path
    WHERE tenant_id = :tenant AND is_converted AND day = ANY(CAST(:days AS date[]))
    """
)
_FRESH = text(
    """
    UPDATE adplanning.journey_path_day
    SET is_stale = false, rule_version = :version, zone = :zone, counted_at = clock_timestamp()
    WHERE tenant_id = :tenant AND day = ANY(CAST(:days AS date[]))
    """
)
_FORGET_OPEN = text(
    """
    DELETE FROM adplanning.journey_path
    WHERE tenant_id = :tenant AND NOT is_converted AND (day >= :since OR window_days <> ALL(CAST(:windows AS int[])))
      AND (window_days = :window OR window_days <> ALL(CAST(:windows AS int[])))
    """
)
_SAVE = text(
    """
    INSERT INTO adplanning.watermark (tenant_id, reader, position) VALUES (:tenant, :reader, CAST(:position AS jsonb))
    ON CONFLICT (tenant_id, reader) DO UPDATE SET position = excluded.position, updated_at = now()
    """
)


async def mark_days(session: AsyncSession, tenant_id: str, zone: str, conversion_ids: Sequence[str]) -> None:
    """The days of these conversions are to be counted anew."""
    await session.execute(_MARK, {"tenant": tenant_id, "zone": zone, "ids": list(conversion_ids)})


async def prepare(session: AsyncSession, tenant_id: str, rules: Rules, zone: str, today: date, *, anew: bool) -> None:
    """Every day from the first conversion to today is known; those counted under other rules are to be counted anew."""
    values = {"tenant": tenant_id, "zone": zone, "today": today, "version": rules.version, "all": anew}
    await session.execute(_ENSURE, values)
    await session.execute(_OUTDATED, values)


async def count_days(session: AsyncSession, tenant_id: str, rules: Rules, zone: str, most: int = MOST_STALE) -> int:
    """Count up to `most` days anew; returns how many. A change meanwhile waits for the days' lock, and marks them."""
    days = list((await session.execute(_CLAIM, {"tenant": tenant_id, "most": most})).scalars())
    if not days:
        return 0
    await session.execute(_FORGET, {"tenant": tenant_id, "days": days})
    ranges = ranges_of(days, zone)
    values: dict[str, Any] = {"tenant": tenant_id, "zone": zone, "types": list(TYPES), **ranges}
    for window in windows_of(rules):
        await session.execute(_count_converted(len(ranges) // 2), {**values, "window": window})
    await session.execute(_FRESH, {"tenant": tenant_id, "days": days, "version": rules.version, "zone": zone})
    return len(days)


async def count_open(
    session: AsyncSession, tenant_id: str, rules: Rules, zone: str, now: datetime, *, anew: bool
) -> None:
    """Count journeys without a conversion: all, or those that what happens now can have changed.

    A touch of now prolongs a journey of a window ago at most; a conversion of now takes the touches of a window away,
    and what then ends may have ended a window before those.
    """
    windows = windows_of(rules)
    await session.execute(text(sql.HASHED))
    for window in windows:
        back = timedelta(days=2 * window + 2)
        first = _EPOCH if anew or window == 0 else day_of(now - back, zone)
        values = {
            "tenant": tenant_id,
            "zone": zone,
            "window": window,
            "windows": list(windows),
            "since": first,
            "start": day_range(first, first, zone)[0],
            "end": now + timedelta(days=1),
        }
        await session.execute(_FORGET_OPEN, values)
        for kind in TYPES:
            await session.execute(_count_open(), {**values, "type": kind})
    counted = Counted(as_of=now, rule_version=rules.version, zone=zone, windows=windows)
    saved = {"tenant": tenant_id, "reader": READER, "position": msgspec.json.encode(counted).decode()}
    await session.execute(_SAVE, saved)


_EPOCH = date(1990, 1, 1)


@lru_cache(maxsize=MOST_STALE)
def _count_converted(ranges: int) -> TextClause:
    conversions = sql.converted(in_ranges(ranges), types="c.conversion_type = ANY(CAST(:types AS text[]))")
    order = 'x.position, x.touched_at, x.touch_id COLLATE "C"'
    return text(
        f"""
        WITH conv AS MATERIALIZED ({conversions}),
        path AS (
          SELECT x.conversion_id AS id, array_agg(x.channel ORDER BY {order}) AS channels,
                 array_agg(x.platform ORDER BY {order}) AS platforms, count(*) AS n, min(x.touched_at) AS first_at
          FROM conv JOIN adplanning.credit x ON x.tenant_id = :tenant AND x.conversion_id = conv.id
            AND x.window_days = :window AND x.touch_id <> '' AND {sql.IN_FORCE}
          GROUP BY x.conversion_id
        ), journey AS (
          SELECT c.*, (c.occurred_at AT TIME ZONE :zone)::date AS day, p.channels, p.platforms, coalesce(p.n, 0) AS n,
                 floor(extract(epoch FROM c.occurred_at - p.first_at))::bigint AS seconds
          FROM conv c LEFT JOIN path p USING (id)
        )
        INSERT INTO adplanning.journey_path ({_COLUMNS})
        SELECT CAST(:tenant AS text), CAST(:window AS smallint), k.level, j.conversion_type, j.day, true, j.currency,
               {_KEY}, k.path, count(*), sum(j.net)::bigint, coalesce(sum(j.seconds), 0)::bigint
        FROM journey j CROSS JOIN LATERAL (VALUES
          ('channel', coalesce(j.channels, '{{}}')), ('platform', coalesce(j.platforms, '{{}}')),
          ('length', ARRAY[j.n::text]),
          ('hours', ARRAY[width_bucket(j.seconds / 3600.0, ARRAY{list(sql.HOURS)}::numeric[])::text])
        ) k (level, path)
        WHERE k.level <> 'hours' OR j.seconds IS NOT NULL
        GROUP BY k.level, j.conversion_type, j.day, j.currency, k.path
        """
    )


@lru_cache(maxsize=1)
def _count_open() -> TextClause:
    return text(
        f"""
        WITH open AS MATERIALIZED ({sql.open_touches(components_sql(), "t.channel, t.platform")}),
        open_journey AS ({sql.OPEN_JOURNEYS}),
        journey AS (
          SELECT (max(at) AT TIME ZONE :zone)::date AS day, array_agg(channel ORDER BY at, tie) AS channels,
                 array_agg(platform ORDER BY at, tie) AS platforms,
                 floor(extract(epoch FROM max(at) - min(at)))::bigint AS seconds
          FROM open_journey GROUP BY subject, ended
        )
        INSERT INTO adplanning.journey_path ({_COLUMNS})
        SELECT CAST(:tenant AS text), CAST(:window AS smallint), k.level, CAST(:type AS text), j.day, false, '',
               {_KEY}, k.path, count(*), 0, sum(j.seconds)::bigint
        FROM journey j CROSS JOIN LATERAL (VALUES ('channel', j.channels), ('platform', j.platforms)) k (level, path)
        GROUP BY k.level, j.day, k.path
        """
    )
