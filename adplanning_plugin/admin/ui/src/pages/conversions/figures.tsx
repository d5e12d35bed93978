// The figures above the list, under the list's own filters: totals, types, their course or groups, and the funnel.
import { type Query, useApi } from "@/api/query"
import { BarChart, Funnel } from "@/charts/bars"
import { LineChart } from "@/charts/line"
import type { Formats } from "@/format/format"
import { useFormat } from "@/shell/session"
import type { Period } from "@/state/period"
import { ConversionTypeBadge } from "@/ui/badge"
import { TextLink } from "@/ui/button"
import { cn } from "@/ui/cn"
import { Select } from "@/ui/controls"
import { Kpi, KpiGrid, KpiSkeleton } from "@/ui/kpi"
import { Card } from "@/ui/page"
import { Async, Empty, Skeleton } from "@/ui/states"
import type { Amounts, Group, Stats } from "./answers"
import { named, TYPES } from "./vocabulary"

export const GROUPS = ["day", "week", "month", "conversion_type", "platform", "campaign"] as const
export type GroupBy = (typeof GROUPS)[number]
const GROUP_LABELS: Record<GroupBy, string> = { day: "By day", week: "By week", month: "By month", conversion_type: "By type", platform: "By platform", campaign: "By campaign" }
export const MEASURES = ["count", "value"] as const
type Measure = (typeof MEASURES)[number]
const MOST_BARS = 8

interface Props {
  filters: Query<"/conversions">
  period: Period
  group: GroupBy
  measure: Measure
  type: string
  onChange: (patch: { group?: GroupBy; measure?: Measure; type?: string; platform?: string }) => void
}

/** Amounts of several currencies stand beside each other: they are never added. */
function sum(format: Formats, of: Amounts, name: "total_value" | "revenue" | "refunded"): string {
  if (of[name] !== null) return format.money(of[name], of.currency ?? undefined)
  return of.by_currency.map((each) => format.money(each[name], each.currency)).join(" + ")
}

const moved = (now: string | number | null | undefined, before: string | number | null | undefined) =>
  now === null || now === undefined || before === null || before === undefined || Number(before) === 0 ? null : Number(now) / Number(before) - 1

export function Figures({ filters, period, group, measure, type, onChange }: Props) {
  const format = useFormat()
  const query = useApi("/conversions/stats", { query: { ...filters, group_by: group }, keep: true })
  const earlier = useApi("/conversions/stats", {
    query: { ...filters, from_date: period.previous.from, to_date: period.previous.to },
    keep: true,
    enabled: period.compare,
  })
  const before = period.compare ? earlier.data : undefined
  return (
    <div className="mb-4 flex flex-col gap-4">
      <Async query={query} skeleton={<FiguresSkeleton />}>
        {(stats) => (
          <div className="flex flex-col gap-4">
            <Strip stats={stats} before={before} format={format} compare={period.compare} waits={earlier.isPending} />
            <ByType stats={stats} type={type} onChange={onChange} />
          </div>
        )}
      </Async>
      <div className="grid grid-cols-[minmax(0,1fr)] gap-4 xl:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <Card
          title={measure === "count" ? "Number of conversions" : "Value of conversions"}
          description={group === "day" || group === "week" || group === "month" ? `${GROUP_LABELS[group]}, in ${format.zone}` : `${GROUP_LABELS[group]}, most first`}
          actions={
            <>
              <Select className="w-32" aria-label="Measure" value={measure} onChange={(event) => onChange({ measure: event.target.value as Measure })} options={[{ value: "count", label: "Number" }, { value: "value", label: "Value" }]} />
              <Select className="w-36" aria-label="Group by" value={group} onChange={(event) => onChange({ group: event.target.value as GroupBy })} options={GROUPS.map((value) => ({ value, label: GROUP_LABELS[value] }))} />
            </>
          }
        >
          <Async query={query} skeleton={<Skeleton className="h-72 w-full rounded-lg" />}>
            {(stats) => <Course stats={stats} group={group} measure={measure} onChange={onChange} />}
          </Async>
        </Card>
        <FunnelCard period={period} />
      </div>
    </div>
  )
}

function Strip({ stats, before, format, compare, waits }: { stats: Stats; before: Stats | undefined; format: Formats; compare: boolean; waits: boolean }) {
  const change = (now: string | number | null, then: string | number | null | undefined) => (compare ? (waits ? "waiting" : moved(now, then)) : undefined)
  const pending = (stats.by_status.pending ?? 0) + (stats.by_status.cancelled ?? 0)
  return (
    <KpiGrid>
      <Kpi
        title="Conversions" value={format.number(stats.total_conversions)}
        change={change(stats.total_conversions, before?.total_conversions)} before={before ? format.number(before.total_conversions) : undefined}
        explain={`Confirmed and unconfirmed ones.${pending ? ` ${format.number(pending)} more are pending or cancelled: they are in the list, but do not count.` : ""}`}
      />
      <Kpi title="Total value" value={sum(format, stats, "total_value")} change={change(stats.total_value, before?.total_value)} before={before ? sum(format, before, "total_value") : undefined} explain="What the conversions are worth before refunds: orders by your revenue basis, others by their goal." />
      <Kpi title="Revenue" value={sum(format, stats, "revenue")} change={change(stats.revenue, before?.revenue)} before={before ? sum(format, before, "revenue") : undefined} explain="Confirmed, paid orders after refunds. Leads and goals are no revenue." to="/roi" />
      <Kpi title="Refunded" value={sum(format, stats, "refunded")} change={change(stats.refunded, before?.refunded)} better="down" before={before ? sum(format, before, "refunded") : undefined} />
      <Kpi
        title="Conversion rate" value={format.percent(stats.conversion_rate)} change={change(stats.conversion_rate, before?.conversion_rate)} before={before ? format.percent(before.conversion_rate) : undefined}
        explain={`Visits with at least one of these conversions: ${format.number(stats.converted_sessions)} of ${format.number(stats.sessions)}. Choose the type Purchase for the rate of purchases.`}
      />
    </KpiGrid>
  )
}

/** Types with their figures; a press shows that type alone. */
function ByType({ stats, type, onChange }: { stats: Stats; type: string; onChange: Props["onChange"] }) {
  const format = useFormat()
  const shown = TYPES.filter((each) => stats.by_type[each])
  if (shown.length === 0) return null
  return (
    <ul aria-label="By type" className="flex flex-wrap gap-2">
      {shown.map((each) => {
        const figures = stats.by_type[each]!
        const value = sum(format, figures, "total_value")
        return (
          <li key={each}>
            <button
              type="button"
              aria-pressed={type === each}
              onClick={() => onChange({ type: type === each ? "" : each })}
              className={cn("flex items-center gap-2 rounded-lg bg-card px-3 py-1.5 text-sm shadow-card hover:bg-hover", type === each && "bg-press")}
            >
              <ConversionTypeBadge type={each} />
              <span className="figure font-medium">{format.number(figures.total_conversions)}</span>
              {Number(figures.total_value ?? 1) > 0 ? <span className="figure text-muted">{value}</span> : null}
            </button>
          </li>
        )
      })}
    </ul>
  )
}

function Course({ stats, group, measure, onChange }: { stats: Stats; group: GroupBy; measure: Measure; onChange: Props["onChange"] }) {
  const format = useFormat()
  // The answer before is shown dimmed while the next one loads: its groups may be of another kind.
  const groups = stats.groups ?? []
  if (groups.length === 0) return <Empty title="Nothing to draw">No conversion of this period matches.</Empty>
  const currency = stats.currency ?? undefined
  const write = (value: number) => (measure === "count" ? format.number(value) : format.money(value, currency))
  if (measure === "value" && stats.total_value === null) return <Empty title="Several currencies">Values of different currencies are not added. Choose one with the filters, or look at the number.</Empty>
  const of = (each: Group) => (measure === "count" ? each.total_conversions : Number(each.total_value ?? 0))
  const what = measure === "count" ? "conversions" : "worth of conversions"
  const whole = groups.reduce((total, each) => total + of(each), 0)
  if (group === "day" || group === "week" || group === "month") {
    const best = groups.reduce((found, each) => (of(each) > of(found) ? each : found), groups[0]!)
    return (
      <LineChart
        label={`Conversions ${GROUP_LABELS[group].toLowerCase()}`}
        summary={`${write(whole)} ${what}; most in the ${group} of ${format.date(best.key)}: ${write(of(best))}.`}
        points={groups.map((each) => (group === "month" ? format.date(each.key).replace(/^\S+ /, "") : format.dateShort(each.key)))}
        format={write}
        formatAxis={(value) => (measure === "count" ? format.numberShort(value) : format.moneyShort(value, currency))}
        series={[{ key: "now", label: measure === "count" ? "Conversions" : "Value", values: groups.map(of) }]}
      />
    )
  }
  const sorted = [...groups].sort((one, other) => of(other) - of(one))
  const rest = sorted.slice(MOST_BARS)
  const labels = (each: Group) => (each.key === null ? (group === "campaign" ? "No campaign" : "Not known") : group === "campaign" ? (each.name ?? each.key) : named(each.key))
  return (
    <BarChart
      label={`Conversions ${GROUP_LABELS[group].toLowerCase()}`}
      measure={measure === "count" ? "Conversions" : "Value"}
      summary={`${write(whole)} ${what}; ${labels(sorted[0]!)} has most: ${write(of(sorted[0]!))}.`}
      format={write}
      bars={[
        ...sorted.slice(0, MOST_BARS).map((each) => ({
          key: each.key ?? "none",
          name: labels(each),
          colour: "var(--chart-1)",
          label: each.key === null ? labels(each)
            : group === "campaign" ? <TextLink to={`/campaigns/${each.key}`}>{labels(each)}</TextLink>
            : <button type="button" className="text-link underline-offset-2 hover:underline" onClick={() => onChange(group === "platform" ? { platform: each.key! } : { type: each.key! })}>{labels(each)}</button>,
          value: of(each),
          note: whole ? format.percent(of(each) / whole) : "",
        })),
        ...(rest.length > 0 ? [{ key: "rest", name: "Others", label: `${rest.length} others`, value: rest.reduce((total, each) => total + of(each), 0), colour: "var(--line-strong)" }] : []),
      ]}
    />
  )
}

function FunnelCard({ period }: { period: Period }) {
  const format = useFormat()
  const query = useApi("/conversions/funnel", { query: period.query, keep: true })
  return (
    <Card title="Funnel" description="Visitors of the period by how far they came">
      <Async query={query} skeleton={<Skeleton className="h-60 w-full rounded-lg" />}>
        {({ funnel }) => {
          const [first, last] = [funnel.stages[0]?.visitors ?? 0, funnel.stages.at(-1)?.visitors ?? 0]
          if (first === 0) return <Empty title="No visits in this period">Visits appear once the tracker runs in your storefront.</Empty>
          const worst = funnel.stages.reduce((found, each) => ((each.drop_off_rate ?? 0) > (found.drop_off_rate ?? 0) ? each : found), funnel.stages[0]!)
          const beside = funnel.purchases_without_visit
          return (
            <Funnel
              label="Funnel from visit to purchase"
              summary={`${format.number(last)} of ${format.number(first)} visitors bought (${format.percent(last / first)}). Most are lost before “${worst.title}”.${beside ? ` ${format.number(beside)} purchases have no known visit and stand beside it.` : ""} The filters below do not apply here.`}
              format={(value) => format.number(value)}
              stages={funnel.stages.map((each) => ({ key: each.stage, label: each.title, value: each.visitors }))}
            />
          )
        }}
      </Async>
    </Card>
  )
}

const FiguresSkeleton = () => (
  <div className="flex flex-col gap-4">
    <KpiSkeleton count={5} />
    <Skeleton className="h-[7.375rem] w-full rounded-lg sm:h-8" />
  </div>
)
