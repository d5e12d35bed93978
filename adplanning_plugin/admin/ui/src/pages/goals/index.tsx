// Goals: what the store counts as a conversion, in words, with what each counted in the period.
import { useNavigate } from "@tanstack/react-router"
import { Ellipsis, Plus } from "lucide-react"
import { Suspense, useState } from "react"
import { useApi } from "@/api/query"
import { Freshness } from "@/insight/freshness"
import { useFormat, useMay } from "@/shell/session"
import { usePeriod } from "@/state/period"
import { useTable } from "@/state/table"
import { text, useUrlState } from "@/state/url"
import { ConversionTypeBadge } from "@/ui/badge"
import { Button, IconButton, TextLink } from "@/ui/button"
import { ClearFilters, FilterSelect, SearchBox } from "@/ui/filters"
import { Menu, MenuItem } from "@/ui/menu"
import { PageHeader } from "@/ui/page"
import { PeriodPicker } from "@/ui/period"
import { Empty, NoMatch } from "@/ui/states"
import { type Column, DataTable } from "@/ui/table"
import { ActiveSwitch, GoalActions, GoalBuilder } from "./actions"
import type { Goal } from "./answers"
import { conditionsInWords, GOAL_TYPES, typeLabel } from "./words"

const COUNTED = ["conversions", "events"]

const STATE = { type: text(), active: text(), q: text() }
const NONE = { type: "", active: "", q: "" }

export default function Goals() {
  const format = useFormat()
  const may = useMay("adplanning:write")
  const navigate = useNavigate()
  const dates = usePeriod()
  const table = useTable("-priority")
  const [state, set] = useUrlState(STATE)
  const [writing, setWriting] = useState(false)
  const filters = {
    ...dates.period.query,
    goal_type: GOAL_TYPES.some((each) => each.value === state.type) ? state.type : "",
    is_active: state.active === "on" ? true : state.active === "off" ? false : undefined,
    q: state.q,
  }
  const query = useApi("/goals", { query: { ...filters, ...table.query }, keep: true })
  const filtered = Boolean(filters.goal_type || state.active || state.q)
  const open = (goal: Goal) => void navigate({ to: `/goals/${goal.id}` as never })
  const create = may ? <Button variant="primary" onClick={() => setWriting(true)}><Plus className="size-4" aria-hidden="true" />New goal</Button> : null
  const columns: Column<Goal>[] = [
    {
      key: "name", title: "Name", sort: "name", heading: true,
      cell: (goal) => <span className="font-medium break-words text-link">{goal.name}</span>,
    },
    { key: "description", title: "Description", extra: true, cell: (goal) => <span className="block max-w-72 break-words text-muted">{goal.description ?? "–"}</span> },
    { key: "type", title: "Counts as", sort: "goal_type", cell: (goal) => <ConversionTypeBadge type={goal.conversion_type} /> },
    { key: "conditions", title: "Conditions", cell: (goal) => <ConditionList goal={goal} /> },
    {
      key: "hits", title: "Hits", right: true,
      cell: (goal) => (goal.hits > 0 ? <TextLink to="/conversions" search={{ goal: goal.id, ...linkOf(dates) }}>{format.number(goal.hits)}</TextLink> : <span className="text-muted">0</span>),
    },
    { key: "value", title: "Value", right: true, cell: (goal) => <span className={Number(goal.hit_value) === 0 ? "text-muted" : undefined}>{format.money(goal.hit_value, goal.currency)}</span> },
    { key: "last", title: "Last hit", cell: (goal) => (goal.last_hit_at ? <time dateTime={goal.last_hit_at}>{format.dateTime(goal.last_hit_at)}</time> : <span className="text-muted">None</span>) },
    { key: "each", title: "Value of one", extra: true, right: true, cell: (goal) => (goal.value_from_event ? "From the event" : format.money(goal.default_value, goal.currency)) },
    { key: "priority", title: "Priority", sort: "priority", right: true, cell: (goal) => format.number(goal.priority) },
    { key: "active", title: "Active", cell: (goal) => <ActiveSwitch goal={goal} /> },
    ...(may ? [{
      key: "do", title: "Actions", right: true,
      cell: (goal: Goal) => (
        <GoalActions goal={goal}>
          {(edit, remove) => (
            <Menu trigger={<IconButton small label={`Actions for ${goal.name}`}><Ellipsis className="size-4" aria-hidden="true" /></IconButton>}>
              <MenuItem onSelect={() => open(goal)}>Open</MenuItem>
              <MenuItem onSelect={edit}>Edit</MenuItem>
              <MenuItem danger onSelect={remove}>Delete</MenuItem>
            </Menu>
          )}
        </GoalActions>
      ),
    }] : []),
  ]
  return (
    <>
      <PageHeader
        title="Goals"
        description="What counts as a conversion beside orders and leads, and what one is worth."
        actions={<><PeriodPicker {...dates} compare={undefined} />{create}</>}
      />
      <DataTable
        name="goals"
        columns={columns}
        query={query}
        rows={(data) => data.goals}
        rowKey={(goal) => goal.id}
        table={table}
        onOpen={open}
        openLabel={(goal) => `${goal.name}: open`}
        csv={{ path: "/goals", query: filters }}
        filters={
          <>
            <SearchBox label="Search goals" value={state.q} onChange={(q, how) => set({ q }, how)} />
            <FilterSelect label="Type" value={filters.goal_type} options={GOAL_TYPES} onChange={(type) => set({ type })} />
            <FilterSelect label="Active" value={state.active} options={[{ value: "on", label: "On" }, { value: "off", label: "Off" }]} onChange={(active) => set({ active })} />
            {filtered ? <ClearFilters onClear={() => set(NONE)} /> : null}
          </>
        }
        empty={filtered ? <NoMatch what="goals" clear={() => set(NONE)} /> : <Empty title="No goals yet" action={create}>A goal says what else is worth counting: a page that is reached, a form that is sent, a video that is watched.</Empty>}
      />
      <div className="mt-3"><Freshness of={COUNTED} /></div>
      {writing ? <Suspense><GoalBuilder onClose={() => setWriting(false)} onSaved={open} /></Suspense> : null}
    </>
  )
}

/** The same period on the page that a figure leads to. */
export const linkOf = ({ period }: ReturnType<typeof usePeriod>) => (period.preset ? { range: period.preset } : { from: period.from, to: period.to })

export function ConditionList({ goal }: { goal: Goal }) {
  const format = useFormat()
  const parts = conditionsInWords(goal, (value, currency) => format.money(value, currency))
  if (parts.length === 0) return <span className="text-muted">Every {typeLabel(goal.goal_type).toLowerCase()}</span>
  return <ul className="flex flex-col gap-0.5">{parts.map((part) => <li key={part} className="break-words">{part.charAt(0).toUpperCase() + part.slice(1)}</li>)}</ul>
}
