// What the requests about background work, health and linked data answer.
import type { List } from "@/api/answers"

export interface Job {
  name: string
  /** Five cron fields, or "every 300 seconds". */
  schedule: string
  zone: string
  catch_up: "once" | "skip" | "all"
  last_slot: string | null
  next_slot: string
}

export interface WorkItem {
  id: string
  queue: string
  kind: string
  key: string
  status: "pending" | "done" | "dead"
  due_at: string
  attempt: number
  max_attempts: number
  progress: { done: number; total: number | null } | null
  last_error: string | null
  created_at: string
  done_at: string | null
}

export interface Run {
  id: string
  workflow: string
  key: string
  status: "running" | "done" | "compensating" | "compensated" | "failed"
  error: string | null
  created_at: string
  finished_at: string | null
}

export interface Step {
  position: number
  name: string
  status: string
  attempt: number
  error: string | null
  finished_at: string | null
}

export type Check = { status: "ok" | "warn" | "fail"; detail: string } & Record<string, unknown>

export interface LinkedEntity {
  entity: string
  state: "linked" | "owned" | "absent"
  source: string
  columns: string[]
  missing: { column: string; effect: string }[]
  writeback: Record<string, string>
  warnings: string[]
}

declare module "@/api/answers" {
  interface Answers {
    "/operations/jobs": List<"jobs", Job>
    "/operations/work": List<"work", WorkItem>
    "/operations/work/{item_id}": { work_item: WorkItem }
    "/operations/dead-letters": List<"dead_letters", WorkItem>
    "/operations/runs": List<"runs", Run>
    "/operations/runs/{run_id}": { run: Run & { steps: Step[] } }
    "/operations/health": { status: Check["status"]; checks: Record<string, Check> }
    "/links": { links: LinkedEntity[]; count: number }
  }
}
