// Steps as bars, and between them how many were lost and how long the others took.
import { ArrowDown } from "lucide-react"
import { ChartFrame } from "@/charts/frame"
import { lasting } from "@/pages/journeys/shared/lasting"
import type { Funnel } from "@/pages/journeys/shared/answers"
import { useFormat } from "@/shell/session"

export function Steps({ of, chosen, onChoose }: { of: Funnel; chosen: string; onChoose: (stage: string) => void }) {
  const format = useFormat()
  const worst = of.steps.slice(1).reduce((most, step) => ((step.dropped ?? 0) > (most?.dropped ?? 0) ? step : most), of.steps[1])
  const summary = of.people === 0
    ? "Nobody took the first step in this period."
    : `${format.number(of.completed)} of ${format.number(of.people)} people went all the way${worst && (worst.dropped ?? 0) > 0 ? `; most were lost before ${worst.label.toLowerCase()}` : ""}.`
  return (
    <ChartFrame
      label="Funnel"
      summary={summary}
      table={{
        head: [{ title: "Step" }, { title: "People", right: true }, { title: "Of the first", right: true }, { title: "Lost before it", right: true }, { title: "Share lost", right: true }, { title: "Median time", right: true }, { title: "Known people", right: true }],
        rows: of.steps.map((step) => [
          step.label, format.number(step.people), format.percent(step.share_of_first), format.number(step.dropped), format.percent(step.drop_rate), lasting(step.median_seconds), format.number(step.identified),
        ]),
      }}
    >
      <ol className="flex flex-col">
        {of.steps.map((step, index) => (
          <li key={index}>
            {index ? (
              <p className="flex flex-wrap items-center gap-x-2 py-1.5 pl-1 text-xs text-muted">
                <ArrowDown className="size-3.5" aria-hidden="true" />
                <span className={(step.dropped ?? 0) > 0 ? "text-bad" : undefined}>{format.number(step.dropped)} lost ({format.percent(step.drop_rate)})</span>
                {step.median_seconds === null ? null : <span>· half went on {step.median_seconds < 1 ? "at once" : `within ${lasting(step.median_seconds)}`}</span>}
              </p>
            ) : null}
            <div className="mb-1 flex items-baseline justify-between gap-3 text-sm">
              {step.kind === "stage" ? (
                <button type="button" aria-pressed={chosen === step.step} onClick={() => onChoose(chosen === step.step ? "" : step.step)} className="text-left font-medium text-link underline-offset-2 hover:underline">{step.label}</button>
              ) : <span className="min-w-0 truncate font-medium">{step.label}</span>}
              <span className="figure"><span className="font-medium">{format.number(step.people)}</span> <span className="text-xs text-muted">{format.percent(step.share_of_first)}</span></span>
            </div>
            <svg width="100%" height="22" aria-hidden="true" className="block">
              <rect width="100%" height="22" rx="4" fill="var(--hover)" />
              <rect className="chart-mark" width={`${Math.max(step.people ? 0.5 : 0, (step.share_of_first ?? 0) * 100)}%`} height="22" rx="4" fill="var(--chart-1)" />
            </svg>
          </li>
        ))}
      </ol>
    </ChartFrame>
  )
}
