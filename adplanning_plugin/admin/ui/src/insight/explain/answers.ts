// What the requests behind an explanation answer.
import type { List } from "@/api/answers"
import type { Basis } from "@/insight/answers"

interface Money {
  value: string
  refunded: string
  net: string
}

export interface Link {
  visitor_id: string
  identifier: { kind: string; hash?: string; id?: string }
  kind: string
  strength: "strong" | "weak"
  source: string
  first_seen_at: string
  last_seen_at: string
  revoked_at: string | null
  counts: boolean
  reason: string
  meaning: string
}

/** What made a touch's campaign what it is, where a person did. */
export interface Decision {
  kind: "suggestion" | "alias" | "ignored" | "manual"
  id: string
  by: string
  at: string
  score?: number | null
}

export interface ExplainedTouch {
  id: string
  source: string
  medium: string
  campaign: string | null
  channel: string
  is_direct: boolean
  landing_path: string | null
  device: string | null
  browser: string | null
  visitor_id: string
  occurred_at: string
  age_hours: number
  counted: boolean
  reason: string
  meaning: string
  position: number | null
  linked_by: string
  link: Link | null
  resolution: { resolution_method: string; resolution_reason: string | null; confidence: number | null; ad_campaign_id: string | null; campaign_name: string | null; decision: Decision | null }
  credit: ({ model: string; weight: number } & Money)[]
}

export interface ExplainedModel {
  model: string
  label: string
  passed_over: string[]
  unattributed: { weight: number; reason: string | null; meaning: string | null } & Money
  sum: Money
}

export interface Explanation {
  conversion: { id: string; conversion_type: string; status: string; order_id: string | null; occurred_at: string; currency: string; consent: string | null } & Money
  window_days: number
  window: { opens_at: string | null; closes_at: string }
  state: "computed" | "due" | "not_computed" | "deleted"
  state_meaning: string
  computed_under: number | null
  rules: { version: number; settings: { direct: string; half_life_hours: number; position_first: number; position_last: number; default_model: string } }
  links: Link[]
  touches: ExplainedTouch[]
  left_out: ExplainedTouch[]
  left_out_count: number
  models: ExplainedModel[]
}

export interface Part extends Money {
  conversion_id: string
  conversion_type: string
  status: string
  order_id: string | null
  occurred_at: string
  weight: number
  currency: string
  conversion_value: string
}

export interface PartTotal {
  conversions: number
  by_currency: Record<string, Money>
}

declare module "@/api/answers" {
  interface Answers {
    "/attribution/explain/{conversion_id}": { explanation: Explanation }
    "/attribution/conversions": List<"conversions", Part> & { model: string; window_days: number; total: PartTotal }
    "/roi/conversions": List<"conversions", Part> & {
      basis: Basis
      total: PartTotal & { converted: string | null; currency: string }
      line: { spend: string | null; revenue: string | null; margin: string | null }
    }
    "/actors": { actors: { id: string; name: string }[] }
  }
}
