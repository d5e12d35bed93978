// An event of a journey as the API answers it: in the list of journeys, and on a person's timeline.
export interface JourneyEvent {
  id: string
  origin: string
  event_type: string
  label: string
  event_name: string | null
  stage: string | null
  channel: string | null
  occurred_at: string
  person_id: string | null
  person_name: string | null
  visitor_id: string | null
  session_id: string | null
  order_id: string | null
  conversion_id: string | null
  ad_campaign_id: string | null
  campaign: string | null
  source: string | null
  path: string | null
  value: string | null
  currency: string | null
  source_kind: string | null
  source_id: string | null
  event_data: Record<string, unknown> | null
  claimed: boolean
}
