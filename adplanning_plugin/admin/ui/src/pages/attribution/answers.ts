// What the requests about attribution answer.
import type { List } from "@/api/answers"

export interface Touch {
  id: string
  campaign: string | null
  utm_campaign: string | null
  source: string
  medium: string
  platform: string
  channel: string
  model: string
  window_days: number
  touch: "first" | "middle" | "last" | null
  converted: boolean
  conversions: number
  value: string | null
  refunded: string | null
  currency: string | null
  spend: string | null
  spend_currency: string | null
  date: string
  is_resolved: boolean
  resolution_method: string
  resolution_reason: string | null
  confidence: number | null
  ad_campaign_id: string | null
  analytics_session_id: string | null
  visitor_id: string
  person_id: string | null
  origin: string
  is_direct: boolean
  version: number
}

export interface TouchDetail {
  id: string
  origin: string
  session_id: string | null
  visitor_id: string
  person_id: string | null
  occurred_at: string
  source: string
  medium: string
  campaign: string | null
  term: string | null
  content: string | null
  channel: string
  platform: string
  is_direct: boolean
  referrer_host: string | null
  landing_path: string | null
  is_resolved: boolean
  resolution_method: string
  resolution_reason: string | null
  confidence: number | null
  ad_campaign_id: string | null
  ad_set_id: string | null
  ad_id: string | null
  resolved_at: string | null
  version: number
}

export interface Earned {
  conversion_id: string
  conversion_type: string
  status: string
  order_id: string | null
  occurred_at: string
  value: string
  currency: string
  position: number
  touches: number
  credit: { model: string; weight: number; value: string; refunded: string }[]
}

export interface StatsLine {
  key: string | null
  name: string | null
  kind: "touch" | "unattributed" | "renewal" | "offline"
  conversions: number
  touches: number
  value: string
  refunded: string
  net: string
  currency: string
  spend: string | null
  spend_currency: string | null
}

export interface ComparedLine {
  key: string | null
  name: string | null
  kind: "touch" | "unattributed" | "renewal" | "offline"
  currency: string
  credit: { model: string; conversions: number; value: string; refunded: string; net: string }[]
  spend: string | null
  spend_currency: string | null
}

export interface Resolution {
  resolution: { seen: number; resolved: number; unresolved: number; ambiguous: number; more_pending: boolean }
}

declare module "@/api/answers" {
  interface Answers {
    "/attribution": List<"attributions", Touch>
    "/attribution/{touch_id}": { attribution: TouchDetail }
    "/attribution/{touch_id}/conversions": { conversions: Earned[]; window_days: number }
    "/attribution/stats": {
      stats: StatsLine[]
      group_by: string
      model: string
      window_days: number
      zone: string
      total: { conversions: number; unattributed_share: number | null; by_currency: Record<string, { value: string; refunded: string; net: string }> }
    }
    "/attribution/comparison": { comparison: ComparedLine[]; models: string[]; default_model: string; window_days: number; zone: string }
  }
}
