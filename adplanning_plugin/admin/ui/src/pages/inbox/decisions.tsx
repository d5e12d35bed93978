// Every decision: what was decided by whom and when, what it moved, and the way back.
import { useApi } from "@/api/query"
import { By } from "@/insight/by"
import { useFormat, useMay } from "@/shell/session"
import { useTable } from "@/state/table"
import { text, useUrlState } from "@/state/url"
import { Badge } from "@/ui/badge"
import { Button, TextLink } from "@/ui/button"
import { ClearFilters, FilterSelect } from "@/ui/filters"
import { Empty, NoMatch } from "@/ui/states"
import { type Column, DataTable } from "@/ui/table"
import type { Decision } from "./answers"
import type { Deciding } from "./deciding"
import { Moved, namesOf } from "./outcome"

const SCHEMA = { kind: text(), reverted: text() }
const NONE = { kind: "", reverted: "" }
const KINDS = [{ value: "campaign", label: "Means a campaign" }, { value: "ignored", label: "Ignored" }]
const REVERTED = [{ value: "false", label: "In force" }, { value: "true", label: "Taken back" }]

function State({ of }: { of: Decision }) {
  if (of.state === "applying" || of.state === "reverting") return <Badge colour="orange">{of.state === "applying" ? "Being applied" : "Being taken back"}</Badge>
  return of.state === "active" ? <Badge colour="green">In force</Badge> : <Badge>Taken back</Badge>
}

export function Decisions({ deciding }: { deciding: Deciding }) {
  const format = useFormat()
  const may = useMay("adplanning:write")
  const table = useTable("-decided_at")
  const [state, set] = useUrlState(SCHEMA)
  const kind = KINDS.find((each) => each.value === state.kind)?.value as Decision["kind"] | undefined
  const filters = { kind, reverted: state.reverted === "" ? undefined : state.reverted === "true" }
  const query = useApi("/attribution/aliases", { query: { ...filters, ...table.query }, keep: true, refetchInterval: (data) => (data?.aliases.some((row) => row.state.endsWith("ing")) ? 2000 : false) })
  const filtered = state.kind !== "" || state.reverted !== ""
  const columns: Column<Decision>[] = [
    { key: "names", title: "Names", heading: true, cell: (row) => <span className="block max-w-56 font-medium break-words" title={row.names.join("\n")}>{namesOf(row)}</span> },
    {
      key: "means", title: "Means",
      cell: (row) => (row.kind === "ignored" ? <span className="text-muted">No campaign</span> : <TextLink to={`/campaigns/${row.ad_campaign_id}`}>{row.campaign ?? row.ad_campaign_id}</TextLink>),
    },
    { key: "state", title: "State", cell: (row) => <State of={row} /> },
    { key: "visits", title: "Visits", right: true, cell: (row) => (row.outcome ? format.number(row.outcome.touches) : "–") },
    { key: "moved", title: "Moved", cell: (row) => <Moved of={row.outcome} /> },
    {
      key: "who", title: `Decided (${format.zoneShort})`, sort: "decided_at",
      cell: (row) => (
        <span className="flex flex-col">
          <span><time dateTime={row.decided_at} className="figure">{format.dateTime(row.decided_at)}</time> by <By id={row.decided_by} /></span>
          {row.reverted_at ? <span className="text-xs text-muted">Taken back {format.dateTime(row.reverted_at)}{row.reverted_by ? <> by <By id={row.reverted_by} /></> : null}</span> : null}
        </span>
      ),
    },
    { key: "score", title: "Alike", right: true, extra: true, cell: (row) => (row.score === null ? "–" : format.percent(row.score, 0)) },
    ...(may ? [{
      key: "do", title: "Undo", right: true,
      cell: (row: Decision) => (row.reverted_at === null ? <Button small busy={deciding.busy} aria-label={`Undo the decision about ${namesOf(row)}`} onClick={() => void deciding.revert(row.id)}>Undo</Button> : null),
    }] : []),
  ]
  return (
    <DataTable
      name="decisions"
      columns={columns}
      query={query}
      rows={(data) => data.aliases}
      rowKey={(row) => row.id}
      table={table}
      csv={{ path: "/attribution/aliases", query: filters }}
      filters={
        <>
          <FilterSelect label="Decision" value={state.kind} options={KINDS} onChange={(value) => set({ kind: value })} />
          <FilterSelect label="State" value={state.reverted} options={REVERTED} onChange={(reverted) => set({ reverted })} />
          {filtered ? <ClearFilters onClear={() => set(NONE)} /> : null}
        </>
      }
      empty={filtered ? <NoMatch what="decisions" clear={() => set(NONE)} /> : <Empty title="Nothing was decided yet">What you decide about names in the inbox is listed here, with who and when, and can be undone.</Empty>}
    />
  )
}
