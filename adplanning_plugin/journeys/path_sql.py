"""Path SQL: the touches of journeys, with and without a conversion, put in order and counted. Text of statements alone.

A journey with a conversion is the touches in the window before it, as credit has them. A journey without one is the
touches of a person (or of a visitor whom nothing strong names) that no counted conversion follows within the window:
it ends with a touch after which the window passes without another, and reaches back by the window.
"""

from __future__ import annotations

from adplanning_plugin.attribution import ACTIVE_VERSION
from adplanning_plugin.tracking import COUNTED

LEVELS = ("channel", "platform", "source", "campaign")
HOURS = (1, 24, 72, 168, 336, 720, 2160)
"""Upper bounds, in hours, of all but the last bucket of the time to conversion."""
_STATUSES = ", ".join(f"'{status}'" for status in COUNTED)
_NO_VISIT = "'renewal', 'offline'"
"""Sales channels whose orders no visit earned: they end no journey."""
_COUNTED = f"""c.tenant_id = :tenant AND c.deleted_at IS NULL AND c.status IN ({_STATUSES})
    AND coalesce(c.sales_channel, 'online') NOT IN ({_NO_VISIT})"""
IN_FORCE = f"x.rule_version = {ACTIVE_VERSION}"
"""Of credit `x`: the rows that reports read."""
_LABELS = {
    "channel": "x.channel",
    "platform": "x.platform",
    "source": "t.source",
    "campaign": "coalesce(x.ad_campaign_id, t.campaign, '(none)')",
}
_TOUCH = "JOIN adplanning.touchpoint t ON t.tenant_id = :tenant AND t.id = x.touch_id"
_ORDER = "place, at, tie"
_NEWEST_FIRST = "place DESC, at DESC, tie DESC"

HASHED = "SELECT set_config('enable_mergejoin', 'off', true)"
"""For the rest of the transaction: the planner would sort all ids by the rules of a language to merge them, which takes
longer than all the rest; they are hashed, or looked up one by one where there are few."""
# ruff: noqa: S608 - names of columns, numbers and words of our own are pasted; every value is a parameter.


def converted(condition: str, *, types: str = "c.conversion_type = :type") -> str:
    """Counted conversions that fulfil a condition on `c`."""
    return f"""
  SELECT c.id, c.occurred_at, c.conversion_type, c.value - c.refunded AS net, c.currency
  FROM adplanning.conversion c
  WHERE {_COUNTED} AND {types} AND {condition}"""


def steps_of_converted(level: str) -> str:
    """The touches in the window before each of `conv`."""
    return f"""
  SELECT x.conversion_id COLLATE "C" AS owner, true AS won, {_LABELS[level]} AS label, x.position AS place,
         x.touched_at AS at, x.touch_id COLLATE "C" AS tie
  FROM conv JOIN adplanning.credit x ON x.tenant_id = :tenant AND x.conversion_id = conv.id
    AND x.window_days = :window AND x.touch_id <> '' AND {IN_FORCE}
  {_TOUCH if level in {"source", "campaign"} else ""}"""


_USED = f"""
      SELECT 1 FROM adplanning.credit x JOIN adplanning.conversion c ON c.id = x.conversion_id
      WHERE x.tenant_id = :tenant AND x.touch_id = t.id AND x.window_days = :window AND {IN_FORCE}
        AND {_COUNTED}
        AND c.conversion_type = :type"""


def open_touches(components: str, columns: str, used: str = _USED) -> str:
    """Touches that no counted conversion of the type follows within the window, by subject.

    Args:
        components: a select of node (a visitor) and component_id (its subject).
        columns: of the touch `t`, which become those of the steps.
        used: a select that finds a row where such a conversion has `t`.
    """
    return f"""
  SELECT t.id COLLATE "C" AS tie, t.occurred_at AS at, {columns},
         coalesce('person:' || t.person_id, m.component_id, 'visitor:' || t.visitor_id) COLLATE "C" AS subject
  FROM adplanning.touchpoint t LEFT JOIN ({components}) m ON m.node = t.visitor_id
  WHERE t.tenant_id = :tenant
    AND (:window = 0 OR (t.occurred_at >= CAST(:start AS timestamptz) - make_interval(days => :window)
                         AND t.occurred_at < CAST(:end AS timestamptz) + make_interval(days => :window)))
    AND NOT EXISTS ({used})"""


OPEN_JOURNEYS = """
  SELECT * FROM (
    SELECT *, min(at) FILTER (WHERE later IS NULL OR (:window > 0 AND later - at > make_interval(days => :window)))
                OVER (PARTITION BY subject ORDER BY at DESC, tie DESC ROWS UNBOUNDED PRECEDING) AS ended
    FROM (SELECT *, lag(at) OVER (PARTITION BY subject ORDER BY at DESC, tie DESC) AS later FROM open) o
  ) told
  WHERE ended >= :start AND ended < :end AND (:window = 0 OR at >= ended - make_interval(days => :window))"""
"""`open` cut into journeys, each known by its subject and the time of its last touch: newest first, the earliest end so
far is a touch's own. Those that ended in the period, without what the window does not reach."""


_NEAR = """(:window = 0 OR (c.occurred_at >= CAST(:start AS timestamptz) - make_interval(days => :window)
    AND c.occurred_at < CAST(:end AS timestamptz) + 2 * make_interval(days => :window)))"""
"""Conversions that may have a touch of `open_touches`."""


def label_of_touch(level: str) -> str:
    """What a step is called, of the touch itself."""
    return _LABELS[level].replace("x.", "t.")


STEPS_OF_OPEN = """
  SELECT subject || ' ' || ended AS owner, false AS won, label, 0 AS place, at, tie FROM open_journey"""


def kept(collapse: str, *, newest: bool) -> str:
    """What a collapse rule (see `stats.paths`) leaves of `step`, and then the `:newest` last steps of that."""
    each = "PARTITION BY won, owner, label"
    rule = {
        "unique": "SELECT *, label AS shown FROM step",
        "exposure": f"""SELECT *, label AS shown FROM (
      SELECT *, lag(label) OVER (PARTITION BY won, owner ORDER BY {_ORDER}) AS before FROM step) s
    WHERE before IS DISTINCT FROM label""",
        "first": f"""SELECT *, label AS shown FROM (
      SELECT *, row_number() OVER ({each} ORDER BY {_ORDER}) AS nth FROM step) s WHERE nth = 1""",
        "frequency": f"""SELECT *, label || '(' || times || ')' AS shown FROM (
      SELECT *, row_number() OVER ({each} ORDER BY {_ORDER}) AS nth, count(*) OVER ({each}) AS times FROM step) s
    WHERE nth = 1""",
        "recency": f"""SELECT *, label AS shown FROM (
      SELECT *, row_number() OVER ({each} ORDER BY {_NEWEST_FIRST}) AS nth FROM step) s WHERE nth = 1""",
    }[collapse]
    if not newest:
        return rule
    return f"""SELECT * FROM (
    SELECT *, row_number() OVER (PARTITION BY won, owner ORDER BY {_NEWEST_FIRST}) AS from_end FROM ({rule}) r) n
  WHERE from_end <= :newest"""


PATHS = f"""
  SELECT won, owner, array_agg(shown ORDER BY {_ORDER}) AS path, min(at) AS first_at, max(at) AS last_at
  FROM kept GROUP BY won, owner"""

COUNTED_PATHS = """
  SELECT path, won, currency, count(*) AS journeys, sum(net)::bigint AS value FROM (
    SELECT coalesce(p.path, '{}') AS path, true AS won, c.currency, c.net
    FROM conv c LEFT JOIN path p ON p.won AND p.owner = c.id
    UNION ALL
    SELECT p.path, false, '', 0 FROM path p WHERE NOT p.won
  ) j GROUP BY path, won, currency"""
"""Distinct paths of `path`, and of the conversions that had no touch."""

_AGES = f"""floor(extract(epoch FROM c.occurred_at - p.first_at))::bigint AS seconds,
       width_bucket(extract(epoch FROM c.occurred_at - p.first_at) / 3600, ARRAY{list(HOURS)}::numeric[]) AS bucket"""

DISTRIBUTION = f"""
  SELECT n, bucket, count(*) AS journeys, sum(seconds)::bigint AS seconds
  FROM (
    SELECT coalesce(p.n, 0) AS n, {_AGES}
    FROM conv c LEFT JOIN (
      SELECT x.conversion_id, count(*) AS n, min(x.touched_at) AS first_at
      FROM conv JOIN adplanning.credit x ON x.tenant_id = :tenant AND x.conversion_id = conv.id
        AND x.window_days = :window AND x.touch_id <> '' AND {IN_FORCE}
      GROUP BY x.conversion_id
    ) p ON p.conversion_id = c.id
  ) j GROUP BY n, bucket"""
"""How many touches the conversions of `conv` had, and how long after the first one they came."""


def whole(level: str, condition: str, components: str | None = None) -> str:
    """Distinct whole paths; credit is read once for all.

    Args:
        condition: on the conversion `c`. Their paths come with the bucket of the time that they took.
        components: as `open_touches` has it, where journeys without a conversion are wanted too.
    """
    parts = [
        f"""conv AS MATERIALIZED (
  SELECT (row_number() OVER ())::int AS nr, v.* FROM ({converted(condition if components is None else _NEAR)}) v)""",
        f"""hit AS MATERIALIZED (
  SELECT conv.nr, {_LABELS[level]} AS label, x.position, x.touched_at, x.touch_id
  FROM conv JOIN adplanning.credit x ON x.tenant_id = :tenant AND x.conversion_id = conv.id
    AND x.window_days = :window AND x.touch_id <> '' AND {IN_FORCE}
  {_TOUCH if level in {"source", "campaign"} else ""})""",
        """path AS (
  SELECT nr, array_agg(label ORDER BY position, touched_at, touch_id COLLATE "C") AS path,
         min(touched_at) AS first_at
  FROM hit GROUP BY nr)""",
    ]
    rows = f"""
SELECT path, true AS won, currency, bucket, count(*) AS journeys, sum(net)::bigint AS value,
       sum(seconds)::bigint AS seconds
FROM (SELECT coalesce(p.path, '{{}}') AS path, c.currency, c.net, {_AGES}
      FROM conv c LEFT JOIN path p USING (nr) WHERE {condition}) j
GROUP BY path, currency, bucket"""
    if components is not None:
        label = f"{label_of_touch(level)} AS label"
        used = "SELECT 1 FROM hit WHERE hit.touch_id = t.id"
        parts += [
            f"open AS MATERIALIZED ({open_touches(components, label, used)})",
            f"open_journey AS ({OPEN_JOURNEYS})",
            "open_path AS (SELECT array_agg(label ORDER BY at, tie) AS path FROM open_journey GROUP BY subject, ended)",
        ]
        rows += """
UNION ALL
SELECT path, false, '', NULL, count(*), 0, NULL FROM open_path GROUP BY path"""
    return f"WITH {', '.join(parts)}{rows}"
