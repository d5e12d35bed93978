// Funnel: steps of one's own choice, how many people reached each, and where journeys end.
import { useApi } from "@/api/query"
import { words } from "@/format/format"
import type {} from "@/pages/journeys/shared/answers"
import { useFormat } from "@/shell/session"
import { usePeriod } from "@/state/period"
import { choice, integer, list, useUrlState } from "@/state/url"
import { TextLink } from "@/ui/button"
import { Select } from "@/ui/controls"
import { Kpi, KpiGrid, KpiSkeleton } from "@/ui/kpi"
import { Card, PageHeader } from "@/ui/page"
import { PeriodPicker } from "@/ui/period"
import { Async, Empty, Skeleton } from "@/ui/states"
import { PlainTable } from "@/ui/table"
import { Explain } from "@/ui/tooltip"
import { Builder } from "./builder"
import { Steps } from "./chart"
import { Lost } from "./lost"
import { DEFAULT, problemOf } from "./steps"

const BREAKDOWNS = ["", "channel", "platform", "campaign", "device", "website"] as const
const SCHEMA = { steps: list(), days: integer(30, 1, 365), by: choice(BREAKDOWNS), stage: choice(["", "awareness", "interest", "consideration", "intent"]) }
const WINDOWS = [1, 7, 14, 30, 60, 90]

export default function FunnelPage() {
  const format = useFormat()
  const dates = usePeriod()
  const [state, set] = useUrlState(SCHEMA)
  const steps = state.steps.length >= 2 ? state.steps : DEFAULT
  const wrong = problemOf(steps)
  const query = useApi("/journeys/funnel", {
    query: { ...dates.period.query, steps: steps.join(","), window: state.days, breakdown: state.by || undefined }, enabled: wrong === null, keep: true,
  })
  const windows = WINDOWS.includes(state.days) ? WINDOWS : [...WINDOWS, state.days].sort((a, b) => a - b)
  return (
    <>
      <PageHeader
        title="Funnel"
        description="How far people come, and where they leave."
        parent={<TextLink to="/journeys">Journeys</TextLink>}
        actions={<PeriodPicker {...dates} compare={undefined} />}
      />
      <div className="grid items-start gap-3 lg:grid-cols-[minmax(18rem,24rem)_minmax(0,1fr)]">
        <Card
          title="Steps"
          description={<>In this order. <Explain what="a step">Whoever takes the first step in the period is counted. A later step counts at or after the one before, and within the window after the first. Everybody counts once, known or anonymous, however many devices they use. A stage counts from the first time that it was reached.</Explain></>}
        >
          <Builder steps={steps} onChange={(next) => set({ steps: next })} />
          <div className="mt-4 flex flex-col gap-2 border-t border-line pt-4">
            <Select aria-label="Window" value={String(state.days)} options={windows.map((days) => ({ value: String(days), label: days === 1 ? "Within 1 day of the first step" : `Within ${days} days of the first step` }))} onChange={(event) => set({ days: Number(event.target.value) })} />
            <Select
              aria-label="Divide by" value={state.by} onChange={(event) => set({ by: event.target.value as (typeof BREAKDOWNS)[number] })}
              options={[{ value: "", label: "Everybody together" }, ...BREAKDOWNS.slice(1).map((by) => ({ value: by, label: `By ${by} of the first touch` }))]}
            />
          </div>
        </Card>
        {wrong ? <Card><Empty title="The funnel is not complete yet">{wrong}</Empty></Card> : (
          <Async query={query} skeleton={<div className="flex flex-col gap-3"><KpiSkeleton count={3} /><Skeleton className="h-[23.5rem] w-full rounded-lg" /></div>}>
            {(funnel) => (
              <div className="flex flex-col gap-3">
                <KpiGrid>
                  <Kpi title="People" value={format.number(funnel.people)} explain="Everybody who took the first step in the period, known or anonymous, once." />
                  <Kpi title="Went all the way" value={format.number(funnel.completed)} />
                  <Kpi title="Conversion rate" value={format.percent(funnel.conversion_rate)} />
                </KpiGrid>
                <Card title="Steps and what was lost">
                  {funnel.people === 0 ? <Empty title="Nobody took the first step">Choose a longer period, or another first step.</Empty> : <Steps of={funnel} chosen={state.stage} onChoose={(stage) => set({ stage: stage as typeof state.stage })} />}
                </Card>
                {funnel.breakdown && funnel.breakdown.length ? (
                  <Card title={`By ${state.by}`} description={(funnel.groups ?? 0) > funnel.breakdown.length ? `The ${funnel.breakdown.length} with most people of ${funnel.groups}.` : undefined}>
                    <PlainTable
                      caption={`Funnel by ${state.by}`}
                      head={[{ title: words(state.by) }, ...funnel.steps.map((step) => ({ title: step.label, right: true })), { title: "All the way", right: true }]}
                      rows={funnel.breakdown.map((group) => [group.label === null ? "Unknown" : state.by === "device" ? words(group.label) : group.label, ...group.steps.map((step) => format.number(step.people)), format.percent(group.steps[group.steps.length - 1]?.share_of_first)])}
                    />
                  </Card>
                ) : null}
              </div>
            )}
          </Async>
        )}
      </div>
      <div className="mt-3"><Lost query={{ ...dates.period.query }} stage={state.stage} onStage={(stage) => set({ stage: stage as typeof state.stage })} /></div>
    </>
  )
}
