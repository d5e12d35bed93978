// How far each source is that a page's figures are computed from.
import { useApi } from "@/api/query"
import { words } from "@/format/format"
import { useFormat } from "@/shell/session"
import { Badge } from "@/ui/badge"
import { TextLink } from "@/ui/button"
import type {} from "./answers"

const COLOURS = { fresh: "green", late: "orange", stale: "red", empty: "grey" } as const

/** `of` names the kinds of sources: conversions, credit, spend, rates, events. Those that have brought nothing are left out. */
export function Freshness({ of }: { of: readonly string[] }) {
  const format = useFormat()
  const query = useApi("/freshness", { staleTime: 60_000 })
  const sources = (query.data?.sources ?? []).filter((each) => of.includes(each.kind) && each.state !== "empty")
  if (sources.length === 0) return null
  return (
    <p className="flex flex-wrap items-center gap-x-4 gap-y-1 text-xs text-muted">
      {sources.map((each) => (
        <span key={each.source} className="inline-flex items-center gap-1.5">
          <Badge colour={COLOURS[each.state]}>{words(each.state)}</Badge>
          {each.title} {each.last_day ? `to ${format.date(each.last_day)}` : each.last_at ? format.dateTime(each.last_at) : ""}
        </span>
      ))}
      <TextLink to="/settings/links">All sources</TextLink>
    </p>
  )
}
