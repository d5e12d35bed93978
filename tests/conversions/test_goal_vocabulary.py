"""Vocabulary of goals: whatever it offers, a goal takes; and the events that were seen are named."""

from datetime import timedelta
from typing import Any

from sqlalchemy import insert

from adplanning_plugin.kernel.days import now
from adplanning_plugin.tracking.models import Event

VALUES = {"text": "x", "number": 3, "money": "4.50", "property": "x"}


async def test_every_field_takes_every_operator_that_is_offered_for_it(admin: Any) -> None:
    found = (await admin.get("/goals/vocabulary")).json()
    assert {each["goal_type"] for each in found["goal_types"]} >= {"purchase", "scroll_depth", "custom"}
    takes_value = {each["operator"]: each["takes_value"] for each in found["operators"]}
    tried = 0
    for goal_type, fields in (("custom", found["fields"]["events"]), ("purchase", found["fields"]["orders"])):
        custom: list[dict[str, Any]] = []
        for field in fields:
            for operator in field["operators"]:
                value = 3 if operator in ("gt", "gte", "lt", "lte") else VALUES[field["kind"]]
                given = {"value": [value] if operator in ("in", "not_in") else value} if takes_value[operator] else {}
                custom.append({"field": field["field"].replace("<name>", "plan"), "operator": operator, **given})
        for first in range(0, len(custom), 20):
            body = {"name": "g", "goal_type": goal_type, "conditions": {"custom": custom[first : first + 20]}}
            answer = await admin.post("/goals/preview", json=body)
            assert answer.status_code == 200, answer.text
        tried += len(custom)
    assert tried > 100


async def test_the_names_of_tracked_events_are_offered_once_each(admin: Any, runtime: Any) -> None:
    rows = [
        {"tenant_id": tenant, "id": f"e{number}", "name": name, "occurred_at": now() - timedelta(hours=number),
         "received_at": now(), "consent": 1}
        for number, (tenant, name) in enumerate(
            [("main", "signup"), ("main", "page_view"), ("main", "signup"), ("second", "theirs")]
        )
    ]  # fmt: skip
    for row in rows:
        async with runtime.database.transaction(row["tenant_id"]) as session:
            await session.execute(insert(Event), [row])
    names = (await admin.get("/goals/vocabulary")).json()["event_names"]
    assert {"signup", "page_view"} <= set(names)
    assert len(names) == len(set(names))
    assert "theirs" not in names
