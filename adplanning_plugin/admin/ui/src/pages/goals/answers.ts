// What the requests about goals answer.
import type { List } from "@/api/answers"

export interface Custom {
  field: string
  operator: string
  value?: unknown
}

export interface Conditions {
  event_name?: string
  pathname_pattern?: string
  min_seconds?: number | string
  min_scroll?: number | string
  min_value?: number | string
  custom?: Custom[]
}

export interface Goal {
  id: string
  name: string
  description: string | null
  goal_type: string
  conversion_type: string
  conditions: Conditions
  default_value: string | null
  currency: string
  value_from_event: boolean
  priority: number
  is_active: boolean
  hits: number
  hit_value: string
  last_hit_at: string | null
  version: number
}

export interface Preview {
  days: number
  looks_at: "orders" | "leads" | "events"
  conversion_type: string
  matched: number
  count: number
  taken_by_other_goals: number
  visitors: number
  sample: { id: string; event_name: string; path: string | null; occurred_at: string }[]
}

export interface FieldOffer {
  field: string
  kind: "text" | "number" | "money" | "property"
  operators: string[]
}

export interface Offers {
  fields: { events: FieldOffer[]; orders: FieldOffer[] }
  operators: { operator: string; takes_value: boolean }[]
  event_names: string[]
}

declare module "@/api/answers" {
  interface Answers {
    "/goals": List<"goals", Goal>
    "/goals/{goal_id}": { goal: Goal }
    "/goals/vocabulary": Offers
  }
}
