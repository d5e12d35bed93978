// Campaigns: what each cost, what it brought under the chosen rule of credit, and what its platform claims.
import type { ReactNode } from "react"
import { useApi } from "@/api/query"
import { words } from "@/format/format"
import { CreditSwitches, useCarried, useCredit } from "@/insight/credit"
import { Explained, Explains, report } from "@/insight/explain"
import { MissingRates, Rests } from "@/insight/rests"
import { Claim, WhyDrawer } from "@/insight/why"
import type { Campaign } from "@/insight/answers"
import { useFormat } from "@/shell/session"
import { usePeriod } from "@/state/period"
import { useTable } from "@/state/table"
import { text, useUrlState } from "@/state/url"
import { Roas, SourceBadge, StatusBadge } from "@/ui/badge"
import { ButtonLink, TextLink } from "@/ui/button"
import { ClearFilters, FilterSelect, SearchBox } from "@/ui/filters"
import { PageHeader } from "@/ui/page"
import { PeriodPicker } from "@/ui/period"
import { Empty, NoMatch } from "@/ui/states"
import { type Column, DataTable } from "@/ui/table"

const FILTERS = { platform: text(), status: text(), show: text(), q: text() }
const NONE = { platform: "", status: "", show: "", q: "" }
const PLATFORMS = [{ value: "meta", label: "Meta" }, { value: "google", label: "Google" }]
const STATUSES = [{ value: "active", label: "Active" }, { value: "paused", label: "Paused" }, { value: "archived", label: "Archived" }]

export default function Campaigns() {
  const format = useFormat()
  const dates = usePeriod()
  const table = useTable("-spend")
  const credit = useCredit()
  const carried = useCarried()
  const [state, set] = useUrlState(FILTERS)
  const filters = { ...dates.period.query, ...credit.query, platform: state.platform, status: state.status, q: state.q, show: state.show as "active" }
  const query = useApi("/ad-campaigns", { query: { ...filters, ...table.query }, keep: true })
  const filtered = Boolean(state.platform || state.status || state.show || state.q)
  const platforms = state.platform && !PLATFORMS.some((each) => each.value === state.platform) ? [...PLATFORMS, { value: state.platform, label: state.platform }] : PLATFORMS

  const why = (row: Campaign, measure: string, value: ReactNode, none = false, only = "") => (
    <Explains quiet of={none ? null : report({ kind: "touch", ids: [row.id], measure, only })} about={`${measure} of ${row.name}`}>{value}</Explains>
  )
  // Of some campaigns alone the sum is that of the lines above it.
  const all = (measure: string, value: ReactNode, none = false) => (
    <Explains quiet of={none || state.platform || state.status || state.q ? null : report({ kind: "campaigns", measure })} about={`${measure} of all campaigns`}>{value}</Explains>
  )
  const columns: Column<Campaign>[] = [
    {
      key: "name", title: "Campaign", sort: "name", heading: true,
      cell: (row) => (
        <span className="flex flex-col">
          <TextLink to={`/campaigns/${encodeURIComponent(row.id)}`} search={carried}>{row.name}</TextLink>
          <span className="text-xs font-normal text-muted">{row.account_name ?? FROM[row.source]}</span>
        </span>
      ),
    },
    { key: "platform", title: "Platform", sort: "platform", cell: (row) => (row.platform ? <SourceBadge source={row.platform} /> : <span className="text-muted">–</span>) },
    { key: "status", title: "Status", sort: "status", cell: (row) => (row.status ? <StatusBadge status={row.status} /> : <span className="text-muted">–</span>) },
    { key: "spend", title: "Spend", sort: "spend", right: true, cell: (row) => format.money(row.spend) },
    { key: "revenue", title: "Revenue", sort: "revenue", right: true, cell: (row) => why(row, "revenue", format.money(row.revenue)) },
    { key: "roas", title: "ROAS", sort: "roas", right: true, cell: (row) => why(row, "roas", <Roas value={row.roas} />, row.roas === null) },
    { key: "orders", title: "Orders", sort: "orders", right: true, cell: (row) => why(row, "orders", format.number(row.orders)) },
    {
      key: "claims", title: "Platform claims", right: true,
      cell: (row) => (row.platform && (row.platform_conversions !== null || Number(row.spend) > 0)
        ? <Claim conversions={row.platform_conversions} of={`campaign:${row.id}`} platform={row.platform} about={row.name} />
        : <span className="text-muted">–</span>),
    },
    { key: "cpa", title: "Cost per order", sort: "cpa", right: true, cell: (row) => why(row, "cpa", format.money(row.cpa), row.cpa === null) },
    { key: "clicks", title: "Clicks", sort: "clicks", right: true, cell: (row) => format.number(row.clicks) },
    { key: "impressions", title: "Impressions", sort: "impressions", right: true, extra: true, cell: (row) => format.number(row.impressions) },
    { key: "ctr", title: "Click rate", sort: "ctr", right: true, extra: true, cell: (row) => format.percent(row.ctr, 2) },
    { key: "cpc", title: "Cost per click", sort: "cpc", right: true, extra: true, cell: (row) => format.money(row.cpc) },
    { key: "new", title: "New customers", sort: "new_customers", right: true, extra: true, cell: (row) => why(row, "new customers", format.number(row.new_customers), false, "new") },
    { key: "cac", title: "Cost per new customer", right: true, extra: true, cell: (row) => why(row, "cac", format.money(row.cac), row.cac === null, "new") },
    { key: "new_roas", title: "New-customer ROAS", right: true, extra: true, cell: (row) => why(row, "roas", <Roas value={row.new_customer_roas} />, row.new_customer_roas === null, "new") },
    { key: "margin", title: "Margin", right: true, extra: true, cell: (row) => why(row, "margin", format.money(row.margin), row.margin === null) },
    { key: "leads", title: "Leads", sort: "leads", right: true, extra: true, cell: (row) => format.number(row.leads) },
    { key: "claimed", title: "Platform's value", right: true, extra: true, cell: (row) => format.money(row.platform_value) },
    { key: "account", title: "Account's zone", extra: true, cell: (row) => row.account_zone ?? "–" },
    { key: "currency", title: "Account's currency", extra: true, cell: (row) => row.account_currency ?? "–" },
    { key: "objective", title: "Objective", extra: true, cell: (row) => words(row.objective?.toLowerCase()) },
    { key: "created", title: "Started", sort: "created_at", extra: true, cell: (row) => format.date(row.created_at) },
  ]
  return (
    <>
      <PageHeader
        title="Campaigns"
        description="What each campaign cost, what it brought, and what its platform claims. ROAS is green from 1.0: it paid back."
        actions={<><CreditSwitches {...credit} /><PeriodPicker {...dates} compare={undefined} /></>}
      />
      <div className="flex flex-col gap-3">
        {query.data ? <MissingRates basis={query.data.basis} /> : null}
        <DataTable
          name="campaigns"
          columns={columns}
          query={query}
          rows={(data) => data.ad_campaigns}
          rowKey={(row) => row.id}
          table={table}
          csv={{ path: "/ad-campaigns", query: filters }}
          filters={
            <>
              <SearchBox label="Search campaigns" value={state.q} onChange={(q, how) => set({ q }, how)} />
              <FilterSelect label="Platform" value={state.platform} options={platforms} onChange={(platform) => set({ platform })} />
              <FilterSelect label="Status" value={state.status} options={STATUSES} onChange={(status) => set({ status })} />
              <FilterSelect label="Activity" value={state.show} options={[{ value: "active", label: "In this period" }]} onChange={(show) => set({ show })} />
              {filtered ? <ClearFilters onClear={() => set(NONE)} /> : null}
            </>
          }
          foot={({ total, count }) => ({
            name: `Total of ${format.number(count)}`,
            spend: format.money(total.spend),
            revenue: all("revenue", format.money(total.revenue)),
            roas: all("roas", <Roas value={total.roas} />, total.roas === null),
            orders: all("orders", format.number(total.orders)),
            clicks: format.number(total.clicks),
            impressions: format.number(total.impressions),
          })}
          empty={
            filtered ? <NoMatch what="campaigns" clear={() => set(NONE)} /> : (
              <Empty title="No campaign is known yet" action={<ButtonLink to="/operations">See what is taken in</ButtonLink>}>
                Campaigns appear when an ad account is linked, when spend is put in by hand or file, or when visitors come with a campaign in their address.
              </Empty>
            )
          }
        />
        {query.data ? <Rests basis={query.data.basis} credit={credit} /> : null}
      </div>
      <Explained query={{ ...dates.period.query, ...credit.query }} />
      <WhyDrawer query={{ ...dates.period.query, model: credit.query.model, window: credit.query.window }} />
    </>
  )
}

const FROM = { linked: "", typed: "Known by its spend", seen: "Known by its visits" }
