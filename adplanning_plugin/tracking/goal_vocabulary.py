"""Vocabulary of goals over HTTP: what a condition builder may offer, from the lists that check conditions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from litestar import Controller, get
from litestar.di import NamedDependency
from sqlalchemy import text

from adplanning_plugin.kernel.http import AdminCall
from adplanning_plugin.tracking.goal_conditions import (
    EVENT_FIELDS,
    GOAL_TYPES,
    LEDGER_FIELDS,
    OPERATORS,
    FieldKind,
    is_ledger,
    operators_of,
)

MOST_NAMES = 200
# Jumps from name to name through the index, however many events each has.
_NAMES = text(
    """
    WITH RECURSIVE names AS (
      (SELECT name FROM adplanning.event WHERE tenant_id = :tenant ORDER BY name LIMIT 1)
      UNION ALL
      SELECT (SELECT e.name FROM adplanning.event e WHERE e.tenant_id = :tenant AND e.name > n.name
              ORDER BY e.name LIMIT 1)
      FROM names n WHERE n.name IS NOT NULL
    )
    SELECT name FROM names WHERE name IS NOT NULL LIMIT :most
    """
)


class GoalVocabularyController(Controller):
    """What a goal may ask for."""

    path = "/goals/vocabulary"
    tags = ("goals",)

    @get("/", operation_id="getGoalVocabulary", summary="Types, fields, operators and event names for goals")
    async def vocabulary(self, call: NamedDependency[AdminCall]) -> dict[str, Any]:
        """Fields of tracked events, and of orders and leads; `<name>` stands for a property's own."""
        async with call.reading() as session:
            rows = await session.execute(_NAMES, {"tenant": call.tenant_id, "most": MOST_NAMES})
            names = list(rows.scalars())
        return {
            "goal_types": [
                {"goal_type": name, "looks_at": "orders or leads" if is_ledger(name, {}) else "events"}
                for name in dict.fromkeys(GOAL_TYPES.values())
            ],
            "fields": {
                "events": _fields({**EVENT_FIELDS, "properties.<name>": "property"}),
                "orders": _fields(LEDGER_FIELDS),
            },
            "operators": [
                {"operator": name, "takes_value": name not in ("exists", "not_exists")}
                for name in dict.fromkeys(OPERATORS.values())
            ],
            "event_names": names,
        }


def _fields(known: Mapping[str, FieldKind]) -> list[dict[str, Any]]:
    return [{"field": name, "kind": kind, "operators": operators_of(kind)} for name, kind in known.items()]
