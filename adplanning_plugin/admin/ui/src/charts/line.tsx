// Lines over days: up to five series on one scale, one of them perhaps the period before (dashed). Arrow keys read it out.
import { scaleLinear, scalePoint } from "d3-scale"
import { area as areaOf, curveMonotoneX, line as lineOf } from "d3-shape"
import { type KeyboardEvent, type ReactNode, useId, useState } from "react"
import { ChartFrame, COLOURS, useWidth } from "./frame"

export interface Series {
  key: string
  label: string
  /** One for each of the chart's points; null leaves a gap. */
  values: (number | null)[]
  /** The period before, drawn dashed and grey. */
  before?: boolean
}

interface Props {
  label: string
  summary: string
  /** Written below the axis: days, as they are to be read. */
  points: string[]
  series: Series[]
  format: (value: number) => string
  formatAxis?: (value: number) => string
  height?: number
  /** A series' written figure, in the table, as what opens what is behind it. */
  open?: (key: string, point: number, figure: string) => ReactNode
  /** The last point is not over yet (today): the way to it is dashed. */
  unfinished?: boolean
}

const MARGIN = { top: 8, right: 8, bottom: 22, left: 52 }

export function LineChart({ label, summary, points, series, format, formatAxis = format, height = 220, unfinished = false, open = (_key, _point, figure) => figure }: Props) {
  const [box, width] = useWidth<HTMLDivElement>()
  const [at, setAt] = useState<number | null>(null)
  const gradient = useId()
  const values = series.flatMap((each) => each.values.filter((value) => value !== null))
  const x = scalePoint<number>().domain(points.map((_, index) => index)).range([MARGIN.left, width - MARGIN.right])
  const y = scaleLinear().domain([Math.min(0, ...values), Math.max(...values, 0) || 1]).nice(4).range([height - MARGIN.bottom, MARGIN.top])
  const colour = (index: number) => (series[index]?.before ? "var(--line-strong)" : COLOURS[index % COLOURS.length]!)
  const path = lineOf<number | null>((_, index) => x(index)!, (value) => y(value ?? 0)).defined((value) => value !== null).curve(curveMonotoneX)
  const fill = areaOf<number | null>((_, index) => x(index)!, y(0), (value) => y(value ?? 0)).defined((value) => value !== null).curve(curveMonotoneX)
  const last = points.length - 1
  const done = (values: (number | null)[]) => (unfinished ? values.map((value, index) => (index < last ? value : null)) : values)
  const tail = (values: (number | null)[]) => path(values.map((value, index) => (index >= last - 1 ? value : null))) ?? ""
  const every = Math.max(1, Math.ceil(points.length / Math.max(2, Math.floor((width - 80) / 80))))
  // Where all is zero there is nothing to measure by.
  const ticks = values.some((value) => value !== 0) ? y.ticks(4) : [0]

  const move = (step: number) => setAt((now) => Math.min(points.length - 1, Math.max(0, (now ?? (step > 0 ? -1 : points.length)) + step)))
  const keys = (event: KeyboardEvent) => {
    if (event.key === "ArrowRight") move(1)
    else if (event.key === "ArrowLeft") move(-1)
    else if (event.key === "Escape") setAt(null)
    else return
    event.preventDefault()
  }
  const nearest = (clientX: number, left: number) => {
    const step = x.step() || 1
    return Math.min(points.length - 1, Math.max(0, Math.round((clientX - left - MARGIN.left) / step)))
  }
  const said = at === null ? "" : `${points[at]}: ${series.map((each) => `${each.label} ${each.values[at] === null || each.values[at] === undefined ? "none" : format(each.values[at])}`).join(", ")}`
  return (
    <ChartFrame
      label={label}
      summary={summary}
      legend={series.length > 1 ? series.map((each, index) => ({ label: each.label, colour: colour(index), dashed: each.before ?? false })) : []}
      table={{
        head: [{ title: "Date" }, ...series.map((each) => ({ title: each.label, right: true }))],
        rows: points.map((point, index) => [point, ...series.map((each) => (each.values[index] === null || each.values[index] === undefined ? "–" : open(each.key, index, format(each.values[index]))))]),
      }}
    >
      <div ref={box} className="relative">
        <svg
          width={width}
          height={height}
          viewBox={`0 0 ${width} ${height}`}
          role="img"
          aria-label={`${label}. ${summary} Arrow keys read the points.`}
          tabIndex={0}
          onKeyDown={keys}
          onBlur={() => setAt(null)}
          onPointerMove={(event) => setAt(nearest(event.clientX, event.currentTarget.getBoundingClientRect().left))}
          onPointerLeave={() => setAt(null)}
          className="block max-w-full rounded"
        >
          <defs>
            <linearGradient id={gradient} x1="0" x2="0" y1="0" y2="1">
              <stop offset="0" stopColor={colour(0)} stopOpacity="0.18" />
              <stop offset="1" stopColor={colour(0)} stopOpacity="0" />
            </linearGradient>
          </defs>
          {ticks.map((tick) => (
            <g key={tick}>
              <line x1={MARGIN.left} x2={width - MARGIN.right} y1={y(tick)} y2={y(tick)} stroke="var(--line)" />
              <text x={MARGIN.left - 8} y={y(tick)} dy="0.32em" textAnchor="end" fontSize="11" fill="var(--muted)">{formatAxis(tick)}</text>
            </g>
          ))}
          {points.map((point, index) => index % every === 0 ? (
            <text key={index} x={x(index)} y={height - 6} textAnchor={index === 0 ? "start" : x(index)! > width - 24 ? "end" : "middle"} fontSize="11" fill="var(--muted)">{point}</text>
          ) : null)}
          {series.length <= 2 && !series[0]?.before ? <Filled d={fill(done(series[0]?.values ?? [])) ?? ""} gradient={gradient} /> : null}
          {unfinished ? series.map((each, index) => each.before ? null : (
            <path key={each.key} className="chart-mark" d={tail(each.values)} fill="none" stroke={colour(index)} strokeWidth="2" strokeDasharray="1 4" strokeLinecap="round" />
          )) : null}
          {series.map((each, index) => (
            <path key={each.key} className="chart-mark" d={path(each.before ? each.values : done(each.values)) ?? ""} fill="none" stroke={colour(index)} strokeWidth={each.before ? 1.5 : 2} strokeDasharray={each.before ? "4 4" : undefined} strokeLinecap="round" />
          ))}
          {at === null ? null : (
            <g>
              <line x1={x(at)} x2={x(at)} y1={MARGIN.top} y2={height - MARGIN.bottom} stroke="var(--line-strong)" />
              {series.map((each, index) => each.values[at] === null || each.values[at] === undefined ? null : (
                <circle key={each.key} cx={x(at)} cy={y(each.values[at])} r="4" fill={colour(index)} stroke="var(--card)" strokeWidth="2" />
              ))}
            </g>
          )}
        </svg>
        {at === null ? null : (
          <div
            className="pointer-events-none absolute top-0 z-10 rounded-md bg-raised px-2.5 py-1.5 text-xs shadow-pop"
            style={{ left: Math.min(x(at)! + 10, width - 150), maxWidth: 220 }}
          >
            <p className="mb-0.5 font-medium">{points[at]}</p>
            {series.map((each, index) => (
              <p key={each.key} className="flex items-center justify-between gap-3">
                <span className="flex items-center gap-1.5 text-muted"><svg width="8" height="8" aria-hidden="true"><circle cx="4" cy="4" r="4" fill={colour(index)} /></svg>{each.label}</span>
                <span className="figure">{each.values[at] === null || each.values[at] === undefined ? "–" : format(each.values[at])}</span>
              </p>
            ))}
          </div>
        )}
        <span className="sr-only" aria-live="polite">{said}</span>
      </div>
    </ChartFrame>
  )
}

// A URL in an attribute is relative to <base href>, so the gradient is named with the page's own address.
const Filled = ({ d, gradient }: { d: string; gradient: string }) => (
  <path d={d} fill={`url("${location.pathname}${location.search}#${gradient}")`} />
)

/** A line without axes, for tiles and rows: decoration beside a figure that is written out. */
export function Sparkline({ values, width = 96, height = 28, colour = "var(--chart-1)" }: { values: (number | null)[]; width?: number; height?: number; colour?: string }) {
  const known = values.filter((value) => value !== null)
  if (known.length < 2) return <svg width={width} height={height} aria-hidden="true" />
  const x = scaleLinear().domain([0, values.length - 1]).range([2, width - 2])
  const y = scaleLinear().domain([Math.min(...known), Math.max(...known) || 1]).range([height - 3, 3])
  const d = lineOf<number | null>((_, index) => x(index), (value) => y(value ?? 0)).defined((value) => value !== null).curve(curveMonotoneX)(values)
  return (
    <svg width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true" className="max-w-full">
      <path className="chart-mark" d={d ?? ""} fill="none" stroke={colour} strokeWidth="1.75" strokeLinecap="round" />
    </svg>
  )
}
