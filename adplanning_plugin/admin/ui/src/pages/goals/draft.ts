// A goal while it is being written: rows of conditions as one types them, and the body that the API takes. Pure.
import type { Conditions, Custom, Goal } from "./answers"
import { marksLedger, plainOperator, plainType } from "./words"

export const SINGLE = ["event_name", "pathname_pattern", "min_seconds", "min_scroll", "min_value"] as const
export type Kind = (typeof SINGLE)[number] | "custom"

export interface Row {
  id: number
  kind: Kind
  value: string
  /** Of a custom one. */
  field: string
  operator: string
  /** The property's own name, where the field is one. */
  property: string
  /** As it was stored: a number stays a number where its text was not touched. */
  stored?: unknown
}

export interface Draft {
  name: string
  description: string
  goal_type: string
  rows: Row[]
  default_value: string
  currency: string
  value_from_event: boolean
  priority: string
  is_active: boolean
}

let last = 0
export const newRow = (kind: Kind, given: Partial<Row> = {}): Row => ({ id: ++last, kind, value: "", field: "utm_source", operator: "eq", property: "", ...given })

const textOf = (value: unknown) => (value === undefined || value === null ? "" : Array.isArray(value) ? value.join(", ") : String(value))

export function draftOf(goal: Goal | undefined, currency: string): Draft {
  const given: Conditions = goal?.conditions ?? {}
  const rows = SINGLE.filter((kind) => given[kind] !== undefined && given[kind] !== null).map((kind) => newRow(kind, { value: textOf(given[kind]) }))
  const custom = (given.custom ?? []).map((each) => {
    const property = each.field.startsWith("properties.") ? each.field.slice("properties.".length) : ""
    return newRow("custom", { field: property ? "properties.<name>" : each.field, property, operator: plainOperator(each.operator), value: textOf(each.value), stored: each.value })
  })
  return {
    name: goal?.name ?? "",
    description: goal?.description ?? "",
    goal_type: goal ? plainType(goal.goal_type) : "page_view",
    rows: [...rows, ...custom],
    default_value: goal?.default_value ?? "",
    currency: goal?.currency ?? currency,
    value_from_event: goal?.value_from_event ?? false,
    priority: String(goal?.priority ?? 0),
    is_active: goal?.is_active ?? true,
  }
}

export const takesValue = (row: Row) => row.operator !== "exists" && row.operator !== "not_exists"

/** What is missing in a row, if anything. */
export function missing(row: Row): string | null {
  if (row.kind !== "custom") return row.value.trim() === "" ? "Fill this in, or take the condition away." : null
  if (row.field === "properties.<name>" && !/^[A-Za-z0-9_\-$]+(\.[A-Za-z0-9_\-$]+){0,3}$/.test(row.property)) return "Name the property: letters, digits, _ and - (a.b for one inside another)."
  return takesValue(row) && row.value.trim() === "" ? "Give a value, or take the condition away." : null
}

const NUMERIC = new Set(["gt", "gte", "lt", "lte"])

function customOf(row: Row): Custom {
  const field = row.field === "properties.<name>" ? `properties.${row.property}` : row.field
  if (!takesValue(row)) return { field, operator: row.operator }
  const text = row.value.trim()
  if (row.stored !== undefined && textOf(row.stored) === text) return { field, operator: row.operator, value: row.stored }
  if (row.operator === "in" || row.operator === "not_in") return { field, operator: row.operator, value: text.split(",").map((each) => each.trim()).filter(Boolean) }
  const number = NUMERIC.has(row.operator) && /^-?\d+(\.\d+)?$/.test(text)
  return { field, operator: row.operator, value: number ? Number(text) : text }
}

/** The rows that are complete, as conditions; and which row each custom one came from. */
export function conditionsOf(rows: Row[]): { conditions: Conditions; places: number[] } {
  const whole = rows.filter((row) => missing(row) === null)
  const conditions: Record<string, unknown> = {}
  for (const row of whole) if (row.kind !== "custom") conditions[row.kind] = row.value.trim()
  const custom = whole.filter((row) => row.kind === "custom")
  if (custom.length > 0) conditions.custom = custom.map(customOf)
  return { conditions: conditions as Conditions, places: custom.map((row) => row.id) }
}

export function bodyOf(draft: Draft) {
  const value = draft.default_value.trim()
  return {
    name: draft.name.trim(),
    description: draft.description.trim() || null,
    goal_type: draft.goal_type,
    conditions: conditionsOf(draft.rows).conditions as Record<string, unknown>,
    default_value: value || null,
    currency: draft.currency.trim().toUpperCase() || null,
    value_from_event: draft.value_from_event,
    priority: Number(draft.priority) || 0,
    is_active: draft.is_active,
  }
}

/** Which conditions a type can have: orders have no pages. */
export function kindsFor(type: string): Kind[] {
  return plainType(type) === "purchase" ? ["min_value", "custom"] : [...SINGLE, "custom"]
}

export const asksLedger = (draft: Draft) => marksLedger(draft.goal_type, conditionsOf(draft.rows).conditions)

/** The server's errors by the row that they belong to; what belongs to none stays under its own name. */
export function errorsByRow(errors: { field: string; message: string }[], rows: Row[]): { rows: Map<number, string>; rest: Record<string, string> } {
  const places = conditionsOf(rows).places
  const found = new Map<number, string>()
  const rest: Record<string, string> = {}
  for (const { field, message } of errors) {
    const sentence = message.replaceAll(field, "This")
    const custom = /^conditions\.custom\[(\d+)\]/.exec(field)
    const single = /^conditions\.(\w+)$/.exec(field)
    const row = custom ? places[Number(custom[1])] : single ? rows.find((each) => each.kind === single[1])?.id : undefined
    if (row !== undefined) found.set(row, custom ? message.replace(/^conditions\.custom\[\d+\]\.?\w*/, "This") : sentence)
    else rest[field] = sentence
  }
  return { rows: found, rest }
}
