// The sections of a profile: a view of its own for those that we know, for any other what its data look like.
import type { ReactNode } from "react"
import { words } from "@/format/format"
import { StageBadge } from "@/insight/timeline/words"
import type { Profile, ProfileSection } from "@/pages/customers/answers"
import { SectionBody } from "@/sections/body"
import { useFormat } from "@/shell/session"
import { useLink } from "@/shell/links"
import { Badge, SourceBadge, StatusBadge } from "@/ui/badge"
import { TextLink } from "@/ui/button"
import { Card, Facts } from "@/ui/page"
import { PlainTable } from "@/ui/table"

interface Totals { currency: string; orders: number; value: string; refunded: string; average: string }
interface Ordered { conversion_id: string; order_id: string; occurred_at: string; status: string; value: string; refunded: string; currency: string }
interface Orders { orders: number; first_at: string | null; last_at: string | null; totals: Totals[]; last_orders: Ordered[] }
interface Touch { occurred_at: string; source: string; medium: string; campaign: string | null; campaign_name: string | null; channel: string; ad_campaign_id: string | null }
interface Touches { touches: number; first: Touch; last: Touch; by_channel: Record<string, number> }
interface Consents { purposes: Record<string, boolean> | null; said_at: string | null; orders: Record<string, number> }
interface Journey { events: number; first_at: string | null; last_at: string | null; furthest_stage: string | null; stages: Record<string, string | null>; days_to_first_purchase: number | null }

type View = (props: { of: Record<string, unknown>; person: Profile }) => ReactNode

const VIEWS: Record<string, View> = { orders: OrdersView, touches: TouchesView, consents: ConsentsView, journey: JourneyView }
const NOTHING: Record<string, string> = {
  journey: "No event of theirs is known.", touches: "No visit of theirs is known.", consents: "Nothing was asked or said.",
}

export function SectionCard({ of, person }: { of: ProfileSection; person: Profile }) {
  const page = useLink(of.page ?? undefined)
  const View = VIEWS[of.key]
  const more = page && of.key === "journey" ? <TextLink to={page} search={{ person: person.id }}>Open in Journeys</TextLink> : null
  return (
    <Card title={of.title} actions={more}>
      {of.problem ? <p role="alert" className="text-sm text-bad">{of.problem}</p>
        : of.data === null ? <p className="text-sm text-muted">{NOTHING[of.key] ?? "Nothing is known yet."}</p>
        : View ? <View of={of.data} person={person} />
        : <SectionBody section={{ key: of.key, title: of.title, page: of.page ?? "", data: of.data }} before={undefined} />}
    </Card>
  )
}

function OrdersView({ of }: { of: Record<string, unknown> }) {
  const format = useFormat()
  const { totals, last_orders, first_at, last_at } = of as unknown as Orders
  const fromOrders = (each: Totals) => {
    const average = each.orders > 1 ? `${format.number(each.orders)} orders, ${format.money(each.average, each.currency)} each` : "one order"
    return `from ${average}${Number(each.refunded) > 0 ? `, after ${format.money(each.refunded, each.currency)} refunded` : ""}`
  }
  if (last_orders.length === 0) return <p className="text-sm text-muted">No order of theirs is known.</p>
  return (
    <div className="flex flex-col gap-4">
      <Facts
        of={[
          ...totals.map((each): [string, ReactNode] => [
            totals.length > 1 ? `Revenue in ${each.currency}` : "Revenue",
            <span key={each.currency}><span className="figure font-medium">{format.money(each.value, each.currency)}</span> <span className="text-muted">{fromOrders(each)}</span></span>,
          ]),
          ["First order", first_at ? format.dateTime(first_at) : null],
          ["Last order", last_at && last_at !== first_at ? format.dateTime(last_at) : null],
        ]}
      />
      <PlainTable
        caption="Last orders"
        head={[{ title: "Order" }, { title: "Placed" }, { title: "State" }, { title: "Value", right: true }]}
        rows={last_orders.map((each) => [
          <TextLink key={each.conversion_id} to={`/conversions/${each.conversion_id}`}>{each.order_id}</TextLink>,
          format.date(each.occurred_at),
          <StatusBadge key="status" status={each.status} />,
          <span key="value" className="figure">{format.money(each.value, each.currency)}{Number(each.refunded) > 0 ? <span className="block text-xs whitespace-normal text-muted">−{format.money(each.refunded, each.currency)} refunded</span> : null}</span>,
        ])}
      />
    </div>
  )
}

function TouchesView({ of }: { of: Record<string, unknown> }) {
  const format = useFormat()
  const { touches, first, last, by_channel } = of as unknown as Touches
  const said = (touch: Touch) => (
    <>
      {touch.ad_campaign_id ? <TextLink to={`/campaigns/${touch.ad_campaign_id}`}>{touch.campaign_name ?? touch.campaign ?? touch.channel}</TextLink> : (touch.campaign_name ?? touch.campaign ?? touch.channel)}
      <span className="mt-0.5 flex flex-wrap items-center justify-end gap-x-2 text-xs text-muted sm:justify-start"><SourceBadge source={touch.source} /> {touch.channel} · {format.dateTime(touch.occurred_at)}</span>
    </>
  )
  return (
    <Facts
      of={[
        ["First", said(first)],
        ["Last", touches > 1 ? said(last) : null],
        ["Touches", Object.entries(by_channel).map(([channel, count]) => `${channel} ${format.number(count)}`).join(", ")],
      ]}
    />
  )
}

function ConsentsView({ of }: { of: Record<string, unknown> }) {
  const format = useFormat()
  const { purposes, said_at, orders } = of as unknown as Consents
  return (
    <Facts
      of={[
        ...Object.entries(purposes ?? {}).map(([name, granted]): [string, ReactNode] => [words(name), <Badge key={name} colour={granted ? "green" : "grey"}>{granted ? "Granted" : "Not granted"}</Badge>]),
        ["Said", said_at ? format.dateTime(said_at) : null],
        ["Orders", Object.entries(orders).map(([state, count]) => `${words(state)} ${format.number(count)}`).join(", ") || null],
      ]}
    />
  )
}

function JourneyView({ of }: { of: Record<string, unknown> }) {
  const format = useFormat()
  const { events, first_at, last_at, furthest_stage, stages, days_to_first_purchase: days } = of as unknown as Journey
  return (
    <Facts
      of={[
        ["Furthest stage", <StageBadge key="stage" stage={furthest_stage} />],
        ...Object.entries(stages).filter(([, at]) => at !== null).map(([stage, at]): [string, ReactNode] => [words(stage), `since ${format.dateTime(at!)}`]),
        ["Events", `${format.number(events)}, ${[first_at, last_at].map((at) => format.date(at ?? "")).filter((day, index, days) => days.indexOf(day) === index).join(" to ")}`],
        ["To the first order", days === null ? null : `${format.number(days, 1)} days`],
      ]}
    />
  )
}
