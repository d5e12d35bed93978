// The store's headline ratios, and the lines as bars: by the figure that one chooses.
import type { ReactNode } from "react"
import { type Bar, BarChart } from "@/charts/bars"
import type { Basis, Compared, RoiTotal } from "@/insight/answers"
import { Explains, lineOf, report } from "@/insight/explain"
import { platformName, WhyButton } from "@/insight/why"
import { useFormat } from "@/shell/session"
import { choice, useUrlState } from "@/state/url"
import { Roas } from "@/ui/badge"
import { cn } from "@/ui/cn"
import { Select } from "@/ui/controls"
import { Kpi, KpiGrid } from "@/ui/kpi"
import { Card } from "@/ui/page"
import { Empty } from "@/ui/states"
import type { RoiLine } from "./lines"

/** A row of choices, one of which is on. */
export function Segments<K extends string>({ label, value, of, onChange }: { label: string; value: K; of: Record<K, string>; onChange: (key: K) => void }) {
  return (
    <div role="group" aria-label={label} className="no-print mb-3 flex flex-wrap gap-1">
      {(Object.keys(of) as K[]).map((key) => (
        <button
          key={key}
          type="button"
          aria-pressed={key === value}
          onClick={() => onChange(key)}
          className={cn("h-7 rounded-full px-2.5 text-sm font-medium", key === value ? "bg-press text-fg" : "text-muted hover:bg-hover")}
        >
          {of[key]}
        </button>
      ))}
    </div>
  )
}

export function Headline({ total, compare, basis }: { total: RoiTotal; compare: boolean; basis: Basis }) {
  const format = useFormat()
  const moved = (key: Compared) => (compare ? (total.change?.[key] ?? null) : undefined)
  const was = (key: Compared, write: (value: never) => string) => (compare ? write(total.previous?.[key] as never) : undefined)
  const why = (measure: string, value: ReactNode, kind: string, only = "", none = false) => <Explains of={none ? null : report({ kind, measure, only })} about={`${measure} of all`}>{value}</Explains>
  const ofClicks = basis.basis === "click" ? " By the day of the click, only what has a click is in the lines." : ""
  return (
    <KpiGrid>
      <Kpi title="Ad spend" value={format.money(total.spend)} change={moved("spend")} better="neither" before={was("spend", format.money)} explain="What all ad accounts charged, in the store's currency at each day's rate." />
      <Kpi title="Revenue" value={why("revenue", format.money(total.revenue), "store")} change={moved("revenue")} before={was("revenue", format.money)} explain={`All paid orders of the store, without tax, shipping and refunds. The lines below sum to ${format.money(total.lines_revenue)}.${ofClicks}`} />
      <Kpi title="ROAS" value={why("roas", <Roas value={total.roas} />, "", "paying", total.roas === null)} change={moved("roas")} before={was("roas", format.times)} explain="Return on ad spend: revenue credited to campaigns that cost something, over all spend. Green from 1.0: the ads brought back what they cost." />
      <Kpi title="New-customer ROAS" value={why("roas", <Roas value={total.new_customer_roas} />, "", "paying+new", total.new_customer_roas === null)} explain="The same from first orders alone: what ads return without those who would have come back anyway." />
      <Kpi title="MER" value={why("roas", format.times(total.mer), "store", "", total.mer === null)} explain="Marketing efficiency ratio: all revenue of the store over all spend. It needs no attribution, so no tracking gap changes it." />
      <Kpi title="CAC" value={why("cac", format.money(total.cac), "store", "new", total.cac === null)} explain="Customer acquisition cost: all spend over all new customers of the store." />
      <Kpi title="New customers" value={why("new customers", format.number(total.new_customers), "store", "new")} explain="People whose first order lies in the period." />
      <Kpi title="Orders" value={why("orders", format.number(total.orders), "store")} change={moved("orders")} before={was("orders", format.number)} explain="All paid orders of the store." />
      {total.margin === null ? null : <Kpi title="Margin" value={why("margin", format.money(total.margin), "store")} explain="Revenue less the cost of the goods, of the orders that carry their costs. Ad spend is not taken off." />}
      {total.platform_conversions === null ? null : (
        <Kpi
          title="Platforms claim"
          value={format.number(total.platform_conversions)}
          explain="Conversions that all platforms claim together. Several may claim the same order."
          foot={<WhyButton of="all">Why is it not what we count?</WhyButton>}
        />
      )}
    </KpiGrid>
  )
}

const MEASURES = { roas: "ROAS", revenue: "Revenue", spend: "Spend", new_customer_roas: "New-customer ROAS", cac: "CAC", orders: "Orders", margin: "Margin" } as const
const SCHEMA = { chart: choice(Object.keys(MEASURES) as (keyof typeof MEASURES)[]) }
const SHOWN = 10

export function Chart({ lines, by, compare, title }: { lines: RoiLine[]; by: string; compare: boolean; title: string }) {
  const format = useFormat()
  const [{ chart }, set] = useUrlState(SCHEMA)
  const isRatio = chart === "roas" || chart === "new_customer_roas"
  const write = (value: number) => (isRatio ? format.times(value) : chart === "orders" ? format.number(value) : format.money(value))
  const valued = lines.filter((line) => line[chart] !== null && Number(line[chart]) > 0)
  const best = [...valued].sort((one, other) => (Number(other[chart]) - Number(one[chart])) * (chart === "cac" ? -1 : 1)).slice(0, SHOWN)
  const before = (line: RoiLine) => (compare && chart in (line.previous ?? {}) ? Number(line.previous?.[chart as Compared] ?? 0) : null)
  const bars: Bar[] = best.map((line, index) => ({
    key: `${line.kind}/${line.ad_campaign_id ?? ""}/${line.ad_set_id ?? ""}/${line.id ?? index}`,
    label: by === "platform" && line.kind === "touch" ? platformName(line.id) : (line.name ?? "–"),
    value: Number(line[chart]),
    before: before(line),
    note: isRatio || chart === "cac" ? `on ${format.money(line.spend)}` : line.roas === null ? "no spend" : `ROAS ${format.times(line.roas)}`,
    colour: isRatio ? (Number(line[chart]) >= 1 ? "var(--chart-2)" : "var(--chart-3)") : "var(--chart-1)",
    open: (written) => <Explains quiet of={chart === "spend" ? null : report({ ...lineOf(line, by), measure: chart.replace("new_customer_", ""), only: chart === "cac" || chart === "new_customer_roas" ? "new" : "" })} about={`${MEASURES[chart]} of ${line.name ?? "this line"}`}>{written}</Explains>,
  }))
  const first = bars[0]
  return (
    <Card
      title={title}
      description={[chart === "cac" ? "The cheapest new customers first." : isRatio ? "Of lines that cost something." : "", chart === "roas" ? "Green: paid back." : "", compare && !["cac", "margin", "new_customer_roas"].includes(chart) ? "The thin bar is the period before." : ""].filter(Boolean).join(" ") || undefined}
      actions={<Select aria-label="Figure in the chart" value={chart} onChange={(event) => set({ chart: event.target.value as keyof typeof MEASURES }, { replace: true })} options={Object.entries(MEASURES).map(([value, label]) => ({ value, label }))} className="w-auto" />}
    >
      {first === undefined ? <Empty title={`No line has a figure for ${MEASURES[chart]}`}>Where nothing was spent, there is no return on it.</Empty> : (
        <BarChart
          label={`${MEASURES[chart]} by line`}
          measure={MEASURES[chart]}
          format={write}
          bars={bars}
          summary={`${first.name ?? String(first.label)} leads with ${write(first.value)}.${valued.length > SHOWN ? ` ${SHOWN} of ${valued.length} lines; all of them are in the table.` : ""}`}
        />
      )}
    </Card>
  )
}
