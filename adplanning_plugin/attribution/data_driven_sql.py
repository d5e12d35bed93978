"""Parts of the credit statement that share conversions by a fit's effects; all empty for a store without a fit.

A touch weighs its channel's effect, divided by how often the channel is on the path; direct touches weigh nothing. The
weights are scaled to 1. Money is split by largest remainder, a tie going to the earlier touch, as for the other models.
Where no touch of a path has an effect above 0, the conversion is unattributed.
"""

from __future__ import annotations

from typing import NamedTuple

from adplanning_plugin.stats.credit import MODELS

# Beyond 2^53 a float may round a share up: there the quotas start a little lower.
_TOTAL = "CASE WHEN total > 4503599627370496 / n THEN total * (1 - (n + 2) * 5e-16::float8) ELSE total END"
_ALL_LOST = ",".join("0" for _ in MODELS) + ",1"


class Parts(NamedTuple):
    """What stands at each place of the statement, a comma before it."""

    effect: str = ""
    """Of each touch, ≥ 0."""
    most: str = ""
    """The largest effect up to a touch, from the newest."""
    carried: str = ""
    times: str = ""
    raw: str = ""
    share: str = ""
    quota: str = ""
    part: str = ""
    rank: str = ""
    weight: str = ""
    amount: str = ""
    nothing: str = ""
    """The entry of a model that gives a touch nothing."""
    everything: str = ""
    """The entry of a model by which a conversion is unattributed."""
    lost: str = "nd = 0"
    """Ends at which some model finds nobody to credit."""
    lost_weights: str = "'{{{lost}}}'::bigint[]"
    """By which models, where `lost` is the list of those that need a touch which is not direct."""


WITHOUT = Parts()


def parts(level: str) -> Parts:
    """The parts for a fit of channels or platforms (a column of touches).

    Parameters of the statement: effect_keys (text[]), effects (float8[], ≥ 0).
    """
    found = f"(CAST(:effects AS float8[]))[array_position(CAST(:effect_keys AS text[]), {level})]"
    return Parts(
        effect=f", CASE WHEN is_direct THEN 0 ELSE coalesce({found}, 0) END AS effect",
        most=", max(effect) OVER newest AS most_effect",
        carried=", most_effect",
        times=f", t.effect, count(*) OVER (PARTITION BY e.ending, t.is_direct, t.{level}) AS times",
        raw=", effect / times AS raw",
        share=", coalesce(raw / nullif(sum(raw) OVER (PARTITION BY ending ORDER BY r"
        " ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING), 0), 0) AS dd",
        quota=f", {_TOTAL} * dd AS dd_quota",
        part=""", least(floor(dd_quota), 9.2e18)::bigint AS dd_part,
               CASE WHEN dd > 0 THEN round((dd_quota - floor(dd_quota)) * 1e9) ELSE -1 END AS dd_rest""",
        rank=""", row_number() OVER (PARTITION BY ending ORDER BY dd_rest DESC, r DESC) AS dd_rank,
         count(*) FILTER (WHERE dd > 0) OVER (PARTITION BY ending) AS dd_k,
         (total - sum(dd_part) OVER (PARTITION BY ending))::bigint AS dd_over""",
        weight=", dd",
        amount=""",
               CASE WHEN dd > 0 THEN dd_part + dd_over / dd_k + (dd_rank <= dd_over % dd_k)::int ELSE 0 END""",
        nothing=",0",
        everything=",1",
        lost="nd = 0 OR most_effect <= 0",
        lost_weights=f"(CASE WHEN nd = 0 THEN '{{{{{{lost}},1}}}}' ELSE '{{{{{_ALL_LOST}}}}}' END)::bigint[]",
    )
