// What a section shows: a view of its own for those that we know, else what its data look like.
import type { ReactNode } from "react"
import { BarChart, Funnel as FunnelChart } from "@/charts/bars"
import { ShareBar } from "@/charts/share"
import { words } from "@/format/format"
import { Explains, report } from "@/insight/explain"
import { Claim, WhyButton } from "@/insight/why"
import { useLink } from "@/shell/links"
import { useFormat } from "@/shell/session"
import { Badge, ConversionTypeBadge, Roas, SourceBadge, StatusBadge } from "@/ui/badge"
import { TextLink } from "@/ui/button"
import { PlainTable } from "@/ui/table"
import type { Data, Section } from "./answers"
import { subjectsOf } from "./explained"
import { FigureList, Shown, Tiles, useWritten } from "./figures"
import { columnsOf, type Figure, figuresOf, kindOf, type Listing, readSection, titleOf } from "./read"

interface Props {
  section: Section
  before: Data | undefined
}

const VIEWS: Record<string, (props: Props) => ReactNode> = {
  kpis: Overview,
  ad_performance: Ads,
  social_content: Social,
  lead_pipeline: Leads,
  conversions: Conversions,
  attribution: Attribution,
  customer_funnel: CustomerFunnel,
}

/** Sections that want the whole width. */
export const WIDE = new Set(["kpis", "ad_performance"])

export function SectionBody(props: Props) {
  const View = VIEWS[props.section.key] ?? Anything
  return <View {...props} />
}

const list = <T,>(data: Data, key: string): T[] => (Array.isArray(data[key]) ? (data[key] as T[]) : [])
const text = (value: unknown) => (typeof value === "string" ? value : undefined)
const count = (value: unknown) => (typeof value === "number" ? value : 0)

function Overview({ section: { data }, before }: Props) {
  const rule = `${words(text(data.model)).toLowerCase()}, ${data.window_days === 0 ? "visits at any time before" : `visits within ${count(data.window_days)} days before`}`
  const names: [string, string][] = [["spend", "Ad spend"], ["revenue", "Total revenue"], ["conversions", "Total conversions"], ["leads", "Total leads"], ["social_posts", "Social posts"], ["roas", "ROAS"]]
  const figures = figuresOf(data, names.map(([key]) => key)).map((each) => ({ ...each, title: names.find(([key]) => key === each.key)![1] }))
  const more = figuresOf(data, ["orders", "mer", "new_customers", "cac", "sessions", "conversion_rate"])
  return (
    <div className="flex flex-col gap-4">
      <Tiles
        figures={figures}
        before={before}
        currency={text(data.currency)}
        subjects={subjectsOf("kpis")}
        explain={{
          revenue: "Paid orders, without tax, shipping, discounts and refunds.",
          conversions: "Everything that was counted: purchases, leads, carts, and what your goals count.",
          social_posts: "Posts that were published up to the period's last day.",
          roas: `Revenue credited to campaigns that cost something, over all ad spend (${rule} the order).`,
        }}
      />
      <FigureRow figures={more} currency={text(data.currency)} subjects={subjectsOf("kpis")} />
    </div>
  )
}

/** Figures of second rank in one line. */
function FigureRow({ figures, currency, subjects = {} }: { figures: Figure[]; currency: string | undefined; subjects?: Record<string, string> }) {
  const write = useWritten(currency)
  return (
    <dl className="flex flex-wrap gap-x-8 gap-y-2 text-sm">
      {figures.map((each) => (
        <div key={each.key} data-figure={each.title} className="flex gap-1.5">
          <dt className="text-muted">{each.title}</dt>
          <dd className="figure font-medium"><Shown figure={each} written={write(each.kind, each.value)} of={subjects[each.key]} /></dd>
        </div>
      ))}
    </dl>
  )
}

interface Campaign {
  id: string | null
  ad_campaign_id: string | null
  name: string | null
  platform: string | null
  status: string | null
  spend: string | null
  revenue: string | null
  clicks: number | null
  leads: number | null
  roas: number | null
  platform_conversions: number | null
}

function Ads({ section: { data }, before }: Props) {
  const format = useFormat()
  const campaigns = list<Campaign>(data, "top_campaigns")
  return (
    <div className="flex flex-col gap-4">
      <Tiles
        figures={figuresOf(data, ["spend", "impressions", "clicks", "leads", "ctr", "roas"])}
        before={before}
        currency={text(data.currency)}
        subjects={subjectsOf("kpis")}
        explain={{ leads: "As the platforms report them from their own forms.", ctr: "Clicks over impressions, as the platforms report them." }}
      />
      <p className="no-print text-sm text-muted">
        Revenue and ROAS are this store's own count. <WhyButton of="all">Why do the platforms say something else?</WhyButton>
      </p>
      {campaigns.length === 0 ? <p className="text-sm text-muted">No campaign cost anything in this period.</p> : (
        <PlainTable
          caption="Campaigns that cost most"
          head={[{ title: "Campaign" }, { title: "Platform" }, { title: "Spend", right: true }, { title: "Clicks", right: true }, { title: "Leads", right: true }, { title: "ROAS", right: true }, { title: "Platform claims", right: true }, { title: "Status" }]}
          rows={campaigns.map((each) => [
            <CampaignName key="name" id={each.ad_campaign_id} name={each.name} />,
            <SourceBadge key="platform" source={each.platform} />,
            format.money(each.spend),
            format.number(each.clicks),
            format.number(each.leads),
            <Explains key="roas" quiet of={each.roas === null ? null : report({ kind: "touch", ids: [each.ad_campaign_id], measure: "roas" })} about={`ROAS of ${each.name ?? ""}`}><Roas value={each.roas} /></Explains>,
            each.ad_campaign_id ? <Claim key="claim" conversions={each.platform_conversions} of={`campaign:${each.ad_campaign_id}`} platform={each.platform} about={each.name ?? ""} /> : format.number(each.platform_conversions),
            each.status ? <StatusBadge key="status" status={each.status} /> : "–",
          ])}
        />
      )}
    </div>
  )
}

export function CampaignName({ id, name }: { id: string | null; name: string | null }) {
  const campaigns = useLink("campaigns")
  return id && campaigns ? <TextLink to={`${campaigns}/${encodeURIComponent(id)}`}>{name ?? id}</TextLink> : (name ?? "–")
}

const POST_COLOURS = { posted: "green", scheduled: "blue", draft: "grey", failed: "red" } as const

function Social({ section: { data } }: Props) {
  const format = useFormat()
  const statuses = Object.entries((data.by_status ?? {}) as Record<string, number>)
  const recent = list<{ id: string; platform: string | null; caption: string | null; posted_at: string | null }>(data, "recent")
  return (
    <div className="flex flex-col gap-4">
      <dl className="grid grid-cols-2 gap-3 sm:grid-cols-4">
        {statuses.map(([status, posts]) => (
          <div key={status}>
            <dt><Badge colour={POST_COLOURS[status as keyof typeof POST_COLOURS] ?? "grey"}>{status === "draft" ? "Drafts" : words(status)}</Badge></dt>
            <dd className="figure mt-1 text-lg font-semibold">{format.number(posts)}</dd>
          </div>
        ))}
      </dl>
      {recent.length === 0 ? <p className="text-sm text-muted">Nothing was posted yet.</p> : (
        <ul aria-label="Latest posts" className="text-sm">
          {recent.map((post) => (
            <li key={post.id} className="flex flex-wrap items-baseline justify-between gap-x-3 border-b border-line py-1.5 last:border-0">
              <span className="min-w-0 flex-1 basis-48"><SourceBadge source={post.platform} /> {post.caption ?? "No caption"}</span>
              <time dateTime={post.posted_at ?? undefined} className="figure text-xs text-muted">{format.dateTime(post.posted_at)}</time>
            </li>
          ))}
        </ul>
      )}
    </div>
  )
}

const LEAD_COLOURS: Record<string, string> = { new: "var(--chart-1)", contacted: "var(--chart-3)", qualified: "var(--chart-4)", converted: "var(--chart-2)" }

function Leads({ section: { data } }: Props) {
  const format = useFormat()
  const statuses = list<{ status: string; leads: number }>(data, "by_status")
  const campaigns = list<{ ad_campaign_id: string | null; name: string | null; leads: number }>(data, "top_campaigns")
  const total = count(data.total)
  if (total === 0) return <p className="text-sm text-muted">No lead arrived in this period.</p>
  const converted = statuses.find((each) => each.status === "converted")?.leads ?? 0
  return (
    <div className="flex flex-col gap-4">
      <ShareBar
        label="leads by status"
        measure="Leads"
        format={(value) => format.number(value)}
        summary={`${format.number(total)} ${total === 1 ? "lead" : "leads"}, ${format.number(converted)} of them converted (${format.percent(converted / total)}).`}
        parts={statuses.map((each) => ({
          key: each.status,
          label: words(each.status),
          value: each.leads,
          ...(LEAD_COLOURS[each.status] ? { colour: LEAD_COLOURS[each.status]! } : { colour: "var(--line-strong)" }),
        }))}
      />
      {campaigns.length > 0 ? (
        <div>
          <h3 className="mb-1 text-sm">Top campaigns by leads</h3>
          <ul className="text-sm">
            {campaigns.map((each) => (
              <li key={each.ad_campaign_id ?? each.name} className="flex justify-between gap-3 border-b border-line py-1.5 last:border-0">
                <CampaignName id={each.ad_campaign_id} name={each.name} />
                <span className="figure font-medium">{format.number(each.leads)}</span>
              </li>
            ))}
          </ul>
        </div>
      ) : null}
    </div>
  )
}

function Conversions({ section: { data }, before }: Props) {
  const format = useFormat()
  const kinds = list<{ conversion_type: string; conversions: number; value: { currency: string; value: string }[] }>(data, "by_type")
  const conversions = useLink("conversions")
  return (
    <div className="flex flex-col gap-4">
      <FigureList figures={figuresOf(data, ["purchases", "lead_forms", "add_to_cart", "begin_checkout"])} before={before} />
      <PlainTable
        caption="Conversions by type"
        head={[{ title: "Type" }, { title: "Conversions", right: true }, { title: "Value", right: true }]}
        rows={kinds.map((each) => [
          <span key="type" className="inline-flex items-center gap-2">
            <ConversionTypeBadge type={each.conversion_type} />
            {conversions ? <TextLink to={conversions} search={{ type: each.conversion_type }}>Show</TextLink> : null}
          </span>,
          format.number(each.conversions),
          each.value.length ? each.value.map((sum) => format.money(sum.value, sum.currency)).join(" + ") : "–",
        ])}
      />
    </div>
  )
}

function Attribution({ section: { data }, before }: Props) {
  const format = useFormat()
  const sources = list<{ source: string; attributions: number; conversions: number; conversion_rate: number | null }>(data, "by_source").slice(0, 6)
  return (
    <div className="flex flex-col gap-4">
      <FigureList figures={figuresOf(data, ["attributions", "converted", "conversions", "conversion_rate"])} before={before} subjects={subjectsOf("attribution")} />
      <BarChart
        label="Touches by source"
        measure="Touches"
        format={(value) => format.number(value)}
        summary={sources[0] ? `Most came from ${sources[0].source === "(direct)" ? "direct visits" : sources[0].source}: ${format.number(sources[0].attributions)}, of which ${format.percent(sources[0].conversion_rate)} converted.` : "No touch lies in this period."}
        bars={sources.map((each) => ({
          key: each.source,
          name: each.source,
          label: <SourceName source={each.source} />,
          value: each.attributions,
          note: `${format.percent(each.conversion_rate)} converted`,
          colour: "var(--chart-1)",
        }))}
      />
    </div>
  )
}

/** With the tag itself, where it is not what the badge says: fb and facebook are two tags of one source. */
function SourceName({ source }: { source: string }) {
  const isPlain = !/^(fb|ig)$/i.test(source)
  return <><SourceBadge source={source} />{isPlain ? null : <span className="ml-1.5 text-xs text-muted">tagged {source}</span>}</>
}

function Anything({ section: { data }, before }: Props) {
  const format = useFormat()
  const read = readSection(data)
  return (
    <div className="flex flex-col gap-4">
      {read.figures.length > 0 ? <FigureList figures={read.figures} before={before} currency={text(data.currency)} /> : null}
      {read.counts.map((each) => (
        <BarChart
          key={each.key}
          label={each.title}
          measure={each.title}
          format={(value) => format.number(value)}
          summary={each.parts.map((part) => `${part.label} ${format.number(part.value)}`).join(", ")}
          bars={each.parts.map((part) => ({ ...part, colour: "var(--chart-1)" }))}
        />
      ))}
      {read.lists.map((each) => <Rows key={each.key} of={each} currency={text(data.currency)} />)}
      {read.said.length > 0 ? <p className="text-xs text-muted">{read.said.map(([name, value]) => `${name}: ${value}`).join(" · ")}</p> : null}
    </div>
  )
}

function Rows({ of, currency }: { of: Listing; currency: string | undefined }) {
  const write = useWritten(currency)
  const format = useFormat()
  const columns = columnsOf(of.rows)
  const numeric = (key: string, row: Data) => typeof row[key] === "number" || `${key}_minor` in row
  const cell = (key: string, row: Data): ReactNode => {
    const value = row[key]
    if (numeric(key, row)) return write(kindOf(key, row), value as number | string | null)
    if (key === "status" && typeof value === "string") return <StatusBadge status={value} />
    if (typeof value === "string" && key.endsWith("_at")) return format.dateTime(value)
    if (typeof value === "boolean") return value ? "Yes" : "No"
    return text(value) ?? "–"
  }
  return (
    <PlainTable
      caption={of.title}
      head={columns.map((key) => ({ title: titleOf(key), right: of.rows.some((row) => numeric(key, row)) }))}
      rows={of.rows.slice(0, 8).map((row) => columns.map((key) => cell(key, row)))}
    />
  )
}

interface Reached {
  stage: string
  people: number
}

function CustomerFunnel({ section: { data } }: Props) {
  const format = useFormat()
  const stages = list<Reached>(data, "stages")
  const [people, identified, buyers] = [count(data.people), count(data.identified), count(data.buyers)]
  if (people === 0) return <p className="text-sm text-muted">Nobody came for the first time in this period.</p>
  return (
    <div className="flex flex-col gap-4">
      <FunnelChart
        label="people by the stage that they reached"
        measure="People"
        format={(value) => format.number(value)}
        summary={`Of ${format.number(people)} who came for the first time, ${format.number(buyers)} bought (${format.percent(buyers / people)}).`}
        stages={stages.map((each) => ({ key: each.stage, label: words(each.stage), value: each.people }))}
      />
      <p className="text-sm text-muted">
        Whoever came for the first time in this period, and how far they have come until now. {format.number(identified)} of them are known by name; the others are browsers. Each counts once.
      </p>
    </div>
  )
}
