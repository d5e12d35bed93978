// Paths: which ways lead to a conversion, drawn and listed, written as one chooses.
import { type Query, useApi } from "@/api/query"
import type {} from "@/pages/journeys/shared/answers"
import { PathSteps } from "@/pages/journeys/shared/channel"
import { Spread } from "@/pages/journeys/shared/spread"
import { knownWindow, windowOptions } from "@/pages/journeys/shared/windows"
import { useFormat } from "@/shell/session"
import { usePeriod } from "@/state/period"
import { choice, flag, text, useUrlState } from "@/state/url"
import { TextLink } from "@/ui/button"
import { Checkbox, Select } from "@/ui/controls"
import { Kpi, KpiGrid, KpiSkeleton } from "@/ui/kpi"
import { Card, PageHeader } from "@/ui/page"
import { PeriodPicker } from "@/ui/period"
import { Async, Empty, Skeleton } from "@/ui/states"
import { CsvButton, PlainTable } from "@/ui/table"
import { Sankey } from "./sankey"

const LEVELS = ["channel", "platform", "source", "campaign"] as const
const COLLAPSES = ["exposure", "unique", "first", "recency", "frequency"] as const
const MEANS: Record<(typeof COLLAPSES)[number], string> = {
  exposure: "Repeats in a row count once", unique: "Every touch", first: "Each once, where first met", recency: "Each once, where last met", frequency: "Each once, with how often",
}
const RANKS = ["conversions", "journeys", "value", "conversion_rate"] as const
const BY: Record<(typeof RANKS)[number], string> = { conversions: "Most conversions first", journeys: "Most journeys first", value: "Most value first", conversion_rate: "Best rate first" }
const TYPES = ["purchase", "lead_form_submission"] as const
const SCHEMA = {
  level: choice(LEVELS), collapse: choice(COLLAPSES), rank: choice(RANKS), kind: choice(TYPES), lookback: text(), all: flag(true), newest: choice(["", "2", "3", "5"]),
}
const SHOWN = 20
const DRAWN = 40

export default function Paths() {
  const format = useFormat()
  const dates = usePeriod()
  const [state, set] = useUrlState(SCHEMA)
  const asked: Query<"/journeys/paths"> = {
    ...dates.period.query, level: state.level, collapse: state.collapse, by: state.rank, conversion_type: state.kind, window: knownWindow(state.lookback),
    non_converting: state.all, newest: state.newest ? Number(state.newest) : undefined,
  }
  const query = useApi("/journeys/paths", { query: { ...asked, limit: 100 }, keep: true })
  return (
    <>
      <PageHeader
        title="Paths"
        description="Which ways lead to a conversion, and which do not."
        parent={<TextLink to="/journeys">Journeys</TextLink>}
        actions={<PeriodPicker {...dates} compare={undefined} />}
      />
      <div className="mb-3 grid grid-cols-2 gap-2 sm:flex sm:flex-wrap sm:items-center">
        <Select className="w-full sm:w-auto" aria-label="Steps are" value={state.level} options={LEVELS.map((value) => ({ value, label: `By ${value}` }))} onChange={(event) => set({ level: event.target.value as (typeof LEVELS)[number] })} />
        <Select className="w-full sm:w-auto" aria-label="Repeats" value={state.collapse} options={COLLAPSES.map((value) => ({ value, label: MEANS[value] }))} onChange={(event) => set({ collapse: event.target.value as (typeof COLLAPSES)[number] })} />
        <Select className="w-full sm:w-auto" aria-label="How much of a path" value={state.newest} options={[{ value: "", label: "Whole paths" }, ...["2", "3", "5"].map((value) => ({ value, label: `Last ${value} steps` }))]} onChange={(event) => set({ newest: event.target.value as "" | "2" | "3" | "5" })} />
        <Select className="w-full sm:w-auto" aria-label="Lookback window" value={knownWindow(state.lookback)} options={windowOptions} onChange={(event) => set({ lookback: event.target.value })} />
        <Select className="w-full sm:w-auto" aria-label="Type of conversion" value={state.kind} options={[{ value: "purchase", label: "Purchases" }, { value: "lead_form_submission", label: "Leads" }]} onChange={(event) => set({ kind: event.target.value as (typeof TYPES)[number] })} />
        <Select className="w-full sm:w-auto" aria-label="Order" value={state.rank} options={RANKS.map((value) => ({ value, label: BY[value] }))} onChange={(event) => set({ rank: event.target.value as (typeof RANKS)[number] })} />
        <div className="col-span-2 py-1"><Checkbox label="Also journeys without a conversion" checked={state.all} onChange={(event) => set({ all: event.target.checked })} /></div>
      </div>
      <Async query={query} skeleton={<><KpiSkeleton count={4} /><Skeleton className="mt-3 h-96 w-full rounded-lg" /></>}>
        {(data) => (
          <div className="flex flex-col gap-3">
            <KpiGrid>
              <Kpi title="Journeys" value={format.number(data.total.journeys)} explain="A journey is the touches before one conversion, or those of a person whom none followed within the window." />
              <Kpi title="Conversions" value={format.number(data.total.conversions)} />
              <Kpi title="Different paths" value={format.number(data.count)} />
              <Kpi title="Touches on average" value={data.analysis.average_touchpoints === null ? "–" : format.number(data.analysis.average_touchpoints, 1)} />
              <Kpi title="Days to conversion" value={data.analysis.average_hours_to_conversion === null ? "–" : format.number(data.analysis.average_hours_to_conversion / 24, 1)} />
            </KpiGrid>
            {data.paths.length === 0 ? <Card><Empty title="No journeys in this period">They appear when people visit and buy. Choose a longer period.</Empty></Card> : (
              <>
                <Card title="Flow" description={`The ${data.count <= DRAWN ? "" : `first ${DRAWN} of ${format.number(data.count)} `}paths, from the first touch on.`}>
                  <Sankey lines={data.paths.slice(0, DRAWN)} open={state.all} summary={`${format.number(data.total.conversions)} journeys converted${data.total.unconverted === null ? "" : `, ${format.number(data.total.unconverted)} did not`}; the most common way was ${data.paths[0]!.path.join(", then ") || "without a visit"}.`} />
                </Card>
                <Card title="Top paths" description={BY[state.rank] + "."} actions={<CsvButton name="paths" csv={{ path: "/journeys/paths", query: { ...asked, limit: 200 } }} />}>
                  <PlainTable
                    caption="Top paths"
                    head={[{ title: "Path" }, { title: "Journeys", right: true }, { title: "Conversions", right: true }, { title: "Rate", right: true }, { title: "Value", right: true }, { title: "Average", right: true }]}
                    rows={data.paths.slice(0, SHOWN).map((line) => [
                      <PathSteps key="path" steps={line.path} />, format.number(line.journeys), format.number(line.conversions), format.percent(line.conversion_rate),
                      line.value === null ? "Several currencies" : format.money(line.value, line.currency), format.money(line.average_value, line.currency),
                    ])}
                  />
                </Card>
              </>
            )}
            <Spread of={data.analysis} />
            <p className="text-xs text-muted">
              {data.as_of ? `Counted in advance; journeys without a conversion as of ${format.dateTime(data.as_of)} ${format.zoneShort}.` : "Read from touches just now."}
            </p>
          </div>
        )}
      </Async>
    </>
  )
}
