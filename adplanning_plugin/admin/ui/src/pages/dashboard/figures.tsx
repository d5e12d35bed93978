// The headline figures, each with its course, its change against the period before, and the page behind it.
import type { ReactNode } from "react"
import { Explains } from "@/insight/explain"
import { subjectsOf } from "@/sections/explained"
import { useFormat } from "@/shell/session"
import { Roas } from "@/ui/badge"
import { Kpi, KpiGrid } from "@/ui/kpi"
import type { Kpis, Trend } from "./answers"

interface Props {
  now: Kpis
  before: Kpis | null
  change: Partial<Record<keyof Kpis, number | null>>
  trend: Trend[]
  /** What links take along: the period. */
  search: Record<string, unknown>
  rule: string
  today: string
}

export const figure = (value: string | number | null) => (value === null ? null : Number(value))

export function Figures({ now, before, change, trend, search, rule, today }: Props) {
  const format = useFormat()
  // Today is not over: its point would be a fall each morning.
  const over = trend.filter((each) => each.date < today)
  const course = (key: keyof Trend) => over.map((each) => figure(each[key]))
  const moved = (key: keyof Kpis) => (before ? (change[key] ?? null) : undefined)
  const was = (key: keyof Kpis, write: (value: never) => string) => (before ? write(before[key] as never) : undefined)
  const why = (key: keyof Kpis, value: ReactNode) => <Explains of={now[key] === null ? null : (subjectsOf("kpis")[key] ?? null)} about={key.replaceAll("_", " ")}>{value}</Explains>
  const of = (key: keyof Kpis, write: (value: never) => string) => ({ change: moved(key), before: was(key, write) })
  return (
    <KpiGrid>
      <Kpi title="Ad spend" value={format.money(now.spend)} {...of("spend", format.money)} better="neither" spark={course("spend")} to="/campaigns" search={search} explain="As the ad platforms report it, on the days of each ad account." />
      <Kpi title="Revenue" value={why("revenue", format.money(now.revenue))} {...of("revenue", format.money)} spark={course("revenue")} to="/roi" search={search} explain="Paid orders, without tax, shipping, discounts and refunds." />
      <Kpi title="ROAS" value={why("roas", <Roas value={now.roas} />)} {...of("roas", format.times)} spark={course("roas")} to="/roi" search={search} explain={`Revenue credited to campaigns that cost something, over all spend (${rule}). From 1.0 they bring in what they cost.`} />
      <Kpi title="MER" value={why("mer", format.times(now.mer))} {...of("mer", format.times)} spark={course("mer")} to="/roi" search={{ ...search, by: "platform" }} explain="All revenue over all spend: needs no attribution." />
      <Kpi title="Orders" value={why("orders", format.number(now.orders))} {...of("orders", format.number)} spark={course("orders")} to="/conversions" search={{ ...search, type: "purchase" }} />
      <Kpi title="Conversions" value={format.number(now.conversions)} {...of("conversions", format.number)} spark={course("conversions")} to="/conversions" search={search} explain="Purchases, leads, carts, and everything that your goals count." />
      <Kpi title="Leads" value={format.number(now.leads)} {...of("leads", format.number)} spark={course("leads")} to="/conversions" search={{ ...search, type: "lead_form_submission" }} />
      <Kpi title="Sessions" value={format.number(now.sessions)} {...of("sessions", format.number)} spark={course("sessions")} to="/attribution" search={search} explain="Visits to the storefront; a visit ends after half an hour without a page." />
      <Kpi title="New customers" value={why("new_customers", format.number(now.new_customers))} {...of("new_customers", format.number)} to="/campaigns" search={search} explain="Buyers whose first paid order lies in this period." />
      <Kpi title="Cost per new customer" value={why("cac", format.money(now.cac))} {...of("cac", format.money)} better="down" to="/campaigns" search={search} explain="All spend over all new customers." />
    </KpiGrid>
  )
}
