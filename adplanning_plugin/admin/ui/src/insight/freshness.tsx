// How far each source is that a page's figures are read from: a line of chips, in the words of `sources`.
import { useApi } from "@/api/query"
import { useFormat, useStore } from "@/shell/session"
import { addDays, todayIn } from "@/state/days"
import { Badge } from "@/ui/badge"
import { TextLink } from "@/ui/button"
import { cn } from "@/ui/cn"
import type {} from "./answers"
import { type Group, grouped, type State } from "./sources"

export const STATES: Record<State, { label: string; colour: "green" | "orange" | "red" | "grey"; dot: string }> = {
  fresh: { label: "Up to date", colour: "green", dot: "bg-good" },
  late: { label: "Late", colour: "orange", dot: "bg-warn" },
  stale: { label: "Stale", colour: "red", dot: "bg-bad" },
  empty: { label: "Nothing yet", colour: "grey", dot: "bg-line-strong" },
}

/** `of` names the kinds of sources: conversions, credit, spend, rates, events. Those that have brought nothing are left out. */
export function Freshness({ of }: { of: readonly string[] }) {
  const query = useApi("/freshness", { staleTime: 60_000 })
  const groups = grouped((query.data?.sources ?? []).filter((each) => of.includes(each.kind) && each.state !== "empty"))
  if (groups.length === 0) return null
  return (
    <ul aria-label="How fresh the figures are" className="flex flex-wrap items-center gap-x-4 gap-y-1.5 text-xs text-muted">
      {groups.map((each) => <Chip key={each.key} group={each} />)}
      <li><TextLink to="/settings/links">All sources</TextLink></li>
    </ul>
  )
}

/** "yesterday, 02:10", in the store's zone. */
export function useWhen() {
  const format = useFormat()
  const { zone } = useStore()
  return ({ last_at, last_day }: Pick<Group, "last_at" | "last_day">): string => {
    const today = todayIn(zone)
    const named = (day: string) => (day === today ? "today" : day === addDays(today, -1) ? "yesterday" : format.date(day))
    if (last_day) return named(last_day)
    return last_at ? `${named(todayIn(zone, new Date(last_at)))}, ${format.time(last_at)}` : ""
  }
}

/** Days in the server's sentences as the store writes them. */
export function useDays() {
  const format = useFormat()
  return (sentence: string) => sentence.replaceAll(/\b\d{4}-\d{2}-\d{2}\b/g, (day) => format.date(day))
}

export function Chip({ group }: { group: Group }) {
  const when = useWhen()(group)
  const { label, dot, colour } = STATES[group.state]
  return (
    <li className="inline-flex items-center gap-1.5 text-muted">
      <span aria-hidden="true" className={cn("size-1.5 rounded-full", dot)} />
      <span>
        <span className="text-fg">{group.title}</span>
        {when ? `: ${when}` : ""}
      </span>
      {group.state === "fresh" ? <span className="sr-only">{label}</span> : <Badge colour={colour}>{label}</Badge>}
    </li>
  )
}
