// Conversions: figures of everything that was counted, then the list itself; a row opens its detail beside the list.
import { ChartSpline, Plus } from "lucide-react"
import { Suspense, useState } from "react"
import { useApi } from "@/api/query"
import { Freshness } from "@/insight/freshness"
import { words } from "@/format/format"
import { useFormat, useMay } from "@/shell/session"
import { usePeriod } from "@/state/period"
import { useTable } from "@/state/table"
import { useUrlState } from "@/state/url"
import { ConversionTypeBadge, SourceBadge, StatusBadge } from "@/ui/badge"
import { Button, TextLink } from "@/ui/button"
import { PageHeader } from "@/ui/page"
import { PeriodPicker } from "@/ui/period"
import { Empty, NoMatch } from "@/ui/states"
import { type Column, DataTable } from "@/ui/table"
import { ConversionForm } from "./actions"
import type { Conversion } from "./answers"
import { ConversionDrawer } from "./detail"
import { Figures } from "./figures"
import { asked, clear, Filters, isFiltered, STATE } from "./filters"
import { named } from "./vocabulary"

const COUNTED = ["conversions", "events"]

const None = () => <span className="text-muted">–</span>

export default function Conversions() {
  const format = useFormat()
  const may = useMay("adplanning:write")
  const dates = usePeriod()
  const table = useTable("-occurred_at")
  const [state, set] = useUrlState(STATE)
  const [entering, setEntering] = useState(false)
  const filters = { ...dates.period.query, ...asked(state) }
  const query = useApi("/conversions", { query: { ...filters, ...table.query }, keep: true })
  const filtered = isFiltered(state)
  const columns: Column<Conversion>[] = [
    { key: "type", title: "Type", sort: "conversion_type", heading: true, cell: (row) => <ConversionTypeBadge type={row.conversion_type} /> },
    {
      key: "value", title: "Value", sort: "value", right: true,
      cell: (row) => (
        <>
          <span className={Number(row.value) === 0 ? "text-muted" : undefined}>{format.money(row.value, row.currency)}</span>
          {Number(row.refunded) > 0 ? <span className="block text-xs text-muted">−{format.money(row.refunded, row.currency)} refunded</span> : null}
        </>
      ),
    },
    { key: "status", title: "Status", sort: "status", cell: (row) => <StatusBadge status={row.status} /> },
    { key: "source", title: "Source", cell: (row) => (row.source || row.platform === "direct" ? <SourceBadge source={row.source} /> : <span className="text-muted">No visit known</span>) },
    {
      key: "campaign", title: "Campaign",
      cell: (row) => (row.ad_campaign_id ? <TextLink to={`/campaigns/${row.ad_campaign_id}`}>{row.campaign_name ?? row.ad_campaign_id}</TextLink> : (row.campaign_name ?? <None />)),
    },
    { key: "platform", title: "Platform", cell: (row) => (row.platform ? <SourceBadge source={named(row.platform)} /> : <None />) },
    { key: "order", title: "Order", cell: (row) => row.order_id ?? <None /> },
    { key: "medium", title: "Medium", extra: true, cell: (row) => row.medium ?? <None /> },
    { key: "attributed_channel", title: "Channel", extra: true, cell: (row) => row.channel ?? <None /> },
    { key: "origin", title: "Comes from", extra: true, cell: (row) => named(row.origin) },
    { key: "channel", title: "Sales channel", extra: true, cell: (row) => words(row.sales_channel) },
    { key: "new", title: "New customer", extra: true, cell: (row) => (row.is_new_customer === null ? <None /> : row.is_new_customer ? "Yes" : "No") },
    { key: "visitor", title: "Visitor", extra: true, cell: (row) => <code className="font-mono text-xs">{row.visitor_id ?? "–"}</code> },
    { key: "date", title: `Date (${format.zoneShort})`, sort: "occurred_at", cell: (row) => <time dateTime={row.occurred_at} className="figure">{format.dateTime(row.occurred_at)}</time> },
  ]
  return (
    <>
      <PageHeader
        title="Conversions"
        description="Purchases, leads and everything that your goals count."
        actions={
          <>
            <Button aria-pressed={state.figures} onClick={() => set({ figures: !state.figures }, { replace: true })}>
              <ChartSpline className="size-4 text-muted" aria-hidden="true" />{state.figures ? "Hide figures" : "Show figures"}
            </Button>
            <PeriodPicker {...dates} />
            {may ? <Button variant="primary" onClick={() => setEntering(true)}><Plus className="size-4" aria-hidden="true" />Enter a conversion</Button> : null}
          </>
        }
      />
      {state.figures ? <Figures filters={filters} period={dates.period} group={state.chart} measure={state.measure} type={state.type} onChange={({ group, ...patch }) => set(group ? { chart: group } : patch)} /> : null}
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
        filters={<Filters state={state} set={set} />}
        empty={
          filtered ? <NoMatch what="conversions" clear={() => clear(set)} /> : (
            <Empty
              title="No conversions in this period"
              action={may ? <Button onClick={() => setEntering(true)}>Enter a conversion</Button> : null}
            >
              They appear by themselves when orders are paid, leads arrive, or a goal is met. Choose a longer period to see earlier ones.
            </Empty>
          )
        }
      />
      <div className="mt-3"><Freshness of={COUNTED} /></div>
      <ConversionDrawer
        id={state.open}
        tab={state.tab}
        lookback={state.lookback}
        onChange={(patch) => set(patch, { replace: true })}
        onClose={() => set({ open: "", tab: "", lookback: "" })}
      />
      {entering ? <Suspense><ConversionForm open onClose={() => setEntering(false)} onSaved={(id) => set({ open: id })} /></Suspense> : null}
    </>
  )
}
