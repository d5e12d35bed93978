// A section's figures as tiles or as a short list, each written as its kind and compared with the period before.
import { Explains } from "@/insight/explain"
import { useFormat } from "@/shell/session"
import { Roas } from "@/ui/badge"
import { Change, Kpi, KpiGrid } from "@/ui/kpi"
import type { Data } from "./answers"
import { type Figure, moved } from "./read"

type Value = Figure["value"]

export function useWritten(currency?: string) {
  const format = useFormat()
  return (kind: Figure["kind"], value: Value): string => {
    switch (kind) {
      case "money":
        return format.money(value, currency)
      case "percent":
        return format.percent(value, Math.abs(Number(value)) < 0.01 ? 2 : 1)
      case "times":
        return format.times(value)
      case "number":
        return format.number(value)
    }
  }
}

interface Props {
  figures: Figure[]
  /** The same section of the period before; undefined while nothing is compared. */
  before: Data | undefined
  currency?: string | undefined
  explain?: Record<string, string>
  /** By key: what is behind a figure. */
  subjects?: Record<string, string>
}

export function Shown({ figure, written, of }: { figure: Figure; written: string; of: string | undefined }) {
  return (
    <Explains of={figure.value === null ? null : (of ?? null)} about={figure.title}>
      {figure.key === "roas" ? <Roas value={figure.value === null ? null : Number(figure.value)} /> : written}
    </Explains>
  )
}

export function Tiles({ figures, before, currency, explain, subjects }: Props) {
  const write = useWritten(currency)
  return (
    <KpiGrid six>
      {figures.map((figure) => (
        <Kpi
          key={figure.key}
          title={figure.title}
          value={<Shown figure={figure} written={write(figure.kind, figure.value)} of={subjects?.[figure.key]} />}
          better={figure.better}
          explain={explain?.[figure.key]}
          {...(before ? { change: moved(figure.value, before[figure.key]), before: write(figure.kind, (before[figure.key] ?? null) as Value) } : {})}
        />
      ))}
    </KpiGrid>
  )
}

export function FigureList({ figures, before, currency, subjects }: Props) {
  const write = useWritten(currency)
  return (
    <dl className="grid grid-cols-2 gap-x-4 gap-y-2.5">
      {figures.map((figure) => (
        <div key={figure.key} data-figure={figure.title} className="min-w-0">
          <dt className="text-xs text-muted">{figure.title}</dt>
          <dd className="figure font-semibold"><Shown figure={figure} written={write(figure.kind, figure.value)} of={subjects?.[figure.key]} /></dd>
          {before && moved(figure.value, before[figure.key]) !== null ? <dd><Change value={moved(figure.value, before[figure.key])} better={figure.better} /></dd> : null}
        </div>
      ))}
    </dl>
  )
}
