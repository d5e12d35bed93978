// What the requests about conversions answer.
import type { List } from "@/api/answers"

export interface Conversion {
  id: string
  conversion_type: string
  status: string
  origin: string
  occurred_at: string
  value: string
  refunded: string
  currency: string
  is_revenue: boolean
  is_test: boolean
  is_new_customer: boolean | null
  sales_channel: string | null
  order_id: string | null
  lead_id: string | null
  goal_id: string | null
  visitor_id: string | null
  session_id: string | null
  person_id: string | null
  website_id: string | null
  utm_source: string | null
  utm_medium: string | null
  utm_campaign: string | null
  utm_term: string | null
  utm_content: string | null
  platform: string | null
  ad_campaign_id: string | null
  ad_set_id: string | null
  ad_id: string | null
  source: string | null
  medium: string | null
  channel: string | null
  campaign_name: string | null
  properties: Record<string, unknown> | null
  version: number
  created_at: string
  updated_at: string
}

export interface ConversionDetail extends Conversion {
  adjustments: { id: string; kind: string; amount: string; occurred_at: string }[]
  order?: Record<string, string | null> | null
  person?: Record<string, string | null> | null
  lead?: Record<string, string | null> | null
  session?: Record<string, string | null> | null
}

export interface Touch {
  id: string
  position: number
  touched_at: string
  source: string | null
  medium: string | null
  campaign_name: string | null
  channel: string | null
  platform: string | null
  ad_campaign_id: string | null
  landing_path: string | null
  referrer_host: string | null
}

export interface Share {
  touch_id: string | null
  unattributed: boolean
  weight: number
  value: string
}

export interface Credit {
  window_days: number
  default_model: string
  currency: string
  touches: Touch[]
  models: { model: string; credit: Share[] }[]
}

export interface Amounts {
  total_conversions: number
  currency: string | null
  total_value: string | null
  revenue: string | null
  refunded: string | null
  by_currency: { currency: string; total_conversions: number; total_value: string; revenue: string; refunded: string }[]
}

export interface Group extends Amounts {
  key: string | null
  name?: string | null
  sessions?: number
  conversion_rate?: number | null
}

export interface Stats extends Amounts {
  sessions: number
  converted_sessions: number
  conversion_rate: number | null
  by_type: Record<string, Amounts & { conversion_rate: number | null }>
  by_status: Record<string, number>
  groups?: Group[]
}

export interface FunnelStage {
  stage: string
  title: string
  visitors: number
  drop_off: number | null
  drop_off_rate: number | null
}

/** Of other pages' requests: what is used of them here. */
export interface NamedCampaign {
  id: string
  name: string | null
  ad_campaign_id: string | null
}

export interface Windows {
  windows: { window: string; label: string; is_default: boolean }[]
}

declare module "@/api/answers" {
  interface Answers {
    "/conversions": List<"conversions", Conversion>
    "/conversions/{conversion_id}": { conversion: ConversionDetail }
    "/conversions/{conversion_id}/credit": { credit: Credit | null }
    "/conversions/stats": Stats
    "/conversions/funnel": { funnel: { stages: FunnelStage[]; purchases_without_visit: number } }
  }
}
