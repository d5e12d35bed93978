// How fresh each source is: a strip above the figures; what lags is said with what to do; all sources in a dialog.
import { useApi } from "@/api/query"
import { Chip, STATES, useDays, useWhen } from "@/insight/freshness"
import { type Group, grouped } from "@/insight/sources"
import { usePage } from "@/shell/links"
import { useStore } from "@/shell/session"
import { flag, useUrlState } from "@/state/url"
import { Badge } from "@/ui/badge"
import { TextLink } from "@/ui/button"
import { Dialog } from "@/ui/dialog"

const SCHEMA = { sources: flag() }

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
