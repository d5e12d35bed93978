// One goal: what it counts, its course over the period, what it would match by its present conditions.
import { useNavigate, useParams } from "@tanstack/react-router"
import { Pencil, Trash2 } from "lucide-react"
import { useApi } from "@/api/query"
import { LineChart } from "@/charts/line"
import { ActiveSwitch, GoalActions } from "@/pages/goals/actions"
import type { Goal as GoalAnswer } from "@/pages/goals/answers"
import { bodyOf, draftOf } from "@/pages/goals/draft"
import { PreviewBox, usePreview } from "@/pages/goals/preview"
import { ConditionList, linkOf } from "@/pages/goals/index"
import { typeLabel } from "@/pages/goals/words"
import { useFormat, useMay } from "@/shell/session"
import { usePeriod } from "@/state/period"
import { ConversionTypeBadge } from "@/ui/badge"
import { Button, ButtonLink, TextLink } from "@/ui/button"
import { Kpi, KpiGrid } from "@/ui/kpi"
import { Card, Facts, PageHeader } from "@/ui/page"
import { PeriodPicker } from "@/ui/period"
import { Async, Empty, Skeleton } from "@/ui/states"

export default function Goal() {
  const { id = "" } = useParams({ strict: false }) as { id?: string }
  const dates = usePeriod()
  const navigate = useNavigate()
  const may = useMay("adplanning:write")
  const query = useApi("/goals/{goal_id}", { path: { goal_id: id }, query: dates.period.query, keep: true })
  const parent = <TextLink to="/goals">Goals</TextLink>
  const goal = query.data?.goal
  if (query.error?.status === 404) {
    return (
      <>
        <PageHeader title="Goal not found" parent={parent} />
        <Card><Empty title="There is no such goal" action={<ButtonLink to="/goals">All goals</ButtonLink>}>It was deleted, or belongs to another store. What it counted is still among the conversions.</Empty></Card>
      </>
    )
  }
  return (
    <>
      <PageHeader
        title={goal?.name ?? "Goal"}
        description={goal?.description ?? undefined}
        parent={parent}
        actions={
          <>
            <PeriodPicker {...dates} compare={undefined} />
            {goal && may ? (
              <GoalActions goal={goal} onDeleted={() => void navigate({ to: "/goals" as never })}>
                {(edit, remove) => (
                  <>
                    <Button onClick={edit}><Pencil className="size-4 text-muted" aria-hidden="true" />Edit</Button>
                    <Button variant="danger" onClick={remove}><Trash2 className="size-4" aria-hidden="true" />Delete</Button>
                  </>
                )}
              </GoalActions>
            ) : null}
          </>
        }
      />
      <Async query={query} skeleton={<div className="flex flex-col gap-4"><Skeleton className="h-24 w-full rounded-lg" /><Skeleton className="h-96 w-full rounded-lg" /></div>}>
        {({ goal: shown }) => <Body goal={shown} dates={dates} />}
      </Async>
    </>
  )
}

function Body({ goal, dates }: { goal: GoalAnswer; dates: ReturnType<typeof usePeriod> }) {
  const format = useFormat()
  const link = { goal: goal.id, ...linkOf(dates) }
  const preview = usePreview(bodyOf(draftOf(goal, goal.currency)), goal.id)
  return (
    <div className="flex flex-col gap-4">
      <KpiGrid>
        <Kpi title="Hits" value={format.number(goal.hits)} explain="Conversions that this goal counted in the period." to="/conversions" search={link} />
        <Kpi title="Value" value={format.money(goal.hit_value, goal.currency)} explain={goal.value_from_event ? "As the events say; where they say nothing, the goal's own value." : "The goal's own value, for each hit."} to="/conversions" search={link} />
        <Kpi title="Last hit" value={<span className="text-base">{goal.last_hit_at ? format.dateTime(goal.last_hit_at) : "None"}</span>} />
      </KpiGrid>
      <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-4 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
        <Card title="Hits by day" description={`In ${format.zone}`} actions={<ButtonLink small to="/conversions" search={link}>See the conversions</ButtonLink>}>
          <Course goal={goal} dates={dates} />
        </Card>
        <div className="flex flex-col gap-4">
          <Card title="What counts">
            <Facts
              of={[
                ["Looks for", typeLabel(goal.goal_type)],
                ["Conditions", <ConditionList key="conditions" goal={goal} />],
                ["Counts as", <ConversionTypeBadge key="type" type={goal.conversion_type} />],
                ["Value of one", goal.value_from_event ? `From the event${goal.default_value ? `, else ${format.money(goal.default_value, goal.currency)}` : ""}` : goal.default_value ? format.money(goal.default_value, goal.currency) : "None"],
                ["Priority", format.number(goal.priority)],
                ["Active", <ActiveSwitch key="active" goal={goal} />],
              ]}
            />
          </Card>
          <PreviewBox query={preview} />
        </div>
      </div>
    </div>
  )
}

function Course({ goal, dates }: { goal: GoalAnswer; dates: ReturnType<typeof usePeriod> }) {
  const format = useFormat()
  const query = useApi("/conversions/stats", { query: { ...dates.period.query, goal_id: goal.id, group_by: "day" }, keep: true })
  return (
    <Async query={query} skeleton={<Skeleton className="h-72 w-full rounded-lg" />}>
      {(stats) => {
        const days = stats.groups ?? []
        if (stats.total_conversions === 0) return <Empty title="No hits in this period">{goal.is_active ? "Choose a longer period, or look beside at what its conditions match." : "The goal is off: switch it on to count."}</Empty>
        return (
          <LineChart
            label="Hits by day"
            summary={`${format.number(stats.total_conversions)} hits on ${format.number(days.filter((day) => day.total_conversions > 0).length)} days.`}
            points={days.map((day) => format.dateShort(day.key))}
            format={(value) => format.number(value)}
            formatAxis={(value) => format.numberShort(value)}
            series={[{ key: "hits", label: "Hits", values: days.map((day) => day.total_conversions) }]}
          />
        )
      }}
    </Async>
  )
}
