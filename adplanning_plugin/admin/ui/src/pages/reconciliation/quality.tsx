// Quality: how much of what credit rests on is known, day by day, and where visits and events were lost on the way.
import { useApi } from "@/api/query"
import { Waterfall } from "@/charts/bars"
import { LineChart } from "@/charts/line"
import { words } from "@/format/format"
import { windowLabel } from "@/insight/credit"
import { useFormat } from "@/shell/session"
import { TextLink } from "@/ui/button"
import { Kpi, KpiGrid, KpiSkeleton } from "@/ui/kpi"
import { Card } from "@/ui/page"
import { Async, Empty, Skeleton } from "@/ui/states"
import { CsvButton } from "@/ui/table"
import type { Lost, Measure } from "./answers"
import type { ViewProps } from "./ledger"

const MEASURES: { key: Measure; label: string; of: string; explain: string; to?: string }[] = [
  { key: "touches", label: "Touches", of: "online conversions have a visit within the window", explain: "A conversion without a visit is credited to nobody.", to: "/coverage" },
  { key: "identity", label: "Identity", of: "online conversions are joined by a strong link", explain: "An order, a login or a signed link joins the buyer to a browser: their other devices count as well." },
  { key: "click_ids", label: "Click ids", of: "paid visits carry the platform's click id", explain: "With a click id a visit is known to be paid whatever its tags say, and can be told to the platform again. It is kept only with consent to advertising." },
  { key: "spend", label: "Spend", of: "campaign days with paid visits have spend", explain: "Without spend a campaign's return is not known for that day." },
]
const CAUSES: Record<string, string> = {
  bot: "Robots", limited: "Too many at once", rejected: "Impossible events", no_consent: "Without consent", self_referral: "The store's own pages", direct: "Direct",
  untagged: "Without a campaign's tags", unresolved: "Unknown campaign",
}

export function Quality({ period, credit }: ViewProps) {
  const format = useFormat()
  const asked = { ...period.query, window: credit.query.window }
  const query = useApi("/attribution/quality", { query: asked, keep: true })
  return (
    <Async query={query} skeleton={<><KpiSkeleton count={4} /><Skeleton className="mt-4 h-72 w-full rounded-lg" /><Skeleton className="mt-4 h-96 w-full rounded-lg" /></>}>
      {({ days, total, window_days, traffic, visits, without_consent }) => {
        const worst = MEASURES.filter((each) => total[`${each.key}_share`] !== null).sort((a, b) => (total[`${a.key}_share`] ?? 0) - (total[`${b.key}_share`] ?? 0))[0]
        return (
          <div className="flex flex-col gap-4">
            <KpiGrid>
              {MEASURES.map(({ key, label, of, explain, to }) => (
                <Kpi key={key} title={label} value={format.percent(total[`${key}_share`])} explain={explain} foot={`${format.number(total[key])} of ${format.number(total[`${key}_of`])} ${of}`} {...(to ? { to } : {})} />
              ))}
            </KpiGrid>
            <Card title="Coverage by day" description={`Visits within ${windowLabel(window_days)}. A line that drops shows the day on which something broke.`} actions={<CsvButton name="quality" csv={{ path: "/attribution/quality", query: asked }} />}>
              <LineChart
                label="Coverage by day"
                summary={worst ? `${worst.label} is covered least: ${format.percent(total[`${worst.key}_share`])} over the period.` : "Nothing happened in this period."}
                points={days.map((day) => format.dateShort(day.day))}
                series={MEASURES.map(({ key, label }) => ({ key, label, values: days.map((day) => day[`${key}_share`]) }))}
                format={(value) => format.percent(value)}
                unfinished={period.to === period.today}
              />
            </Card>
            <div className="grid grid-cols-[minmax(0,1fr)] gap-4 xl:grid-cols-2">
              <Card title="From visits to campaigns" description="Each visit of the period ends in exactly one place.">
                {visits.visits === 0 ? <Empty title="No visits in this period">Choose a longer period to see earlier ones.</Empty> : (
                  <Falls label="visits" start="Visits" amount={visits.visits} steps={visits.steps} end="Matched to a campaign" left={visits.matched} share={visits.matched_share} />
                )}
                <p className="mt-3 text-xs text-muted"><TextLink to="/attribution" search={{ view: "touches", method: "unresolved" }}>See the visits whose campaign is not known</TextLink></p>
              </Card>
              <Card title="From pages and events to visits" description="What arrived, and what was not kept. Robots and refusals are counted from the day on which counting began.">
                {traffic.arrived === 0 ? <Empty title="Nothing arrived in this period">The tracker sends events as soon as it is in the storefront's pages.</Empty> : (
                  <Falls label="pages and events" start="Arrived" amount={traffic.arrived} steps={traffic.steps} end="Kept with a visit" left={traffic.kept} share={traffic.kept_share} />
                )}
                <p className="mt-3 text-xs text-muted">
                  Without consent: {consent(without_consent.orders, format.percent, "online orders")}; {consent(without_consent.events, format.percent, "events")}. Told for the period as a whole, and only where there are at least {without_consent.least}: no order and no day is singled out.
                </p>
              </Card>
            </div>
          </div>
        )
      }}
    </Async>
  )
}

const consent = (share: number | null, percent: (value: number) => string, of: string) => (share === null ? `too few ${of} to tell` : `${percent(share)} of ${of}`)

interface FallsProps {
  label: string
  start: string
  amount: number
  steps: Lost[]
  end: string
  left: number
  share: number | null
}

function Falls({ label, start, amount, steps, end, left, share }: FallsProps) {
  const format = useFormat()
  return (
    <Waterfall
      label={`what became of ${label}`}
      summary={`Of ${format.number(amount)} ${label}, ${format.number(left)} are left: ${format.percent(share)}.`}
      measure={label.charAt(0).toUpperCase() + label.slice(1)}
      format={(value) => format.number(value).replace("-", "−")}
      steps={[
        { key: "start", label: start, value: amount, total: true },
        ...steps.map((step) => ({ key: step.cause, label: CAUSES[step.cause] ?? words(step.cause), meaning: `${step.meaning} (${format.percent(step.share)}).`, value: -step.amount || 0 })),
        { key: "end", label: end, value: left, total: true },
      ]}
    />
  )
}
