// How fresh each source is: a strip above the figures; what lags is said with what to do; all sources in a dialog.
import { useApi } from "@/api/query"
import { usePage } from "@/shell/links"
import { useFormat, useStore } from "@/shell/session"
import { addDays, todayIn } from "@/state/days"
import { flag, useUrlState } from "@/state/url"
import { Badge } from "@/ui/badge"
import { TextLink } from "@/ui/button"
import { cn } from "@/ui/cn"
import { Dialog } from "@/ui/dialog"
import { type Group, grouped, type State } from "./sources"

const SCHEMA = { sources: flag() }
const STATES: Record<State, { label: string; colour: "green" | "orange" | "red" | "grey"; dot: string }> = {
  fresh: { label: "Up to date", colour: "green", dot: "bg-good" },
  late: { label: "Late", colour: "orange", dot: "bg-warn" },
  stale: { label: "Stale", colour: "red", dot: "bg-bad" },
  empty: { label: "Nothing yet", colour: "grey", dot: "bg-line-strong" },
}

export function useSources() {
  const query = useApi("/freshness", { staleTime: 60_000 })
  return { query, sources: query.data?.sources }
}

export function FreshnessStrip({ query, sources }: ReturnType<typeof useSources>) {
  const [state, set] = useUrlState(SCHEMA)
  if (query.error && !sources) {
    return (
      <p className="mb-4 text-xs text-muted" role="status">
        How fresh the sources are could not be read: {query.error.message} <button type="button" className="underline underline-offset-2" onClick={() => void query.refetch()}>Try again</button>
      </p>
    )
  }
  if (!sources) return null
  const groups = grouped(sources)
  const lagging = groups.filter((each) => each.state === "late" || each.state === "stale")
  return (
    <section aria-label="Freshness" className="mb-4 flex flex-col gap-2 text-xs">
      <ul className="flex flex-wrap items-center gap-x-4 gap-y-1.5">
        {groups.filter(isShown).map((each) => <Chip key={each.key} group={each} />)}
        <li className="no-print">
          <button type="button" aria-haspopup="dialog" onClick={() => set({ sources: true })} className="rounded font-medium text-link underline-offset-2 hover:underline">All sources</button>
        </li>
      </ul>
      {lagging.length > 0 ? (
        <ul aria-label="What lags" className="flex flex-col gap-1 rounded-md border border-orange-line bg-orange-bg px-3 py-2 text-sm text-orange-fg">
          {lagging.map((each) => <li key={each.key}><Advice group={each} /></li>)}
        </ul>
      ) : null}
      <Dialog open={state.sources} onOpenChange={(sources) => set({ sources })} title="How fresh the figures are" description="What each figure is read from, when it last came in, and what to do where it lags.">
        <AllSources groups={groups} />
      </Dialog>
    </section>
  )
}

const isShown = (group: Group) => !group.quiet || group.state === "late" || group.state === "stale"

/** "yesterday, 02:10", in the store's zone. */
function useWhen() {
  const format = useFormat()
  const { zone } = useStore()
  return ({ last_at, last_day }: Pick<Group, "last_at" | "last_day">): string => {
    const today = todayIn(zone)
    const named = (day: string) => (day === today ? "today" : day === addDays(today, -1) ? "yesterday" : format.date(day))
    if (last_day) return named(last_day)
    return last_at ? `${named(todayIn(zone, new Date(last_at)))}, ${format.time(last_at)}` : ""
  }
}

function Chip({ group }: { group: Group }) {
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

/** Days in the server's sentences as the store writes them. */
function useDays() {
  const format = useFormat()
  return (sentence: string) => sentence.replaceAll(/\b\d{4}-\d{2}-\d{2}\b/g, (day) => format.date(day))
}

function Advice({ group }: { group: Group }) {
  const days = useDays()
  return (
    <>
      <span className="font-medium">{group.title}: {STATES[group.state].label.toLowerCase()}.</span>{" "}
      {group.sources.map((each) => days([each.detail, each.action].filter(Boolean).join(" "))).join(" ")}{" "}
      <span className="underline underline-offset-2"><Where group={group} /></span>
    </>
  )
}

function AllSources({ groups }: { groups: Group[] }) {
  const when = useWhen()
  const days = useDays()
  const { zone } = useStore()
  return (
    <>
      <ul className="text-sm">
        {groups.map((group) => (
          <li key={group.key} className="border-b border-line py-2.5">
            <p className="flex flex-wrap items-center justify-between gap-x-3">
              <span className="font-medium">{group.title}</span>
              <span className="flex items-center gap-2 text-xs text-muted">{when(group)} <Badge colour={STATES[group.state].colour}>{STATES[group.state].label}</Badge></span>
            </p>
            {group.sources.map((each) => (
              <p key={each.source} className="text-muted">{days([each.detail, each.action].filter(Boolean).join(" "))}</p>
            ))}
            {group.state === "fresh" ? null : <p><Where group={group} /></p>}
          </li>
        ))}
      </ul>
      <p className="mt-3 text-xs text-muted">Times are those of {zone}. Ad spend lies on the days of its ad account.</p>
    </>
  )
}

function Where({ group }: { group: Group }) {
  const page = usePage(group.page)
  return page ? <TextLink to={page.path} {...(group.tab ? { search: { tab: group.tab } } : {})}>{`Open ${page.title}`}</TextLink> : null
}
