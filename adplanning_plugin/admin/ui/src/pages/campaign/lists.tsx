// What a campaign's figures are made of: the orders that it is credited with, and the visits that it brought.
import { useNavigate } from "@tanstack/react-router"
import { useApi } from "@/api/query"
import { words } from "@/format/format"
import type { CampaignOrder, CampaignTouch } from "@/insight/answers"
import { type Credit, useCarried } from "@/insight/credit"
import { conversion, Explains, Opens } from "@/insight/explain"
import { useFormat } from "@/shell/session"
import { useTable } from "@/state/table"
import { choice, integer, list, text, useUrlState } from "@/state/url"
import { Badge, SourceBadge } from "@/ui/badge"
import { TextLink } from "@/ui/button"
import { ClearFilters, SearchBox } from "@/ui/filters"
import { Empty, NoMatch } from "@/ui/states"
import { type Column, DataTable } from "@/ui/table"
import { Tabs } from "@/ui/tabs"

/** One list is open at a time, so both use the address's table: a step to the other starts it anew. */
const SCHEMA = { tab: choice(["orders", "touches"]), order: text(), page: integer(1), hidden: list(), q: text() }

interface Props {
  id: string
  period: { from_date: string; to_date: string }
  credit: Credit
}

export function Behind(props: Props) {
  const [{ tab }, set] = useUrlState(SCHEMA)
  return (
    <section aria-label="Orders and touches">
      <Tabs
        label="Orders and touches"
        value={tab}
        onChange={(key) => set({ tab: key as "orders", order: "", page: 1, hidden: [], q: "" })}
        tabs={[
          { key: "orders", label: "Credited orders", content: <Orders {...props} /> },
          { key: "touches", label: "Visits that it brought", content: <Touches {...props} /> },
        ]}
      />
    </section>
  )
}

function Orders({ id, period, credit }: Props) {
  const format = useFormat()
  const table = useTable("-occurred_at", 10)
  const [{ q }, set] = useUrlState(SCHEMA)
  const filters = { ...period, ...credit.query, q }
  const query = useApi("/ad-campaigns/{ad_campaign_id}/orders", { path: { ad_campaign_id: id }, query: { ...filters, ...table.query }, keep: true })
  const columns: Column<CampaignOrder>[] = [
    { key: "order", title: "Order", heading: true, cell: (row) => <TextLink to={`/conversions/${encodeURIComponent(row.conversion_id)}`}>{row.order_id ?? "Without a number"}</TextLink> },
    { key: "date", title: `Date (${format.zoneShort})`, sort: "occurred_at", cell: (row) => <time dateTime={row.occurred_at} className="figure">{format.dateTime(row.occurred_at)}</time> },
    { key: "credited", title: "Credited", sort: "credited", right: true, cell: (row) => <Explains of={conversion(row.conversion_id)} about={`Credit of order ${row.order_id ?? ""}`}>{format.money(row.credited, row.currency)}</Explains> },
    { key: "share", title: "Share", sort: "weight", right: true, cell: (row) => <Explains quiet of={conversion(row.conversion_id)} about={`Share of order ${row.order_id ?? ""}`}>{format.percent(row.weight, 0)}</Explains> },
    { key: "value", title: "Order's value", sort: "value", right: true, cell: (row) => format.money(row.value, row.currency) },
    { key: "refunded", title: "Refunded", right: true, cell: (row) => (Number(row.refunded) > 0 ? format.money(row.refunded, row.currency) : <span className="text-muted">–</span>) },
    { key: "customer", title: "Customer", cell: (row) => (row.is_new_customer === null ? "–" : <Badge colour={row.is_new_customer ? "green" : "grey"}>{row.is_new_customer ? "New" : "Returning"}</Badge>) },
    { key: "visits", title: "Its visits", sort: "touches", right: true, cell: (row) => `${format.number(row.touches)} of ${format.number(row.path_touches)}` },
    { key: "last", title: "Last visit", cell: (row) => <time dateTime={row.last_click_at} className="figure">{format.dateTime(row.last_click_at)}</time> },
    { key: "first", title: "First visit", extra: true, cell: (row) => <time dateTime={row.first_click_at} className="figure">{format.dateTime(row.first_click_at)}</time> },
  ]
  return (
    <DataTable
      name="credited orders"
      columns={columns}
      query={query}
      rows={(data) => data.orders}
      rowKey={(row) => row.conversion_id}
      table={table}
      csv={{ path: `/ad-campaigns/${encodeURIComponent(id)}/orders` as never, query: filters }}
      filters={
        <>
          <SearchBox label="Search by order number" value={q} onChange={(next, how) => set({ q: next }, how)} />
          {q ? <ClearFilters onClear={() => set({ q: "" })} /> : null}
        </>
      }
      empty={q ? <NoMatch what="orders" clear={() => set({ q: "" })} /> : (
        <Empty title="No order is credited to it in this period">Another model or a longer window may credit some: choose them above.</Empty>
      )}
    />
  )
}

function Touches({ id, period, credit }: Props) {
  const format = useFormat()
  const table = useTable("-occurred_at", 10)
  const [{ q }, set] = useUrlState(SCHEMA)
  const carried = useCarried()
  const navigate = useNavigate()
  const seen = (open: string) => void navigate({ to: "/attribution" as never, search: { ...carried, view: "touches", open } as never })
  const filters = { ...period, model: credit.query.model, window: credit.query.window, q }
  const query = useApi("/ad-campaigns/{ad_campaign_id}/touches", { path: { ad_campaign_id: id }, query: { ...filters, ...table.query }, keep: true })
  const columns: Column<CampaignTouch>[] = [
    { key: "date", title: `Date (${format.zoneShort})`, sort: "occurred_at", heading: true, cell: (row) => <TextLink to="/attribution" search={{ ...carried, view: "touches", open: row.id }}><time dateTime={row.occurred_at} className="figure">{format.dateTime(row.occurred_at)}</time></TextLink> },
    { key: "source", title: "Source", sort: "source", cell: (row) => <SourceBadge source={row.source} /> },
    { key: "medium", title: "Medium", sort: "medium", cell: (row) => MEDIA[row.medium ?? ""] ?? words(row.medium) },
    { key: "channel", title: "Channel", sort: "channel", extra: true, cell: (row) => row.channel ?? "–" },
    { key: "landing", title: "Came to", cell: (row) => <span className="block max-w-56 truncate" title={row.landing_path ?? undefined}>{row.landing_path ?? "–"}</span> },
    { key: "method", title: "Known by", cell: (row) => <span title={row.confidence === null ? undefined : `${format.percent(row.confidence, 0)} sure`}>{METHODS[row.resolution_method] ?? words(row.resolution_method)}</span> },
    { key: "sure", title: "Sure", right: true, extra: true, cell: (row) => format.percent(row.confidence, 0) },
    { key: "orders", title: "Orders", right: true, cell: (row) => (row.orders ? <Opens quiet about="What this visit brought" onOpen={() => seen(row.id)}>{format.number(row.orders)}</Opens> : <span className="text-muted">–</span>) },
    { key: "revenue", title: "Revenue", right: true, cell: (row) => (row.orders ? <Opens quiet about="What this visit brought" onOpen={() => seen(row.id)}>{format.money(row.revenue, row.currency ?? undefined)}</Opens> : <span className="text-muted">–</span>) },
    { key: "content", title: "Content", extra: true, cell: (row) => row.content ?? "–" },
    { key: "term", title: "Search term", extra: true, cell: (row) => row.term ?? "–" },
    { key: "referrer", title: "Came from", extra: true, cell: (row) => row.referrer_host ?? "–" },
    { key: "visitor", title: "Visitor", extra: true, cell: (row) => <code className="font-mono text-xs">{row.visitor_id ?? "–"}</code> },
  ]
  return (
    <DataTable
      name="visits"
      columns={columns}
      query={query}
      rows={(data) => data.touches}
      rowKey={(row) => row.id}
      table={table}
      csv={{ path: `/ad-campaigns/${encodeURIComponent(id)}/touches` as never, query: filters }}
      filters={
        <>
          <SearchBox label="Search visits" value={q} onChange={(next, how) => set({ q: next }, how)} />
          {q ? <ClearFilters onClear={() => set({ q: "" })} /> : null}
        </>
      }
      empty={q ? <NoMatch what="visits" clear={() => set({ q: "" })} /> : (
        <Empty title="It brought no visit in this period">Visits are known by the ad's link: look whether it carries its campaign, and whether visitors consented.</Empty>
      )}
    />
  )
}

const MEDIA: Record<string, string> = { cpc: "Paid click (CPC)", ppc: "Paid click (PPC)" }

/** How a visit was found to be this campaign's. */
const METHODS: Record<string, string> = {
  exact_utm_match: "Its campaign's name",
  fuzzy_name_match: "A name like it",
  platform_id: "The platform's id",
  click_id: "The click's id",
  manual: "Set by hand",
}
