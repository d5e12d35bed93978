// The list of events: by kind, stage and channel, searched and exported; a row opens beside the list.
import { type Query, useApi } from "@/api/query"
import type { JourneyEvent } from "@/insight/timeline/event"
import { about, channelName, EventBadge, StageBadge } from "@/insight/timeline/words"
import { useLink } from "@/shell/links"
import { useFormat } from "@/shell/session"
import { usePeriod } from "@/state/period"
import { useTable } from "@/state/table"
import { text, useUrlState } from "@/state/url"
import { TextLink } from "@/ui/button"
import { ClearFilters, FilterSelect, SearchBox } from "@/ui/filters"
import { Empty, NoMatch } from "@/ui/states"
import { type Column, DataTable } from "@/ui/table"
import { EventDrawer } from "./drawer"

const SCHEMA = { q: text(), stage: text(), event: text(), channel: text(), person: text(), visitor: text(), open: text() }
const NOTHING = { q: "", stage: "", event: "", channel: "", person: "", visitor: "" }
type Asked = Query<"/journeys">
const None = () => <span className="text-muted">–</span>

export function Events() {
  const format = useFormat()
  const { period } = usePeriod()
  const table = useTable("-occurred_at")
  const [state, set] = useUrlState(SCHEMA)
  const known = useApi("/journeys/event-types", { staleTime: 300_000 })
  const filters = {
    ...period.query, q: state.q, stage: state.stage as Asked["stage"], event_type: state.event as Asked["event_type"], channel: state.channel,
    person_id: state.person, visitor_id: state.visitor,
  }
  const query = useApi("/journeys", { query: { ...filters, ...table.query }, keep: true })
  const filtered = Object.keys(NOTHING).some((key) => state[key as keyof typeof NOTHING] !== "")
  const clear = () => set(NOTHING)
  const key = (row: JourneyEvent) => `${row.origin}:${row.id}`
  const opened = query.data?.journeys.find((row) => key(row) === state.open)
  const columns: Column<JourneyEvent>[] = [
    { key: "event", title: "Event", heading: true, cell: (row) => <EventBadge type={row.event_type} /> },
    { key: "stage", title: "Stage", cell: (row) => <StageBadge stage={row.stage} /> },
    { key: "about", title: "About", cell: (row) => <span className="block max-w-72 truncate">{about(row) || <None />}</span> },
    { key: "person", title: "Person", cell: (row) => <Person of={row} /> },
    { key: "channel", title: "Channel", cell: (row) => channelName(row.channel) ?? <None /> },
    { key: "value", title: "Value", right: true, cell: (row) => (row.value === null ? <None /> : format.money(row.value, row.currency ?? undefined)) },
    { key: "campaign", title: "Campaign", extra: true, cell: (row) => row.campaign ?? <None /> },
    { key: "visitor", title: "Visitor", extra: true, cell: (row) => <code className="font-mono text-xs">{row.visitor_id ?? "–"}</code> },
    { key: "date", title: `Date (${format.zoneShort})`, sort: "occurred_at", cell: (row) => <time dateTime={row.occurred_at} className="figure">{format.dateTime(row.occurred_at)}</time> },
  ]
  return (
    <>
      <DataTable
        name="events"
        columns={columns}
        query={query}
        rows={(data) => data.journeys}
        rowKey={key}
        table={table}
        onOpen={(row) => set({ open: key(row) })}
        openLabel={(row) => `${row.label} of ${format.dateTime(row.occurred_at)}: open`}
        csv={{ path: "/journeys", query: filters }}
        filters={
          <>
            <SearchBox label="Search events" value={state.q} onChange={(q, options) => set({ q }, options)} />
            <FilterSelect label="Stage" value={state.stage} options={(known.data?.stages ?? []).map((each) => ({ value: each.stage, label: each.label }))} onChange={(stage) => set({ stage })} />
            <FilterSelect label="Event" value={state.event} options={(known.data?.event_types ?? []).map((each) => ({ value: each.event_type, label: each.label }))} onChange={(event) => set({ event })} />
            <FilterSelect label="Channel" value={state.channel} options={(known.data?.channels ?? []).map((each) => ({ value: each, label: channelName(each)! }))} onChange={(channel) => set({ channel })} />
            {filtered ? <ClearFilters onClear={clear} /> : null}
          </>
        }
        empty={
          filtered ? <NoMatch what="events" clear={clear} /> : (
            <Empty title="Nothing happened in this period">
              Events appear as soon as visitors agree to be counted, and as orders, leads, forms and reviews arrive. Choose a longer period to see earlier ones.
            </Empty>
          )
        }
      />
      <EventDrawer of={opened} onClose={() => set({ open: "" })} onOnly={(patch) => set({ ...NOTHING, ...patch, open: "" })} />
    </>
  )
}

/** The customer by name where that may be told, else by id; whoever is not known is a visitor. */
export function Person({ of }: { of: JourneyEvent }) {
  const customers = useLink("customers")
  if (of.person_id === null) return <span className="text-muted">{of.visitor_id ? "Visitor" : "Not known"}</span>
  const name = of.person_name ?? `Customer ${of.person_id}`
  return customers ? <TextLink to={`${customers}/${encodeURIComponent(of.person_id)}`}>{name}</TextLink> : name
}
