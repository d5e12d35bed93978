// What the requests about conversions answer.
import type { List } from "@/api/answers"

export interface Conversion {
  id: string
  conversion_type: string
  status: string
  origin: string
  occurred_at: string
  value: string | null
  refunded: string | null
  currency: string
  is_revenue: boolean
  is_test: boolean
  is_new_customer: boolean | null
  sales_channel: string | null
  order_id: string | null
  lead_id: string | null
  visitor_id: string | null
  utm_source: string | null
  utm_medium: string | null
  utm_campaign: string | null
  platform: string | null
  ad_campaign_id: string | null
  version: number
}

export interface Touch {
  id: string
  position: number
  touched_at: string
  source: string | null
  medium: string | null
  campaign: string | null
  channel: string | null
  platform: string | null
  ad_campaign_id: string | null
  resolution_method: string
}

export interface Credit {
  touch_id: string
  unattributed: boolean
  weight: number
  value: string
}

export interface ConversionDetail extends Conversion {
  adjustments: { id: string; kind: string; amount: string; occurred_at: string }[]
  attribution?: {
    window_days: number
    default_model: string
    currency: string
    touches: Touch[]
    models: { model: string; credit: Credit[] }[]
  } | null
  campaign?: { id: string; name: string } | null
}

declare module "@/api/answers" {
  interface Answers {
    "/conversions": List<"conversions", Conversion>
    "/conversions/{conversion_id}": { conversion: ConversionDetail }
  }
}
