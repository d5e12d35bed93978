// Workflow runs: each with its steps in order, which is done, which is tried again, and where one failed.
import { useApi } from "@/api/query"
import { words } from "@/format/format"
import { useFormat } from "@/shell/session"
import { useTable } from "@/state/table"
import { text, useUrlState } from "@/state/url"
import { Badge, type Colour } from "@/ui/badge"
import { Drawer } from "@/ui/dialog"
import { ClearFilters, FilterSelect, SearchBox } from "@/ui/filters"
import { Facts } from "@/ui/page"
import { Async, Empty, NoMatch, Skeleton } from "@/ui/states"
import { type Column, DataTable } from "@/ui/table"
import type { Run } from "./answers"
import { took } from "./words"

const SCHEMA = { status: text(), q: text(), open: text() }
const STATES: Record<string, [Colour, string]> = {
  running: ["blue", "Running"], done: ["green", "Done"], compensating: ["orange", "Being undone"], compensated: ["grey", "Undone"], failed: ["red", "Failed"],
}
const RunStatus = ({ status }: { status: string }) => <Badge colour={STATES[status]?.[0] ?? "grey"}>{STATES[status]?.[1] ?? words(status)}</Badge>

export function Runs() {
  const format = useFormat()
  const table = useTable("-created_at")
  const [state, set] = useUrlState(SCHEMA)
  const filters = { status: state.status as Run["status"], q: state.q }
  const query = useApi("/operations/runs", { query: { ...filters, ...table.query }, keep: true, refetchInterval: 10_000 })
  const filtered = state.status !== "" || state.q !== ""
  const clear = () => set({ status: "", q: "" })
  const columns: Column<Run>[] = [
    { key: "workflow", title: "Workflow", sort: "workflow", heading: true, cell: (row) => words(row.workflow) },
    { key: "status", title: "State", cell: (row) => <RunStatus status={row.status} /> },
    { key: "key", title: "For", cell: (row) => <code className="font-mono text-xs">{row.key}</code> },
    { key: "error", title: "Error", cell: (row) => <span className="line-clamp-2 max-w-sm text-left">{row.error ?? "–"}</span> },
    { key: "took", title: "Took", right: true, cell: (row) => took(row.created_at, row.finished_at) ?? "–" },
    { key: "created", title: `Began (${format.zoneShort})`, sort: "created_at", cell: (row) => <time dateTime={row.created_at} className="figure">{format.dateTime(row.created_at)}</time> },
  ]
  return (
    <>
      <DataTable
        name="workflow runs"
        columns={columns}
        query={query}
        rows={(data) => data.runs}
        rowKey={(row) => row.id}
        table={table}
        onOpen={(row) => set({ open: row.id })}
        openLabel={(row) => `${words(row.workflow)} of ${format.dateTime(row.created_at)}: open`}
        csv={{ path: "/operations/runs", query: filters }}
        filters={
          <>
            <SearchBox label="Search runs" value={state.q} onChange={(q, how) => set({ q }, how)} />
            <FilterSelect label="State" value={state.status} options={Object.entries(STATES).map(([value, [, label]]) => ({ value, label }))} onChange={(status) => set({ status })} />
            {filtered ? <ClearFilters onClear={clear} /> : null}
          </>
        }
        empty={
          filtered ? <NoMatch what="runs" clear={clear} /> : (
            <Empty title="No workflow has run yet">A workflow is work in several steps that survives a restart. Its runs stand here with each step, once something starts one.</Empty>
          )
        }
      />
      <RunDrawer id={state.open} onClose={() => set({ open: "" })} />
    </>
  )
}

function RunDrawer({ id, onClose }: { id: string; onClose: () => void }) {
  const format = useFormat()
  const query = useApi("/operations/runs/{run_id}", {
    path: { run_id: id },
    enabled: id !== "",
    refetchInterval: (data) => (data && ["running", "compensating"].includes(data.run.status) ? 2000 : false),
  })
  return (
    <Drawer open={id !== ""} onOpenChange={(open) => open || onClose()} title="Workflow run" description={id}>
      <Async query={query} skeleton={<Skeleton className="h-80 w-full" />}>
        {({ run }) => (
          <div className="flex flex-col gap-5">
            <Facts
              of={[
                ["Workflow", words(run.workflow)],
                ["State", <RunStatus key="state" status={run.status} />],
                ["For", <code key="key" className="font-mono text-xs break-all">{run.key}</code>],
                ["Began", `${format.dateTime(run.created_at)} (${format.zone})`],
                ["Ended", run.finished_at ? format.dateTime(run.finished_at) : null],
                ["Took", took(run.created_at, run.finished_at)],
                ["Error", run.error ? <span key="error" className="text-bad">{run.error}</span> : null],
              ]}
            />
            <section aria-labelledby="steps">
              <h3 id="steps" className="mb-1 text-base">Steps</h3>
              {run.steps.length === 0 ? <p className="text-sm text-muted">No step has begun yet.</p> : (
                <ol className="border-l border-line-strong pl-4">
                  {run.steps.map((step) => (
                    <li key={step.position} className="py-2 text-sm">
                      <p className="flex flex-wrap items-center gap-2">
                        <span className="figure text-muted">{step.position + 1}.</span>
                        <span className="font-medium">{words(step.name)}</span>
                        <RunStatus status={step.status} />
                        {step.attempt > 1 ? <span className="text-xs text-muted">tried {step.attempt} times</span> : null}
                      </p>
                      {step.finished_at ? <p className="text-xs text-muted">{format.dateTime(step.finished_at)}</p> : null}
                      {step.error ? <p className="text-xs break-words text-bad">{step.error}</p> : null}
                    </li>
                  ))}
                </ol>
              )}
            </section>
          </div>
        )}
      </Async>
    </Drawer>
  )
}
