// How coverage went over the period: the joined shares, or the orders of each cause, by day, week or month.
import { useApi } from "@/api/query"
import { LineChart } from "@/charts/line"
import { useFormat } from "@/shell/session"
import { daysBetween } from "@/state/days"
import type { Period } from "@/state/period"
import { Select } from "@/ui/controls"
import { Card } from "@/ui/page"
import { Async, Skeleton } from "@/ui/states"
import type { Cause, CoveragePoint } from "./answers"
import { CAUSES } from "./causes"

export type Grain = "day" | "week" | "month"
const GRAINS = [["day", "By day"], ["week", "By week"], ["month", "By month"]] as const

/** What can be read at this length: a point a day gets too narrow after about two months, and five causes sooner. */
export function grainOf(period: { from: string; to: string }, show: "share" | "causes"): Grain {
  const days = (daysBetween(period.from, period.to) + 1) * (show === "causes" ? 4 : 1)
  return days <= 62 ? "day" : days <= 400 ? "week" : "month"
}

interface Props {
  period: Period
  by: "" | Grain
  show: "share" | "causes"
  onBy: (by: "" | Grain) => void
  onShow: (show: "share" | "causes") => void
}

export function Course({ period, by, show, onBy, onShow }: Props) {
  const usual = grainOf(period, show)
  const grain = by || usual
  const query = useApi("/coverage/trend", { query: { ...period.query, group_by: grain }, keep: true })
  return (
    <Card
      title="Over time"
      description="A sudden fall says when capture broke."
      actions={
        <>
          <Select
            aria-label="Show"
            className="w-auto"
            value={show}
            onChange={(event) => onShow(event.target.value as typeof show)}
            options={[{ value: "share", label: "Share joined" }, { value: "causes", label: "Orders by cause" }]}
          />
          <Select
            aria-label="Grouped"
            className="w-auto"
            value={grain}
            onChange={(event) => onBy(event.target.value === usual ? "" : (event.target.value as Grain))}
            options={GRAINS.map(([value, label]) => ({ value, label }))}
          />
        </>
      }
    >
      <Async query={query} skeleton={<Skeleton className="h-72 w-full" />}>
        {({ coverage_trend, group_by }) =>
          show === "share" ? <Shares points={coverage_trend} grain={group_by} /> : <ByCause points={coverage_trend} grain={group_by} />
        }
      </Async>
    </Card>
  )
}

const per = { day: "by day", week: "by week", month: "by month" }

function usePoints(points: CoveragePoint[]) {
  const format = useFormat()
  return points.map((each) => format.dateShort(each.date))
}

function Shares({ points, grain }: { points: CoveragePoint[]; grain: Grain }) {
  const format = useFormat()
  const known = points.filter((each) => each.joined_share_online !== null)
  const worst = known.reduce<CoveragePoint | null>((low, each) => (low === null || each.joined_share_online! < low.joined_share_online! ? each : low), null)
  return (
    <LineChart
      label={`Share of orders joined to a visit ${per[grain]}`}
      summary={
        worst
          ? `Lowest: ${format.percent(worst.joined_share_online)} of the online orders ${grain === "day" ? "on" : `in the ${grain} from`} ${format.date(worst.date)} (${format.number(worst.orders)} ${worst.orders === 1 ? "order" : "orders"}).`
          : "No order lies in this period."
      }
      points={usePoints(points)}
      format={(value) => format.percent(value)}
      formatAxis={(value) => format.percent(value, 0)}
      series={[
        { key: "online", label: "Of online orders", values: points.map((each) => each.joined_share_online) },
        { key: "all", label: "Of all orders", values: points.map((each) => each.joined_share) },
      ]}
    />
  )
}

function ByCause({ points, grain }: { points: CoveragePoint[]; grain: Grain }) {
  const format = useFormat()
  const sums = (Object.keys(CAUSES) as Cause[]).map((cause) => ({ cause, orders: points.reduce((sum, each) => sum + each[cause], 0) }))
  const said = sums.filter((each) => each.orders > 0).map((each) => `${CAUSES[each.cause].label.toLowerCase()} ${format.number(each.orders)}`)
  return (
    <LineChart
      label={`Orders without a visit by cause ${per[grain]}`}
      summary={said.length ? `Not joined: ${said.join(", ")}.` : "Every order of this period is joined."}
      points={usePoints(points)}
      format={(value) => format.number(value)}
      series={sums.map(({ cause }) => ({ key: cause, label: CAUSES[cause].label, values: points.map((each) => each[cause]) }))}
    />
  )
}
