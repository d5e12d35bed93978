// What the requests about identity answer.
import type { List } from "@/api/answers"

export interface Shown {
  kind: string
  /** A person's id, or the beginning of an address's hash; null without the permission for personal data. */
  shown: string | null
}

/** One browser seen with one identifier. */
export interface Edge {
  id: string
  visitor_id: string
  identifier: Shown
  kind: "order" | "login" | "signed_link" | "confirmed" | "form"
  strength: "strong" | "weak"
  source: string
  first_seen_at: string
  last_seen_at: string
  revoked_at: string | null
  revoked_by: string | null
  revoked_reason: string | null
  denied: boolean
  links: boolean
  version: number
}

export interface Browser {
  id: string
  claimed: boolean
  first_seen_at: string | null
  last_seen_at: string | null
  /** Ids of the edges that lead from the person to it. */
  path: string[]
}

export interface PersonIdentity {
  person_id: string
  component_id: string | null
  visitors: Browser[]
  identifiers: Shown[]
  edges: Edge[]
}

export interface Denied {
  id: string
  kind: string
  identifier: string | null
  reason: string
  created_at: string
  created_by: string | null
  allowed_at: string | null
  allowed_by: string | null
  version: number
}

declare module "@/api/answers" {
  interface Answers {
    "/identity/people/{person_id}": { identity: PersonIdentity }
    "/identity/denylist": List<"denied", Denied>
  }
}
