// Work: each piece that is waiting, done or dead; what it is for, how often it was tried, and what it last said.
import { useApi } from "@/api/query"
import { useFormat } from "@/shell/session"
import { useTable } from "@/state/table"
import { text, useUrlState } from "@/state/url"
import { Badge } from "@/ui/badge"
import { ButtonLink } from "@/ui/button"
import { Drawer } from "@/ui/dialog"
import { ClearFilters, SearchBox } from "@/ui/filters"
import { Select } from "@/ui/controls"
import { Facts } from "@/ui/page"
import { Async, Empty, NoMatch, Skeleton } from "@/ui/states"
import { type Column, DataTable } from "@/ui/table"
import type { WorkItem } from "./answers"
import { Replay } from "./dead"
import { kindWords, took } from "./words"

const SCHEMA = { status: text("pending"), kind: text(), q: text(), open: text() }
const STATUSES = [{ value: "pending", label: "Waiting" }, { value: "done", label: "Done" }, { value: "dead", label: "Failed for good" }, { value: "all", label: "Any state" }]
const KINDS = [{ value: "", label: "Any kind" }, { value: "job:", label: "Jobs" }, { value: "event:", label: "Events" }, { value: "step:", label: "Workflow steps" }]

export function WorkStatus({ of }: { of: Pick<WorkItem, "status" | "attempt" | "due_at" | "progress"> }) {
  const format = useFormat()
  if (of.status === "done") return <Badge colour="green">Done</Badge>
  if (of.status === "dead") return <Badge colour="red">Failed for good</Badge>
  if (of.progress) return <Badge colour="blue">{of.progress.total ? `${format.number(of.progress.done)} of ${format.number(of.progress.total)}` : `${format.number(of.progress.done)} done`}</Badge>
  return of.attempt > 1 ? <Badge colour="orange">Tried {of.attempt} times</Badge> : <Badge colour="orange">Waiting</Badge>
}

export function Work() {
  const format = useFormat()
  const table = useTable("-created_at")
  const [state, set] = useUrlState(SCHEMA)
  const status = state.status === "all" ? undefined : (state.status as WorkItem["status"])
  const filters = { status, kind: state.kind, q: state.q }
  const query = useApi("/operations/work", { query: { ...filters, ...table.query }, keep: true, refetchInterval: 10_000 })
  const filtered = state.kind !== "" || state.q !== "" || state.status !== "pending"
  const clear = () => set({ status: "pending", kind: "", q: "" })
  const kinds = KINDS.some((each) => each.value === state.kind) ? KINDS : [...KINDS, { value: state.kind, label: kindWords(state.kind) }]
  const columns: Column<WorkItem>[] = [
    { key: "kind", title: "Work", heading: true, cell: (row) => kindWords(row.kind) },
    { key: "status", title: "State", cell: (row) => <WorkStatus of={row} /> },
    { key: "attempt", title: "Tries", sort: "attempt", right: true, cell: (row) => `${row.attempt} of ${row.max_attempts}` },
    { key: "error", title: "Last error", cell: (row) => <span className="line-clamp-2 max-w-sm text-left">{row.last_error ?? "–"}</span> },
    { key: "due", title: `Due (${format.zoneShort})`, sort: "due_at", cell: (row) => <time dateTime={row.due_at} className="figure">{format.dateTime(row.due_at)}</time> },
    { key: "created", title: `Asked for (${format.zoneShort})`, sort: "created_at", cell: (row) => <time dateTime={row.created_at} className="figure">{format.dateTime(row.created_at)}</time> },
    { key: "queue", title: "Queue", extra: true, cell: (row) => row.queue },
    { key: "key", title: "Key", extra: true, cell: (row) => <code className="font-mono text-xs">{row.key}</code> },
    { key: "took", title: "Took", extra: true, right: true, cell: (row) => took(row.created_at, row.done_at) ?? "–" },
  ]
  return (
    <>
      <DataTable
        name="work"
        columns={columns}
        query={query}
        rows={(data) => data.work}
        rowKey={(row) => row.id}
        table={table}
        onOpen={(row) => set({ open: row.id })}
        openLabel={(row) => `${kindWords(row.kind)} of ${format.dateTime(row.created_at)}: open`}
        csv={{ path: "/operations/work", query: filters }}
        filters={
          <>
            <SearchBox label="Search work" value={state.q} onChange={(q, how) => set({ q }, how)} />
            <Select aria-label="State" value={state.status} options={STATUSES} onChange={(event) => set({ status: event.target.value })} className="w-full sm:w-40" />
            <Select aria-label="Kind" value={state.kind} options={kinds} onChange={(event) => set({ kind: event.target.value })} className="w-full sm:w-44" />
            {filtered ? <ClearFilters onClear={clear} /> : null}
          </>
        }
        empty={
          filtered ? <NoMatch what="pieces of work" clear={clear} /> : (
            <Empty title="Nothing waits" action={<ButtonLink to="/operations" search={{ tab: "work", status: "done" }}>Show what is done</ButtonLink>}>
              All that was asked for is done. New work appears here for the moment that it waits.
            </Empty>
          )
        }
      />
      <WorkDrawer id={state.open} onClose={() => set({ open: "" })} />
    </>
  )
}

export function WorkDrawer({ id, onClose }: { id: string; onClose: () => void }) {
  const format = useFormat()
  const query = useApi("/operations/work/{item_id}", {
    path: { item_id: id },
    enabled: id !== "",
    refetchInterval: (data) => (data?.work_item.status === "pending" ? 2000 : false),
  })
  return (
    <Drawer open={id !== ""} onOpenChange={(open) => open || onClose()} title="Piece of work" description={id}>
      <Async query={query} skeleton={<Skeleton className="h-80 w-full" />}>
        {({ work_item: item }) => (
          <div className="flex flex-col gap-4">
            <Facts
              of={[
                ["What", kindWords(item.kind)],
                ["State", <WorkStatus key="state" of={item} />],
                ["Tries", `${item.attempt} of ${item.max_attempts}`],
                ["Asked for", `${format.dateTime(item.created_at)} (${format.zone})`],
                ["Due", item.status === "pending" ? format.dateTime(item.due_at) : null],
                ["Ended", item.done_at ? format.dateTime(item.done_at) : null],
                ["Took", took(item.created_at, item.done_at)],
                ["Queue", item.queue],
                ["Kind", <code key="kind" className="font-mono text-xs break-all">{item.kind}</code>],
                ["Key", <code key="key" className="font-mono text-xs break-all">{item.key}</code>],
              ]}
            />
            {item.last_error ? (
              <section aria-labelledby="said">
                <h3 id="said" className="text-base">What it last said</h3>
                <p className="mt-1 rounded-md border border-red-line bg-red-bg px-3 py-2 font-mono text-xs break-words whitespace-pre-wrap text-red-fg">{item.last_error}</p>
              </section>
            ) : null}
            {item.status === "dead" ? <div><Replay item={item} /></div> : null}
          </div>
        )}
      </Async>
    </Drawer>
  )
}
