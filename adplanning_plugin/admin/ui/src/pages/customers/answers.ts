// What the requests about customers answer.
import type { List } from "@/api/answers"
import type { JourneyEvent } from "@/insight/timeline"

export interface Amount {
  currency: string
  value: string
}

export interface Customer {
  id: string
  name: string | null
  email: string | null
  phone: string | null
  city: string | null
  country: string | null
  created_at: string | null
  orders: number
  revenue: Amount[]
  last_order_at: string | null
  erased_at: string | null
}

export interface ProfileSection {
  key: string
  title: string
  page: string | null
  data: Record<string, unknown> | null
  problem: string | null
}

export interface Profile {
  id: string
  name: string | null
  email: string | null
  phone: string | null
  city: string | null
  country: string | null
  birth_date: string | null
  created_at: string | null
  in_store: boolean
  erased_at: string | null
  sections: ProfileSection[]
}

export interface Erasure {
  id: string
  status: "running" | "done"
  person_hash: string
  requested_by: string
  requested_at: string
  finished_at: string | null
  rows: { table: string; deleted: number; pseudonymised: number; cleaned: number; kept: number }[]
  kept: { what: string; rows: number; why: string }[]
}

declare module "@/api/answers" {
  interface Answers {
    "/customers": List<"customers", Customer>
    "/customers/{person_id}/profile": { customer: Profile }
    "/customers/{person_id}/interactions": List<"interactions", JourneyEvent>
    "/customers/erasures": List<"erasures", Erasure>
    "/customers/erasures/{erasure_id}": { erasure: Erasure }
  }
}
