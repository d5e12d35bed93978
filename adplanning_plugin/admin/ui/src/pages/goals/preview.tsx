// What a goal would have matched in the last 30 days: asked anew shortly after each change, never stored.
import { keepPreviousData, useQuery } from "@tanstack/react-query"
import { useEffect, useState } from "react"
import { Problem } from "@/api/problem"
import { api } from "@/api/client"
import { useFormat } from "@/shell/session"
import { words } from "@/format/format"
import { TextLink } from "@/ui/button"
import { Async, Skeleton } from "@/ui/states"
import type { Preview } from "./answers"
import type { bodyOf } from "./draft"

type Body = ReturnType<typeof bodyOf>

/** `value`, 400 ms after it changed for the last time. */
function useSettled<T>(value: T): T {
  const text = JSON.stringify(value)
  const [settled, setSettled] = useState(text)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(text), 400)
    return () => clearTimeout(timer)
  }, [text])
  return JSON.parse(settled) as T
}

export function usePreview(body: Body, goalId: string | undefined) {
  // The name and its description change nothing of what is found.
  const asked = useSettled({ ...body, name: "preview", description: null, is_active: true })
  return useQuery<Preview, Problem>({
    queryKey: ["/goals/preview", asked, goalId],
    queryFn: async ({ signal }) => {
      const { data } = await api.POST("/goals/preview", { params: { query: goalId ? { goal_id: goalId } : {} }, body: asked, signal })
      return (data as unknown as { preview: Preview }).preview
    },
    placeholderData: keepPreviousData,
    staleTime: 60_000,
    retry: false,
  })
}

const LOOKS: Record<Preview["looks_at"], [one: string, many: string]> = { orders: ["order", "orders"], leads: ["lead", "leads"], events: ["event", "events"] }

export function PreviewBox({ query }: { query: ReturnType<typeof usePreview> }) {
  const format = useFormat()
  const refused = query.error?.status === 422
  return (
    <section aria-label="Preview" aria-live="polite" className="rounded-lg bg-hover p-4">
      {refused ? (
        <>
          <h3 className="text-sm font-medium">Would have matched</h3>
          <p className="mt-1 text-sm text-muted">{query.error!.errors.find((each) => each.field === "conditions")?.message ?? "Put right what is marked, and this counts again."}</p>
        </>
      ) : (
        <Async query={query} skeleton={<Skeleton className="h-56 w-full" />}>
          {(found) => {
            const [one, many] = LOOKS[found.looks_at]
            return (
              <>
                <h3 className="text-sm text-muted">Would have matched in the last {found.days} days</h3>
                <p className="figure mt-1 text-2xl font-semibold tracking-tight">{format.number(found.count)} <span className="text-sm font-normal text-muted">{found.count === 1 ? one : many}{found.visitors ? `, ${format.number(found.visitors)} visitors` : ""}</span></p>
                {found.taken_by_other_goals > 0 ? (
                  <p className="mt-1 text-sm text-warn">{format.number(found.taken_by_other_goals)} more match, but a goal of the same type and a higher priority takes them.</p>
                ) : null}
                {found.count === 0 && found.taken_by_other_goals === 0 ? <p className="mt-1 text-sm text-muted">Nothing of the last {found.days} days fits. Loosen a condition, or save it for what is to come.</p> : null}
                {found.sample.length > 0 ? (
                  <>
                    <h4 className="mt-3 mb-1 text-xs font-medium text-muted">The latest</h4>
                    <ul className="flex flex-col gap-1.5 text-sm">
                      {found.sample.map((each) => (
                        <li key={each.id} className="min-w-0">
                          <p className="truncate">
                            {found.looks_at === "events" ? <>{words(each.event_name)}{each.path ? <span className="text-muted"> on {each.path}</span> : null}</> : <TextLink to={`/conversions/${each.id}`}>{words(each.event_name)}</TextLink>}
                          </p>
                          <p className="text-xs text-muted">{format.dateTime(each.occurred_at)} {format.zoneShort}</p>
                        </li>
                      ))}
                    </ul>
                  </>
                ) : null}
              </>
            )
          }}
        </Async>
      )}
    </section>
  )
}
