// Effects of a fit: a mark for each channel, and its interval as a line. What includes zero says so in words.
import { ChartFrame, useWidth } from "@/charts/frame"
import { useFormat } from "@/shell/session"
import { Badge } from "@/ui/badge"
import { PlainTable } from "@/ui/table"
import type { Fit } from "./answers"
import { shortened } from "./bump"
import { ALGORITHMS, zero } from "./words"

const ROW = 34

export function Effects({ fit }: { fit: Fit }) {
  const format = useFormat()
  const channels = [...fit.channels].sort((a, b) => b.effect - a.effect)
  const best = channels[0]
  if (!best) return null
  const model = ALGORITHMS[fit.algorithm]
  const write = (value: number) => format.percent(value, Math.abs(value) < 0.1 ? 2 : 1)
  const unsure = channels.filter((each) => each.includes_zero)
  const summary = `${best.channel} has the largest effect: ${write(best.effect)}${best.effect_interval ? `, between ${write(best.effect_interval.low)} and ${write(best.effect_interval.high)}` : ""}. ${
    fit.resamples === 0 ? "No intervals were asked for." : unsure.length === 0 ? "No interval includes zero." : `The interval of ${unsure.map((each) => each.channel).join(", ")} includes zero.`
  }`
  return (
    <div className="flex flex-col gap-5">
      <ChartFrame
        label={`${model.effect} by ${fit.level}`}
        summary={summary}
        table={{
          head: [{ title: fit.level === "channel" ? "Channel" : "Platform" }, { title: model.effect, right: true }, { title: "From", right: true }, { title: "To", right: true }],
          rows: channels.map((each) => [each.channel, write(each.effect), each.effect_interval ? write(each.effect_interval.low) : "–", each.effect_interval ? write(each.effect_interval.high) : "–"]),
        }}
      >
        <Marks channels={channels} summary={summary} write={write} />
      </ChartFrame>
      <PlainTable
        caption="Effects and credit"
        head={[{ title: fit.level === "channel" ? "Channel" : "Platform" }, { title: model.effect, right: true }, { title: `${format.percent(fit.confidence, 0)} interval`, right: true }, { title: "Share of credit", right: true }, { title: "Conversions", right: true }, { title: "Value", right: true }]}
        rows={channels.map((each) => [
          <span key="name" className="inline-flex min-w-32 flex-wrap items-center gap-x-2">
            {each.channel}
            {each.includes_zero ? <Badge colour="orange">Includes zero</Badge> : null}
            {fit.below_zero.includes(each.channel) ? <Badge colour="grey">Below zero: no credit</Badge> : null}
          </span>,
          write(each.effect),
          each.effect_interval ? `${write(each.effect_interval.low)} – ${write(each.effect_interval.high)}` : "–",
          <span key="share">{format.percent(each.share)}{each.share_interval ? <span className="block text-xs text-muted">{format.percent(each.share_interval.low)} – {format.percent(each.share_interval.high)}</span> : null}</span>,
          format.number(each.conversions, 1),
          format.money(each.value, fit.currency),
        ])}
      />
      {unsure.length > 0 ? (
        <p className="text-sm text-muted">{unsure.map((each) => `${each.channel}: ${zero(each)}`).join(" ")}</p>
      ) : null}
    </div>
  )
}

function Marks({ channels, summary, write }: { channels: Fit["channels"]; summary: string; write: (value: number) => string }) {
  const [box, width] = useWidth<HTMLDivElement>()
  const left = Math.min(150, Math.max(104, width * 0.3))
  const ends = channels.flatMap((each) => [each.effect, each.effect_interval?.low ?? each.effect, each.effect_interval?.high ?? each.effect])
  const low = Math.min(0, ...ends)
  const high = Math.max(...ends, 1e-9)
  const x = (value: number) => left + ((value - low) / (high - low)) * (width - left - 64)
  const height = channels.length * ROW + 4
  return (
    <div ref={box}>
      <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`Effects with their intervals. ${summary}`} className="block max-w-full">
        <line x1={x(0)} x2={x(0)} y1="0" y2={height} stroke="var(--line-strong)" strokeDasharray="3 3" />
        {channels.map((each, index) => {
          const y = index * ROW + ROW / 2
          const colour = each.includes_zero ? "var(--muted)" : "var(--chart-1)"
          return (
            <g key={each.channel}>
              <text x={left - 10} y={y} dy="0.32em" textAnchor="end" fontSize="12" fill="var(--fg)"><title>{each.channel}</title>{shortened(each.channel, left - 14)}</text>
              {each.effect_interval ? (
                <>
                  <line className="chart-mark" x1={x(each.effect_interval.low)} x2={x(each.effect_interval.high)} y1={y} y2={y} stroke={colour} strokeWidth="2" />
                  {[each.effect_interval.low, each.effect_interval.high].map((end) => <line key={end} className="chart-mark" x1={x(end)} x2={x(end)} y1={y - 5} y2={y + 5} stroke={colour} strokeWidth="2" />)}
                </>
              ) : null}
              <circle className="chart-mark" cx={x(each.effect)} cy={y} r="5" fill={colour} stroke="var(--card)" strokeWidth="1.5" />
              <text x={width - 2} y={y} dy="0.32em" textAnchor="end" fontSize="12" fill="var(--muted)">{write(each.effect)}</text>
            </g>
          )
        })}
      </svg>
    </div>
  )
}
