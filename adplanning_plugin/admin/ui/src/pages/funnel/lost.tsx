// Where journeys end without a purchase: at which stage, after how long, after doing what.
import { BarChart } from "@/charts/bars"
import { type Query, useApi } from "@/api/query"
import { lasting } from "@/pages/journeys/shared/lasting"
import { useFormat } from "@/shell/session"
import { Button } from "@/ui/button"
import { Card } from "@/ui/page"
import { Async, Empty, Skeleton } from "@/ui/states"
import { PlainTable } from "@/ui/table"
import { Explain } from "@/ui/tooltip"

export function Lost({ query: asked, stage, onStage }: { query: Query<"/journeys/dropoff">; stage: string; onStage: (stage: string) => void }) {
  const format = useFormat()
  const query = useApi("/journeys/dropoff", { query: { ...asked, stage }, keep: true })
  return (
    <Card
      title="Where journeys end"
      description={
        <>
          People first seen in this period who did not buy and did nothing for a week.{" "}
          <Explain what="an ended journey">Somebody who was here in the last seven days is still on the way. Whoever bought once has not left, however long ago.</Explain>
        </>
      }
      actions={stage ? <Button small onClick={() => onStage("")}>All stages</Button> : null}
    >
      <Async query={query} skeleton={<Skeleton className="h-72 w-full rounded-lg" />}>
        {({ dropoff }) => dropoff.began === 0 ? <Empty title="Nobody was seen first in this period">Choose a longer period.</Empty> : (
          <div className="flex flex-col gap-5">
            <p className="text-sm">
              Of {format.number(dropoff.began)} journeys, {format.number(dropoff.converted)} led to a purchase, {format.number(dropoff.going_on)} are still going on, and{" "}
              <strong>{format.number(dropoff.ended)} ended ({format.percent(dropoff.drop_rate)})</strong>.
            </p>
            <div className="grid gap-5 lg:grid-cols-2">
              <section aria-label="By stage">
                <h3 className="mb-2 text-sm font-medium">How far they had come</h3>
                <BarChart
                  label="Ended journeys by stage" measure="People" format={format.number}
                  summary="The furthest stage that they reached; choose one to look at it alone."
                  bars={dropoff.stages.map((each) => ({
                    key: each.stage ?? "none", name: each.label, value: each.people, ...(each.median_seconds ? { note: `after ${lasting(each.median_seconds)}` } : {}), colour: "var(--chart-3)",
                    label: each.stage ? <button type="button" aria-pressed={stage === each.stage} onClick={() => onStage(stage === each.stage ? "" : each.stage!)} className="text-link underline-offset-2 hover:underline">{each.label}</button> : each.label,
                  }))}
                />
              </section>
              <section aria-label="By duration">
                <h3 className="mb-2 text-sm font-medium">How long they had lasted{stage ? `, ${stage} alone` : ""}</h3>
                <BarChart label="Ended journeys by duration" measure="People" format={format.number} summary={`${format.number(dropoff.chosen)} people.`} bars={dropoff.lasted.map((each) => ({ key: each.label, label: each.label, value: each.people, colour: "var(--chart-2)" }))} />
              </section>
            </div>
            {dropoff.before.length ? (
              <section aria-label="What they did last">
                <h3 className="mb-2 text-sm font-medium">What they did last{stage ? `, ${stage} alone` : ""}</h3>
                <PlainTable
                  caption="What they did last"
                  head={[{ title: "Last things done" }, { title: "People", right: true }, { title: "Share", right: true }, { title: "Took", right: true }]}
                  rows={dropoff.before.map((each) => [each.labels.join(" › "), format.number(each.people), format.percent(each.share), lasting(each.median_seconds)])}
                />
              </section>
            ) : null}
          </div>
        )}
      </Async>
    </Card>
  )
}
