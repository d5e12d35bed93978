"""The statement that computes credit: conversions in, a row for each conversion, window and touch out. It runs nothing.

A window's touches are the newest n of the lifetime's, so touches are ranked and summed once, newest first, and each
window only names its n. Windows that end at the same touch share one computation (an *end*). Conversions, ends and
touches are numbered within the statement, since numbers sort and join faster than ids; what is wide joins last. Ids are
compared by byte, so that a tie is the same on every server.

One plan serves every batch: tables are looked up by key, row by row, and the ids come as one text, of which the planner
expects 1,000 rows; of an array in a prepared statement it would expect 10, and nest loops over all touches.
"""

from __future__ import annotations

from adplanning_plugin.attribution.data_driven_sql import WITHOUT, parts

# Direct rule: eligible touches k, whether this one is, its 1-based place among them from the oldest, whether all are.
_ELIGIBLE = {
    "include": ("n", "true", "n - r + 1", "true"),
    "exclude": ("greatest(nd, 1)", "NOT is_direct", "nd - nd_r + 1", "false"),
    "exclude_unless_all": (
        "CASE WHEN nd > 0 THEN nd ELSE n END",
        "(NOT is_direct OR nd = 0)",
        "CASE WHEN nd > 0 THEN nd - nd_r + 1 ELSE n - r + 1 END",
        "nd = 0",
    ),
}
_FIRST, _LAST, _HALF_LIFE = (f"CAST(:{name} AS float8)" for name in ("first", "last", "half_life"))
COLUMNS = """tenant_id, conversion_id, window_days, touch_id, position, touches, touched_at, occurred_at, channel,
  platform, ad_campaign_id, ad_set_id, ad_id, weights, amounts, refunds, currency, rule_version"""
_INTO = f"INSERT INTO adplanning.credit ({COLUMNS})"
_NEWEST = 'PARTITION BY conv ORDER BY at DESC, touch_id COLLATE "C" DESC ROWS UNBOUNDED PRECEDING'


def credit_insert(
    *,
    conversion: str,
    order_visit: str,
    component: str,
    windows: tuple[int, ...],
    direct: str,
    level: str | None = None,
    beside: bool = False,
    stored: bool = True,
) -> str:
    """The INSERT for one batch of conversions.

    Args:
        conversion, order_visit, component: qualified table names of the lower domains.
        windows: days, 0 is lifetime.
        direct: a key of the direct rule.
        beside: whether the rule version reads some touches otherwise than they are.
        stored: false leaves the INSERT away: the statement answers with the rows, named as the table's columns.
        level: the column whose values have effects, where the rules have a fit; a seventh model shares by them.
    Parameters of the statement: tenant, ids (one a line), version, half_life (hours), first, last (shares); with a
    level effect_keys and effects too.
    """
    fit = WITHOUT if level is None else parts(level)
    k, elig, place, everyone = _ELIGIBLE[direct]
    ordered = sorted(windows, key=lambda days: days or float("inf"))
    days, most = f"'{{{','.join(map(str, ordered))}}}'::int[]", len(ordered)
    hours = f"'{{{','.join(str(each * 24) for each in ordered if each)}}}'::float8[]"
    return f"""
{touches_of_conversions(conversion=conversion, order_visit=order_visit, component=component, beside=beside)}, aged AS (
  SELECT *, (row_number() OVER newest)::int AS r, (count(*) FILTER (WHERE NOT is_direct) OVER newest)::int AS nd_r,
         age - first_value(age) OVER newest AS since_last,
         age - min(age) FILTER (WHERE NOT is_direct) OVER newest AS since_named,
         coalesce(lead(outside) OVER newest, {most}) AS older_outside{fit.effect}
  FROM (
    SELECT *, width_bucket(age, {hours}) AS outside  -- of how many windows it lies outside
    FROM (SELECT *, extract(epoch FROM converted_at - at)::float8 / 3600 AS age FROM hits OFFSET 0) h
  ) h
  WINDOW newest AS ({_NEWEST})
), ranked AS MATERIALIZED (
  SELECT *, (row_number() OVER ())::int AS touch, sum(fade) OVER newest AS fades,
         sum(named_fade) OVER newest AS named_fades{fit.most}
  FROM (SELECT *, power(2::float8, greatest(-since_last / {_HALF_LIFE}, -1000)) AS fade,
               CASE WHEN is_direct THEN 0
                    ELSE power(2::float8, greatest(-since_named / {_HALF_LIFE}, -1000)) END AS named_fade
        FROM aged) a
  WINDOW newest AS ({_NEWEST})
), reached AS MATERIALIZED (
  SELECT (row_number() OVER ())::int AS number, e.*, {k} AS k, d.value, d.refunded
  FROM (SELECT conv, r AS n, nd_r AS nd, fades, named_fades, outside, older_outside{fit.carried} FROM ranked
        WHERE outside < older_outside) e
  JOIN due d USING (conv)
), ends AS MATERIALIZED (
{_ends()}
), shares AS (
  SELECT *, total_in_floats * td AS quota{fit.share}
  FROM (
    SELECT *, CASE WHEN NOT elig THEN 0 WHEN k = 1 THEN 1
                   WHEN {everyone} THEN fade / fades ELSE named_fade / named_fades END AS td{fit.raw}
    FROM (
      SELECT e.*, t.touch, t.r, t.nd_r, t.is_direct, t.fade, t.named_fade, {elig} AS elig, {place} AS place{fit.times}
      FROM ranked t JOIN ends e ON e.conv = t.conv AND t.r <= e.n
    ) chosen
    OFFSET 0
  ) weighed
), parted AS (
  SELECT *, row_number() OVER (PARTITION BY ending ORDER BY rest DESC, place) AS rank,
         (total - sum(part) OVER (PARTITION BY ending))::bigint AS over{fit.rank}
  FROM (SELECT *, least(floor(quota), 9.2e18)::bigint AS part,
               CASE WHEN elig THEN round((quota - floor(quota)) * 1e9) ELSE -1 END AS rest{fit.part}
        FROM (SELECT *{fit.quota} FROM shares) s) p
), paid AS MATERIALIZED (
  SELECT ending, conv, touch, n, r, outside, older_outside,
         ARRAY[(r = 1)::int, (r = n)::int, CASE WHEN elig THEN 1 / k::float8 ELSE 0 END, td,
               CASE WHEN NOT elig THEN 0 WHEN place = 1 THEN head WHEN place = k THEN tail ELSE mid END,
               (NOT is_direct AND nd_r = 1)::int{fit.weight}]::float8[] AS weights,
         ARRAY[CASE WHEN r = 1 THEN total ELSE 0 END,
               CASE WHEN r = n THEN total ELSE 0 END,
               CASE WHEN elig THEN total / k + (place <= total % k)::int ELSE 0 END,
               CASE WHEN NOT elig THEN 0 ELSE part + over / k + (rank <= over % k)::int END,
               CASE WHEN NOT elig THEN 0 WHEN place = 1 THEN of_first WHEN place = k THEN of_last
                    ELSE of_middle + (place <= last_extra)::int END,
               CASE WHEN NOT is_direct AND nd_r = 1 THEN total ELSE 0 END{fit.amount}]::bigint[] AS amounts
  FROM parted
)
{_INTO if stored else ""}
SELECT CAST(:tenant AS text), d.id, unnest(({days})[p.outside + 1 : p.older_outside]), t.touch_id,
       least(p.n - p.r + 1, 32767), least(p.n, 32767), t.at, d.occurred_at, t.channel, t.platform, t.ad_campaign_id,
       t.ad_set_id, t.ad_id, p.weights, p.amounts, coalesce(f.amounts, '{{0,0,0,0,0,0{fit.nothing}}}'), d.currency,
       CAST(:version AS bigint)
FROM paid p
JOIN ranked t ON t.touch = p.touch
JOIN due d ON d.conv = p.conv
LEFT JOIN (SELECT -ending AS ending, touch, amounts FROM paid WHERE ending < 0) f
  ON f.ending = p.ending AND f.touch = p.touch
WHERE p.ending > 0
UNION ALL
SELECT CAST(:tenant AS text), d.id, unnest(({days})[l.outside + 1 : l.older_outside]), '', 0, least(l.n, 32767), NULL,
       d.occurred_at, NULL, NULL, NULL, NULL, NULL, l.weights::float8[],
       ARRAY(SELECT w * d.value FROM unnest(l.weights) WITH ORDINALITY AS u(w, i) ORDER BY i),
       ARRAY(SELECT w * d.refunded FROM unnest(l.weights) WITH ORDINALITY AS u(w, i) ORDER BY i),
       d.currency, CAST(:version AS bigint)
FROM (
  SELECT d.conv, 0 AS n, 0 AS outside, coalesce(t.outside, {most}) AS older_outside,
         '{{1,1,1,1,1,1{fit.everything}}}'::bigint[] AS weights
  FROM due d LEFT JOIN (SELECT conv, outside FROM ranked WHERE r = 1) t USING (conv)
  UNION ALL
  SELECT conv, n, outside, older_outside, {fit.lost_weights.format(lost=_lost(direct))} FROM reached WHERE {fit.lost}
) l JOIN due d USING (conv)
WHERE l.outside < l.older_outside
"""  # noqa: S608 - table names and numbers of our own; every value is a parameter


def touches_of_conversions(*, conversion: str, order_visit: str, component: str, beside: bool = False) -> str:
    """The beginning of a statement: which touches a conversion has, whatever the window.

    Common tables: `due` (the conversions, numbered by `conv`), `named` (the identifiers that they are known by),
    `reach` (conv, visitor_id: whose touches they have) and `hits` (conv, converted_at and the touch).
    Parameters of the statement: tenant, ids (one a line); `beside`, as `credit_insert` has it: version.
    """
    return f"""
WITH due AS MATERIALIZED (
  SELECT id, (row_number() OVER ())::int AS conv, occurred_at, value, refunded, currency, lead_id,
         CASE WHEN tracked THEN visitor_id END AS visitor_id, CASE WHEN tracked THEN session_id END AS session_id,
         CASE WHEN tracked THEN person_id END AS person_id,
         CASE WHEN tracked AND lead_id IS NULL THEN 'person:' || person_id END AS by_person,
         CASE WHEN tracked AND lead_id IS NULL THEN identifier END AS by_identifier
  FROM (
    SELECT c.*, (SELECT v.consent FROM {order_visit} v WHERE v.tenant_id = :tenant AND v.order_id = c.order_id)
                IS DISTINCT FROM 'denied' AS tracked
    FROM string_to_table(CAST(:ids AS text), chr(10)) AS given (id)
    {_each("*", conversion, "x.id = given.id AND x.deleted_at IS NULL", "c")}
  ) c
), named AS (
  SELECT d.conv, d.occurred_at, c.component_id FROM due d {
        _each("component_id", component, "x.node = d.by_person AND NOT x.is_visitor", "c")
    }
  UNION SELECT d.conv, d.occurred_at, c.component_id FROM due d {
        _each("component_id", component, "x.node = d.by_identifier AND NOT x.is_visitor", "c")
    }
    WHERE d.by_person IS NULL OR c.component_id = d.by_person OR NOT starts_with(c.component_id, 'person:')
  UNION SELECT d.conv, d.occurred_at, c.component_id FROM due d {
        _each("component_id", component, "x.node = d.visitor_id AND x.is_visitor", "c")
    }
    WHERE d.by_person IS NULL AND d.by_identifier IS NULL
), reach AS MATERIALIZED (
  SELECT conv, occurred_at, visitor_id FROM due WHERE visitor_id IS NOT NULL
  UNION SELECT n.conv, n.occurred_at, m.node FROM named n {
        _each("node", component, "x.component_id = n.component_id AND x.is_visitor", "m")
    }
), {"seen AS MATERIALIZED" if beside else "hits AS"} (
  SELECT r.conv, r.occurred_at AS converted_at, t.* FROM reach r {_touches("x.visitor_id = r.visitor_id", "r", beside)}
  UNION ALL
  SELECT d.conv, d.occurred_at, t.* FROM due d {_touches("x.session_id = d.session_id", "d", beside)}
  WHERE d.session_id IS NOT NULL
    AND NOT EXISTS (SELECT 1 FROM reach r WHERE r.conv = d.conv AND r.visitor_id = t.visitor_id)
  UNION ALL
  SELECT d.conv, d.occurred_at, t.* FROM due d {_touches("x.person_id = d.person_id", "d", beside)}
  WHERE d.person_id IS NOT NULL AND d.lead_id IS NULL
    AND (d.session_id IS NULL OR t.session_id IS DISTINCT FROM d.session_id)
    AND NOT EXISTS (SELECT 1 FROM reach r WHERE r.conv = d.conv AND r.visitor_id = t.visitor_id)
){_read_beside() if beside else ""}"""  # noqa: S608 - table names of our own; every value is a parameter


def _each(columns: str, table: str, condition: str, name: str) -> str:
    """Looked up by key for each row (OFFSET 0 keeps it so): a batch is small, and the tables are not."""
    where = f"x.tenant_id = :tenant AND {condition}"
    return f"CROSS JOIN LATERAL (SELECT {columns} FROM {table} x WHERE {where} OFFSET 0) {name}"  # noqa: S608


_TOUCH = ("visitor_id", "session_id", "at", "is_direct", "channel", "platform", "ad_campaign_id", "ad_set_id", "ad_id")


def _touches(condition: str, conversion: str, beside: bool) -> str:
    """Touches up to the conversion, but those of excluded hosts; which these are is left open where it is beside."""
    columns = """x.id AS touch_id, x.visitor_id, x.session_id, x.occurred_at AS at, x.is_direct, x.channel, x.platform,
      x.ad_campaign_id, x.ad_set_id, x.ad_id"""
    if beside:
        columns += ", x.is_excluded"
    counts = "" if beside else " AND NOT x.is_excluded"
    where = f"{condition} AND x.occurred_at <= {conversion}.occurred_at{counts}"
    return _each(columns, "adplanning.touchpoint", where, "t")


def _read_beside() -> str:
    """The touches as the rule version reads them.

    Joined to all of a batch's touches at once: what is beside them comes and goes, and before the next ANALYZE the
    planner takes it for nothing, and would read the whole of it for each touch.
    """
    read = ("is_direct", "channel", "platform")
    columns = ", ".join(f"coalesce(k.{name}, s.{name}) AS {name}" if name in read else f"s.{name}" for name in _TOUCH)
    return f""", hits AS (
  SELECT s.conv, s.converted_at, s.touch_id, {columns}
  FROM seen s LEFT JOIN adplanning.touchpoint_class k
    ON k.tenant_id = :tenant AND k.rule_version = :version AND k.touch_id = s.touch_id
  WHERE NOT coalesce(k.is_excluded, s.is_excluded)
)"""  # noqa: S608


def _ends() -> str:
    """What an end's sums of money come to, before they are shared: a row for the value, and one for a refund.

    Largest remainder: linear's remainders are equal, so the earliest take what is left; position based has three kinds
    of touch, whose order is plain comparison; time decay alone must be ranked. Remainders are compared to nine
    decimals, so that equal shares tie, and a tie goes to the earlier touch. Each floor is kept to what is left of the
    total, since beyond 2^53 a float may round a share up; there time decay's quotas start a little lower, likewise.
    """
    first = "1 + CASE WHEN m_rest > h_rest THEN k - 2 ELSE 0 END + (t_rest > h_rest)::int"
    last = "1 + (h_rest >= t_rest)::int + CASE WHEN m_rest >= t_rest THEN k - 2 ELSE 0 END"
    return f"""
  SELECT ending, conv, n, nd, k, fades, named_fades, outside, older_outside, total, head, tail, mid,
         CASE WHEN total > 4503599627370496 / k THEN total * (1 - (k + 2) * 5e-16::float8) ELSE total END
           AS total_in_floats,
         CASE WHEN k = 1 THEN total ELSE h + over / k + ({first} <= over % k)::int END AS of_first,
         t + over / k + ({last} <= over % k)::int AS of_last, m + over / k AS of_middle,
         over % k + 1 - (h_rest >= m_rest)::int - (t_rest > m_rest)::int AS last_extra
  FROM (
    SELECT *, total - h - t - (k - 2) * m AS over, round((head_quota - floor(head_quota)) * 1e9) AS h_rest,
           round((tail_quota - floor(tail_quota)) * 1e9) AS t_rest,
           round((mid_quota - floor(mid_quota)) * 1e9) AS m_rest
    FROM (
      SELECT *, CASE WHEN k > 2 THEN least({_floor("mid_quota")}, (total - h - t) / (k - 2)) ELSE 0 END AS m
      FROM (
        SELECT *, least({_floor("tail_quota")}, total - h) AS t
        FROM (
          SELECT *, least({_floor("head_quota")}, total) AS h
          FROM (
            SELECT *, total * head AS head_quota, total * tail AS tail_quota, total * mid AS mid_quota
            FROM (
              SELECT r.*, s.*,
                CASE WHEN k = 1 THEN 1 WHEN k > 2 THEN {_FIRST}
                     WHEN {_FIRST} + {_LAST} > 0 THEN {_FIRST} / ({_FIRST} + {_LAST}) ELSE 0.5 END AS head,
                CASE WHEN k = 1 THEN 1 WHEN k > 2 THEN {_LAST}
                     WHEN {_FIRST} + {_LAST} > 0 THEN {_LAST} / ({_FIRST} + {_LAST}) ELSE 0.5 END AS tail,
                CASE WHEN k > 2 THEN (1 - {_FIRST} - {_LAST}) / (k - 2) ELSE 0 END AS mid
              FROM reached r
              CROSS JOIN LATERAL (VALUES (number, value), (-number, nullif(refunded, 0))) s (ending, total)
              WHERE s.total IS NOT NULL
            ) shared
          ) quotas
        ) h OFFSET 0
      ) t OFFSET 0
    ) m OFFSET 0
  ) o
"""  # noqa: S608


def _floor(quota: str) -> str:
    """The whole part, kept inside int64."""
    return f"least(floor({quota}), 9.2e18)::bigint"


def _lost(direct: str) -> str:
    """Which models leave a conversion unattributed that has nothing but direct touches."""
    return "0,0,1,1,1,1" if direct == "exclude" else "0,0,0,0,0,1"
