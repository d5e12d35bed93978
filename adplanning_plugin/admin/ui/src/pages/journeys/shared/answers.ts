// What the requests about all journeys answer: conversions' journeys, paths, funnels, drop-off.
import type { List } from "@/api/answers"

type Money = string | null

export interface ConversionJourney {
  conversion_id: string
  conversion_type: string
  status: string
  order_id: string | null
  occurred_at: string
  value: string
  refunded: string
  currency: string
  customer_email: string | null
  person_id: string | null
  is_new_customer: boolean | null
  touches: number
  channels: string[]
  platforms: string[]
  first_device: string | null
  first_touch_at: string | null
  hours_to_conversion: number | null
}

export interface ModelShare {
  percent: number
  value: string
  refunded: string
}

export interface Touchpoint {
  id: string
  position: number
  touched_at: string
  seconds_since_previous: number | null
  seconds_to_conversion: number
  channel: string
  platform: string
  source: string | null
  medium: string | null
  campaign: string | null
  ad_campaign_id: string | null
  ad_set: string | null
  ad: string | null
  device: string | null
  browser: string | null
  landing_path: string | null
  referrer_host: string | null
  credit: Record<string, ModelShare>
}

export interface OrderLine {
  id: string
  title: string | null
  product_id: string | null
  quantity: number | null
  total: Money
}

export interface JourneyDetail extends ConversionJourney {
  window_days: number
  default_model: string
  models: string[]
  is_credited: boolean
  touchpoints: Touchpoint[]
  unattributed: Record<string, ModelShare> | null
  order: { id: string; payment_state: string; currency: string; subtotal: Money; discount: Money; tax: Money; shipping: Money; total: Money; lines: OrderLine[] } | null
  customer: { id?: string; name?: string | null; email?: string | null; phone?: string | null; city?: string | null; country?: string | null; is_new_customer: boolean | null } | null
}

export interface PathLine {
  path: string[]
  keys: string[]
  journeys: number
  conversions: number
  unconverted: number | null
  conversion_rate: number | null
  share: number | null
  currency: string
  value: Money
  average_value: Money
}

export interface Analysis {
  conversions: number
  average_touchpoints: number | null
  average_hours_to_conversion: number | null
  path_lengths: { touches: number; conversions: number }[]
  time_to_conversion: { label: string; conversions: number }[]
}

export interface Paths {
  paths: PathLine[]
  count: number
  total: { journeys: number; conversions: number; unconverted: number | null }
  analysis: Analysis
  source: "summary" | "touches"
  as_of: string | null
}

export interface FunnelStep {
  step: string
  label: string
  kind: string
  people: number
  identified: number
  share_of_first: number | null
  share_of_previous: number | null
  dropped: number | null
  drop_rate: number | null
  median_seconds: number | null
}

export interface Funnel {
  steps: FunnelStep[]
  people: number
  completed: number
  conversion_rate: number | null
  breakdown: { value: string | null; label: string | null; steps: FunnelStep[] }[] | null
  groups: number | null
  source: "stages" | "events"
}

export interface Dropoff {
  began: number
  converted: number
  ended: number
  going_on: number
  chosen: number
  drop_rate: number | null
  stages: { stage: string | null; label: string; people: number; share: number | null; median_seconds: number | null }[]
  lasted: { label: string; people: number }[]
  before: { events: string[]; labels: string[]; people: number; share: number | null; median_seconds: number }[]
}

declare module "@/api/answers" {
  interface Answers {
    "/journeys/conversions": List<"journeys", ConversionJourney> & { window_days: number }
    "/journeys/conversions/{conversion_id}": { journey: JourneyDetail }
    "/journeys/paths": Paths
    "/journeys/funnel": Funnel
    "/journeys/dropoff": { dropoff: Dropoff }
  }
}
