// One journey beside the list: touches in time, credit by each model, the order and the customer.
import { useState } from "react"
import { useApi } from "@/api/query"
import { ExplainDrawer, Opens } from "@/insight/explain"
import { words } from "@/format/format"
import { modelMeans, modelName } from "@/pages/conversions/vocabulary"
import { useFormat, useMay } from "@/shell/session"
import { Badge } from "@/ui/badge"
import { Button, ButtonLink, TextLink } from "@/ui/button"
import { Drawer } from "@/ui/dialog"
import { Facts } from "@/ui/page"
import { Async, Empty, Skeleton } from "@/ui/states"
import { PlainTable } from "@/ui/table"
import { Tabs } from "@/ui/tabs"
import type { JourneyDetail } from "../shared/answers"
import { ChannelIcon } from "../shared/channel"
import { lasting } from "../shared/lasting"
import { Timeline } from "./timeline"

interface Props {
  /** Empty: closed. */
  id: string
  window: string
  model: string
  onModel: (model: string) => void
  onClose: () => void
}

export function JourneyDrawer({ id, window, model, onModel, onClose }: Props) {
  const query = useApi("/journeys/conversions/{conversion_id}", { path: { conversion_id: id }, query: { window }, enabled: id !== "" })
  const [explaining, setExplaining] = useState(false)
  return (
    <Drawer
      open={id !== ""}
      onOpenChange={(open) => open || onClose()}
      title="Journey to a conversion"
      description={query.data?.journey.order_id ? `Order ${query.data.journey.order_id}` : query.data ? words(query.data.journey.conversion_type) : "What came before it"}
      footer={
        id ? (
          <>
            <Button small onClick={() => setExplaining(true)}>Explain the credit</Button>
            <ButtonLink small to={`/conversions/${id}`}>Open the conversion</ButtonLink>
          </>
        ) : null
      }
    >
      <Async query={query} skeleton={<div className="flex flex-col gap-4"><Skeleton className="h-24 w-full rounded-lg" /><Skeleton className="h-64 w-full rounded-lg" /></div>}>
        {({ journey }) => (
          <div className="flex flex-col gap-6">
            <Head of={journey} />
            <Timeline key={journey.conversion_id} of={journey} />
            <Credit of={journey} model={model} onModel={onModel} onWhy={() => setExplaining(true)} />
            <Order of={journey} />
            <Customer of={journey} />
          </div>
        )}
      </Async>
      {explaining && id ? <ExplainDrawer conversionId={id} window={window} model={model} onClose={() => setExplaining(false)} /> : null}
    </Drawer>
  )
}

function Head({ of }: { of: JourneyDetail }) {
  const format = useFormat()
  const touches = of.touches === 1 ? "1 touch" : `${format.number(of.touches)} touches`
  return (
    <div className="flex flex-wrap items-baseline gap-x-3 gap-y-1">
      <p className="figure text-xl font-semibold">{format.money(of.value, of.currency)}</p>
      <p className="text-sm text-muted">
        {words(of.conversion_type)}{of.order_id ? ` · order ${of.order_id}` : ""} · {format.dateTime(of.occurred_at)} {format.zoneShort}
      </p>
      <p className="w-full text-sm text-muted">{touches}{of.hours_to_conversion === null ? "" : ` over ${lasting(of.hours_to_conversion * 3600)}`}</p>
    </div>
  )
}

function Credit({ of, model, onModel, onWhy }: { of: JourneyDetail; model: string; onModel: (model: string) => void; onWhy: () => void }) {
  const format = useFormat()
  return (
    <section aria-labelledby="journey-credit">
      <h2 id="journey-credit" className="mb-2 text-base">Credit by model</h2>
      {of.is_credited ? (
        <Tabs
          label="Attribution model"
          value={model || of.default_model}
          onChange={onModel}
          tabs={of.models.map((each) => ({
            key: each,
            label: modelName(each),
            content: (
              <>
                <p className="mb-3 text-sm text-muted">{modelMeans(each)}{each === of.default_model ? " This is your store's model." : ""}</p>
                <ul className="flex flex-col gap-2.5" aria-label={`Credit by ${modelName(each)}`}>
                  {of.touchpoints.map((touch) => <Share key={touch.id} title={<><ChannelIcon channel={touch.channel} className="text-muted" />{touch.campaign ?? touch.channel}</>} share={touch.credit[each]} currency={of.currency} onWhy={onWhy} />)}
                  {of.unattributed && (of.unattributed[each]?.percent ?? 0) > 0 ? <Share title="Not attributed" share={of.unattributed[each]} currency={of.currency} onWhy={onWhy} /> : null}
                </ul>
                <p className="mt-2 text-right text-xs text-muted">Together {format.money(of.value, of.currency)}</p>
              </>
            ),
          }))}
        />
      ) : <Empty title="No credit yet">Credit is worked out within minutes after a conversion is confirmed.</Empty>}
    </section>
  )
}

function Share({ title, share, currency, onWhy }: { title: React.ReactNode; share: { percent: number; value: string } | undefined; currency: string; onWhy: () => void }) {
  const format = useFormat()
  const part = (share?.percent ?? 0) / 100
  return (
    <li className="grid grid-cols-[minmax(0,1fr)_auto] items-baseline gap-x-3 text-sm">
      <span className="inline-flex min-w-0 items-center gap-1.5"><span className="inline-flex min-w-0 items-center gap-1.5 truncate">{title}</span></span>
      <span className="figure text-right"><Opens quiet about="This share" onOpen={onWhy} className={part > 0 ? "font-medium" : "text-muted"}>{format.money(share?.value ?? "0", currency)}</Opens> <span className="text-xs text-muted">{format.percent(part)}</span></span>
      <svg width="100%" height="4" aria-hidden="true" className="col-span-2 mt-1 block">
        <rect width="100%" height="4" rx="2" fill="var(--hover)" />
        <rect className="chart-mark" width={`${part * 100}%`} height="4" rx="2" fill="var(--chart-1)" />
      </svg>
    </li>
  )
}

function Order({ of }: { of: JourneyDetail }) {
  const format = useFormat()
  const order = of.order
  if (!order) return null
  const money = (value: string | null) => (value === null ? null : format.money(value, order.currency))
  return (
    <section aria-labelledby="journey-order">
      <h2 id="journey-order" className="mb-2 text-base">Order {order.id}</h2>
      {order.lines.length ? (
        <PlainTable
          caption="Products"
          head={[{ title: "Product" }, { title: "Pieces", right: true }, { title: "Total", right: true }]}
          rows={order.lines.map((line) => [line.title ?? line.product_id ?? line.id, format.number(line.quantity), money(line.total) ?? "–"])}
        />
      ) : null}
      <Facts of={[["Payment", words(order.payment_state)], ["Subtotal", money(order.subtotal)], ["Discount", money(order.discount)], ["Shipping", money(order.shipping)], ["Tax", money(order.tax)], ["Total", money(order.total)]]} />
    </section>
  )
}

function Customer({ of }: { of: JourneyDetail }) {
  const personal = useMay("adplanning:pii")
  const who = of.customer
  if (!who) return null
  const badge = who.is_new_customer === null ? null : who.is_new_customer ? <Badge colour="green">New</Badge> : <Badge>Returning</Badge>
  const format = useFormat()
  const place = format.place(who.city, who.country)
  return (
    <section aria-labelledby="journey-customer">
      <h2 id="journey-customer" className="mb-2 text-base">Customer</h2>
      <Facts of={[["Name", who.name ?? null], ["Email", who.email ?? null], ["Phone", who.phone ?? null], ["Place", place], ["Customer is", badge], ["Number", who.id ? <TextLink key="id" to={`/customers/${who.id}`}>{who.id}</TextLink> : null]]} />
      {personal ? null : <p className="mt-2 text-xs text-muted">Names and addresses are shown to accounts that may see personal data.</p>}
    </section>
  )
}
