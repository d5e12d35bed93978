// Health: every check with its answer, and how fresh each source is that figures are computed from.
import { CircleCheck, CircleX, TriangleAlert } from "lucide-react"
import { useApi } from "@/api/query"
import { words } from "@/format/format"
import { useFormat } from "@/shell/session"
import { Badge } from "@/ui/badge"
import { Button } from "@/ui/button"
import { Card } from "@/ui/page"
import { Async, Skeleton } from "@/ui/states"
import { Explain } from "@/ui/tooltip"
import type { Check } from "./answers"
import { Fresh } from "./fresh"
import { checkTitle } from "./words"

const SAYS = {
  ok: { icon: CircleCheck, tone: "text-good", badge: "green", word: "OK", whole: "Everything works" },
  warn: { icon: TriangleAlert, tone: "text-warn", badge: "orange", word: "Look at this", whole: "Something needs attention" },
  fail: { icon: CircleX, tone: "text-bad", badge: "red", word: "Broken", whole: "Something is broken" },
} as const
const HIDDEN = new Set(["status", "detail"])

export function HealthTab() {
  const query = useApi("/operations/health", { refetchInterval: 30_000 })
  return (
    <div className="flex flex-col gap-4">
      <Card
        title="Health"
        description="Asked anew every 30 seconds while this page is open."
        actions={<Button small busy={query.isFetching} onClick={() => void query.refetch()}>Ask again</Button>}
      >
        <Async query={query} skeleton={<Skeleton className="h-80 w-full" />}>
          {({ status, checks }) => {
            const { icon: Icon, tone, whole } = SAYS[status]
            return (
              <>
                <p className="mb-3 flex items-center gap-2 text-lg font-medium"><Icon className={`size-5 ${tone}`} aria-hidden="true" />{whole}</p>
                <ul>
                  {Object.entries(checks).sort(([, a], [, b]) => RANK[b.status] - RANK[a.status]).map(([name, check]) => <Line key={name} name={name} check={check} />)}
                </ul>
              </>
            )
          }}
        </Async>
      </Card>
      <Fresh />
    </div>
  )
}

const RANK = { ok: 0, warn: 1, fail: 2 }

function Line({ name, check }: { name: string; check: Check }) {
  const format = useFormat()
  const figures = Object.entries(check).filter(([key, value]) => !HIDDEN.has(key) && value !== null)
  const shown = (value: unknown): string =>
    Array.isArray(value) ? value.join(", ") : typeof value === "number" ? format.number(value) : typeof value === "object" && value !== null
      ? Object.entries(value).map(([key, each]) => `${words(key.replace(":", " "))} ${shown(each)}`).join(", ") : String(value)
  return (
    <li className="flex flex-wrap items-start gap-x-3 gap-y-1 border-b border-line py-2.5 last:border-0">
      <span className="w-28 shrink-0"><Badge colour={SAYS[check.status].badge}>{SAYS[check.status].word}</Badge></span>
      <div className="min-w-0 flex-1 basis-60 text-sm">
        <p className="flex items-center gap-1 font-medium">
          {checkTitle(name)}
          {figures.length > 0 ? (
            <Explain what={checkTitle(name)}>
              <dl className="text-sm">
                {figures.map(([key, value]) => <div key={key}><dt className="inline text-muted">{words(key)}: </dt><dd className="inline break-words">{shown(value)}</dd></div>)}
              </dl>
            </Explain>
          ) : null}
        </p>
        <p className="text-muted">{check.detail}</p>
      </div>
    </li>
  )
}
