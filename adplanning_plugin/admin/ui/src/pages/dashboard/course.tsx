// Revenue and ad spend by day on one scale, beside the revenue of the period before.
import { useApi } from "@/api/query"
import { LineChart } from "@/charts/line"
import { Explains, report } from "@/insight/explain"
import { useFormat } from "@/shell/session"
import type { Period } from "@/state/period"
import { Card } from "@/ui/page"
import type { Trend } from "./answers"
import { figure } from "./figures"

declare module "@/api/answers" {
  interface Answers {
    "/trends": { trends: Trend[] }
  }
}

interface Props {
  trend: Trend[]
  period: Period
  /** Spend of later days has not been reported yet. */
  spendUntil: string | null
}

export function Course({ trend, period, spendUntil }: Props) {
  const format = useFormat()
  const earlier = useApi("/trends", {
    query: { from_date: period.previous.from, to_date: period.previous.to },
    enabled: period.compare,
    keep: true,
  })
  const before = period.compare ? earlier.data?.trends : undefined
  const isReported = (day: string) => spendUntil === null || day <= spendUntil
  const open = trend.some((each) => !isReported(each.date))
  const sum = (key: "spend" | "revenue") => trend.reduce((total, each) => total + Number(each[key] ?? 0), 0)
  const isOpen = trend.at(-1)?.date === period.today
  const best = trend.reduce<Trend | null>((found, each) => (Number(each.revenue ?? 0) > Number(found?.revenue ?? 0) ? each : found), null)
  const said = [
    `Revenue ${format.money(sum("revenue"))} on spend of ${format.money(sum("spend"))}.`,
    best ? `The best day was ${format.date(best.date)} with ${format.money(best.revenue)}.` : "",
    open && spendUntil ? `Spend is reported up to ${format.date(spendUntil)}.` : "",
    isOpen ? "Today is not over: the way to it is dotted." : "",
  ]
  return (
    <Card title="Revenue and ad spend" description={`By day, in ${format.zone}`}>
      <LineChart
        label="Revenue and ad spend by day"
        summary={said.filter(Boolean).join(" ")}
        height={264}
        unfinished={isOpen}
        points={trend.map((each) => format.dateShort(each.date))}
        format={(value) => format.money(value)}
        formatAxis={(value) => format.moneyShort(value)}
        open={(key, point, written) => {
          const day = trend[point]!.date
          return <Explains quiet of={key === "revenue" ? report({ kind: "store", measure: "revenue", days: `${day}/${day}` }) : null} about={`Revenue of ${format.date(day)}`}>{written}</Explains>
        }}
        series={[
          { key: "revenue", label: "Revenue", values: trend.map((each) => figure(each.revenue)) },
          { key: "spend", label: "Ad spend", values: trend.map((each) => (isReported(each.date) ? figure(each.spend) : null)) },
          ...(before ? [{ key: "before", label: "Revenue before", values: trend.map((_, index) => figure(before[index]?.revenue ?? null)), before: true }] : []),
        ]}
      />
    </Card>
  )
}
