// A row of spend as the API takes it, from one that the list shows. Pure.
import type { Spend } from "./answers"

export const rowOf = (row: Spend) => ({
  day: row.day,
  platform: row.platform,
  ad_campaign_id: row.ad_campaign_id,
  ad_set_id: row.ad_set_id ?? "",
  ad_id: row.ad_id ?? "",
  campaign_name: row.campaign_name,
  spend: row.spend ?? "0",
  currency: row.currency,
  zone: row.zone,
  impressions: row.impressions,
  clicks: row.clicks,
  leads: row.leads,
  platform_conversions: row.platform_conversions,
  platform_value: row.platform_value,
})
