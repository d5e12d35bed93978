// A goal in words: what it looks at, and each of its conditions as a piece of a sentence. Pure.
import { words } from "@/format/format"
import type { Conditions, Custom, Goal } from "./answers"

/** What may be chosen; older names of the same type are understood, too. */
export const GOAL_TYPES: { value: string; label: string; means: string }[] = [
  { value: "purchase", label: "Purchase", means: "Marks orders of the store. The value is the order's own." },
  { value: "lead_form_submission", label: "Lead", means: "Marks leads; with an event or a page, forms that were sent on the storefront." },
  { value: "page_view", label: "Page viewed", means: "Counts views of pages: a thank-you page, a product." },
  { value: "add_to_cart", label: "Add to cart", means: "Counts products put into the cart." },
  { value: "begin_checkout", label: "Begin checkout", means: "Counts checkouts that were begun." },
  { value: "scroll_depth", label: "Scroll depth", means: "Counts visitors who read far enough down a page." },
  { value: "time_on_site", label: "Time on site", means: "Counts visitors who stayed long enough." },
  { value: "page_engagement", label: "Page engagement", means: "Counts events that say how somebody used a page." },
  { value: "custom", label: "Custom event", means: "Counts any event, by its name or by what it carries." },
]

const ALIASES: Record<string, string> = { lead: "lead_form_submission", lead_form: "lead_form_submission", engagement: "page_engagement", event: "custom", custom_event: "custom" }
export const plainType = (type: string) => ALIASES[type] ?? type
export const typeLabel = (type: string) => GOAL_TYPES.find((each) => each.value === plainType(type))?.label ?? words(type)

/** Whether it marks orders or leads, in place of counting events. */
export function marksLedger(type: string, conditions: Conditions): boolean {
  const plain = plainType(type)
  if (plain === "purchase") return true
  return plain === "lead_form_submission" && !conditions.event_name && !conditions.pathname_pattern && conditions.min_seconds === undefined && conditions.min_scroll === undefined
}

export const OPERATORS: Record<string, string> = {
  eq: "is", ne: "is not", gt: "is more than", gte: "is at least", lt: "is less than", lte: "is at most",
  contains: "contains", not_contains: "does not contain", starts_with: "begins with", ends_with: "ends with",
  in: "is one of", not_in: "is none of", exists: "is there", not_exists: "is missing",
}
const SYMBOLS: Record<string, string> = {
  "=": "eq", "==": "eq", equals: "eq", is: "eq", "!=": "ne", not_equals: "ne", is_not: "ne", ">": "gt", greater_than: "gt", ">=": "gte",
  greater_than_or_equal: "gte", at_least: "gte", "<": "lt", less_than: "lt", "<=": "lte", less_than_or_equal: "lte", at_most: "lte",
}
export const plainOperator = (operator: string) => SYMBOLS[operator] ?? operator

const FIELDS: Record<string, string> = {
  event_name: "event name", path: "page path", url: "address", referrer: "referring address", website_id: "website", currency: "currency",
  seconds: "seconds", scroll: "scroll depth (%)", value: "value", sales_channel: "sales channel",
  utm_source: "source", utm_medium: "medium", utm_campaign: "campaign tag", utm_term: "term", utm_content: "content", utm_id: "campaign tag's id",
}
export const fieldLabel = (field: string) => FIELDS[field] ?? (field.startsWith("properties.") ? `property “${field.slice(11)}”` : words(field).toLowerCase())

const said = (value: unknown): string => (Array.isArray(value) ? value.map(said).join(", ") : `“${String(value)}”`)

export function customInWords({ field, operator, value }: Custom): string {
  const plain = plainOperator(operator)
  const tail = plain === "exists" || plain === "not_exists" ? "" : ` ${said(value)}`
  return `${fieldLabel(field)} ${OPERATORS[plain] ?? words(plain).toLowerCase()}${tail}`
}

/** Each condition by itself; empty: the type alone decides. */
export function conditionsInWords(goal: Pick<Goal, "conditions" | "currency">, money: (value: string | number, currency: string) => string): string[] {
  const given = goal.conditions
  const parts: string[] = []
  if (given.event_name) parts.push(`event is “${given.event_name}”`)
  if (given.pathname_pattern) parts.push(`page is ${given.pathname_pattern}`)
  if (given.min_seconds !== undefined && given.min_seconds !== null) parts.push(`at least ${given.min_seconds} seconds`)
  if (given.min_scroll !== undefined && given.min_scroll !== null) parts.push(`scrolled at least ${given.min_scroll} %`)
  if (given.min_value !== undefined && given.min_value !== null) parts.push(`worth at least ${money(given.min_value, goal.currency)}`)
  return [...parts, ...(given.custom ?? []).map(customInWords)]
}
