// Dashboard: how complete the figures are, then the figures, their course, the campaigns behind them, and every area.
import { useApi } from "@/api/query"
import { useCarried, windowLabel } from "@/insight/credit"
import { Explained } from "@/insight/explain"
import { MissingRates } from "@/insight/rests"
import { isNewStore, lastSpendDay } from "@/insight/sources"
import { WhyDrawer } from "@/insight/why"
import { words } from "@/format/format"
import { useLink } from "@/shell/links"
import { usePeriod } from "@/state/period"
import { ButtonLink, TextLink } from "@/ui/button"
import { KpiSkeleton } from "@/ui/kpi"
import { PageHeader } from "@/ui/page"
import { PeriodPicker } from "@/ui/period"
import { Async, Skeleton } from "@/ui/states"
import type { Kpis } from "./answers"
import { Campaigns } from "./campaigns"
import { Course } from "./course"
import { CoverageCard } from "./coverage-card"
import { Domains } from "./domains"
import { Figures } from "./figures"
import { FreshnessStrip, useSources } from "./freshness"
import { Performers } from "./performers"
import { GettingStarted } from "./start"

export default function Dashboard() {
  const dates = usePeriod()
  const { period } = dates
  const carried = useCarried()
  const query = useApi("/dashboard", { query: period.query, keep: true })
  const freshness = useSources()
  const { sources } = freshness
  // The strip is as high as what lags: it comes with the figures, so that nothing below it is pushed down.
  const waits = freshness.query.isPending && freshness.query.failureCount === 0
  const rule = (kpis: Kpis) => `${words(kpis.model).toLowerCase()}, ${windowLabel(kpis.window_days)}`
  return (
    <>
      <PageHeader
        title="Dashboard"
        description="What was spent on advertising, what it brought, and how much of it can be traced."
        actions={
          <>
            <PeriodPicker {...dates} />
            <ButtonLink id="view-metrics" to="/metrics" search={carried} variant="primary">View Metrics</ButtonLink>
          </>
        }
      />
      {waits || query.isPending ? null : <FreshnessStrip {...freshness} />}
      <Async query={waits ? { ...query, data: undefined } : query} skeleton={<DashboardSkeleton />}>
        {({ dashboard: { coverage, kpis, previous, change, trend, top_campaigns } }) =>
          sources && coverage.orders === 0 && isNewStore(sources) ? <GettingStarted sources={sources} /> : (
            <div className="flex flex-col gap-4">
              <MissingRates basis={kpis} />
              <CoverageCard coverage={coverage} search={carried} />
              <Figures now={kpis} before={period.compare ? previous : null} change={change} trend={trend} search={carried} rule={rule(kpis)} today={period.today} />
              <Rule kpis={kpis} zone={period.zone} />
              <div className={PAIR}>
                <Course trend={trend} period={period} spendUntil={sources ? lastSpendDay(sources) : null} />
                <Performers period={period} />
              </div>
              <Campaigns lines={top_campaigns} search={carried} />
              <Domains period={period} search={carried} />
            </div>
          )
        }
      </Async>
      <Explained query={period.query} />
      <WhyDrawer query={period.query} />
    </>
  )
}

const PAIR = "grid grid-cols-[minmax(0,1fr)] gap-4 xl:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]"

/** Which rule the credit follows, and where it is changed. */
function Rule({ kpis, zone }: { kpis: Kpis; zone: string }) {
  const settings = useLink("settings")
  const zones = kpis.account_zones.filter((each) => each !== zone)
  return (
    <p className="text-xs text-muted">
      Credit: {words(kpis.model).toLowerCase()}, visits within {windowLabel(kpis.window_days)} before the order.{" "}
      {settings ? <TextLink to={settings} search={{ tab: "attribution" }}>Change model and window</TextLink> : null}
      {zones.length > 0 ? ` Ad spend keeps the days of its ad account (${zones.join(", ")}).` : ""}
    </p>
  )
}

function DashboardSkeleton() {
  return (
    <div className="flex flex-col gap-4">
      <Skeleton className="h-5 w-full max-w-3xl" />
      <Skeleton className="h-56 w-full rounded-lg" />
      <KpiSkeleton count={10} />
      <Skeleton className="h-4 w-96 max-w-full" />
      <div className={PAIR}>
        <Skeleton className="h-96 rounded-lg" />
        <Skeleton className="h-96 rounded-lg" />
      </div>
      <Skeleton className="h-80 rounded-lg" />
    </div>
  )
}
