// ROI: what each campaign, ad set, ad, channel or platform cost and returned, beside the period before; the total reconciles.
import { type ReactNode, useMemo } from "react"
import { useApi } from "@/api/query"
import type { Compared, Line, RoiTotal } from "@/insight/answers"
import { CreditSwitches, useCarried, useCredit } from "@/insight/credit"
import { Explained, Explains, lineOf, report } from "@/insight/explain"
import { MissingRates, Rests } from "@/insight/rests"
import { Claim, platformName, WhyDrawer } from "@/insight/why"
import { useFormat } from "@/shell/session"
import { usePeriod } from "@/state/period"
import { useTable } from "@/state/table"
import { choice, text, useUrlState } from "@/state/url"
import { Roas, SourceBadge, StatusBadge } from "@/ui/badge"
import { Button, ButtonLink, TextLink } from "@/ui/button"
import { ClearFilters, FilterSelect, SearchBox } from "@/ui/filters"
import { Change, KpiSkeleton } from "@/ui/kpi"
import { PageHeader } from "@/ui/page"
import { PeriodPicker } from "@/ui/period"
import { Async, Empty, NoMatch, Skeleton } from "@/ui/states"
import { type Column, DataTable } from "@/ui/table"
import { Explain } from "@/ui/tooltip"
import { Chart, Headline, Segments } from "./figures"
import { matching, ordered, type RoiLine } from "./lines"

const DIMENSIONS = { by: choice(["campaign", "ad_set", "ad", "channel", "platform"]), platform: text(), q: text() }
const TITLES = { campaign: "Campaigns", ad_set: "Ad sets", ad: "Ads", channel: "Channels", platform: "Platforms" } as const
const ONE = { campaign: "Campaign", ad_set: "Ad set", ad: "Ad", channel: "Channel", platform: "Platform" } as const

export default function Roi() {
  const format = useFormat()
  const dates = usePeriod()
  const { period } = dates
  const credit = useCredit()
  const table = useTable("-spend")
  const [state, set] = useUrlState(DIMENSIONS)
  const asked = { ...period.query, ...credit.query, by: state.by, ...(period.compare ? { compare: "previous" as const } : {}) }
  const query = useApi("/roi", { query: asked, keep: true })
  const isOfCampaigns = state.by === "campaign" || state.by === "ad_set" || state.by === "ad"
  const platform = isOfCampaigns ? state.platform : ""
  const { data } = query
  // The answer has every line: the total has to reconcile, so sorting and paging need no other one.
  const listed = useMemo(() => {
    if (!data) return undefined
    const rows = ordered(matching(data.roi, platform, state.q), table.order)
    const offset = (table.page - 1) * table.size
    return { ...data, rows: rows.slice(offset, offset + table.size), count: rows.length, offset, limit: table.size }
  }, [data, platform, state.q, table.order, table.page, table.size])
  const filtered = Boolean(platform || state.q)
  const none = { platform: "", q: "" }

  return (
    <>
      <PageHeader
        title="ROI"
        description="What advertising returned: credited revenue beside what it cost. Every line is here, so they sum to the store."
        actions={<><CreditSwitches {...credit} /><PeriodPicker {...dates} /></>}
      />
      <Segments label="Lines by" value={state.by} of={TITLES} onChange={(by) => set({ by, q: "", platform: "" })} />
      <Async query={query} skeleton={<Waiting />}>
        {(answer) => (
          <div className="flex flex-col gap-4">
            <MissingRates basis={answer} />
            <Headline total={answer.total} compare={period.compare} basis={answer} />
            <Chart lines={matching(answer.roi, platform, state.q)} by={state.by} compare={period.compare} title={`${TITLES[state.by]}, best first`} />
            <DataTable
              name={TITLES[state.by].toLowerCase()}
              columns={columns(format, state.by, period.compare)}
              query={{ ...query, data: listed }}
              rows={(page) => page.rows}
              rowKey={(row) => [row.kind, row.ad_campaign_id, row.ad_set_id, row.id].join("/")}
              table={table}
              csv={{ path: "/roi", query: { ...period.query, ...credit.query, by: state.by, platform, q: state.q, ...(period.compare ? { compare: "previous" as const } : {}) } }}
              filters={
                <>
                  <SearchBox label={`Search ${TITLES[state.by].toLowerCase()}`} value={state.q} onChange={(q, how) => set({ q }, how)} />
                  {isOfCampaigns ? <FilterSelect label="Platform" value={platform} options={platformsOf(answer.roi)} onChange={(next) => set({ platform: next })} /> : null}
                  {filtered ? <ClearFilters onClear={() => set(none)} /> : null}
                </>
              }
              {...(filtered ? {} : { foot: () => totals(format, answer.total, answer.basis) })}
              empty={filtered ? <NoMatch what={TITLES[state.by].toLowerCase()} clear={() => set(none)} /> : (
                <Empty title="Nothing was spent or earned in this period" action={<><Button onClick={() => dates.choose("last_90_days")}>Last 90 days</Button><ButtonLink to="/campaigns">See the campaigns</ButtonLink></>}>
                  Choose a longer period, or link an ad account and the store's orders.
                </Empty>
              )}
            />
            <Rests basis={answer} credit={credit} />
          </div>
        )}
      </Async>
      <Explained query={{ ...period.query, ...credit.query }} />
      <WhyDrawer query={{ ...period.query, model: credit.query.model, window: credit.query.window }} />
    </>
  )
}

type Formats = ReturnType<typeof useFormat>

const platformsOf = (lines: Line[]) => [...new Set(lines.map((each) => each.platform).filter((each) => each !== null && each !== undefined))].sort().map((value) => ({ value, label: platformName(value) }))

function columns(format: Formats, by: keyof typeof ONE, compare: boolean): Column<RoiLine>[] {
  const isOfCampaigns = by === "campaign" || by === "ad_set" || by === "ad"
  /** A figure, and under it how it moved. */
  const moving = (key: Compared, value: ReactNode, row: RoiLine, better: "up" | "neither" = "up") => {
    const change = row.change?.[key]
    if (!compare || change === undefined) return value
    return (
      <span className="inline-flex flex-col items-end">
        {value}
        {change === null ? <span className="text-xs text-muted">{Number(row[key] ?? 0) > 0 ? "new" : ""}</span> : <Change value={change} better={row.kind === "touch" ? better : "neither"} />}
      </span>
    )
  }
  const why = (row: RoiLine, measure: string, value: ReactNode, none = false, only = "") => (
    <Explains quiet of={none ? null : report({ ...lineOf(row, by), measure, only })} about={`${measure} of ${row.name ?? "this line"}`}>{value}</Explains>
  )
  const earlier = (key: Compared, title: string, write: (value: never) => string): Column<RoiLine>[] =>
    compare ? [{ key: `before_${key}`, title: `${title} before`, extra: true, right: true, cell: (row) => write(row.previous?.[key] as never) }] : []
  const dash = <span className="text-muted">–</span>
  return [
    { key: "name", title: ONE[by], sort: "name", heading: true, cell: (row) => <Name row={row} by={by} /> },
    ...(isOfCampaigns ? [{ key: "platform", title: "Platform", sort: "platform", cell: (row: RoiLine) => (row.platform ? <SourceBadge source={row.platform} /> : dash) }] : []),
    ...(isOfCampaigns ? [{ key: "status", title: "Status", extra: true, cell: (row: RoiLine) => (row.status ? <StatusBadge status={row.status} /> : dash) }] : []),
    { key: "spend", title: "Spend", sort: "spend", right: true, cell: (row) => moving("spend", format.money(row.spend), row, "neither") },
    { key: "revenue", title: "Revenue", sort: "revenue", right: true, cell: (row) => moving("revenue", why(row, "revenue", format.money(row.revenue)), row) },
    { key: "roas", title: "ROAS", sort: "roas", right: true, cell: (row) => moving("roas", why(row, "roas", <Roas value={row.roas} />, row.roas === null), row) },
    { key: "new_roas", title: "New-cust. ROAS", sort: "new_customer_roas", right: true, cell: (row) => why(row, "roas", <Roas value={row.new_customer_roas} />, row.new_customer_roas === null, "new") },
    { key: "orders", title: "Orders", sort: "orders", right: true, cell: (row) => moving("orders", why(row, "orders", format.number(row.orders)), row) },
    { key: "cac", title: "CAC", sort: "cac", right: true, cell: (row) => why(row, "cac", format.money(row.cac), row.cac === null, "new") },
    { key: "margin", title: "Margin", sort: "margin", right: true, cell: (row) => why(row, "margin", format.money(row.margin), row.margin === null) },
    {
      key: "claims", title: "Platform claims", sort: "platform_conversions", right: true,
      cell: (row) => {
        if (by === "campaign" && row.id && row.platform && row.platform_conversions !== null) return <Claim conversions={row.platform_conversions} of={`campaign:${row.id}`} platform={row.platform} about={row.name ?? ""} />
        if (by === "platform" && row.id && row.platform_conversions !== null) return <Claim conversions={row.platform_conversions} of={`platform:${row.id}`} platform={row.id} />
        return format.number(row.platform_conversions)
      },
    },
    ...earlier("spend", "Spend", format.money),
    ...earlier("revenue", "Revenue", format.money),
    ...earlier("roas", "ROAS", format.times),
    ...earlier("orders", "Orders", format.number),
    { key: "roi", title: "ROI", extra: true, sort: "roi", right: true, cell: (row) => why(row, "roi", format.change(row.roi), row.roi === null) },
    { key: "cpa", title: "Cost per order", extra: true, sort: "cpa", right: true, cell: (row) => why(row, "cpa", format.money(row.cpa), row.cpa === null) },
    { key: "new", title: "New customers", extra: true, sort: "new_customers", right: true, cell: (row) => why(row, "new customers", format.number(row.new_customers), false, "new") },
    { key: "refunds", title: "Refunds", extra: true, sort: "refunds", right: true, cell: (row) => why(row, "refunds", format.money(row.refunds)) },
    { key: "clicks", title: "Clicks", extra: true, sort: "clicks", right: true, cell: (row) => format.number(row.clicks) },
    { key: "cpc", title: "Cost per click", extra: true, sort: "cpc", right: true, cell: (row) => format.money(row.cpc) },
    { key: "ctr", title: "Click rate", extra: true, sort: "ctr", right: true, cell: (row) => format.percent(row.ctr, 2) },
    { key: "impressions", title: "Impressions", extra: true, sort: "impressions", right: true, cell: (row) => format.number(row.impressions) },
  ]
}

function totals(format: Formats, total: RoiTotal, basis: "order" | "click") {
  const all = (measure: string, value: ReactNode, kind = basis === "order" ? "store" : "", only = "", none = false) => <Explains quiet of={none ? null : report({ kind, measure, only })} about={`${measure} of all lines`}>{value}</Explains>
  return {
    name: "All lines",
    spend: format.money(total.spend),
    revenue: all("revenue", format.money(total.lines_revenue)),
    roas: all("roas", <Roas value={total.roas} />, "", "paying", total.roas === null),
    new_roas: all("roas", <Roas value={total.new_customer_roas} />, "", "paying+new", total.new_customer_roas === null),
    orders: all("orders", format.number(total.lines_orders)),
    cac: all("cac", format.money(total.cac), "store", "new", total.cac === null),
    margin: all("margin", format.money(total.margin), "store", "", total.margin === null),
    claims: format.number(total.platform_conversions),
    clicks: format.number(total.clicks),
    cpc: format.money(total.cpc),
    ctr: format.percent(total.ctr, 2),
    impressions: format.number(total.impressions),
    cpa: all("cpa", format.money(total.cpa), "", "paying", total.cpa === null),
    roi: all("roi", format.change(total.roi), "", "paying", total.roi === null),
    new: all("new customers", format.number(total.new_customers), "store", "new"),
    refunds: all("refunds", format.money(total.refunds), "store"),
  }
}

const KINDS: Record<string, { name: string; means: string }> = {
  unattributed: { name: "Unattributed", means: "Orders before which no visit is known that could be credited." },
  offline: { name: "Offline orders", means: "Orders taken in a shop or by phone: no visit leads to them." },
  renewal: { name: "Renewals", means: "Orders that a subscription placed by itself: the first one has the credit." },
  pending: { name: "Credit not computed yet", means: "New orders: their credit is worked out within minutes." },
}

/** What the line is, leading to what is behind it. */
function Name({ row, by }: { row: RoiLine; by: keyof typeof ONE }) {
  const carried = useCarried()
  const kind = KINDS[row.kind]
  if (kind) {
    return (
      <span className="inline-flex items-center gap-0.5 whitespace-nowrap">
        {row.kind === "pending" ? kind.name : <TextLink to="/coverage" search={carried}>{kind.name}</TextLink>}
        <Explain what={kind.name}>{kind.means}</Explain>
      </span>
    )
  }
  const name = by === "platform" ? platformName(row.id) : (row.name ?? "–")
  if (by === "channel" || by === "platform") {
    if (!row.id) return <span>No {by}</span>
    const isPaid = by === "platform" && Number(row.spend) > 0
    return <TextLink to={isPaid ? "/campaigns" : "/attribution"} search={{ ...carried, ...(isPaid ? {} : { view: "touches" }), [by]: row.id }}>{name}</TextLink>
  }
  if (!row.ad_campaign_id) {
    return (
      <span className="inline-flex items-center gap-0.5 whitespace-nowrap">
        <TextLink to="/attribution" search={carried}>No campaign</TextLink>
        <Explain what="No campaign">Visits that came without an ad of ours: search, links, email, direct. They earned credit and cost no ad spend.</Explain>
      </span>
    )
  }
  return <TextLink to={`/campaigns/${encodeURIComponent(row.ad_campaign_id)}`} search={carried}>{name}</TextLink>
}

const Waiting = () => (
  <div className="flex flex-col gap-4">
    <KpiSkeleton count={10} />
    <Skeleton className="h-96 rounded-lg" />
    <Skeleton className="h-[40rem] rounded-lg" />
  </div>
)
