"""Hook credit: appends other plugins' models to credit rows just computed. The built-in models are not its business."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import groupby
from typing import Any, NamedTuple, cast

import msgspec
from sqlalchemy import Row, Table, select, text
from sqlalchemy.ext.asyncio import AsyncSession

from adplanning_plugin.attribution.models import Credit
from adplanning_plugin.attribution.rules import Rules
from adplanning_plugin.hookspecs import AttributionModel
from adplanning_plugin.kernel.errors import ConfigurationError
from adplanning_plugin.kernel.money import split_largest_remainder

_credit = cast("Table", Credit.__table__)
_SUM_TOLERANCE = 1e-6

_ROWS = """
WITH given AS (
  SELECT conversion_id, window_days, touch_id, touches, occurred_at, currency, rule_version,
         ARRAY(SELECT jsonb_array_elements_text(weights)::float8) AS weights,
         ARRAY(SELECT jsonb_array_elements_text(amounts)::bigint) AS amounts,
         ARRAY(SELECT jsonb_array_elements_text(refunds)::bigint) AS refunds
  FROM jsonb_to_recordset(CAST(:rows AS jsonb)) AS r(conversion_id text, window_days smallint, touch_id text,
       touches smallint, occurred_at timestamptz, currency text, rule_version bigint, weights jsonb, amounts jsonb,
       refunds jsonb)
)
"""
_APPEND = text(
    _ROWS
    + """
UPDATE adplanning.credit c
SET weights = c.weights || g.weights, amounts = c.amounts || g.amounts, refunds = c.refunds || g.refunds
FROM given g
WHERE c.tenant_id = :tenant AND c.conversion_id = g.conversion_id AND c.window_days = g.window_days
  AND c.touch_id = g.touch_id AND c.rule_version = g.rule_version
"""
)
_ADD_UNATTRIBUTED = text(
    _ROWS
    + """
INSERT INTO adplanning.credit (tenant_id, conversion_id, window_days, touch_id, position, touches, occurred_at, weights,
  amounts, refunds, currency, rule_version)
SELECT :tenant, conversion_id, window_days, '', 0, touches, occurred_at,
       array_fill(0::float8, ARRAY[CAST(:built_in AS int)]), array_fill(0::bigint, ARRAY[CAST(:built_in AS int)]),
       array_fill(0::bigint, ARRAY[CAST(:built_in AS int)]), currency, rule_version
FROM given WHERE touch_id = ''
ON CONFLICT DO NOTHING
"""
)


async def append_models(
    session: AsyncSession, tenant_id: str, ids: Sequence[str], rules: Rules, installed: Sequence[AttributionModel]
) -> None:
    """Append the weights and money of each further model of the rules to their credit rows of the conversions.

    A model that is not installed any more gives nobody anything.

    Raises:
        ConfigurationError: a model whose weights do not fit; the sentence names the model and what is wrong.
    """
    statement = (
        select(_credit)
        .where(
            _credit.c.tenant_id == tenant_id,
            _credit.c.conversion_id.in_(ids),
            _credit.c.rule_version == rules.version,
        )
        .order_by(_credit.c.conversion_id, _credit.c.window_days, _credit.c.position)
    )
    rows = (await session.execute(statement)).all()
    models = [further_model(name, installed) for name in rules.models[rules.built_in :]]
    given: list[dict[str, Any]] = []
    for _, group in groupby(rows, key=lambda row: (row.conversion_id, row.window_days)):
        given.extend(_shares(list(group), models))
    if not given:
        return
    values = {"tenant": tenant_id, "rows": msgspec.json.encode(given).decode()}
    await session.execute(_ADD_UNATTRIBUTED, {**values, "built_in": rules.built_in})
    await session.execute(_APPEND, values)


class _Removed:
    """A model of an earlier version that no plugin brings any more."""

    def __init__(self, name: str) -> None:
        self.name = self.label = name

    def weights(self, ages_hours: Sequence[float], is_direct: Sequence[bool]) -> Sequence[float]:
        """Nothing for anybody: the conversion is unattributed."""
        del is_direct
        return [0.0] * len(ages_hours)


def _shares(rows: Sequence[Row[Any]], models: Sequence[AttributionModel]) -> list[dict[str, Any]]:
    """What to append to the rows of one conversion and window; the first entry is the unattributed row's."""
    first = rows[0]
    entries: list[dict[str, Any]] = [
        {
            "conversion_id": first.conversion_id,
            "window_days": first.window_days,
            "touch_id": touch_id,
            "touches": first.touches,
            "occurred_at": first.occurred_at,
            "currency": first.currency,
            "rule_version": first.rule_version,
            "weights": [],
            "amounts": [],
            "refunds": [],
        }
        for touch_id in ("", *(row.touch_id for row in rows if row.touch_id))
    ]
    is_needed = any(not row.touch_id for row in rows)
    for model in models:
        parts = shared(rows, model)
        is_needed = is_needed or parts[0].weight > 0
        for entry, part in zip(entries, parts, strict=True):
            entry["weights"].append(part.weight)
            entry["amounts"].append(part.amount)
            entry["refunds"].append(part.refund)
    return entries if is_needed else entries[1:]


class Part(NamedTuple):
    """What a model gives a touch: its weight, gross minor units, minor units given back."""

    weight: float
    amount: int
    refund: int


def shared(rows: Sequence[Any], model: AttributionModel) -> list[Part]:
    """How a model shares one conversion, of which these are the rows of credit in a window, oldest touch first.

    Returns:
        What is nobody's, then the part of each touch, in order.
    Raises:
        ConfigurationError: weights that do not fit; the sentence names the model and what is wrong.
    """
    touches = [row for row in rows if row.touch_id]
    ages = [(row.occurred_at - row.touched_at).total_seconds() / 3600 for row in touches]
    is_direct = [row.channel == "Direct" for row in touches]
    value, refunded = (sum(getattr(row, name)[0] for row in rows) for name in ("amounts", "refunds"))
    weights = _checked(model, model.weights(ages, is_direct) if touches else (), len(touches))
    spread = [0.0, *weights] if any(weights) else [1.0, *([0.0] * len(touches))]
    amounts, refunds = split_largest_remainder(value, spread), split_largest_remainder(refunded, spread)
    return [Part(*each) for each in zip(spread, amounts, refunds, strict=True)]


def further_model(name: str, installed: Sequence[AttributionModel]) -> AttributionModel:
    """The model of that name; one that gives nobody anything where no plugin brings it any more."""
    return next((model for model in installed if model.name == name), None) or _Removed(name)


def _checked(model: AttributionModel, weights: Sequence[float], touches: int) -> list[float]:
    found = [float(weight) for weight in weights]
    whole = sum(found)
    fits = len(found) == touches and all(math.isfinite(weight) and weight >= 0 for weight in found)
    if not fits or (whole != 0 and abs(whole - 1) > _SUM_TOLERANCE):
        message = (
            f"The attribution model {model.name!r} returned weights that cannot share a conversion: return one number "
            f"≥ 0 for each of the {touches} touches, summing to 1 (or all 0)."
        )
        raise ConfigurationError(message)
    return found
