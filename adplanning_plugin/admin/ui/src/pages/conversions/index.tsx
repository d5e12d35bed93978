// Conversions: everything that was counted, filtered and paged on the server; a row opens its detail beside the list.
import { useApi } from "@/api/query"
import { useFormat } from "@/shell/session"
import { usePeriod } from "@/state/period"
import { useTable } from "@/state/table"
import { text, useUrlState } from "@/state/url"
import { ConversionTypeBadge, SourceBadge, StatusBadge } from "@/ui/badge"
import { ClearFilters, FilterSelect, SearchBox } from "@/ui/filters"
import { PageHeader } from "@/ui/page"
import { PeriodPicker } from "@/ui/period"
import { Empty, NoMatch } from "@/ui/states"
import { type Column, DataTable } from "@/ui/table"
import { words } from "@/format/format"
import type { Conversion } from "./answers"
import { ConversionDrawer } from "./detail"

const FILTERS = { type: text(), platform: text(), status: text(), q: text(), open: text(), tab: text() }
const TYPES = ["purchase", "lead_form_submission", "add_to_cart", "begin_checkout", "page_engagement", "scroll_depth", "time_on_site", "custom"] as const
const PLATFORMS = ["meta", "google", "generic", "direct"] as const
const STATUSES = ["confirmed", "unconfirmed", "pending", "cancelled"] as const
const options = (values: readonly string[]) => values.map((value) => ({ value, label: words(value) }))
const NONE = { type: "", platform: "", status: "", q: "" }

export default function Conversions() {
  const format = useFormat()
  const dates = usePeriod()
  const table = useTable("-occurred_at")
  const [state, set] = useUrlState(FILTERS)
  const filters = {
    ...dates.period.query,
    conversion_type: state.type as (typeof TYPES)[number],
    platform: state.platform as (typeof PLATFORMS)[number],
    status: state.status as (typeof STATUSES)[number],
    q: state.q,
  }
  const query = useApi("/conversions", { query: { ...filters, ...table.query }, keep: true })
  const filtered = Boolean(state.type || state.platform || state.status || state.q)

  const columns: Column<Conversion>[] = [
    { key: "type", title: "Type", sort: "conversion_type", heading: true, cell: (row) => <ConversionTypeBadge type={row.conversion_type} /> },
    { key: "value", title: "Value", sort: "value", right: true, cell: (row) => format.money(row.value, row.currency) },
    { key: "status", title: "Status", sort: "status", cell: (row) => <StatusBadge status={row.status} /> },
    { key: "source", title: "Source", cell: (row) => row.utm_source ?? <span className="text-muted">–</span> },
    { key: "campaign", title: "Campaign", cell: (row) => row.utm_campaign ?? <span className="text-muted">–</span> },
    { key: "platform", title: "Platform", cell: (row) => <SourceBadge source={row.platform} /> },
    { key: "order", title: "Order", cell: (row) => row.order_id ?? <span className="text-muted">–</span> },
    { key: "channel", title: "Sales channel", extra: true, cell: (row) => words(row.sales_channel) },
    { key: "medium", title: "Medium", extra: true, cell: (row) => row.utm_medium ?? "–" },
    { key: "visitor", title: "Visitor", extra: true, cell: (row) => <code className="font-mono text-xs">{row.visitor_id ?? "–"}</code> },
    { key: "date", title: `Date (${format.zoneShort})`, sort: "occurred_at", cell: (row) => <time dateTime={row.occurred_at} className="figure">{format.dateTime(row.occurred_at)}</time> },
  ]
  return (
    <>
      <PageHeader
        title="Conversions"
        description="Purchases, leads and everything that your goals count."
        actions={<PeriodPicker {...dates} compare={undefined} />}
      />
      <DataTable
        name="conversions"
        columns={columns}
        query={query}
        rows={(data) => data.conversions}
        rowKey={(row) => row.id}
        table={table}
        onOpen={(row) => set({ open: row.id })}
        openLabel={(row) => `${words(row.conversion_type)} of ${format.dateTime(row.occurred_at)}: open`}
        csv={{ path: "/conversions", query: filters }}
        filters={
          <>
            <SearchBox label="Search conversions" value={state.q} onChange={(q, how) => set({ q }, how)} />
            <FilterSelect label="Type" value={state.type} options={options(TYPES)} onChange={(type) => set({ type })} />
            <FilterSelect label="Platform" value={state.platform} options={options(PLATFORMS)} onChange={(platform) => set({ platform })} />
            <FilterSelect label="Status" value={state.status} options={options(STATUSES)} onChange={(status) => set({ status })} />
            {filtered ? <ClearFilters onClear={() => set(NONE)} /> : null}
          </>
        }
        empty={
          filtered ? <NoMatch what="conversions" clear={() => set(NONE)} /> : (
            <Empty title="No conversions in this period">They appear by themselves when orders are paid, leads arrive, or a goal is met. Choose a longer period to see earlier ones.</Empty>
          )
        }
      />
      <ConversionDrawer id={state.open} tab={state.tab} onTab={(tab) => set({ tab }, { replace: true })} onClose={() => set({ open: "", tab: "" })} />
    </>
  )
}
