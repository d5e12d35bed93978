"""The statement that computes credit: conversions in, a row for each conversion, window and touch out. It runs nothing.

A window's touches are the newest m of the lifetime's, so touches are ranked and summed once, newest first, and each
window only names its m. Windows that end at the same touch share one computation. Conversions are numbered within the
statement, since numbers sort faster than ids, and ids are compared by byte, so that a tie is the same on every server.
"""

from __future__ import annotations

from functools import lru_cache

# Direct rule: eligible touches, whether this one is, its 1-based place among them from the oldest, whether all are.
_ELIGIBLE = {
    "include": ("n", "true", "n - r + 1", "true"),
    "exclude": ("nd", "NOT is_direct", "nd - nd_r + 1", "false"),
    "exclude_unless_all": (
        "CASE WHEN nd > 0 THEN nd ELSE n END",
        "(NOT is_direct OR nd = 0)",
        "CASE WHEN nd > 0 THEN nd - nd_r + 1 ELSE n - r + 1 END",
        "nd = 0",
    ),
}

_HIT = """d.conv, d.occurred_at AS converted_at, t.id AS touch_id, t.occurred_at AS at, t.is_direct, t.channel,
         t.platform, t.ad_campaign_id, t.ad_set_id, t.ad_id"""
# Shares of the first, the last and each middle touch among k eligible ones.
_FIRST, _LAST = "CAST(:first AS float8)", "CAST(:last AS float8)"
_ENDS = f"""
      CASE WHEN k = 1 THEN 1 WHEN k > 2 THEN {_FIRST}
           WHEN {_FIRST} + {_LAST} > 0 THEN {_FIRST} / ({_FIRST} + {_LAST}) ELSE 0.5 END AS head,
      CASE WHEN k = 1 THEN 1 WHEN k > 2 THEN {_LAST}
           WHEN {_FIRST} + {_LAST} > 0 THEN {_LAST} / ({_FIRST} + {_LAST}) ELSE 0.5 END AS tail,
      CASE WHEN k > 2 THEN (1 - {_FIRST} - {_LAST}) / (k - 2) ELSE 0 END AS mid"""
_BEFORE = "t.tenant_id = :tenant AND t.occurred_at <= d.occurred_at"


@lru_cache(maxsize=64)
def credit_insert(
    *,
    conversion: str,
    order_visit: str,
    edge: str,
    denylist: str,
    windows: tuple[int, ...],
    direct: str,
    refunds: bool,
) -> str:
    """The INSERT for one batch of conversions.

    Args:
        conversion, order_visit, edge, denylist: qualified table names of the lower domains.
        windows: days, 0 is lifetime.
        direct: a key of the direct rule.
        refunds: whether any conversion of the batch has been refunded (the split of refunds costs a second ranking).
    Parameters of the statement: tenant, ids, version, half_life (hours), first, last (shares).
    """
    k, elig, place, everyone = _ELIGIBLE[direct]
    counts = ", ".join("count(*)" if days == 0 else f"count(*) FILTER (WHERE age < {days * 24})" for days in windows)
    zero = ", ".join("0::bigint" for _ in windows)
    listed = ", ".join(str(days) for days in windows)
    money = [_Split("value", "v")] + ([_Split("refunded", "f")] if refunds else [])
    return f"""
WITH due AS MATERIALIZED (
  SELECT id, (row_number() OVER ())::int AS conv, occurred_at, value, refunded, currency, lead_id,
         CASE WHEN tracked THEN visitor_id END AS visitor_id, CASE WHEN tracked THEN session_id END AS session_id,
         CASE WHEN tracked THEN person_id END AS person_id,
         CASE WHEN tracked AND lead_id IS NULL THEN 'person:' || person_id END AS by_person,
         CASE WHEN tracked AND lead_id IS NULL THEN identifier END AS by_identifier
  FROM (
    SELECT *, (SELECT v.consent FROM {order_visit} v WHERE v.tenant_id = :tenant AND v.order_id = c.order_id)
              IS DISTINCT FROM 'denied' AS tracked
    FROM {conversion} c WHERE tenant_id = :tenant AND id = ANY(CAST(:ids AS text[])) AND deleted_at IS NULL
  ) c
), named AS (
  SELECT conv, by_person AS identifier FROM due WHERE by_person IS NOT NULL
  UNION SELECT conv, by_identifier FROM due WHERE by_identifier IS NOT NULL
  UNION SELECT d.conv, mine.identifier FROM due d
    JOIN {edge} mine ON mine.tenant_id = :tenant AND mine.visitor_id = d.visitor_id AND mine.strength = 2
    WHERE d.by_person IS NULL AND d.by_identifier IS NULL
), reach AS MATERIALIZED (
  SELECT conv, visitor_id FROM due WHERE visitor_id IS NOT NULL
  UNION SELECT i.conv, e.visitor_id FROM named i
    JOIN {edge} e ON e.tenant_id = :tenant AND e.identifier = i.identifier AND e.strength = 2
    WHERE NOT EXISTS (SELECT 1 FROM {denylist} x WHERE x.tenant_id = :tenant AND x.identifier = i.identifier)
), hits AS (
  SELECT {_HIT}
  FROM due d JOIN reach r USING (conv) JOIN adplanning.touchpoint t ON t.visitor_id = r.visitor_id AND {_BEFORE}
  UNION ALL
  SELECT {_HIT}
  FROM due d JOIN adplanning.touchpoint t ON t.session_id = d.session_id AND {_BEFORE}
  WHERE NOT EXISTS (SELECT 1 FROM reach r WHERE r.conv = d.conv AND r.visitor_id = t.visitor_id)
  UNION ALL
  SELECT {_HIT}
  FROM due d JOIN adplanning.touchpoint t ON t.person_id = d.person_id AND {_BEFORE}
  WHERE d.lead_id IS NULL AND (d.session_id IS NULL OR t.session_id IS DISTINCT FROM d.session_id)
    AND NOT EXISTS (SELECT 1 FROM reach r WHERE r.conv = d.conv AND r.visitor_id = t.visitor_id)
), aged AS (
  SELECT *, row_number() OVER newest AS r, count(*) FILTER (WHERE NOT is_direct) OVER newest AS nd_r,
         age - first_value(age) OVER newest AS since_last,
         age - min(age) FILTER (WHERE NOT is_direct) OVER whole AS since_named
  FROM (SELECT *, extract(epoch FROM converted_at - at)::float8 / 3600 AS age FROM hits) h
  WINDOW newest AS (PARTITION BY conv ORDER BY at DESC, touch_id COLLATE "C" DESC ROWS UNBOUNDED PRECEDING),
         whole AS (PARTITION BY conv)
), ranked AS MATERIALIZED (
  SELECT *, sum(fade) OVER newest AS fades, sum(named_fade) OVER newest AS named_fades
  FROM (SELECT *, power(2::float8, greatest(-since_last / CAST(:half_life AS float8), -1000)) AS fade,
               CASE WHEN is_direct THEN 0
                    ELSE power(2::float8, greatest(-since_named / CAST(:half_life AS float8), -1000)) END AS named_fade
        FROM aged) a
  WINDOW newest AS (PARTITION BY conv ORDER BY at DESC, touch_id COLLATE "C" DESC ROWS UNBOUNDED PRECEDING)
), spans AS MATERIALIZED (
  SELECT d.id, d.conv, s.days, s.m, d.occurred_at, d.value, d.refunded, d.currency
  FROM due d
  LEFT JOIN (SELECT conv, ARRAY[{counts}] AS counts FROM ranked GROUP BY conv) c USING (conv)
  CROSS JOIN LATERAL unnest(ARRAY[{listed}], coalesce(c.counts, ARRAY[{zero}])) AS s(days, m)
), reached AS (
  SELECT s.conv, s.m AS n, s.value, s.refunded, e.nd_r AS nd, e.fades, e.named_fades
  FROM (SELECT DISTINCT conv, m, value, refunded FROM spans WHERE m > 0) s
  JOIN ranked e ON e.conv = s.conv AND e.r = s.m
), ends AS MATERIALIZED (
  SELECT *, {", ".join(part.ends for part in money)}
  FROM (SELECT *, {", ".join(part.left for part in money)}
        FROM (SELECT *, {", ".join(part.floors for part in money)}
              FROM (SELECT *, {_ENDS} FROM (SELECT *, {k} AS k, {everyone} AS everyone FROM reached) c) p) f) l
), shares AS (
  SELECT *, CASE WHEN elig THEN 1 / k::float8 ELSE 0 END AS li,
         CASE WHEN NOT elig THEN 0 WHEN k = 1 THEN 1
              WHEN everyone THEN fade / fades ELSE named_fade / named_fades END AS td,
         CASE WHEN NOT elig THEN 0 WHEN place = 1 THEN head WHEN place = k THEN tail ELSE mid END AS pb
  FROM (
    SELECT *, {elig} AS elig, {place} AS place
    FROM (
      SELECT t.touch_id, t.at, t.channel, t.platform, t.ad_campaign_id, t.ad_set_id, t.ad_id, t.is_direct,
             t.r, t.nd_r, t.fade, t.named_fade, e.*
      FROM ranked t JOIN ends e ON e.conv = t.conv AND t.r <= e.n
    ) touches
  ) chosen
), counted AS (
  SELECT *, {", ".join(part.decay for part in money)} FROM shares
), ordered AS (
  SELECT *, {", ".join(part.ranks for part in money)} FROM counted
), paid AS (
  SELECT conv, n, r, touch_id, at, channel, platform, ad_campaign_id, ad_set_id, ad_id,
         ARRAY[(r = 1)::int, (r = n)::int, li, td, pb, (NOT is_direct AND nd_r = 1)::int]::float8[] AS weights,
         {money[0].amounts} AS amounts,
         {money[1].amounts if refunds else "ARRAY[0, 0, 0, 0, 0, 0]::bigint[]"} AS refunds
  FROM ordered
)
INSERT INTO adplanning.credit (tenant_id, conversion_id, window_days, touch_id, position, touches, touched_at,
  occurred_at, channel, platform, ad_campaign_id, ad_set_id, ad_id, weights, amounts, refunds, currency, rule_version)
SELECT CAST(:tenant AS text), s.id, s.days, p.touch_id, least(p.n - p.r + 1, 32767), least(p.n, 32767), p.at,
       s.occurred_at, p.channel, p.platform, p.ad_campaign_id, p.ad_set_id, p.ad_id, p.weights, p.amounts, p.refunds,
       s.currency, CAST(:version AS bigint)
FROM spans s JOIN paid p ON p.conv = s.conv AND p.n = s.m
UNION ALL
SELECT CAST(:tenant AS text), s.id, s.days, '', 0, least(s.m, 32767), NULL, s.occurred_at,
       NULL, NULL, NULL, NULL, NULL, l.weights,
       ARRAY(SELECT CASE WHEN x = 1 THEN s.value ELSE 0 END
             FROM unnest(l.weights) WITH ORDINALITY AS u(x, i) ORDER BY i),
       ARRAY(SELECT CASE WHEN x = 1 THEN s.refunded ELSE 0 END
             FROM unnest(l.weights) WITH ORDINALITY AS u(x, i) ORDER BY i),
       s.currency, CAST(:version AS bigint)
FROM spans s LEFT JOIN ends e ON e.conv = s.conv AND e.n = s.m
CROSS JOIN LATERAL (SELECT {_lost(direct)} AS weights) l
WHERE s.m = 0 OR e.nd = 0
"""  # noqa: S608 - table names and numbers of our own; every value is a parameter


class _Split:
    """Largest remainder of one sum of money over every model, as fragments of SQL for the statement's steps.

    Models with one winner need no remainder; linear's remainders are equal, so the earliest take what is left; position
    based has three kinds of touch, whose order is plain comparison, once a window; time decay alone must be ranked.
    Remainders are compared to nine decimals, so that equal shares tie, and a tie goes to the earlier touch.
    """

    def __init__(self, total: str, tag: str) -> None:
        h, m, t, d = f"{tag}_head", f"{tag}_mid", f"{tag}_tail", f"{tag}_td"
        over, each = f"{tag}_over", f"{tag}_each"
        self.floors = ", ".join(
            _floor(f"({total} * {share})", name) for share, name in (("head", h), ("mid", m), ("tail", t))
        )
        # In numeric: where the ends get nothing, rounding lifts the sum of the middle ones past int64.
        left = f"({total} - {h} - {t} - (k - 2) * {m}::numeric)"
        self.left = (
            f"CASE WHEN k < 2 THEN 0 ELSE ({left} % k + k) % k END::bigint AS {over}, "
            f"CASE WHEN k < 2 THEN 0 ELSE ({left} - ({left} % k + k) % k) / k END::bigint AS {each}"
        )
        first = f"1 + CASE WHEN {m}_rest > {h}_rest THEN k - 2 ELSE 0 END + ({t}_rest > {h}_rest)::int"
        last = f"1 + ({h}_rest >= {t}_rest)::int + CASE WHEN {m}_rest >= {t}_rest THEN k - 2 ELSE 0 END"
        self.ends = (
            f"CASE WHEN k < 2 THEN {total} ELSE {h} + {each} + ({first} <= {over})::int END AS {tag}_first, "
            f"{t} + {each} + ({last} <= {over})::int AS {tag}_last, {m} + {each} AS {tag}_middle, "
            f"{over} + 1 - ({h}_rest >= {m}_rest)::int - ({t}_rest > {m}_rest)::int AS {tag}_extra"
        )
        self.decay = _floor(f"({total} * td)", d)
        same = "PARTITION BY conv, n"
        self.ranks = (
            f"row_number() OVER ({same} ORDER BY elig DESC, {d}_rest DESC, place) AS {d}_rank, "
            f"({total} - sum(CASE WHEN elig THEN {d} ELSE 0 END) OVER ({same}))::bigint AS {d}_left"
        )
        self.amounts = f"""ARRAY[
           CASE WHEN r = 1 THEN {total} ELSE 0 END,
           CASE WHEN r = n THEN {total} ELSE 0 END,
           CASE WHEN elig THEN {total} / k + (place <= {total} % k)::int ELSE 0 END,
           CASE WHEN NOT elig THEN 0 WHEN k = 1 THEN {total} ELSE {d} + {_more(f"{d}_left", f"{d}_rank")} END,
           CASE WHEN NOT elig THEN 0 WHEN place = 1 THEN {tag}_first WHEN place = k THEN {tag}_last
                ELSE {tag}_middle + (place <= {tag}_extra)::int END,
           CASE WHEN NOT is_direct AND nd_r = 1 THEN {total} ELSE 0 END]::bigint[]"""


def _floor(quota: str, name: str) -> str:
    """The whole part, kept inside int64, and the rest in billionths."""
    return f"least(floor({quota}), 9.2e18)::bigint AS {name}, round(({quota} - floor({quota})) * 1e9) AS {name}_rest"


def _more(left: str, rank: str) -> str:
    """What a touch of that rank gets of `left` (which only rounding beyond 2^53 takes out of 0…k)."""
    over = f"((({left}) % k + k) % k)"
    return f"((({left}) - {over}) / k + ({rank} <= {over})::int)"


def _lost(direct: str) -> str:
    """Which models leave the conversion unattributed: all without touches, else those that take no direct ones."""
    rules = "1, 1, 1" if direct == "exclude" else "0, 0, 0"
    return f"CASE WHEN s.m = 0 THEN ARRAY[1, 1, 1, 1, 1, 1] ELSE ARRAY[0, 0, {rules}, 1] END::float8[]"
