// What the requests about publishable keys answer.
import type { List } from "@/api/answers"

export interface PublicKey {
  id: string
  hint: string
  name: string
  origins: string[]
  website_id: string | null
  is_active: boolean
  version: number
  created_at: string
  /** Only in the answer that made it. */
  key?: string
}

declare module "@/api/answers" {
  interface Answers {
    "/keys": List<"keys", PublicKey>
    "/keys/{key_id}": { key: PublicKey }
  }
}
