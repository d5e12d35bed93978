// Metrics: everything that the domains have to say about a period, over the whole screen. Each section leads to its page.
import { useLocation, useNavigate, useRouter } from "@tanstack/react-router"
import { Printer } from "lucide-react"
import { useEffect, useRef } from "react"
import { useApi } from "@/api/query"
import { words } from "@/format/format"
import { useCarried } from "@/insight/credit"
import { Explained } from "@/insight/explain"
import { WhyDrawer } from "@/insight/why"
import type { Data, Metrics as Answer, Section } from "@/sections/answers"
import { SectionBody, WIDE } from "@/sections/body"
import { useLink, usePage } from "@/shell/links"
import { useFormat } from "@/shell/session"
import { wantFocusOf } from "@/state/focus"
import { usePeriod } from "@/state/period"
import { Button, ButtonLink, IconButton, TextLink } from "@/ui/button"
import { Dialog } from "@/ui/dialog"
import { KpiSkeleton } from "@/ui/kpi"
import { Card, PageHeader } from "@/ui/page"
import { PeriodPicker } from "@/ui/period"
import { Async, Skeleton } from "@/ui/states"

/** What opens this page has this id, and gets the focus back. */
export const OPENER = "view-metrics"

export default function Metrics() {
  const format = useFormat()
  const dates = usePeriod()
  const { period } = dates
  const close = useClose()
  const query = useApi("/metrics", { query: period.query, keep: true })
  const earlier = useApi("/metrics", {
    query: { from_date: period.previous.from, to_date: period.previous.to },
    enabled: period.compare,
    keep: true,
  })
  const days = `${format.date(period.from)} – ${format.date(period.to)}, ${period.zone}`
  const against = period.compare ? `, compared with ${format.date(period.previous.from)} – ${format.date(period.previous.to)}` : ""
  return (
    <>
      <PageHeader title="Metrics" />
      <Dialog
        size="full"
        open
        onOpenChange={(open) => open || close()}
        title="Metrics"
        description={`${days}${against}`}
        actions={
          <>
            <PeriodPicker {...dates} />
            <IconButton variant="secondary" label="Print" onClick={() => print()}><Printer className="size-4" aria-hidden="true" /></IconButton>
          </>
        }
      >
        <Async query={query} skeleton={<Waiting />}>
          {({ metrics }) => (
            <Sections metrics={metrics} before={period.compare ? earlier.data?.metrics.sections : undefined} retry={() => void query.refetch()} />
          )}
        </Async>
      </Dialog>
      <Explained query={period.query} />
      <WhyDrawer query={period.query} />
    </>
  )
}

/** Close, Escape and Back lead to where this was opened; what was chosen in between is passed over. */
function useClose() {
  const { history } = useRouter()
  const navigate = useNavigate()
  const location = useLocation()
  const leaving = useRef(false)
  const close = () => {
    leaving.current = history.canGoBack()
    if (leaving.current) history.back()
    else void navigate({ to: "/", replace: true })
  }
  useEffect(() => {
    if (leaving.current && location.pathname.endsWith("/metrics")) close()
  }, [location.href])
  useEffect(() => () => wantFocusOf(OPENER), [])
  return close
}

function Sections({ metrics, before, retry }: { metrics: Answer; before: Section[] | undefined; retry: () => void }) {
  const was = (key: string): Data | undefined => before?.find((each) => each.key === key)?.data
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-4 lg:grid-cols-2">
      {metrics.sections.map((section) => (
        <Card
          key={section.key}
          title={section.title}
          className={WIDE.has(section.key) ? "lg:col-span-2" : ""}
          actions={<Open page={section.page} search={section.key === "lead_pipeline" ? LEADS : undefined} />}
        >
          <SectionBody section={section} before={was(section.key)} />
        </Card>
      ))}
      {metrics.failed.map((each) => (
        <Card key={each.key} title={each.title} actions={<Open page={each.page} />}>
          <div role="alert" className="rounded-md border border-red-line bg-red-bg px-3 py-2 text-sm text-red-fg">
            <p className="font-medium">This section could not be computed</p>
            <p>{each.message}</p>
            <Button small className="mt-2" onClick={retry}>Try again</Button>
          </div>
        </Card>
      ))}
      <NotAvailable keys={metrics.not_available} />
    </div>
  )
}

/** Leads are conversions of one type. */
const LEADS = { type: "lead_form_submission" }

function Open({ page, search }: { page: string; search?: Record<string, unknown> | undefined }) {
  const carried = useCarried()
  const found = usePage(page)
  return found ? <ButtonLink small to={found.path} search={{ ...carried, ...search }}>{`Open ${found.title}`}</ButtonLink> : null
}

function NotAvailable({ keys }: { keys: string[] }) {
  const links = useLink("links")
  if (keys.length === 0) return null
  return (
    <Card title="Not available" className="lg:col-span-2">
      <p className="text-sm text-muted">
        {keys.map((key) => words(key)).join(", ")}: this store has linked no data for {keys.length === 1 ? "it" : "them"}.{" "}
        {links ? <TextLink to={links}>See what is linked</TextLink> : null}
      </p>
    </Card>
  )
}

const Waiting = () => (
  <div className="flex flex-col gap-4">
    <KpiSkeleton count={6} six />
    <Skeleton className="h-80 w-full rounded-lg" />
    <div className="grid grid-cols-[minmax(0,1fr)] gap-4 lg:grid-cols-2">
      <Skeleton className="h-64 rounded-lg" />
      <Skeleton className="h-64 rounded-lg" />
    </div>
  </div>
)
