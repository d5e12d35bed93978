// Operations: whether all is well, what runs by itself and when, what waits, and what failed and can be tried again.
import type { ReactNode } from "react"
import { useApi } from "@/api/query"
import { useFormat } from "@/shell/session"
import { choice, text, useUrlState } from "@/state/url"
import { Badge } from "@/ui/badge"
import { PageHeader } from "@/ui/page"
import { Tabs } from "@/ui/tabs"
import type {} from "./answers"
import { DeadLetters } from "./dead"
import { HealthTab } from "./health"
import { Jobs } from "./jobs"
import { LinksSummary } from "./links"
import { Runs } from "./runs"
import { Work } from "./work"

const TABS = ["health", "jobs", "work", "dead", "runs", "links"] as const
// Each tab is a list of its own: a step to another leaves the filters and the page of the one before.
const SCHEMA = { tab: choice(TABS), open: text(), page: text(), order: text(), hidden: text(), q: text(), status: text(), kind: text() }

export default function Operations() {
  const [state, set] = useUrlState(SCHEMA)
  return (
    <>
      <PageHeader title="Operations" description="What happens in the background: whether all is well, what waits, and what failed." />
      <Tabs
        label="Operations"
        value={state.tab}
        onChange={(tab) => set({ tab: tab as (typeof TABS)[number], open: "", page: "", order: "", hidden: "", q: "", status: "", kind: "" })}
        tabs={[
          { key: "health", label: "Health", content: <HealthTab /> },
          { key: "jobs", label: "Jobs", content: <Jobs /> },
          { key: "work", label: <Counted what="work" name="Work" />, content: <Work /> },
          { key: "dead", label: <Counted what="dead" name="Dead letters" />, content: <DeadLetters /> },
          { key: "runs", label: "Workflow runs", content: <Runs /> },
          { key: "links", label: "Linked data", content: <LinksSummary /> },
        ]}
      />
    </>
  )
}

/** A tab's name with how many wait there; no number where none do. */
function Counted({ what, name }: { what: "work" | "dead"; name: string }): ReactNode {
  const format = useFormat()
  const query = useApi("/operations/work", { query: { limit: 1, status: what === "dead" ? "dead" : "pending" }, refetchInterval: 15_000 })
  const count = query.data?.count ?? 0
  if (count === 0) return name
  return (
    <span className="inline-flex items-center gap-1.5">
      {name}
      <Badge colour={what === "dead" ? "red" : "blue"}>{format.number(count)}<span className="sr-only"> {what === "dead" ? "failed" : "waiting"}</span></Badge>
    </span>
  )
}
