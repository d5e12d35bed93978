// A campaign's headline figures, their course by day, and the same days' credit under every model.
import type { ReactNode } from "react"
import { BarChart } from "@/charts/bars"
import { LineChart, type Series } from "@/charts/line"
import type { CampaignDetail, Compared, Day } from "@/insight/answers"
import type { Credit } from "@/insight/credit"
import { Explains, report } from "@/insight/explain"
import { platformName, WhyButton } from "@/insight/why"
import { useFormat } from "@/shell/session"
import { choice, useUrlState } from "@/state/url"
import { Roas } from "@/ui/badge"
import { Select } from "@/ui/controls"
import { Kpi, KpiGrid } from "@/ui/kpi"
import { Card } from "@/ui/page"
import { Empty } from "@/ui/states"
import { Explain } from "@/ui/tooltip"

export function Figures({ of, compare }: { of: CampaignDetail; compare: boolean }) {
  const format = useFormat()
  const moved = (key: Compared) => (compare ? (of.change?.[key] ?? null) : undefined)
  const was = (key: Compared, write: (value: never) => string) => (compare ? write(of.previous?.[key] as never) : undefined)
  const why = (measure: string, value: ReactNode, none = false, only = "") => (
    <Explains of={none ? null : report({ kind: "touch", ids: [of.id], measure, only })} about={`${measure} of ${of.name}`}>{value}</Explains>
  )
  const course = (key: "spend" | "revenue" | "orders" | "roas") => of.days.map((day) => (day[key] === null ? null : Number(day[key])))
  return (
    <KpiGrid>
      <Kpi title="Spend" value={format.money(of.spend)} change={moved("spend")} better="neither" before={was("spend", format.money)} spark={course("spend")} explain="What the ad account was charged, in the store's currency at each day's rate." />
      <Kpi title="Revenue" value={why("revenue", format.money(of.revenue))} change={moved("revenue")} before={was("revenue", format.money)} spark={course("revenue")} explain={`The share of orders that the model credits to this campaign, without tax, shipping and refunds (${format.money(of.refunds)} given back). The orders stand below.`} />
      <Kpi title="ROAS" value={why("roas", <Roas value={of.roas} />, of.roas === null)} change={moved("roas")} before={was("roas", format.times)} explain="Return on ad spend: revenue over spend. Green from 1.0. Without spend there is none." />
      <Kpi title="Orders" value={why("orders", format.number(of.orders))} change={moved("orders")} before={was("orders", format.number)} spark={course("orders")} explain="Orders credited to the campaign; a shared order counts as its share." foot={of.cpa === null ? undefined : `${format.money(of.cpa)} of spend each`} />
      {of.platform ? (
        <Kpi
          title={`${platformName(of.platform)} says`}
          value={format.number(of.platform_conversions)}
          explain={`The conversions that ${platformName(of.platform)} claims, worth ${format.money(of.platform_value)} to it. It counts by rules of its own.`}
          foot={<WhyButton of={`campaign:${of.id}`} platform={of.platform}>{`Why not ${format.number(of.orders)}?`}</WhyButton>}
        />
      ) : null}
      <Kpi title="New customers" value={why("new customers", format.number(of.new_customers), false, "new")} explain="Credited orders of people who had not ordered before." />
      <Kpi title="CAC" value={why("cac", format.money(of.cac), of.cac === null, "new")} explain="Customer acquisition cost: spend over new customers. Without new customers there is none." />
      <Kpi title="New-customer ROAS" value={why("roas", <Roas value={of.new_customer_roas} />, of.new_customer_roas === null, "new")} explain="Revenue from first orders over spend: what the campaign returns without those who would have come back anyway." />
      {of.margin === null ? null : <Kpi title="Margin" value={why("margin", format.money(of.margin))} explain="Revenue less the cost of the goods, of the orders that carry their costs. Ad spend is not taken off." />}
      <Kpi title="Clicks" value={format.number(of.clicks)} foot={of.clicks ? `${format.percent(of.ctr, 2)} of ${format.number(of.impressions)} views, ${format.money(of.cpc)} each` : undefined} explain="Clicks on the platform, by its own count." />
      {of.leads ? <Kpi title="Leads" value={format.number(of.leads)} foot={`${format.money(of.cpl)} each`} explain="Leads that the platform reports." /> : null}
    </KpiGrid>
  )
}

const SCHEMA = { chart: choice(["both", "revenue", "spend", "orders", "roas", "claims"]) }
type Measure = "revenue" | "spend" | "orders" | "roas"
const TITLES: Record<Measure, string> = { revenue: "Revenue", spend: "Spend", orders: "Orders", roas: "ROAS" }
const number = (value: string | number | null | undefined) => (value === null || value === undefined ? null : Number(value))

export function Course({ of, earlier }: { of: CampaignDetail; earlier: Day[] | undefined }) {
  const format = useFormat()
  const [{ chart }, set] = useUrlState(SCHEMA)
  const write = (value: number) => (chart === "orders" || chart === "claims" ? format.number(value) : chart === "roas" ? format.times(value) : format.money(value))
  const axis = (value: number) => (chart === "orders" || chart === "claims" ? format.numberShort(value) : chart === "roas" ? format.times(value) : format.moneyShort(value))
  const line = (key: Measure): Series => ({ key, label: TITLES[key], values: of.days.map((day) => number(day[key])) })
  const before = (key: Measure): Series[] =>
    earlier ? [{ key: `${key}-before`, label: `${TITLES[key]}, period before`, before: true, values: of.days.map((_, index) => number(earlier[index]?.[key])) }] : []
  const series: Series[] =
    chart === "both" ? [line("revenue"), line("spend"), ...before("revenue")]
    : chart === "claims" ? [line("orders"), { key: "claims", label: `${platformName(of.platform)} says`, values: of.days.map((day) => day.platform_conversions) }]
    : [line(chart), ...before(chart)]
  const best = of.days.reduce<Day | null>((found, day) => (Number(day.revenue ?? 0) > Number(found?.revenue ?? 0) ? day : found), null)
  const compared = earlier ? ` The period before had ${format.money(of.previous?.revenue)} on ${format.money(of.previous?.spend)}.` : ""
  const options = [
    { value: "both", label: "Revenue and spend" }, { value: "revenue", label: "Revenue" }, { value: "spend", label: "Spend" },
    { value: "orders", label: "Orders" }, { value: "roas", label: "ROAS" },
    ...(of.platform ? [{ value: "claims", label: `Orders and what ${platformName(of.platform)} says` }] : []),
  ]
  return (
    <Card
      title="By day"
      description={`Days of ${format.zone}${of.account_zone && of.account_zone !== format.zone ? `; spend on the account's own (${of.account_zone})` : ""}`}
      actions={<Select aria-label="Figure in the chart" value={chart} onChange={(event) => set({ chart: event.target.value as "both" }, { replace: true })} options={options} className="w-auto" />}
    >
      <LineChart
        label={`${options.find((each) => each.value === chart)?.label ?? "Figures"} by day`}
        summary={`${format.money(of.revenue)} of revenue on ${format.money(of.spend)} of spend.${best ? ` The best day was ${format.date(best.date)} with ${format.money(best.revenue)}.` : ""}${compared}`}
        points={of.days.map((day) => format.dateShort(day.date))}
        format={write}
        formatAxis={axis}
        series={series}
        open={(key, point, written) => {
          const day = of.days[point]!.date
          const isCredit = key === "revenue" || key === "orders" || key === "roas"
          return <Explains quiet of={isCredit ? report({ kind: "touch", ids: [of.id], measure: key, days: `${day}/${day}` }) : null} about={`${key} of ${format.date(day)}`}>{written}</Explains>
        }}
      />
    </Card>
  )
}

/** The same orders under every rule of credit: how much the answer depends on the rule. */
export function Models({ of, credit }: { of: CampaignDetail; credit: Credit }) {
  const format = useFormat()
  const known = of.models.filter((each) => each.revenue !== null)
  const most = known.reduce((found, each) => Math.max(found, Number(each.revenue)), 0)
  const least = known.reduce((found, each) => Math.min(found, Number(each.revenue)), most)
  const isDefault = (model: string) => credit.rules.models.some((each) => each.model === model && each.is_default)
  return (
    <Card title="Credit by model" description="The same days under each model. Choose one to see the whole page by it.">
      {known.length === 0 ? <Empty title="No credit in this period">Orders are credited within minutes after they are paid.</Empty> : (
        <BarChart
          label="credit by model"
          measure="Revenue"
          summary={most === 0 ? "No model credits an order to this campaign." : most === least ? `All models agree on ${format.money(most)}.` : `Between ${format.money(least)} and ${format.money(most)}, by the model.`}
          format={(value) => format.money(value)}
          bars={known.map((each) => ({
            key: each.model,
            name: credit.named(each.model),
            label: (
              <span className="inline-flex items-center gap-0.5">
                <button
                  type="button"
                  aria-pressed={each.is_chosen}
                  onClick={() => credit.set({ model: isDefault(each.model) ? "" : each.model })}
                  className={each.is_chosen ? "font-semibold" : "text-link underline-offset-2 hover:underline"}
                >
                  {credit.named(each.model)}
                </button>
                {credit.means(each.model) ? <Explain what={credit.named(each.model)}>{credit.means(each.model)}</Explain> : null}
              </span>
            ),
            value: Number(each.revenue),
            note: `${format.number(each.orders)} orders · ${format.times(each.roas)}`,
            colour: each.is_chosen ? "var(--chart-1)" : "var(--line-strong)",
            open: (written) => <Explains quiet of={report({ kind: "touch", ids: [of.id], model: each.model, measure: "revenue" })} about={`Revenue by ${credit.named(each.model)}`}>{written}</Explains>,
          }))}
        />
      )}
    </Card>
  )
}
