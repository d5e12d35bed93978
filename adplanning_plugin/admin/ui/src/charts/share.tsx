// A whole as one bar of its parts, each named beneath with its figure: who is in, who is not, and why.
import type { ReactNode } from "react"
import { ChartFrame, COLOURS } from "./frame"

export interface Part {
  key: string
  label: string
  value: number
  /** A sentence beneath the label. */
  meaning?: string
  colour?: string
  action?: ReactNode
}

interface Props {
  label: string
  summary: string
  parts: Part[]
  format: (value: number) => string
  measure: string
}

export function ShareBar({ label, summary, parts, format, measure }: Props) {
  const whole = parts.reduce((sum, part) => sum + part.value, 0) || 1
  const colour = (part: Part, index: number) => part.colour ?? COLOURS[index % COLOURS.length]!
  let from = 0
  const placed = parts.map((part, index) => {
    const start = from
    from += part.value / whole
    return { ...part, start, share: part.value / whole, fill: colour(part, index) }
  })
  return (
    <ChartFrame
      label={label}
      summary={summary}
      table={{
        head: [{ title: "Part" }, { title: measure, right: true }, { title: "Share", right: true }],
        rows: parts.map((part) => [part.label, format(part.value), `${((part.value / whole) * 100).toFixed(1)}%`]),
      }}
    >
      <svg width="100%" height="14" role="img" aria-label={summary} className="mb-3 block">
        {placed.filter((part) => part.value > 0).map((part) => (
          <rect key={part.key} className="chart-mark" x={`${part.start * 100}%`} width={`${Math.max(part.share * 100, 0.5)}%`} height="14" fill={part.fill} stroke="var(--card)" />
        ))}
      </svg>
      <ul className="grid grid-cols-[repeat(auto-fill,minmax(min(9.5rem,100%),1fr))] gap-x-6 gap-y-2.5 text-sm">
        {placed.map((part) => (
          <li key={part.key} className="flex gap-2">
            <svg width="8" height="8" className="mt-1.5 shrink-0" aria-hidden="true"><rect className="chart-mark" width="8" height="8" rx="2" fill={part.fill} /></svg>
            <div className="min-w-0">
              <p><span className="font-medium">{format(part.value)}</span> {part.label}</p>
              {part.meaning ? <p className="text-xs text-muted">{part.meaning}</p> : null}
              {part.action}
            </div>
          </li>
        ))}
      </ul>
    </ChartFrame>
  )
}
