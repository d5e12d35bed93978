// What the requests about settings, exchange rates and typed-in spend answer.
import type { List } from "@/api/answers"

export type Value = string | number | boolean | null | Value[] | { [name: string]: Value }

export interface JsonSchema {
  $ref?: string
  $defs?: Record<string, JsonSchema>
  type?: string
  enum?: (string | number | boolean | null)[]
  title?: string
  description?: string
  default?: Value
  minimum?: number
  maximum?: number
  maxLength?: number
  properties?: Record<string, JsonSchema>
}

export interface Setting {
  section: string
  title: string
  value: Record<string, Value>
  version: number
  updated_at: string | null
  schema: JsonSchema
}

export interface Rate {
  day: string
  base: string
  quote: string
  rate: string
  source: string
  version: number
  updated_at: string
}

export interface Spend {
  day: string
  platform: string
  ad_campaign_id: string
  ad_set_id: string | null
  ad_id: string | null
  campaign_name: string | null
  spend: string | null
  currency: string
  zone: string | null
  impressions: number | null
  clicks: number | null
  leads: number | null
  platform_conversions: number | null
  platform_value: string | null
  source: string
  version: number
  updated_at: string
}

/** After rows were taken in; `superseded` counts those that count nowhere because something finer or linked does. */
export interface TakenIn {
  received: number
  changed: number
  superseded?: { linked: number; finer: number }
}

export interface RuleVersion {
  version: number
  state: "active" | "building" | "superseded"
  models: string[]
  settings: Record<string, Value>
  changes: string[]
  created_at: string
  created_by: string | null
  restored_from: number | null
  activated_at: string | null
  superseded_at: string | null
}

export interface Building {
  version: number
  step: string
  done: number
  total: number
  share: number
}

interface WhatIfSide {
  conversions: number
  value: string
  value_minor: number
  net: string
  net_minor: number
}

export interface WhatIfLine {
  key: string | null
  name: string | null
  kind: string
  ad_campaign_id: string | null
  currency: string
  before: WhatIfSide
  after: WhatIfSide
  change: WhatIfSide
}

export interface WhatIf {
  model: { before: string; after: string }
  window_days: { before: number; after: number }
  conversions: number
  conversions_of_period: number
  covers_from: string | null
  touches_read_otherwise: number
  touches_excluded: number
  warnings: string[]
  campaigns: WhatIfLine[]
  channels: WhatIfLine[]
}

declare module "@/api/answers" {
  interface Answers {
    "/settings": { store: Store; settings: Setting[]; count: number }
    "/settings/{section}": { setting: Setting }
    "/attribution/rules": List<"rules", RuleVersion> & { building: Building | null }
    "/exchange-rates": List<"exchange_rates", Rate>
    "/ad-spend": List<"ad_spend", Spend>
  }
}
