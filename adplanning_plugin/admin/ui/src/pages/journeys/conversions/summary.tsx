// Path analysis in short: the ten most common ways, averages, and how long paths are.
import { type Query, useApi } from "@/api/query"
import { useFormat } from "@/shell/session"
import { TextLink } from "@/ui/button"
import { Kpi, KpiGrid, KpiSkeleton } from "@/ui/kpi"
import { Card } from "@/ui/page"
import { Async, Skeleton } from "@/ui/states"
import { PlainTable } from "@/ui/table"
import { PathSteps } from "../shared/channel"
import { Spread } from "../shared/spread"

export function Summary({ query: asked }: { query: Query<"/journeys/paths"> }) {
  const format = useFormat()
  const query = useApi("/journeys/paths", { query: { ...asked, limit: 10 }, keep: true })
  return (
    <section aria-label="Summary of paths" className="mt-4">
      <Async query={query} skeleton={<><KpiSkeleton count={4} /><Skeleton className="mt-3 h-64 w-full rounded-lg" /></>}>
        {(data) => (
          <div className="flex flex-col gap-3">
            <KpiGrid>
              <Kpi title="Conversions" value={format.number(data.total.conversions)} explain="Those that a visit could lead to: orders taken offline and renewals have no way here, and are in the list alone." />
              <Kpi title="Journeys without one" value={format.number(data.total.unconverted)} explain="People who came in this period, and whom no conversion followed within the window." />
              <Kpi title="Touches on average" value={data.analysis.average_touchpoints === null ? "–" : format.number(data.analysis.average_touchpoints, 1)} />
              <Kpi title="Days to conversion" value={data.analysis.average_hours_to_conversion === null ? "–" : format.number(data.analysis.average_hours_to_conversion / 24, 1)} explain="From the first touch in the window to the conversion, on average." />
            </KpiGrid>
            {data.paths.length ? (
              <Card title="Most common ways" description="Repeats in a row count once." actions={<TextLink to="/journeys/paths">All paths</TextLink>}>
                <PlainTable
                  caption="Most common ways"
                  head={[{ title: "Way" }, { title: "Conversions", right: true }, { title: "Of all", right: true }, { title: "Converts", right: true }, { title: "Average value", right: true }]}
                  rows={data.paths.map((line) => [
                    <PathSteps key="path" steps={line.path} />, format.number(line.conversions), format.percent(line.share), format.percent(line.conversion_rate), format.money(line.average_value, line.currency),
                  ])}
                />
              </Card>
            ) : null}
            <Spread of={data.analysis} />
          </div>
        )}
      </Async>
    </section>
  )
}
