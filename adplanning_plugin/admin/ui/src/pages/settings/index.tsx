// Settings: how this store counts. One tab a section, and what people type in: exchange rates and ad spend.
import { lazy, Suspense } from "react"
import { useApi } from "@/api/query"
import { useFormat, useMay, useStore } from "@/shell/session"
import { text, useUrlState } from "@/state/url"
import { TextLink } from "@/ui/button"
import { Card, Facts, PageHeader } from "@/ui/page"
import { Async, Skeleton } from "@/ui/states"
import { Tabs } from "@/ui/tabs"
import { sectionWords } from "./sections"

const SectionForm = lazy(() => import("./section"))
const Rates = lazy(() => import("./rates"))
const SpendList = lazy(() => import("./spend"))
const Denylist = lazy(() => import("./denylist"))
const SCHEMA = { tab: text("general"), page: text(), order: text(), hidden: text(), q: text(), platform: text(), base: text(), quote: text() }
const ORDER = ["attribution", "revenue", "privacy", "identity"]
const rank = (section: string) => (ORDER.includes(section) ? ORDER.indexOf(section) : ORDER.length)

export default function Settings() {
  const [state, set] = useUrlState(SCHEMA)
  const query = useApi("/settings")
  const waiting = <div aria-busy="true"><span className="sr-only" role="status">Loading</span><Skeleton className="h-[42rem] w-full rounded-lg" /></div>
  return (
    <>
      <PageHeader title="Settings" description="How this store counts: what reports show, what revenue is, and what may be stored." />
      <Async query={query} skeleton={waiting}>
        {({ settings }) => (
          <Tabs
            manual
            label="Settings"
            value={state.tab}
            onChange={(tab) => set({ tab, page: "", order: "", hidden: "", q: "", platform: "", base: "", quote: "" })}
            tabs={[
              { key: "general", label: "General", content: <General /> },
              ...[...settings].sort((a, b) => rank(a.section) - rank(b.section)).map((setting) => ({
                key: setting.section,
                label: sectionWords(setting.section, setting.title, setting.schema).title,
                content: <Suspense fallback={waiting}><SectionForm key={setting.section} setting={setting} />{setting.section === "identity" ? <div className="mt-4"><Denylist /></div> : null}</Suspense>,
              })),
              { key: "rates", label: "Exchange rates", content: <Suspense fallback={waiting}><Rates /></Suspense> },
              { key: "spend", label: "Ad spend", content: <Suspense fallback={waiting}><SpendList /></Suspense> },
            ]}
          />
        )}
      </Async>
    </>
  )
}

function General() {
  const store = useStore()
  const format = useFormat()
  const manages = useMay("adplanning:manage")
  return (
    <div className="grid grid-cols-[minmax(0,1fr)] gap-4 lg:grid-cols-2">
      <Card title="The store" description="The store's own admin says these; they are shown here, not changed.">
        <Facts
          of={[
            ["Name", store.name],
            ["Time zone", <span key="zone">{store.zone} <span className="text-muted">({format.zoneShort})</span></span>],
            ["Currency", store.currency],
            ["Figures look like", `${format.money("1234567.89")} · ${format.number(1234567)}`],
            ["Dates look like", format.dateTime(new Date().toISOString())],
            ["Id", <code key="id" className="font-mono text-xs">{store.id}</code>],
          ]}
        />
        <p className="mt-3 text-sm text-muted">The zone decides where a day begins, in every report. An ad account may report in a zone and a currency of its own; reports name it, and convert by the <TextLink to="/settings" search={{ tab: "rates" }}>exchange rates</TextLink>.</p>
      </Card>
      <Card title="More to set up">
        <ul className="flex flex-col gap-3 text-sm">
          <li><TextLink to="/settings/keys">Keys and origins</TextLink><p className="text-muted">Which storefronts may send events.</p></li>
          <li><TextLink to="/settings/links">Linked data</TextLink><p className="text-muted">Which of the store's tables are read, and what a missing column switches off.</p></li>
          <li><TextLink to="/settings" search={{ tab: "spend" }}>Ad spend</TextLink><p className="text-muted">For platforms that no link provides: type it in, or import a file.</p></li>
          <li><TextLink to="/goals">Goals</TextLink><p className="text-muted">What counts as a conversion besides orders and leads.</p></li>
          {manages ? <li><TextLink to="/operations">Operations</TextLink><p className="text-muted">Jobs, waiting work, failures, health.</p></li> : null}
        </ul>
      </Card>
    </div>
  )
}
