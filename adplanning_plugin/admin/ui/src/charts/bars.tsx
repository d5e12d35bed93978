// Bars: named amounts side by side (BarChart), stages with what was lost between them (Funnel), a whole and its parts
// (Waterfall). Labels are text in the page, so that they wrap, translate and print; the bars are SVG.
import type { ReactNode } from "react"
import { ChartFrame, COLOURS } from "./frame"

export interface Bar {
  key: string
  label: ReactNode
  /** The label as text, for the table and for reading out; needed where `label` is not a text. */
  name?: string
  value: number
  /** The period before: a thin grey bar below. */
  before?: number | null
  colour?: string
  /** Written beside the figure: "12 orders". */
  note?: string
  /** The written figure as what opens what is behind it. */
  open?: (figure: string) => ReactNode
}

interface BarsProps {
  label: string
  summary: string
  bars: Bar[]
  format: (value: number) => string
  /** What the figures are, for the table's head. */
  measure: string
}

const written = (bar: Bar, format: (value: number) => string) => (bar.open ? bar.open(format(bar.value)) : format(bar.value))
const nameOf = (bar: Bar) => bar.name ?? (typeof bar.label === "string" ? bar.label : bar.key)

function Strip({ share, from = 0, colour, thin = false }: { share: number; from?: number; colour: string; thin?: boolean }) {
  const width = Math.max(share > 0 ? 0.4 : 0, Math.min(100, share * 100))
  return (
    <svg width="100%" height={thin ? 4 : 12} aria-hidden="true" className="block" preserveAspectRatio="none">
      {thin ? null : <rect width="100%" height="12" rx="3" fill="var(--hover)" />}
      <rect className="chart-mark" x={`${from * 100}%`} width={`${width}%`} height={thin ? 4 : 12} rx={thin ? 1.5 : 3} fill={colour} />
    </svg>
  )
}

export function BarChart({ label, summary, bars, format, measure }: BarsProps) {
  const most = Math.max(1e-9, ...bars.flatMap((bar) => [bar.value, bar.before ?? 0]))
  const compares = bars.some((bar) => bar.before !== undefined && bar.before !== null)
  return (
    <ChartFrame
      label={label}
      summary={summary}
      table={{
        head: [{ title: "Name" }, { title: measure, right: true }, ...(compares ? [{ title: "Before", right: true }] : [])],
        rows: bars.map((bar) => [nameOf(bar), written(bar, format), ...(compares ? [bar.before === undefined || bar.before === null ? "–" : format(bar.before)] : [])]),
      }}
    >
      <ul className="flex flex-col gap-3">
        {bars.map((bar, index) => (
          <li key={bar.key}>
            <div className="mb-1 flex items-baseline justify-between gap-3 text-sm">
              <span className="min-w-0 truncate">{bar.label}</span>
              <span className="figure"><span className="font-medium">{written(bar, format)}</span>{bar.note ? <span className="ml-2 text-xs text-muted">{bar.note}</span> : null}</span>
            </div>
            <Strip share={bar.value / most} colour={bar.colour ?? COLOURS[index % COLOURS.length]!} />
            {bar.before !== undefined && bar.before !== null ? <div className="mt-1"><Strip thin share={bar.before / most} colour="var(--line-strong)" /></div> : null}
          </li>
        ))}
      </ul>
    </ChartFrame>
  )
}

export interface Stage {
  key: string
  label: string
  value: number
}

/** Stages from the widest to the narrowest; each says its share of the first and how many were lost on the way to it. */
export function Funnel({ label, summary, stages, format, measure = "Visitors" }: { label: string; summary: string; stages: Stage[]; format: (value: number) => string; measure?: string }) {
  const first = stages[0]?.value || 1
  const share = (value: number) => `${((value / first) * 100).toFixed(1)}%`
  const lost = (index: number) => {
    const before = stages[index - 1]?.value
    return before ? `${(100 - ((stages[index]?.value ?? 0) / before) * 100).toFixed(1)}%` : "–"
  }
  return (
    <ChartFrame
      label={label}
      summary={summary}
      table={{
        head: [{ title: "Stage" }, { title: measure, right: true }, { title: "Of the first", right: true }, { title: "Lost before it", right: true }],
        rows: stages.map((stage, index) => [stage.label, format(stage.value), share(stage.value), lost(index)]),
      }}
    >
      <ol className="flex flex-col gap-3">
        {stages.map((stage, index) => (
          <li key={stage.key}>
            <div className="mb-1 flex items-baseline justify-between gap-3 text-sm">
              <span>{stage.label}</span>
              <span className="figure"><span className="font-medium">{format(stage.value)}</span> <span className="text-xs text-muted">{share(stage.value)}{index ? ` · ${lost(index)} lost` : ""}</span></span>
            </div>
            <Strip share={stage.value / first} colour={COLOURS[0]!} />
          </li>
        ))}
      </ol>
    </ChartFrame>
  )
}

export interface Step {
  key: string
  label: string
  /** null: not known. It moves nothing, and says so. */
  value: number | null
  /** A sentence below the label. */
  meaning?: string
  /** Stands for itself, from zero: the whole, and what is left at the end. */
  total?: boolean
  /** Beside the label: how sure it is. */
  badge?: ReactNode
  action?: ReactNode
}

/** A whole, what is taken from it step by step, and what is left: coverage, and why two platforms disagree. */
export function Waterfall({ label, summary, steps, format, measure }: { label: string; summary: string; steps: Step[]; format: (value: number, step: Step) => string; measure: string }) {
  let level = 0
  const written = (step: Step) => (step.value === null ? "Not known" : format(step.value, step))
  const placed = steps.map((step) => {
    const from = step.total ? 0 : level
    level = step.total ? (step.value ?? level) : level + (step.value ?? 0)
    return { ...step, low: Math.min(from, level), high: Math.max(from, level) }
  })
  const least = Math.min(0, ...placed.map((step) => step.low))
  const span = Math.max(1e-9, Math.max(...placed.map((step) => step.high)) - least)
  return (
    <ChartFrame
      label={label}
      summary={summary}
      table={{ head: [{ title: "Step" }, { title: measure, right: true }], rows: steps.map((step) => [step.label, written(step)]) }}
    >
      <ol className="@container flex flex-col">
        {placed.map((step) => (
          <li key={step.key} className="grid grid-cols-[1fr_auto] items-start gap-x-4 gap-y-1 border-b border-line py-2 last:border-0 @2xl:grid-cols-[minmax(10rem,18rem)_1fr_7rem] @2xl:items-center">
            <div className="min-w-0 text-sm">
              <p className={step.total ? "font-medium" : undefined}>{step.label} {step.badge}</p>
              {step.meaning ? <p className="text-xs text-muted">{step.meaning}</p> : null}
              {step.action}
            </div>
            <div className="order-3 col-span-2 @2xl:order-none @2xl:col-span-1">
              {!step.value && !step.total ? null : <Strip share={(step.high - step.low) / span} from={(step.low - least) / span} colour={step.total ? "var(--chart-1)" : (step.value ?? 0) < 0 ? "var(--chart-3)" : "var(--chart-2)"} />}
            </div>
            <p className={step.value ? "figure text-right text-sm font-medium" : "text-right text-sm text-muted"}>{written(step)}</p>
          </li>
        ))}
      </ol>
    </ChartFrame>
  )
}
