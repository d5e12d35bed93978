// What the requests about coverage answer.
import type { List } from "@/api/answers"

export type Cause = "no_consent" | "blocked" | "offline" | "renewal" | "unknown"

export interface Lost {
  cause: Cause
  meaning: string
  orders: number
  share: number | null
  revenue: string | null
}

export interface Coverage {
  orders: number
  revenue: string | null
  joined: number
  joined_share: number | null
  joined_share_online: number | null
  joined_revenue: string | null
  currency: string
  missing_rates: string[]
  lost: Lost[]
}

export type CoveragePoint = Record<"joined" | Cause, number> & {
  date: string
  orders: number
  joined_share: number | null
  joined_share_online: number | null
}

export interface CoverageOrder {
  order_id: string | null
  conversion_id: string
  occurred_at: string
  cause: Cause | "joined"
  sentence: string
  joined_by: string | null
  consent: string | null
  sales_channel: string
  revenue: string | null
  currency: string
}

declare module "@/api/answers" {
  interface Answers {
    "/coverage": { coverage: Coverage }
    "/coverage/trend": { coverage_trend: CoveragePoint[]; group_by: "day" | "week" | "month" }
    "/coverage/orders": List<"orders", CoverageOrder>
  }
}
