// What the dashboard's request answers.
export interface Kpis {
  currency: string
  spend: string | null
  revenue: string | null
  attributed_revenue: string | null
  orders: number
  conversions: number
  leads: number
  sessions: number
  conversion_rate: number | null
  roas: number | null
  mer: number | null
  new_customers: number
  cac: string | null
  model: string
  window_days: number
  missing_rates: string[]
  account_zones: string[]
}

export interface Coverage {
  orders: number
  joined: number
  joined_share: number | null
  joined_share_online: number | null
  revenue: string | null
  joined_revenue: string | null
  lost: { cause: string; meaning: string; orders: number; share: number | null; revenue: string | null }[]
}

export interface CampaignLine {
  id: string | null
  name: string | null
  ad_campaign_id: string | null
  platform: string | null
  status: string | null
  spend: string | null
  revenue: string | null
  orders: number
  roas: number | null
  platform_conversions: number | null
}

export type Trend = Record<"spend" | "revenue" | "attributed_revenue", string | null> &
  Record<"roas" | "mer", number | null> &
  Record<"orders" | "conversions" | "leads" | "sessions", number> & { date: string }

declare module "@/api/answers" {
  interface Answers {
    "/dashboard": {
      dashboard: {
        coverage: Coverage
        kpis: Kpis
        previous: Kpis
        change: Partial<Record<keyof Kpis, number | null>>
        top_campaigns: CampaignLine[]
        trend: Trend[]
      }
    }
  }
}
