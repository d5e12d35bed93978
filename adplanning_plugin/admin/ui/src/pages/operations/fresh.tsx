// How fresh each source is that figures are computed from, and what to do where one is behind.
import { useApi } from "@/api/query"
import type { Source } from "@/insight/answers"
import { STATES, useDays } from "@/insight/freshness"
import { sourceTitle } from "@/insight/sources"
import { useFormat } from "@/shell/session"
import { Badge } from "@/ui/badge"
import { Card } from "@/ui/page"
import { Async, Skeleton } from "@/ui/states"
import { PlainTable } from "@/ui/table"

const WHOLE = {
  fresh: "Every figure is up to date.",
  late: "Some figures lag a little behind.",
  stale: "Some figures are too old to rely on.",
  empty: "Nothing has arrived from any source yet.",
}
/** What needs somebody stands first; the rest in the order in which data passes through. */
const RANK = { stale: 2, late: 1, fresh: 0, empty: 0 }

export function Fresh() {
  const format = useFormat()
  const days = useDays()
  const query = useApi("/freshness", { refetchInterval: 60_000 })
  return (
    <Card title="How fresh the figures are" description={query.data ? `${WHOLE[query.data.freshness.state]} Times are in ${format.zone}.` : "Each source that figures are computed from."}>
      <Async query={query} skeleton={<Skeleton className="h-[34rem] w-full" />}>
        {({ sources }) => (
          <PlainTable
            caption="Sources and how fresh they are"
            head={[{ title: "Source" }, { title: "State" }, { title: "Newest" }, { title: "Waiting", right: true }, { title: "What to know", wide: true }]}
            rows={[...sources].sort((a, b) => RANK[b.state] - RANK[a.state]).map((each) => [
              <span key="source" className="font-medium sm:font-normal">{sourceTitle(each)}</span>,
              <Badge key="state" colour={STATES[each.state].colour}>{STATES[each.state].label}</Badge>,
              <Newest key="newest" of={each} />,
              each.behind === null ? "–" : format.number(each.behind),
              <span key="detail" className="whitespace-normal">{days(each.detail)}{each.action ? <span className="block text-warn">{days(each.action)}</span> : null}</span>,
            ])}
          />
        )}
      </Async>
    </Card>
  )
}

function Newest({ of }: { of: Source }) {
  const format = useFormat()
  if (of.last_at) return <time dateTime={of.last_at} title={format.dateTime(of.last_at)} className="figure">{format.ago(of.last_at)}</time>
  return <span className="figure">{of.last_day ? format.date(of.last_day) : "–"}</span>
}
