// Dashboard: how complete the figures are, then the figures, their course, and the campaigns behind them.
import { useApi } from "@/api/query"
import { LineChart } from "@/charts/line"
import { ShareBar } from "@/charts/share"
import { useFormat } from "@/shell/session"
import { usePeriod } from "@/state/period"
import { Roas, SourceBadge } from "@/ui/badge"
import { ButtonLink, TextLink } from "@/ui/button"
import { Kpi, KpiGrid, KpiSkeleton } from "@/ui/kpi"
import { Card, PageHeader } from "@/ui/page"
import { PeriodPicker } from "@/ui/period"
import { Async, Empty, Skeleton } from "@/ui/states"
import { PlainTable } from "@/ui/table"
import type { CampaignLine, Coverage, Kpis, Trend } from "./answers"

export default function Dashboard() {
  const dates = usePeriod()
  const { period } = dates
  const query = useApi("/dashboard", { query: period.query, keep: true })
  return (
    <>
      <PageHeader
        title="Dashboard"
        description="What was spent on advertising, what it brought, and how much of it can be traced."
        actions={
          <>
            <PeriodPicker {...dates} />
            <ButtonLink to="/metrics" variant="primary">View Metrics</ButtonLink>
          </>
        }
      />
      <Async query={query} skeleton={<DashboardSkeleton />}>
        {({ dashboard }) => (
          <div className="flex flex-col gap-4">
            <CoverageCard coverage={dashboard.coverage} />
            <Figures now={dashboard.kpis} before={period.compare ? dashboard.previous : null} change={dashboard.change} trend={dashboard.trend} />
            <div className="grid grid-cols-[minmax(0,1fr)] gap-4 xl:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
              <Course trend={dashboard.trend} />
              <Campaigns lines={dashboard.top_campaigns} />
            </div>
          </div>
        )}
      </Async>
    </>
  )
}

function CoverageCard({ coverage }: { coverage: Coverage }) {
  const format = useFormat()
  const share = format.percent(coverage.joined_share)
  const lost = coverage.lost.filter((each) => each.orders > 0)
  return (
    <Card
      title="Coverage"
      description="Orders that are joined to a visit. Every figure about campaigns rests on these."
      actions={<ButtonLink to="/coverage" small>See the orders</ButtonLink>}
    >
      {coverage.orders === 0 ? (
        <p className="text-sm text-muted">There are no orders in this period.</p>
      ) : (
        <div className="grid gap-x-8 gap-y-3 lg:grid-cols-[13rem_minmax(0,1fr)]">
          <div>
            <p className="figure text-2xl font-semibold tracking-tight">{share}</p>
            <p className="text-sm text-muted">{format.percent(coverage.joined_share_online)} of those placed online</p>
          </div>
          <ShareBar
            label="orders by their visits"
            measure="Orders"
            format={(value) => format.number(value)}
            summary={`${format.number(coverage.joined)} of ${format.number(coverage.orders)} orders are joined to a visit.`}
            parts={[
              { key: "joined", label: "Joined", meaning: "A visit is known", value: coverage.joined, colour: "var(--chart-1)" },
              ...lost.map((each, index) => ({
                key: each.cause,
                label: CAUSES[each.cause] ?? each.cause,
                meaning: each.meaning,
                value: each.orders,
                colour: LOST[index % LOST.length]!,
              })),
            ]}
          />
        </div>
      )}
    </Card>
  )
}

const LOST = ["var(--chart-3)", "var(--chart-5)", "var(--chart-4)", "var(--chart-2)", "var(--line-strong)"]
const CAUSES: Record<string, string> = {
  no_consent: "No consent",
  blocked: "Blocked",
  offline: "Offline",
  renewal: "Renewals",
  unknown: "Unknown",
}

const figure = (value: string | number | null) => (value === null ? null : Number(value))

function Figures({ now, before, change, trend }: { now: Kpis; before: Kpis | null; change: Partial<Record<keyof Kpis, number | null>>; trend: Trend[] }) {
  const format = useFormat()
  const course = (key: keyof Trend) => trend.map((each) => figure(each[key]))
  const moved = (key: keyof Kpis) => (before ? (change[key] ?? null) : undefined)
  const was = (key: keyof Kpis, write: (value: never) => string) => (before ? write(before[key] as never) : undefined)
  const how = `${now.window_days} days, ${now.model.replaceAll("_", " ")}`
  return (
    <KpiGrid>
      <Kpi title="Ad spend" value={format.money(now.spend)} change={moved("spend")} better="neither" before={was("spend", format.money)} spark={course("spend")} to="/roi" />
      <Kpi title="Revenue" value={format.money(now.revenue)} change={moved("revenue")} before={was("revenue", format.money)} spark={course("revenue")} to="/roi" explain="Paid orders, without tax, shipping, discounts and refunds." />
      <Kpi title="ROAS" value={<Roas value={now.roas} />} change={moved("roas")} before={was("roas", format.times)} spark={course("roas")} to="/roi" explain={`Revenue credited to campaigns that cost something, over all spend (${how}).`} />
      <Kpi title="MER" value={format.times(now.mer)} change={moved("mer")} before={was("mer", format.times)} spark={course("mer")} to="/roi" explain="All revenue over all spend: needs no attribution." />
      <Kpi title="Orders" value={format.number(now.orders)} change={moved("orders")} before={was("orders", format.number)} spark={course("orders")} to="/conversions" search={{ type: "purchase" }} />
      <Kpi title="Conversions" value={format.number(now.conversions)} change={moved("conversions")} before={was("conversions", format.number)} spark={course("conversions")} to="/conversions" />
      <Kpi title="Leads" value={format.number(now.leads)} change={moved("leads")} before={was("leads", format.number)} spark={course("leads")} to="/conversions" search={{ type: "lead_form_submission" }} />
      <Kpi title="Sessions" value={format.number(now.sessions)} change={moved("sessions")} before={was("sessions", format.number)} spark={course("sessions")} />
      <Kpi title="New customers" value={format.number(now.new_customers)} change={moved("new_customers")} before={was("new_customers", format.number)} />
      <Kpi title="Cost per new customer" value={format.money(now.cac)} change={moved("cac")} better="down" before={was("cac", format.money)} explain="All spend over all new customers." />
    </KpiGrid>
  )
}

function Course({ trend }: { trend: Trend[] }) {
  const format = useFormat()
  const sum = (key: "spend" | "revenue") => trend.reduce((total, each) => total + Number(each[key] ?? 0), 0)
  const best = trend.reduce<Trend | null>((found, each) => (Number(each.revenue ?? 0) > Number(found?.revenue ?? 0) ? each : found), null)
  return (
    <Card title="Revenue and ad spend" description={`By day, in ${format.zone}`}>
      <LineChart
        label="Revenue and ad spend by day"
        summary={`Revenue ${format.money(sum("revenue"))} on spend of ${format.money(sum("spend"))}.${best ? ` The best day was ${format.date(best.date)} with ${format.money(best.revenue)}.` : ""}`}
        points={trend.map((each) => format.dateShort(each.date))}
        format={(value) => format.money(value)}
        formatAxis={(value) => format.moneyShort(value)}
        series={[
          { key: "revenue", label: "Revenue", values: trend.map((each) => figure(each.revenue)) },
          { key: "spend", label: "Ad spend", values: trend.map((each) => figure(each.spend)) },
        ]}
      />
    </Card>
  )
}

function Campaigns({ lines }: { lines: CampaignLine[] }) {
  const format = useFormat()
  return (
    <Card title="Top campaigns" description="By spend" actions={<ButtonLink to="/roi" small>All campaigns</ButtonLink>}>
      {lines.length === 0 ? (
        <Empty title="No campaign cost anything in this period">Connect an ad account, or load spend for the campaigns that you run.</Empty>
      ) : (
        <PlainTable
          caption="Top campaigns by spend"
          head={[{ title: "Campaign" }, { title: "Spend", right: true }, { title: "Revenue", right: true }, { title: "ROAS", right: true }]}
          rows={lines.map((line) => [
            <span key="name" className="flex min-w-36 flex-col items-start gap-0.5">
              {line.ad_campaign_id ? <TextLink to={`/campaigns/${line.ad_campaign_id}`}>{line.name ?? line.ad_campaign_id}</TextLink> : (line.name ?? "–")}
              <SourceBadge source={line.platform} />
            </span>,
            format.money(line.spend),
            format.money(line.revenue),
            <Roas key="roas" value={line.roas} />,
          ])}
        />
      )}
    </Card>
  )
}

function DashboardSkeleton() {
  return (
    <div className="flex flex-col gap-4">
      <Skeleton className="h-56 w-full rounded-lg" />
      <KpiSkeleton count={10} />
      <div className="grid grid-cols-[minmax(0,1fr)] gap-4 xl:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <Skeleton className="h-96 rounded-lg" />
        <Skeleton className="h-96 rounded-lg" />
      </div>
    </div>
  )
}
