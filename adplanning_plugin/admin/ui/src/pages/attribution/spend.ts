// What each campaign cost and brought back, in the store's currency: from the report that converts at each day's rate.
import { useMemo } from "react"
import { useApi } from "@/api/query"
import type { Credit } from "@/insight/credit"
import type { Period } from "@/state/period"

/** By campaign; empty while it is not asked for, and without those whose spend cannot be converted. */
export function useSpend(period: Period, credit: Credit, enabled: boolean): Map<string, { spend: number; roas: number | null }> {
  const query = useApi("/roi", { query: { ...period.query, by: "campaign", model: credit.query.model, window: credit.query.window }, enabled, keep: true })
  return useMemo(
    () => new Map((query.data?.roi ?? []).flatMap((line) => (line.ad_campaign_id && line.spend !== null ? [[line.ad_campaign_id, { spend: Number(line.spend), roas: line.roas }] as const] : []))),
    [query.data],
  )
}
