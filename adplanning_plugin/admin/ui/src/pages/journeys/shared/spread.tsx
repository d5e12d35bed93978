// How long paths are and how long they take: two averages, two distributions.
import { BarChart } from "@/charts/bars"
import { useFormat } from "@/shell/session"
import { Card } from "@/ui/page"
import { Empty } from "@/ui/states"
import type { Analysis } from "./answers"

const MOST = 8

export function Spread({ of }: { of: Analysis }) {
  const format = useFormat()
  if (of.conversions === 0) return <Empty title="No conversions in this period">Choose a longer period.</Empty>
  const short = of.path_lengths.filter((each) => each.touches < MOST)
  const long = of.path_lengths.filter((each) => each.touches >= MOST).reduce((sum, each) => sum + each.conversions, 0)
  const lengths = [
    ...short.map((each) => ({ key: String(each.touches), label: each.touches === 1 ? "1 touch" : `${each.touches} touches`, value: each.conversions })),
    ...(long ? [{ key: "more", label: `${MOST} touches or more`, value: long }] : []),
  ].map((bar) => ({ ...bar, colour: "var(--chart-1)" }))
  const times = of.time_to_conversion.map((each) => ({ key: each.label, label: each.label, value: each.conversions, colour: "var(--chart-2)" }))
  const most = (bars: { label: string; value: number }[]) => bars.reduce((best, bar) => (bar.value > best.value ? bar : best), bars[0] ?? { label: "–", value: 0 }).label
  return (
    <div className="grid gap-3 lg:grid-cols-2">
      <Card title="Touches before a conversion" description={of.average_touchpoints === null ? undefined : `${format.number(of.average_touchpoints, 1)} on average`}>
        <BarChart label="Touches before a conversion" measure="Conversions" format={format.number} bars={lengths} summary={`Most conversions came after ${most(lengths).toLowerCase()}.`} />
      </Card>
      <Card title="Time from the first touch" description={of.average_hours_to_conversion === null ? undefined : `${format.number(of.average_hours_to_conversion / 24, 1)} days on average`}>
        <BarChart label="Time from the first touch" measure="Conversions" format={format.number} bars={times} summary={`Most conversions came ${most(times).toLowerCase()} after the first touch.`} />
      </Card>
    </div>
  )
}
