// Coverage: how many orders are joined to a visit, why the rest are not, what to do about it, and which orders they are.
import { useRef } from "react"
import { useApi } from "@/api/query"
import { Waterfall } from "@/charts/bars"
import { useFormat } from "@/shell/session"
import { moved } from "@/sections/read"
import { type Period, usePeriod } from "@/state/period"
import { choice, text, useUrlState } from "@/state/url"
import { Button, ButtonLink } from "@/ui/button"
import { Select } from "@/ui/controls"
import { Kpi, KpiGrid, KpiSkeleton } from "@/ui/kpi"
import { Card, PageHeader } from "@/ui/page"
import { PeriodPicker } from "@/ui/period"
import { Async, Empty, Skeleton } from "@/ui/states"
import type { Coverage as Found, Lost } from "./answers"
import { CAUSES, ToDo } from "./causes"
import { Course } from "./course"
import { Orders } from "./orders"

/** What the list shows at first: the orders that are missing. */
const MISSING = "not_joined"
const STATE = {
  cause: text(MISSING),
  q: text(),
  measure: choice(["orders", "revenue"]),
  by: choice(["", "day", "week", "month"]),
  show: choice(["share", "causes"]),
}

export default function Coverage() {
  const dates = usePeriod()
  const { period } = dates
  const [state, set] = useUrlState(STATE)
  const table = useRef<HTMLDivElement>(null)
  const query = useApi("/coverage", { query: period.query, keep: true })
  const open = (cause: string) => {
    set({ cause })
    table.current?.scrollIntoView({ block: "start" })
    table.current?.focus({ preventScroll: true })
  }
  return (
    <>
      <PageHeader
        title="Coverage"
        description="Credit can only be given for an order whose visit is known. Here is how many are, why the rest are not, and what to do about it."
        actions={<PeriodPicker {...dates} />}
      />
      <div className="flex flex-col gap-4">
        <Async query={query} skeleton={<Waiting />}>
          {({ coverage }) =>
            coverage.orders === 0 ? (
              <Card>
                <Empty title="No orders in this period" action={<ButtonLink to="/">Open the dashboard</ButtonLink>}>
                  Paid orders appear here by themselves. Choose a longer period to see earlier ones.
                </Empty>
              </Card>
            ) : (
              <div className="flex flex-col gap-4">
                <Figures now={coverage} period={period} />
                <Card
                  title="From all orders to the joined ones"
                  description="Each order that is not joined has exactly one cause."
                  actions={
                    <Select
                      aria-label="Measure"
                      className="w-auto"
                      value={state.measure}
                      onChange={(event) => set({ measure: event.target.value as "orders" })}
                      options={[{ value: "orders", label: "Orders" }, { value: "revenue", label: "Revenue" }]}
                    />
                  }
                >
                  <Causes coverage={coverage} measure={state.measure} open={open} />
                </Card>
              </div>
            )
          }
        </Async>
        <Course period={period} by={state.by} show={state.show} onBy={(by) => set({ by })} onShow={(show) => set({ show })} />
        <Orders period={period} cause={state.cause} q={state.q} set={set} place={table} />
      </div>
    </>
  )
}

function Figures({ now, period }: { now: Found; period: Period }) {
  const format = useFormat()
  const earlier = useApi("/coverage", {
    query: { from_date: period.previous.from, to_date: period.previous.to },
    enabled: period.compare,
    keep: true,
  })
  const was = period.compare ? earlier.data?.coverage : undefined
  const waits = period.compare && earlier.isPending ? { change: "waiting" as const } : {}
  const compared = (key: "orders" | "joined_share" | "joined_share_online" | "joined_revenue", write: (value: never) => string) =>
    was ? { change: moved(now[key], was[key]), before: write(was[key] as never) } : waits
  return (
    <KpiGrid>
      <Kpi title="Orders" value={format.number(now.orders)} {...compared("orders", format.number)} to="/conversions" search={{ type: "purchase" }} explain="Paid orders of this period, by the day on which they were placed." />
      <Kpi title="Joined to a visit" value={format.percent(now.joined_share)} {...compared("joined_share", format.percent)} explain="Orders whose visit is known, or whose buyer is known from an earlier visit, of all orders." />
      <Kpi title="Joined, online" value={format.percent(now.joined_share_online)} {...compared("joined_share_online", format.percent)} explain="Orders taken offline and renewals have no visit to find. Without them, this is what capture can be judged by." />
      <Kpi
        title="Orders not joined" value={format.number(now.orders - now.joined)} better="down"
        {...(was ? { change: moved(now.orders - now.joined, was.orders - was.joined), before: format.number(was.orders - was.joined) } : waits)}
        explain="Each has exactly one cause, below."
      />
      <Kpi title="Revenue joined" value={format.money(now.joined_revenue)} {...compared("joined_revenue", format.money)} to="/roi" explain={`Of ${format.money(now.revenue)} in all; without tax, shipping and refunds.`} />
    </KpiGrid>
  )
}

function Causes({ coverage, measure, open }: { coverage: Found; measure: "orders" | "revenue"; open: (cause: string) => void }) {
  const format = useFormat()
  const of = (value: number | string | null, sign = 1) => (value === null ? null : Number(value) === 0 ? 0 : sign * Number(value))
  const share = (each: Lost) =>
    measure === "orders" ? each.share : each.revenue === null || !Number(coverage.revenue) ? null : Number(each.revenue) / Number(coverage.revenue)
  const see = (cause: string, orders: number, label: string) =>
    orders === 0 ? null : (
      <Button small variant="ghost" className="no-print mt-1 -ml-2 text-link" onClick={() => open(cause)} >
        See {orders === 1 ? "this order" : `these ${format.number(orders)} orders`}
        <span className="sr-only">: {label}</span>
      </Button>
    )
  return (
    <Waterfall
      label="Orders from all to joined"
      measure={measure === "orders" ? "Orders" : "Revenue"}
      format={(value) => (measure === "orders" ? format.number(value) : format.money(value))}
      summary={`${format.number(coverage.joined)} of ${format.number(coverage.orders)} orders (${format.percent(coverage.joined_share)}) are joined to a visit.`}
      steps={[
        { key: "all", label: "All orders", value: of(measure === "orders" ? coverage.orders : coverage.revenue), total: true },
        ...coverage.lost.map((each) => ({
          key: each.cause,
          label: each.orders ? `${CAUSES[each.cause].label} · ${format.percent(share(each))}` : CAUSES[each.cause].label,
          meaning: `${each.meaning}.`,
          value: of(measure === "orders" ? each.orders : each.revenue, -1),
          action: (
            <>
              {each.orders > 0 ? <ToDo cause={each.cause} /> : null}
              {see(each.cause, each.orders, CAUSES[each.cause].label)}
            </>
          ),
        })),
        {
          key: "joined",
          label: "Joined to a visit",
          value: of(measure === "orders" ? coverage.joined : coverage.joined_revenue),
          total: true,
          action: see("joined", coverage.joined, "joined"),
        },
      ]}
    />
  )
}

const Waiting = () => (
  <div className="flex flex-col gap-4">
    <KpiSkeleton count={5} />
    <Skeleton className="h-[36rem] w-full rounded-lg" />
  </div>
)
