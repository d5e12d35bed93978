// What the requests about campaigns, returns and discrepancies answer.
import type { List } from "@/api/answers"
import type { Day as LocalDay } from "@/state/days"

type Money = string | null

/** One line of a report: what it cost, and what its credit brought. null: not known, or without a denominator. */
export interface Line {
  /** touch, or what no touch earned: unattributed, renewal, offline, pending. */
  kind: "touch" | "unattributed" | "renewal" | "offline" | "pending"
  id: string | null
  name: string | null
  ad_campaign_id?: string | null
  campaign_name?: string | null
  ad_set_id?: string | null
  ad_id?: string | null
  platform?: string | null
  status?: string | null
  spend: Money
  revenue: Money
  refunds: Money
  margin: Money
  currency: string
  orders: number
  new_customers: number
  impressions: number | null
  clicks: number | null
  leads: number | null
  roas: number | null
  roi: number | null
  new_customer_roas: number | null
  cac: Money
  cpa: Money
  cpc: Money
  cpl: Money
  ctr: number | null
  platform_conversions: number | null
  platform_value: Money
}

export type Compared = "spend" | "revenue" | "orders" | "roas"

export interface Moved {
  previous?: { spend: Money; revenue: Money; orders: number | null; roas: number | null }
  change?: Partial<Record<Compared, number | null>>
}

export interface Span {
  from_date: string
  to_date: string
  zone: string
}

/** What figures rest on. */
export interface Basis {
  period: Span
  model: string
  window_days: number
  basis: "order" | "click"
  currency: string
  account_zones: string[]
  rates: { base: string; quote: string; rate: string; day: string; source: string }[]
  missing_rates: string[]
}

export interface Campaign extends Line {
  id: string
  name: string
  platform: string | null
  status: string | null
  platform_id: string | null
  objective: string | null
  created_at: string | null
  account_id: string | null
  account_name: string | null
  account_zone: string | null
  account_currency: string | null
  source: "linked" | "typed" | "seen"
}

export interface CampaignTotal {
  spend: Money
  revenue: Money
  currency: string
  orders: number
  impressions: number
  clicks: number
  roas: number | null
}

export interface Day {
  date: string
  spend: Money
  revenue: Money
  refunds: Money
  orders: number
  impressions: number
  clicks: number
  platform_conversions: number | null
  roas: number | null
}

export interface ModelCredit {
  model: string
  is_chosen: boolean
  revenue: Money
  refunds: Money
  orders: number
  roas: number | null
}

export type AdSet = Line & { ads: Line[] }

export interface CampaignDetail extends Campaign, Moved {
  previous_period: Span
  models: ModelCredit[]
  days: Day[]
  ad_sets: AdSet[]
  /** Of other plugins, by their keys. */
  sections: Record<string, Record<string, unknown> | null>
  basis: Basis
}

export interface CampaignTouch {
  id: string
  occurred_at: string
  visitor_id: string | null
  channel: string | null
  source: string | null
  medium: string | null
  campaign: string | null
  content: string | null
  term: string | null
  ad_set_id: string | null
  ad_id: string | null
  landing_path: string | null
  referrer_host: string | null
  resolution_method: string
  confidence: number | null
  converted: boolean
  orders: number
  weight: number
  revenue: Money
  currency: string | null
}

export interface CampaignOrder {
  order_id: string | null
  conversion_id: string
  occurred_at: string
  weight: number
  credited: string
  revenue: string
  value: string
  refunded: string
  currency: string
  is_new_customer: boolean | null
  touches: number
  path_touches: number
  first_click_at: string
  last_click_at: string
}

export interface RoiTotal extends Moved {
  currency: string
  spend: Money
  revenue: Money
  refunds: Money
  attributed_revenue: Money
  margin: Money
  orders: number
  new_customers: number
  roas: number | null
  roi: number | null
  mer: number | null
  new_customer_roas: number | null
  cac: Money
  cpa: Money
  cpc: Money
  ctr: number | null
  impressions: number | null
  clicks: number | null
  leads: number | null
  platform_conversions: number | null
  lines_revenue: Money
  lines_orders: number
}

export interface Counted {
  conversions: number | null
  value: Money
}

export interface Part extends Counted {
  cause: string
  title: string
  sentence: string
  state: "computed" | "not_known"
  up_to: Counted | null
}

export interface Discrepancy {
  id: string | null
  name: string
  platform: string | null
  ad_campaign_id: string | null
  state: "ok" | "insufficient_data"
  missing: string[]
  notes: string[]
  claimed: Counted
  ours: Counted
  difference: Counted
  parts: Part[]
  currency: string
}

export interface CreditRules {
  models: { model: string; label: string; is_default: boolean }[]
  windows: { window: string; days: number; label: string; is_default: boolean }[]
}

export type State = "fresh" | "late" | "stale" | "empty"

/** What figures are read from: how old it is, and what to do about it. */
export interface Source {
  source: string
  kind: string
  title: string
  state: State
  last_at: string | null
  last_day: LocalDay | null
  lag_seconds: number | null
  behind: number | null
  detail: string
  action: string
}

declare module "@/api/answers" {
  interface Answers {
    "/freshness": { freshness: { state: State; as_of: string; zone: string }; sources: Source[] }
    "/ad-campaigns": List<"ad_campaigns", Campaign> & { total: CampaignTotal; basis: Basis }
    "/ad-campaigns/{ad_campaign_id}": { ad_campaign: CampaignDetail }
    "/ad-campaigns/{ad_campaign_id}/touches": List<"touches", CampaignTouch>
    "/ad-campaigns/{ad_campaign_id}/orders": List<"orders", CampaignOrder>
    "/discrepancies": {
      discrepancies: Discrepancy[]
      total: Discrepancy
      basis: { period: Span; model: string; window_days: number; currency: string; missing_rates: string[] }
    }
    "/roi": { roi: (Line & Moved)[]; total: RoiTotal; previous_period?: Span } & Basis
  }
}
