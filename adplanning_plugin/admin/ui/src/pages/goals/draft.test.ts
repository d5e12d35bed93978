import { expect, it } from "vitest"
import type { Goal } from "./answers"
import { bodyOf, conditionsOf, draftOf, errorsByRow, missing, newRow } from "./draft"

const GOAL = {
  id: "g", name: "Plan", description: null, goal_type: "event", conversion_type: "custom", default_value: "10.00", currency: "EUR",
  value_from_event: true, priority: 3, is_active: false, hits: 0, hit_value: "0.00", last_hit_at: null, version: 2,
  conditions: { event_name: "signup", min_value: 5, custom: [{ field: "properties.plan", operator: "==", value: 7 }, { field: "referrer", operator: "exists" }] },
} satisfies Goal

it("what was stored is sent back as it was", () => {
  const body = bodyOf(draftOf(GOAL, "INR"))
  expect(body).toEqual({
    name: "Plan", description: null, goal_type: "custom", default_value: "10.00", currency: "EUR", value_from_event: true, priority: 3, is_active: false,
    conditions: { event_name: "signup", min_value: "5", custom: [{ field: "properties.plan", operator: "eq", value: 7 }, { field: "referrer", operator: "exists" }] },
  })
})

it("rows that are not complete are left out, and say what they lack", () => {
  const rows = [newRow("min_seconds"), newRow("custom", { field: "properties.<name>", property: "", value: "x" }), newRow("custom", { operator: "in", value: "a, b," })]
  expect(rows.map(missing).map(Boolean)).toEqual([true, true, false])
  expect(conditionsOf(rows).conditions).toEqual({ custom: [{ field: "utm_source", operator: "in", value: ["a", "b"] }] })
})

it("an error finds its row, also where rows before it are not complete", () => {
  const rows = [newRow("custom"), newRow("custom", { field: "value", operator: "gt", value: "much" }), newRow("min_scroll", { value: "200" })]
  const { rows: found, rest } = errorsByRow(
    [
      { field: "conditions.custom[0].value", message: "conditions.custom[0].value must be a decimal number such as 500 or 49.90." },
      { field: "conditions.min_scroll", message: "conditions.min_scroll must be a number from 0 to 100." },
      { field: "conditions", message: "A custom goal without conditions would count every event." },
    ],
    rows,
  )
  expect(found.get(rows[1]!.id)).toBe("This must be a decimal number such as 500 or 49.90.")
  expect(found.get(rows[2]!.id)).toBe("This must be a number from 0 to 100.")
  expect(Object.keys(rest)).toEqual(["conditions"])
})
