// Conversions' journeys: each conversion with the way to it; a row opens the whole journey beside the list.
import { useApi } from "@/api/query"
import { words } from "@/format/format"
import { useFormat, useMay } from "@/shell/session"
import { usePeriod } from "@/state/period"
import { useTable } from "@/state/table"
import { choice, flag, text, useUrlState } from "@/state/url"
import { Badge, ConversionTypeBadge } from "@/ui/badge"
import { Button } from "@/ui/button"
import { Select } from "@/ui/controls"
import { ClearFilters, FilterSelect, SearchBox } from "@/ui/filters"
import { Empty, NoMatch } from "@/ui/states"
import { type Column, DataTable } from "@/ui/table"
import type { ConversionJourney } from "../shared/answers"
import { PathSteps } from "../shared/channel"
import { lasting } from "../shared/lasting"
import { knownWindow, windowOptions } from "../shared/windows"
import { JourneyDrawer } from "./detail"
import { Summary } from "./summary"

const TYPES = [{ value: "purchase", label: "Purchases" }, { value: "lead_form_submission", label: "Leads" }]
const WHO = [{ value: "new", label: "New customers" }, { value: "returning", label: "Returning customers" }]
const SCHEMA = {
  q: text(), who: choice(["", "new", "returning"]), kind: choice(["purchase", "lead_form_submission", "any"]), lookback: text(), channel: text(),
  open: text(), model: text(), figures: flag(true),
}

export function ConversionJourneys() {
  const format = useFormat()
  const personal = useMay("adplanning:pii")
  const { period } = usePeriod()
  const table = useTable("-occurred_at", 25)
  const [state, set] = useUrlState(SCHEMA)
  const window = knownWindow(state.lookback)
  const type = state.kind === "any" ? undefined : state.kind
  const filters = { ...period.query, q: state.q, customers: state.who || undefined, conversion_type: type, window, channel: state.channel }
  const query = useApi("/journeys/conversions", { query: { ...filters, ...table.query }, keep: true })
  const filtered = state.q !== "" || state.who !== "" || state.channel !== "" || state.kind !== "purchase"
  const clear = () => set({ q: "", who: "", channel: "", kind: "purchase" })
  const columns: Column<ConversionJourney>[] = [
    {
      key: "order", title: "Order", heading: true,
      cell: (row) => (row.order_id ? <span className="font-medium">{row.order_id}</span> : <ConversionTypeBadge type={row.conversion_type} />),
    },
    ...(personal ? [{ key: "customer", title: "Email", cell: (row: ConversionJourney) => row.customer_email ?? <span className="text-muted">No address known</span> }] : []),
    { key: "new", title: "Customer", cell: (row) => (row.is_new_customer === null ? <span className="text-muted">–</span> : row.is_new_customer ? <Badge colour="green">New</Badge> : <Badge>Returning</Badge>) },
    { key: "value", title: "Value", sort: "value", right: true, cell: (row) => format.money(row.value, row.currency) },
    { key: "path", title: "Way to it", cell: (row) => <PathSteps steps={row.channels} most={4} /> },
    { key: "touches", title: "Touches", sort: "touches", right: true, cell: (row) => format.number(row.touches) },
    { key: "time", title: "Took", sort: "hours_to_conversion", right: true, cell: (row) => (row.hours_to_conversion === null ? <span className="text-muted">–</span> : lasting(row.hours_to_conversion * 3600)) },
    { key: "device", title: "First device", extra: true, cell: (row) => (row.first_device ? words(row.first_device) : <span className="text-muted">Unknown</span>) },
    { key: "type", title: "Type", extra: true, cell: (row) => <ConversionTypeBadge type={row.conversion_type} /> },
    { key: "date", title: `Date (${format.zoneShort})`, sort: "occurred_at", cell: (row) => <time dateTime={row.occurred_at} className="figure">{format.dateTime(row.occurred_at)}</time> },
  ]
  return (
    <>
      <div className="mb-3 flex flex-wrap items-center gap-2">
        <Select
          aria-label="Lookback window" className="w-full sm:w-52" value={window} options={windowOptions}
          onChange={(event) => set({ lookback: event.target.value })}
        />
        <Button aria-pressed={state.figures} onClick={() => set({ figures: !state.figures }, { replace: true })}>{state.figures ? "Hide the summary" : "Show the summary"}</Button>
      </div>
      <DataTable
        name="journeys"
        columns={columns}
        query={query}
        rows={(data) => data.journeys}
        rowKey={(row) => row.conversion_id}
        table={table}
        onOpen={(row) => set({ open: row.conversion_id })}
        openLabel={(row) => `Journey to ${row.order_id ?? row.conversion_id}: open`}
        csv={{ path: "/journeys/conversions", query: filters }}
        filters={
          <>
            <SearchBox label={personal ? "Order or email" : "Order"} value={state.q} onChange={(q, how) => set({ q }, how)} />
            <FilterSelect label="Customers" value={state.who} options={WHO} onChange={(who) => set({ who: who as "" | "new" | "returning" })} />
            <Select
              aria-label="Type of conversion" className="w-full sm:w-40" value={state.kind} options={[...TYPES, { value: "any", label: "Everything counted" }]}
              onChange={(event) => set({ kind: event.target.value as "purchase" | "lead_form_submission" | "any" })}
            />
            {filtered ? <ClearFilters onClear={clear} /> : null}
          </>
        }
        empty={filtered ? <NoMatch what="journeys" clear={clear} /> : <Empty title="No conversions in this period">They appear when orders are paid. Choose a longer period to see earlier ones.</Empty>}
      />
      {state.figures ? <Summary query={{ ...period.query, window, conversion_type: type ?? "purchase" }} /> : null}
      <JourneyDrawer
        id={state.open} window={window} model={state.model}
        onModel={(model) => set({ model }, { replace: true })}
        onClose={() => set({ open: "", model: "" })}
      />
    </>
  )
}
