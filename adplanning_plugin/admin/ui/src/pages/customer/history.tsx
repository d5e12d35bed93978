// Everything a person did, newest first: filtered by kind, page by page; what is only claimed is marked and counts nowhere.
import { useApi } from "@/api/query"
import { Timeline } from "@/insight/timeline"
import { typeName } from "@/insight/timeline/words"
import type { Profile } from "@/pages/customers/answers"
import { useFormat } from "@/shell/session"
import { integer, text, useUrlState } from "@/state/url"
import { Button } from "@/ui/button"
import { FilterSelect } from "@/ui/filters"
import { Card } from "@/ui/page"
import { Async, Empty, NoMatch, Skeleton } from "@/ui/states"

const SIZE = 25
const STATE = { kind: text(), page: integer(1) }
const KINDS = [
  "page_view", "product_view", "search", "ad_click", "email_click", "social_engage", "form_submit", "lead_capture", "sign_up", "add_to_cart",
  "begin_checkout", "purchase", "refund", "order_cancelled", "feedback", "custom",
] as const

export function History({ person }: { person: Profile }) {
  const format = useFormat()
  const [state, set] = useUrlState(STATE)
  const kind = KINDS.find((each) => each === state.kind)
  const query = useApi("/customers/{person_id}/interactions", {
    path: { person_id: person.id },
    query: { event_type: kind, limit: SIZE, offset: (state.page - 1) * SIZE },
    keep: true,
  })
  return (
    <Card
      title="Everything they did"
      description={`Newest first; times in ${format.zone}.`}
      actions={<FilterSelect label="Kind" value={kind ?? ""} options={KINDS.map((value) => ({ value, label: typeName(value) }))} onChange={(next) => set({ kind: next, page: 1 })} />}
    >
      <Async query={query} skeleton={<Skeleton className="h-80 w-full" />}>
        {(data) => {
          if (data.interactions.length === 0) {
            return kind ? <NoMatch what="events" clear={() => set({ kind: "" })} /> : <Empty title="Nothing is known yet">Visits, orders and messages appear here as they come in.</Empty>
          }
          const last = data.offset + data.interactions.length
          return (
            <>
              <Timeline label={`What ${person.name ?? "this customer"} did`} events={data.interactions} />
              <div className="mt-4 flex items-center justify-between gap-3 text-sm text-muted">
                <span>{format.number(data.offset + 1)}–{format.number(last)} of {data.count_estimated ? "about " : ""}{format.number(data.count)}</span>
                <span className="flex gap-2">
                  <Button small disabled={state.page === 1} onClick={() => set({ page: state.page - 1 })}>Newer</Button>
                  <Button small disabled={last >= data.count} onClick={() => set({ page: state.page + 1 })}>Older</Button>
                </span>
              </div>
            </>
          )
        }}
      </Async>
    </Card>
  )
}
