// A card for every domain that has something to say: its live figures, how they moved, and the way to its page.
import { useApi } from "@/api/query"
import { words } from "@/format/format"
import { WhyButton } from "@/insight/why"
import type { Data, Section } from "@/sections/answers"
import { subjectsOf } from "@/sections/explained"
import { FigureList } from "@/sections/figures"
import { figuresOf, readSection } from "@/sections/read"
import { useLink } from "@/shell/links"
import { useFormat } from "@/shell/session"
import type { Period } from "@/state/period"
import { TextLink } from "@/ui/button"
import { Card } from "@/ui/page"
import { Async, Skeleton } from "@/ui/states"

/** The four figures that come first; of a domain that is not named here, the first four it has. */
const FIRST: Record<string, readonly string[]> = {
  ad_performance: ["impressions", "clicks", "ctr", "cpc"],
  conversions: ["purchases", "lead_forms", "add_to_cart", "begin_checkout"],
  attribution: ["attributions", "converted", "conversions", "conversion_rate"],
  customer_funnel: ["people", "buyers", "repeat_buyers", "identified"],
}
/** Called by the page that it leads to, where that says more than the section's own title. */
const TITLES: Record<string, string> = { customer_funnel: "Journeys" }

export function Domains({ period, search }: { period: Period; search: Record<string, unknown> }) {
  const query = useApi("/metrics", { query: period.query, keep: true })
  const earlier = useApi("/metrics", {
    query: { from_date: period.previous.from, to_date: period.previous.to },
    enabled: period.compare && query.data !== undefined,
    keep: true,
  })
  const was = (key: string) => (period.compare ? earlier.data?.metrics.sections.find((each) => each.key === key)?.data : undefined)
  return (
    <section aria-labelledby="domains">
      <h2 id="domains" className="mb-2 text-base">By area</h2>
      <Async query={query} skeleton={<Waiting />}>
        {({ metrics }) => (
          <div className={GRID}>
            {metrics.sections.filter((each) => each.key !== "kpis").map((each) => <Domain key={each.key} section={each} before={was(each.key)} search={search} />)}
            {metrics.failed.map((each) => (
              <Card key={each.key} title={each.title}>
                <p role="alert" className="text-sm text-bad">{each.message}</p>
              </Card>
            ))}
          </div>
        )}
      </Async>
    </section>
  )
}

const GRID = "grid grid-cols-[minmax(0,1fr)] gap-4 sm:grid-cols-2 xl:grid-cols-3 2xl:grid-cols-5"

function Domain({ section, before, search }: { section: Section; before: Data | undefined; search: Record<string, unknown> }) {
  const to = useLink(section.page)
  const filter = section.key === "lead_pipeline" ? { type: "lead_form_submission" } : {}
  const title = TITLES[section.key] ?? section.title
  return (
    <Card title={title} actions={to ? <span className="text-sm"><TextLink to={to} search={{ ...search, ...filter }}>Open<span className="sr-only"> {title}</span></TextLink></span> : null}>
      <Figures section={section} before={before} />
      {section.key === "ad_performance" ? <p className="mt-3 text-xs"><WhyButton of="all">Why do the platforms say something else?</WhyButton></p> : null}
    </Card>
  )
}

function Figures({ section: { key, data }, before }: { section: Section; before: Data | undefined }) {
  const format = useFormat()
  const currency = typeof data.currency === "string" ? data.currency : undefined
  const first = FIRST[key]
  if (first) return <FigureList figures={figuresOf(data, first)} before={before} currency={currency} subjects={subjectsOf(key)} />
  const counts = stages(data)
  if (counts.length > 0) {
    return (
      <dl className="grid grid-cols-2 gap-x-4 gap-y-2.5">
        {counts.slice(0, 4).map((each) => (
          <div key={each.key}>
            <dt className="text-xs text-muted">{words(each.key)}</dt>
            <dd className="figure font-semibold">{format.number(each.value)}</dd>
          </div>
        ))}
      </dl>
    )
  }
  return <FigureList figures={readSection(data).figures.slice(0, 4)} before={before} currency={currency} />
}

/** Counts by status, however the domain writes them: {posted: 3} or [{status: "new", leads: 3}]. */
function stages(data: Data): { key: string; value: number }[] {
  const by = data.by_status
  if (Array.isArray(by)) {
    return by.map((row: Data) => ({ key: String(row.status), value: Number(Object.entries(row).find(([name, value]) => name !== "share" && typeof value === "number")?.[1] ?? 0) }))
  }
  return readSection(data).counts.find((each) => each.key === "by_status")?.parts ?? []
}

const Waiting = () => (
  <div className={GRID}>
    {Array.from({ length: 5 }, (_, index) => <Skeleton key={index} className="h-48 rounded-lg" />)}
  </div>
)
