// Visits with what they earned, and what their campaigns cost: filtered, sorted and paged on the server.
import { X } from "lucide-react"
import { useApi } from "@/api/query"
import { Opens } from "@/insight/explain"
import { useFormat } from "@/shell/session"
import { useTable } from "@/state/table"
import { text, useUrlState } from "@/state/url"
import { Badge, SourceBadge } from "@/ui/badge"
import { Button } from "@/ui/button"
import { ClearFilters, FilterSelect, SearchBox } from "@/ui/filters"
import { Empty, NoMatch } from "@/ui/states"
import { type Column, DataTable } from "@/ui/table"
import { Explain } from "@/ui/tooltip"
import { words } from "@/format/format"
import type { Touch } from "./answers"
import { TouchDrawer } from "./detail"
import type { ViewProps } from "./summary"
import type { Method } from "@/insight/methods"
import { CHANNELS, METHOD_OPTIONS, MethodBadge, PLATFORMS } from "./words"

const SCHEMA = {
  q: text(), platform: text(), channel: text(), source: text(), medium: text(), campaign: text(), visitor: text(), method: text(), converted: text(), open: text(),
}
export const NO_FILTERS = { q: "", platform: "", channel: "", source: "", medium: "", campaign: "", visitor: "", method: "", converted: "" }
/** Filters that come with a link from a figure: shown as what they are, and taken away one by one. */
const CHIPS = ["campaign", "source", "medium", "visitor"] as const

const campaignOf = (row: Touch) => row.campaign ?? "No campaign"
/** Another name than the campaign's stood in the tags. */
const taggedAs = (row: Touch) => (row.utm_campaign && row.utm_campaign !== row.campaign?.toLowerCase() ? ` tagged ${row.utm_campaign}` : "")

export function Touches({ period, credit, model }: ViewProps) {
  const format = useFormat()
  const table = useTable("-date")
  const [state, set] = useUrlState(SCHEMA)
  const filters = {
    ...period.query,
    model: credit.query.model,
    window: credit.query.window,
    q: state.q,
    platform: state.platform,
    channel: state.channel,
    source: state.source,
    medium: state.medium,
    campaign: state.campaign,
    visitor_id: state.visitor,
    resolution_method: state.method as Method,
    converted: state.converted === "" ? undefined : state.converted === "true",
  }
  const query = useApi("/attribution", { query: { ...filters, ...table.query }, keep: true })
  const filtered = Object.keys(NO_FILTERS).some((key) => state[key as keyof typeof NO_FILTERS] !== "")
  const named = query.data?.attributions.find((row) => row.ad_campaign_id === state.campaign)?.campaign
  const chip = (key: (typeof CHIPS)[number]) => (key === "campaign" ? (named ?? state.campaign) : key === "visitor" ? `${state.visitor.slice(0, 12)}…` : state[key])
  const dash = <span className="text-muted">–</span>
  const brought = (row: Touch, figure: string) => <Opens quiet about={`What the visit of ${format.dateTime(row.date)} brought`} onOpen={() => set({ open: row.id })}>{figure}</Opens>
  const columns: Column<Touch>[] = [
    {
      key: "campaign", title: "Campaign", sort: "campaign", heading: true,
      cell: (row) => (
        <span className="flex max-w-56 flex-col">
          <span className={row.campaign ? "truncate" : "truncate text-muted"}>{campaignOf(row)}</span>
          {taggedAs(row) ? <span className="truncate text-xs text-muted">{taggedAs(row)}</span> : null}
        </span>
      ),
    },
    { key: "source", title: "Source", sort: "source", cell: (row) => <SourceBadge source={row.source} /> },
    { key: "medium", title: "Medium", sort: "medium", cell: (row) => (row.medium === "(none)" ? dash : <span className="whitespace-nowrap">{row.medium}</span>) },
    { key: "channel", title: "Channel", sort: "channel", extra: true, cell: (row) => row.channel },
    { key: "platform", title: "Platform", sort: "platform", extra: true, cell: (row) => <SourceBadge source={row.platform === "generic" ? "other" : row.platform} /> },
    { key: "model", title: "Model", extra: true, cell: (row) => credit.named(row.model) },
    { key: "touch", title: "Touch", cell: (row) => (row.touch ? <Badge>{words(row.touch)}</Badge> : dash) },
    { key: "converted", title: "Converted", cell: (row) => (row.converted ? <Badge colour="green">Yes</Badge> : <Badge>No</Badge>) },
    { key: "credit", title: "Credit", right: true, extra: true, cell: (row) => brought(row, format.number(row.conversions, 2)) },
    { key: "value", title: "Value", right: true, cell: (row) => (row.value === null || !row.converted ? dash : brought(row, format.money(row.value, row.currency ?? undefined))) },
    { key: "refunded", title: "Refunded", right: true, extra: true, cell: (row) => (row.refunded === null ? dash : brought(row, format.money(row.refunded, row.currency ?? undefined))) },
    { key: "spend", title: "Ad spend", right: true, cell: (row) => (row.spend === null ? dash : format.money(row.spend, row.spend_currency ?? undefined)) },
    { key: "match", title: "Match", cell: (row) => <MethodBadge method={row.resolution_method} /> },
    { key: "visitor", title: "Visitor", extra: true, cell: (row) => <code className="font-mono text-xs">{row.visitor_id}</code> },
    { key: "date", title: `Date (${format.zoneShort})`, sort: "date", cell: (row) => <time dateTime={row.date} className="figure">{format.dateTime(row.date)}</time> },
  ]
  return (
    <>
      <p className="mb-2 text-sm text-muted">
        Each visit of the period, with what it earned by {credit.named(model).toLowerCase()}.{" "}
        <Explain what="a visit's figures">
          <p className="mb-2">Value is the visit's share of every conversion that it led to, also later than the period. Refunds are beside it, not taken off.</p>
          <p className="mb-2">First, middle and last say where the visit stood before the latest of those conversions; an only visit is the last.</p>
          <p>The ad spend is that of its whole campaign in the period, so it repeats on every visit of the campaign: do not add it up.</p>
        </Explain>
      </p>
      <DataTable
        name="visits"
        columns={columns}
        query={query}
        rows={(data) => data.attributions}
        rowKey={(row) => row.id}
        table={table}
        onOpen={(row) => set({ open: row.id })}
        openLabel={(row) => `${campaignOf(row)}${taggedAs(row)}, visit of ${format.dateTime(row.date)}: open`}
        csv={{ path: "/attribution", query: filters }}
        filters={
          <>
            <SearchBox label="Search visits" value={state.q} onChange={(q, how) => set({ q }, how)} />
            <FilterSelect label="Converted" value={state.converted} options={[{ value: "true", label: "Converted" }, { value: "false", label: "Not converted" }]} onChange={(converted) => set({ converted })} />
            <FilterSelect label="Match" value={state.method} options={METHOD_OPTIONS} onChange={(method) => set({ method })} />
            <FilterSelect label="Platform" value={state.platform} options={PLATFORMS} onChange={(platform) => set({ platform })} />
            <FilterSelect label="Channel" value={state.channel} options={CHANNELS} onChange={(channel) => set({ channel })} />
            {CHIPS.filter((key) => state[key] !== "").map((key) => (
              <Button key={key} onClick={() => set({ [key]: "" })} aria-label={`Take away ${key} ${chip(key)}`}>
                <span className="text-muted">{words(key)}</span> <span className="max-w-40 truncate">{chip(key)}</span> <X className="size-3.5" aria-hidden="true" />
              </Button>
            ))}
            {filtered ? <ClearFilters onClear={() => set(NO_FILTERS)} /> : null}
          </>
        }
        empty={
          filtered ? <NoMatch what="visits" clear={() => set(NO_FILTERS)} /> : (
            <Empty title="No visits in this period">They appear by themselves when the storefront is visited by people who agreed to it. Choose a longer period to see earlier ones.</Empty>
          )
        }
      />
      <TouchDrawer id={state.open} credit={credit} model={model} onClose={() => set({ open: "" })} onVisitor={(visitor) => set({ ...NO_FILTERS, open: "", visitor })} />
    </>
  )
}
