// Lines of the comparison, ready to be drawn: how far each model is from the chosen one, and from the least to the most. Pure.
import type { ComparedLine } from "./answers"

export interface Compared {
  line: ComparedLine
  cells: { model: string; value: number; /** Relative to the chosen model's; null where that is nothing. */ apart: number | null }[]
  low: { model: string; value: number }
  high: { model: string; value: number }
  /** What the models differ by, of the larger; null where all are nothing. */
  spread: number | null
  /** Places on a scale from 0 to 1, where 1 is the most that any model gives the line. */
  from: number
  to: number
  at: number
  /** At least a hundredth of the largest line: small lines differ much and mean little. */
  weighty: boolean
}

/** What is compared of one model's credit: its value, its number, what came back for what was spent. */
export type Measure = (credit: ComparedLine["credit"][number], line: ComparedLine) => number

export function compare(lines: ComparedLine[], models: string[], chosen: string, measure: Measure): Compared[] {
  const valued = lines.map((line) => ({
    line,
    values: models.map((model) => {
      const credit = line.credit.find((each) => each.model === model)
      return { model, value: credit === undefined ? 0 : measure(credit, line) }
    }),
  }))
  const most = new Map<string, number>()
  for (const { line, values } of valued) most.set(line.currency, Math.max(most.get(line.currency) ?? 0, ...values.map((each) => each.value)))
  return valued.map(({ line, values }) => {
    const own = values.find((each) => each.model === chosen)?.value ?? 0
    const low = values.reduce((found, each) => (each.value < found.value ? each : found))
    const high = values.reduce((found, each) => (each.value > found.value ? each : found))
    const place = (value: number) => (high.value > 0 ? Math.min(1, Math.max(0, value / high.value)) : 0)
    return {
      line,
      cells: values.map((each) => ({ ...each, apart: own === 0 ? null : each.value / own - 1 })),
      low,
      high,
      spread: high.value > 0 ? (high.value - low.value) / high.value : null,
      from: place(low.value),
      to: place(high.value),
      at: place(own),
      weighty: high.value >= (most.get(line.currency) || 1) / 100,
    }
  })
}
