// The best by a figure: campaigns, ad sets, ads, channels or platforms; which and by what stands in the address.
import { useApi } from "@/api/query"
import { BarChart } from "@/charts/bars"
import type { Line } from "@/insight/answers"
import { Explains, lineOf, report } from "@/insight/explain"
import { CampaignName } from "@/sections/body"
import { useFormat } from "@/shell/session"
import type { Period } from "@/state/period"
import { choice, useUrlState } from "@/state/url"
import { SourceBadge } from "@/ui/badge"
import { Select } from "@/ui/controls"
import { Card } from "@/ui/page"
import { Async, Empty, Skeleton } from "@/ui/states"

declare module "@/api/answers" {
  interface Answers {
    "/top-performers": { top_performers: Line[]; metric: Metric }
  }
}

const BY = ["channel", "campaign", "ad_set", "ad", "platform"] as const
const METRICS = ["revenue", "roas", "orders", "new_customers", "margin", "spend", "clicks", "leads"] as const
type Metric = (typeof METRICS)[number]
const NAMES: Record<(typeof BY)[number] | Metric, string> = {
  campaign: "Campaigns", ad_set: "Ad sets", ad: "Ads", channel: "Channels", platform: "Platforms",
  revenue: "Revenue", roas: "ROAS", orders: "Orders", new_customers: "New customers", margin: "Margin", spend: "Ad spend", clicks: "Clicks", leads: "Leads",
}
/** What a platform counts by itself. */
const NO_CREDIT = new Set<Metric>(["spend", "clicks", "leads"])
const SCHEMA = { top: choice(BY), top_by: choice(METRICS) }
const options = (values: readonly (keyof typeof NAMES)[]) => values.map((value) => ({ value, label: NAMES[value] }))

export function Performers({ period }: { period: Period }) {
  const format = useFormat()
  const [{ top, top_by }, set] = useUrlState(SCHEMA)
  const query = useApi("/top-performers", { query: { ...period.query, by: top, metric: top_by, limit: 6 }, keep: true })
  const write = (value: number) => (top_by === "roas" ? format.times(value) : top_by === "revenue" || top_by === "margin" || top_by === "spend" ? format.money(value) : format.number(value))
  return (
    <Card
      title="Top performers"
      actions={
        <>
          <Select aria-label="Of" className="w-auto" value={top} options={options(BY)} onChange={(event) => set({ top: event.target.value as (typeof BY)[number] })} />
          <Select aria-label="Ranked by" className="w-auto" value={top_by} options={METRICS.map((value) => ({ value, label: `by ${NAMES[value].replace(/^[A-Z](?=[a-z])/, (letter) => letter.toLowerCase())}` }))} onChange={(event) => set({ top_by: event.target.value as Metric })} />
        </>
      }
    >
      <Async query={query} skeleton={<Skeleton className="h-72 w-full" />}>
        {({ top_performers: lines }) =>
          lines.length === 0 ? <Empty title={`None has ${NAMES[top_by].toLowerCase()} in this period`}>Choose another figure, or a longer period.</Empty> : (
            <BarChart
              label={`${NAMES[top]} by ${NAMES[top_by].toLowerCase()}`}
              measure={NAMES[top_by]}
              format={write}
              summary={`${lines[0]!.name ?? "The first"} leads with ${write(Number(lines[0]![top_by]))}.`}
              bars={lines.map((line) => ({
                key: line.id ?? "",
                name: line.name ?? "–",
                label: <Name line={line} by={top} />,
                value: Number(line[top_by] ?? 0),
                colour: "var(--chart-1)",
                open: (written) => <Explains quiet of={NO_CREDIT.has(top_by) ? null : report({ ...lineOf(line, top), measure: top_by, only: top_by === "new_customers" ? "new" : "" })} about={`${NAMES[top_by]} of ${line.name ?? ""}`}>{written}</Explains>,
              }))}
            />
          )
        }
      </Async>
    </Card>
  )
}

function Name({ line, by }: { line: Line; by: (typeof BY)[number] }) {
  if (by === "channel") return <>{line.name}</>
  if (by === "platform") return <SourceBadge source={line.platform ?? line.name} />
  return <span className="inline-flex max-w-full flex-wrap items-center gap-x-2"><CampaignName id={line.ad_campaign_id ?? null} name={line.name} /> <SourceBadge source={line.platform} /></span>
}
