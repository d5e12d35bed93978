// Dead letters: work that failed as often as it may; try one again, or all that are shown.
import { RotateCw } from "lucide-react"
import { useState } from "react"
import { isProblem } from "@/api/problem"
import { type GetPath, useApi, useSend } from "@/api/query"
import { useFormat, useMay } from "@/shell/session"
import { useTable } from "@/state/table"
import { text, useUrlState } from "@/state/url"
import { Button } from "@/ui/button"
import { Select } from "@/ui/controls"
import { Confirm } from "@/ui/dialog"
import { ClearFilters, SearchBox } from "@/ui/filters"
import { Empty, NoMatch } from "@/ui/states"
import { type Column, DataTable } from "@/ui/table"
import { toast } from "@/ui/toast"
import type { WorkItem } from "./answers"
import { WorkDrawer } from "./work"
import { kindWords } from "./words"

const SCHEMA = { kind: text(), q: text(), open: text() }
const KINDS = [{ value: "", label: "Any kind" }, { value: "job:", label: "Jobs" }, { value: "event:", label: "Events" }, { value: "step:", label: "Workflow steps" }]

const AGAIN: GetPath[] = ["/operations/dead-letters", "/operations/work", "/operations/work/{item_id}"]

export function Replay({ item }: { item: WorkItem }) {
  const may = useMay("adplanning:manage")
  const replay = useSend("post", "/operations/dead-letters/{item_id}/replay", AGAIN)
  if (!may) return null
  const again = () =>
    replay.mutateAsync({ path: { item_id: item.id } })
      .then(() => toast(`${kindWords(item.kind)}: it is tried again`))
      .catch((problem: unknown) => toast(isProblem(problem) ? problem.message : "It could not be tried again.", { tone: "error" }))
  return (
    <Button small busy={replay.isPending} onClick={() => void again()} aria-label={`Try again: ${kindWords(item.kind)}`}>
      <RotateCw className="size-3.5" aria-hidden="true" />Try again
    </Button>
  )
}

export function DeadLetters() {
  const format = useFormat()
  const may = useMay("adplanning:manage")
  const table = useTable("-created_at")
  const [state, set] = useUrlState(SCHEMA)
  const [asking, setAsking] = useState(false)
  const replay = useSend<"post", "/operations/dead-letters/replay", { replayed: number }>("post", "/operations/dead-letters/replay", AGAIN)
  const filters = { kind: state.kind, q: state.q }
  const query = useApi("/operations/dead-letters", { query: { ...filters, ...table.query }, keep: true, refetchInterval: 15_000 })
  const shown = query.data?.dead_letters ?? []
  const filtered = state.kind !== "" || state.q !== ""
  const columns: Column<WorkItem>[] = [
    { key: "kind", title: "Work", heading: true, cell: (row) => kindWords(row.kind) },
    { key: "error", title: "Why it failed", cell: (row) => <span className="line-clamp-2 max-w-lg text-left">{row.last_error ?? "It gave no reason."}</span> },
    { key: "attempt", title: "Tries", sort: "attempt", right: true, cell: (row) => format.number(row.attempt) },
    { key: "created", title: `Asked for (${format.zoneShort})`, sort: "created_at", cell: (row) => <time dateTime={row.created_at} className="figure">{format.dateTime(row.created_at)}</time> },
    { key: "queue", title: "Queue", extra: true, cell: (row) => row.queue },
    { key: "key", title: "Key", extra: true, cell: (row) => <code className="font-mono text-xs">{row.key}</code> },
    ...(may ? [{ key: "again", title: "Again", cell: (row: WorkItem) => <Replay item={row} /> }] : []),
  ]
  const all = async () => {
    const { replayed } = await replay.mutateAsync({ body: { ids: shown.map((each) => each.id) } })
    toast(`${format.number(replayed)} ${replayed === 1 ? "is" : "are"} tried again`)
  }
  return (
    <>
      <DataTable
        name="dead letters"
        columns={columns}
        query={query}
        rows={(data) => data.dead_letters}
        rowKey={(row) => row.id}
        table={table}
        onOpen={(row) => set({ open: row.id })}
        openLabel={(row) => `${kindWords(row.kind)} of ${format.dateTime(row.created_at)}: open`}
        csv={{ path: "/operations/dead-letters", query: filters }}
        filters={
          <>
            <SearchBox label="Search dead letters" value={state.q} onChange={(q, how) => set({ q }, how)} />
            <Select aria-label="Kind" value={state.kind} options={KINDS} onChange={(event) => set({ kind: event.target.value })} className="w-full sm:w-44" />
            {filtered ? <ClearFilters onClear={() => set({ kind: "", q: "" })} /> : null}
            {may && shown.length > 1 ? <Button onClick={() => setAsking(true)}><RotateCw className="size-3.5" aria-hidden="true" />Try all {format.number(shown.length)} shown again</Button> : null}
          </>
        }
        empty={
          filtered ? <NoMatch what="dead letters" clear={() => set({ kind: "", q: "" })} /> : (
            <Empty title="Nothing has failed for good">Work that fails is tried again by itself, later and later. Only what failed every time stands here, with its reason, until you try it again.</Empty>
          )
        }
      />
      <Confirm
        open={asking}
        onOpenChange={setAsking}
        title={`Try ${format.number(shown.length)} again?`}
        action="Try them again"
        danger={false}
        onConfirm={all}
      >
        Each gets all its tries again. What still fails comes back here with its new reason; doing a piece of work twice changes nothing.
      </Confirm>
      <WorkDrawer id={state.open} onClose={() => set({ open: "" })} />
    </>
  )
}
