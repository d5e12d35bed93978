// Places under each model: one line a campaign, the best place on top. A line that crosses others is one whose place depends on the model.
import { useState } from "react"
import { ChartFrame, COLOURS, useWidth } from "@/charts/frame"
import { Explains, report } from "@/insight/explain"
import { cn } from "@/ui/cn"
import type { ModelLine } from "./answers"

interface Props {
  label: string
  summary: string
  group: string
  lines: ModelLine[]
  models: { model: string; label: string }[]
}

const ROW = 30
/** For narrow screens, where two lines of labels take turns. */
const SHORT: Record<string, string> = { last_click: "Last", first_click: "First", time_decay: "Decay", position_based: "Position", last_non_direct: "Non-direct", data_driven: "Data" }
const MARGIN = { top: 34, right: 14, bottom: 8 }

export function Bump({ label, summary, group, lines, models }: Props) {
  const [box, width] = useWidth<HTMLDivElement>()
  const [at, setAt] = useState<string | null>(null)
  // Places among those that are drawn, so that the chart has no empty rows; the table has the places among all.
  const places = models.map(({ model }) => {
    const ordered = lines.map((line) => ({ id: line.id, rank: line.models.find((each) => each.model === model)?.rank ?? Infinity })).sort((a, b) => a.rank - b.rank)
    return new Map(ordered.map(({ id }, index) => [id, index]))
  })
  const left = Math.min(190, Math.max(96, width * 0.3))
  const height = MARGIN.top + lines.length * ROW + MARGIN.bottom
  const x = (index: number) => left + 10 + (models.length < 2 ? 0 : (index / (models.length - 1)) * (width - left - 10 - MARGIN.right - 20))
  const y = (place: number) => MARGIN.top + place * ROW + ROW / 2
  const short = width < 560
  return (
    <ChartFrame
      label={label}
      summary={summary}
      table={{
        head: [{ title: "Name" }, ...models.map((each) => ({ title: each.label, right: true })), { title: "Spread", right: true }],
        rows: lines.map((line) => [line.name, ...models.map(({ model, label: named }) => {
          const rank = line.models.find((each) => each.model === model)?.rank
          return rank ? <Explains key={model} quiet of={report({ by: group, kind: "touch", ids: [line.id], model, measure: "revenue" })} about={`Place of ${line.name} by ${named}`}>{rank}</Explains> : "–"
        }), line.rank_spread ?? "–"]),
      }}
    >
      <div ref={box}>
        <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} role="img" aria-label={`${label}. ${summary} The table has every place.`} className="block max-w-full" onPointerLeave={() => setAt(null)}>
          {models.map((each, index) => (
            <g key={each.model}>
              <line x1={x(index)} x2={x(index)} y1={MARGIN.top} y2={height - MARGIN.bottom} stroke="var(--line)" />
              <text x={x(index)} y={index % 2 && short ? 26 : 12} textAnchor={index === models.length - 1 ? "end" : "middle"} fontSize="11" fill="var(--muted)">{short ? (SHORT[each.model] ?? each.label) : each.label}</text>
            </g>
          ))}
          {lines.map((line, index) => {
            const colour = COLOURS[index % COLOURS.length]!
            const points = models.map((_, model) => [x(model), y(places[model]!.get(line.id) ?? 0)] as const)
            const faded = at !== null && at !== line.id
            return (
              <g key={line.id} opacity={faded ? 0.2 : 1} onPointerEnter={() => setAt(line.id)}>
                <path className="chart-mark" d={curve(points)} fill="none" stroke={colour} strokeWidth={at === line.id ? 4 : 2.25} strokeLinecap="round" strokeDasharray={index >= COLOURS.length ? "6 4" : undefined} />
                <path d={curve(points)} fill="none" stroke="transparent" strokeWidth="14" />
                {points.map(([cx, cy], place) => <circle key={place} className="chart-mark" cx={cx} cy={cy} r="4" fill={colour} stroke="var(--card)" strokeWidth="1.5" />)}
                <text x={left - 6} y={points[0]?.[1] ?? 0} dy="0.32em" textAnchor="end" fontSize="12" fill="var(--fg)" className={cn(at === line.id && "font-semibold")}>
                  <title>{line.name}</title>
                  {shortened(line.name, left - 10)}
                </text>
              </g>
            )
          })}
        </svg>
      </div>
    </ChartFrame>
  )
}

/** Steps from place to place, level at each model. */
const curve = (points: (readonly [number, number])[]) =>
  points.map(([px, py], index) => {
    const before = points[index - 1]
    if (!before) return `M${px},${py}`
    const middle = (before[0] + px) / 2
    return `C${middle},${before[1]} ${middle},${py} ${px},${py}`
  }).join("")

/** As much of a name as fits; the whole of it is its title, and in the table. */
export const shortened = (name: string, width: number) => {
  const most = Math.max(6, Math.floor(width / 7.6))
  return name.length > most ? `${name.slice(0, most - 1)}…` : name
}
