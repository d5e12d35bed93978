// What the requests about models answer: their disagreement, and the fits of the data-driven one.
import type { List } from "@/api/answers"

export type Decision = "increase" | "keep" | "cut"

export interface Said {
  model: string
  revenue: string | null
  orders: number
  rank: number | null
  roas: number | null
  decision: Decision | null
}

export interface ModelLine {
  id: string | null
  name: string
  currency: string
  spend: string | null
  lowest_revenue: string | null
  highest_revenue: string | null
  best_rank: number | null
  worst_rank: number | null
  rank_spread: number | null
  decisions: Decision[]
  decision_changes: boolean
  models: Said[]
}

export interface Disagreement {
  disagreement: ModelLine[]
  group_by: "campaign" | "channel" | "platform"
  models: string[]
  default_model: string
  window_days: number
  currency: string
  decision: { target_roas: number; increase_from: number; cut_below: number; meaning: string }
  decided: number
  changing: number
  changing_spend: string
  agreement: { models: [string, string]; rank_correlation: number | null }[]
  unattributed: { model: string; revenue: string | null }[]
  missing_rates: string[]
}

export interface Interval {
  low: number
  high: number
}

export interface FitChannel {
  channel: string
  effect: number
  effect_interval: Interval | null
  includes_zero: boolean | null
  share: number
  share_interval: Interval | null
  conversions: number
  value: string
}

export interface Fit {
  id: string
  status: "pending" | "running" | "done" | "insufficient_data" | "failed"
  algorithm: "markov" | "shapley" | "leave_one_out"
  order: number | null
  level: "channel" | "platform"
  window_days: number
  conversion_type: string | null
  from_date: string
  to_date: string
  zone: string
  resamples: number
  confidence: number
  seed: number
  rule_version: number | null
  inputs_hash: string | null
  paths: number | null
  journeys: number | null
  conversions: number | null
  non_conversions: number | null
  conversion_rate: number | null
  currency: string
  value: string | null
  other_currencies: number | null
  unattributed_conversions: number | null
  channels: FitChannel[]
  below_zero: string[]
  missing: { code: string; have: number; need: number; sentence: string }[]
  problem: string | null
  libraries: Record<string, string> | null
  progress: { done: number; total: number | null } | null
  requested_by: string | null
  created_at: string
  finished_at: string | null
  is_adopted: boolean
  is_being_adopted: boolean
  adopted_at: string | null
  adopted_by: string | null
}

export interface DataDriven {
  adopted: Fit | null
  adopting: Fit | null
  latest: Fit | null
  running: Fit | null
  installed: boolean
  extra: string
  settings: { weekly: boolean; adopt: "first" | "every" | "never"; algorithm: Fit["algorithm"]; order: number; level: Fit["level"]; minimum_conversions: number }
}

declare module "@/api/answers" {
  interface Answers {
    "/attribution/disagreement": Disagreement
    "/attribution/data-driven": { data_driven: DataDriven }
    "/attribution/data-driven/fits": List<"fits", Fit>
    "/attribution/data-driven/fits/{fit_id}": { fit: Fit }
  }
}
