// What the requests about reconciliation and quality answer.
import type { List } from "@/api/answers"

type Sides = Record<`${"ledger" | "attributed" | "unattributed" | "difference" | "renewal" | "offline"}_${"gross" | "refunds" | "net"}`, string>

export type Reconciled = Sides & { day: string; currency: string; reconciles: boolean; orders: number; credited_orders: number }
export type Total = Omit<Reconciled, "day"> & { days: number; days_apart: number }

export interface OrderApart {
  order_id: string
  conversion_id: string | null
  placed_at: string
  day: string
  cause: string
  meaning: string
  currency: string | null
  gross: string | null
  refunds: string | null
  counted_currency: string | null
  counted_gross: string | null
  counted_refunds: string | null
  credited_gross: string | null
  credited_refunds: string | null
}

export type Measure = "touches" | "identity" | "click_ids" | "spend"
export type Covered = Record<Measure | `${Measure}_of`, number> & Record<`${Measure}_share`, number | null>

export interface Lost {
  cause: string
  meaning: string
  amount: number
  share: number | null
}

declare module "@/api/answers" {
  interface Answers {
    "/attribution/reconciliation": { reconciliation: Reconciled[]; totals: Total[]; model: string; window_days: number; rule_version: number }
    "/attribution/reconciliation/orders": List<"orders", OrderApart>
    "/attribution/quality": {
      days: (Covered & { day: string })[]
      total: Covered
      window_days: number
      traffic: { arrived: number; steps: Lost[]; kept: number; kept_share: number | null }
      visits: { visits: number; steps: Lost[]; matched: number; matched_share: number | null }
      without_consent: { events: number | null; orders: number | null; least: number }
    }
  }
}
