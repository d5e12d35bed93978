// All that is known of one conversion: in the drawer of the list, and on its own page.
import type { ReactNode } from "react"
import { useFormat, useStore } from "@/shell/session"
import { words } from "@/format/format"
import { Badge, ConversionTypeBadge, SourceBadge, StatusBadge } from "@/ui/badge"
import { TextLink } from "@/ui/button"
import { Facts } from "@/ui/page"
import { Skeleton } from "@/ui/states"
import { PlainTable } from "@/ui/table"
import { Explain } from "@/ui/tooltip"
import type { ConversionDetail } from "./answers"
import { named, STATUS_MEANS } from "./vocabulary"

type Fact = [name: string, value: ReactNode]

export const EXPAND = "order,session,person,campaign,lead"

export function What({ of }: { of: ConversionDetail }) {
  const format = useFormat()
  const refunded = Number(of.refunded) > 0
  return (
    <Facts
      of={[
        ["Type", <ConversionTypeBadge key="type" type={of.conversion_type} />],
        ["Status", <span key="status" className="inline-flex items-center gap-1"><StatusBadge status={of.status} /><Explain what={words(of.status)}>{STATUS_MEANS[of.status] ?? words(of.status)}</Explain></span>],
        ["Value", <span key="value" className="figure font-medium">{format.money(of.value, of.currency)}</span>],
        ["Refunded", refunded ? format.money(of.refunded, of.currency) : null],
        ["Date", `${format.dateTime(of.occurred_at)} (${format.zone})`],
        ["Comes from", named(of.origin)],
        ["Source", of.source ? <SourceBadge key="source" source={of.source} /> : null],
        ["Medium", of.medium],
        ["Platform", of.platform ? <SourceBadge key="platform" source={named(of.platform)} /> : null],
        ["Campaign", of.ad_campaign_id ? <TextLink key="campaign" to={`/campaigns/${of.ad_campaign_id}`}>{of.campaign_name ?? of.ad_campaign_id}</TextLink> : of.campaign_name],
        ["Goal", of.goal_id ? <TextLink key="goal" to={`/goals/${of.goal_id}`}>Open the goal</TextLink> : null],
        ["Sales channel", of.sales_channel ? words(of.sales_channel) : null],
        ["New customer", of.is_new_customer === null ? null : of.is_new_customer ? "Yes" : "No"],
        ["Test", of.is_test ? <Badge key="test" colour="orange">Not counted</Badge> : null],
      ]}
    />
  )
}

export function Adjustments({ of }: { of: ConversionDetail }) {
  const format = useFormat()
  if (of.adjustments.length === 0) return null
  return (
    <Part title="Refunds and cancellations">
      <PlainTable
        caption="Refunds and cancellations"
        head={[{ title: "What" }, { title: "Date" }, { title: "Amount", right: true }]}
        rows={of.adjustments.map((each) => [words(each.kind), format.dateTime(each.occurred_at), `−${format.money(each.amount, of.currency)}`])}
        foot={["Left of the value", "", format.money((Number(of.value) - Number(of.refunded)).toFixed(2), of.currency)]}
      />
    </Part>
  )
}

/** The order, the customer, the lead and the visit behind it; personal data only where the server gave them. */
export function Behind({ of }: { of: ConversionDetail }) {
  const format = useFormat()
  const { currency } = useStore()
  const { order, person, lead, session } = of
  const money = (value: string | null | undefined, code: string | null | undefined) => (value ? format.money(value, code ?? currency) : null)
  const parts: [string, Fact[]][] = [
    ["Order", [
      ["Number", of.order_id],
      ["Total paid", money(order?.total, order?.currency)],
      ["Discount", Number(order?.discount ?? 0) > 0 ? money(order?.discount, order?.currency) : null],
      ["Payment", order?.payment_state ? words(order.payment_state) : null],
      ["Placed", order?.placed_at ? format.dateTime(order.placed_at) : null],
      ["Cancelled", order?.cancelled_at ? format.dateTime(order.cancelled_at) : null],
      ["Consent to tracking", order?.consent ? words(order.consent) : null],
      ["More", of.order_id ? <TextLink key="all" to="/conversions" search={{ order_id: of.order_id, range: "this_year" }}>All conversions of this order</TextLink> : null],
    ]],
    ["Customer", of.person_id ? [
      ["Name", person?.name ?? ([person?.first_name, person?.last_name].filter(Boolean).join(" ") || null)],
      ["Email", person?.email],
      ["Place", format.place(person?.city, person?.country)],
      ["Customer id", <TextLink key="id" to={`/customers/${encodeURIComponent(of.person_id)}`}>{of.person_id}</TextLink>],
      ["More", <TextLink key="all" to="/conversions" search={{ person_id: of.person_id, range: "this_year" }}>All conversions of this customer</TextLink>],
    ] : []],
    ["Lead", of.lead_id ? [
      ["Number", of.lead_id],
      ["Name", lead?.name],
      ["Email", lead?.email],
      ["State", lead?.status ? words(lead.status) : null],
      ["Form", lead?.source],
    ] : []],
    ["Visit", of.visitor_id ?? of.session_id ? [
      ["Started", session?.started_at ? format.dateTime(session.started_at) : null],
      ["Landing page", session?.landing_url ? <span key="url" className="break-all">{session.landing_url.split("?")[0]}</span> : null],
      ["Came from", session?.referrer],
      ["Visitor", of.visitor_id ? <TextLink key="visitor" to="/conversions" search={{ visitor_id: of.visitor_id, range: "this_year" }}><code className="font-mono text-xs">{of.visitor_id}</code></TextLink> : null],
    ] : []],
    ["Properties", Object.entries(of.properties ?? {}).map(([name, value]): Fact => [name, <span key={name} className="break-words">{typeof value === "string" ? value : JSON.stringify(value)}</span>])],
  ]
  return parts.map(([title, facts]) => {
    const shown = facts.filter(([, value]) => value !== null && value !== undefined && value !== "")
    if (shown.length === 0 || (title === "Order" && !of.order_id)) return null
    return <Part key={title} title={title}><Facts of={shown} /></Part>
  })
}

const Part = ({ title, children }: { title: string; children: ReactNode }) => (
  <section aria-label={title}>
    <h2 className="mb-1 text-base">{title}</h2>
    {children}
  </section>
)

export const BodySkeleton = () => (
  <div className="flex flex-col gap-3">
    {Array.from({ length: 9 }, (_, index) => <Skeleton key={index} className="h-6 w-full" />)}
    <Skeleton className="mt-4 h-56 w-full rounded-lg" />
  </div>
)
