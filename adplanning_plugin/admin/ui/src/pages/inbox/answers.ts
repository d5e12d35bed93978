// What the requests about names without a campaign answer.
import type { List } from "@/api/answers"

export interface Near {
  ad_campaign_id: string
  campaign: string | null
  platform: string
  score: number
}

export interface Group {
  key: string
  name: string
  platform: string
  website_id: string | null
  touches: number
  first_seen: string
  last_seen: string
  is_ambiguous: boolean
  variants: { name: string; touches: number }[]
  sources: { source: string; medium: string }[]
  at_stake: { currency: string; orders: number; value: string; credit: string }[]
  matched: { ad_campaign_id: string; campaign: string | null } | null
  suggestion: (Near & { margin: number; runner_up: Near | null }) | null
}

export interface Outcome {
  touches: number
  model: string
  window_days: number
  finished_at: string
  changes: {
    ad_campaign_id: string | null
    campaign: string | null
    currency: string
    orders: number
    change: string
    before: string | null
    after: string | null
  }[]
}

export interface Decision {
  id: string
  kind: "campaign" | "ignored"
  state: "applying" | "active" | "reverting" | "reverted"
  names: string[]
  platform: string
  ad_campaign_id: string | null
  campaign: string | null
  score: number | null
  margin: number | null
  decided_by: string
  decided_at: string
  reverted_by: string | null
  reverted_at: string | null
  work: { id: string; path: string; progress: { done: number; total: number | null } | null } | null
  outcome: Outcome | null
  revert_outcome: Outcome | null
}

declare module "@/api/answers" {
  interface Answers {
    "/attribution/inbox": List<"inbox", Group> & { status: string; model: string; window_days: number; is_truncated: boolean }
    "/attribution/aliases": List<"aliases", Decision>
    "/attribution/aliases/{alias_id}": { alias: Decision }
  }
}
