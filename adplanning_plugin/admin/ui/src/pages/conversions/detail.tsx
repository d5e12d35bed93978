// One conversion: what it is, and who is credited for it under each model.
import { useApi } from "@/api/query"
import { words } from "@/format/format"
import { useFormat } from "@/shell/session"
import { Badge, ConversionTypeBadge, SourceBadge, StatusBadge } from "@/ui/badge"
import { TextLink } from "@/ui/button"
import { Drawer } from "@/ui/dialog"
import { Facts } from "@/ui/page"
import { Async, Empty, Skeleton } from "@/ui/states"
import { PlainTable } from "@/ui/table"
import { Tabs } from "@/ui/tabs"
import type { ConversionDetail, Touch } from "./answers"

interface Props {
  /** Empty: closed. */
  id: string
  tab: string
  onTab: (tab: string) => void
  onClose: () => void
}

export function ConversionDrawer({ id, tab, onTab, onClose }: Props) {
  const query = useApi("/conversions/{conversion_id}", { path: { conversion_id: id }, query: { expand: "campaign" }, enabled: id !== "" })
  return (
    <Drawer open={id !== ""} onOpenChange={(open) => open || onClose()} title="Conversion" description={id}>
      <Async query={query} skeleton={<DetailSkeleton />}>
        {({ conversion }) => (
          <div className="flex flex-col gap-6">
            <What of={conversion} />
            <Credit of={conversion} tab={tab} onTab={onTab} />
          </div>
        )}
      </Async>
    </Drawer>
  )
}

function What({ of }: { of: ConversionDetail }) {
  const format = useFormat()
  const refunded = Number(of.refunded ?? 0) > 0
  return (
    <Facts
      of={[
        ["Type", <ConversionTypeBadge key="type" type={of.conversion_type} />],
        ["Status", <StatusBadge key="status" status={of.status} />],
        ["Value", format.money(of.value, of.currency)],
        ["Refunded", refunded ? format.money(of.refunded, of.currency) : null],
        ["Date", `${format.dateTime(of.occurred_at)} (${format.zone})`],
        ["Order", of.order_id],
        ["Lead", of.lead_id],
        ["Sales channel", of.sales_channel ? words(of.sales_channel) : null],
        ["New customer", of.is_new_customer === null ? null : of.is_new_customer ? "Yes" : "No"],
        ["Platform", <SourceBadge key="platform" source={of.platform} />],
        ["Campaign", of.ad_campaign_id ? <TextLink key="campaign" to={`/campaigns/${of.ad_campaign_id}`}>{of.campaign?.name ?? of.ad_campaign_id}</TextLink> : null],
        ["Test", of.is_test ? <Badge key="test" colour="orange">Not counted</Badge> : null],
      ]}
    />
  )
}

function Credit({ of, tab, onTab }: { of: ConversionDetail; tab: string; onTab: (tab: string) => void }) {
  const credit = of.attribution
  return (
    <section aria-labelledby="credit">
      <h3 id="credit" className="text-base">Credit</h3>
      {!credit || credit.models.length === 0 ? (
        <Empty title="No credit yet">Credit is worked out shortly after a conversion is confirmed.</Empty>
      ) : (
        <>
          <p className="mb-2 text-sm text-muted">Touches of the {credit.window_days === 0 ? "whole past" : `${credit.window_days} days`} before it. Your store's model is {words(credit.default_model).toLowerCase()}.</p>
          <Tabs
            label="Attribution model"
            value={tab || credit.default_model}
            onChange={onTab}
            tabs={credit.models.map(({ model, credit: shares }) => ({
              key: model,
              label: words(model),
              content: <Shares shares={shares} touches={credit.touches} currency={credit.currency} model={model} />,
            }))}
          />
        </>
      )}
    </section>
  )
}

function Shares({ shares, touches, currency, model }: { shares: { touch_id: string; unattributed: boolean; weight: number; value: string }[]; touches: Touch[]; currency: string; model: string }) {
  const format = useFormat()
  const by = new Map(shares.map((share) => [share.touch_id, share]))
  const none = shares.find((share) => share.unattributed)
  const rows = touches.map((touch) => {
    const share = by.get(touch.id)
    return [
      <span key="touch" className="flex flex-col items-start gap-0.5">
        <span>{touch.campaign ?? touch.channel ?? "Direct"}</span>
        <span className="text-xs text-muted">{[touch.source, touch.medium].filter(Boolean).join(" / ") || "no source"} · {format.dateTime(touch.touched_at)}</span>
      </span>,
      format.percent(share?.weight ?? 0),
      format.money(share?.value ?? "0", currency),
    ]
  })
  if (none) rows.push([<span key="none">Not attributed</span>, format.percent(none.weight), format.money(none.value, currency)])
  if (rows.length === 0) return <p className="text-sm text-muted">No touch is known: the whole value is unattributed.</p>
  return <PlainTable caption={`Credit by ${words(model)}`} head={[{ title: "Touch" }, { title: "Share", right: true }, { title: "Value", right: true }]} rows={rows} />
}

const DetailSkeleton = () => (
  <div className="flex flex-col gap-3">
    {Array.from({ length: 9 }, (_, index) => <Skeleton key={index} className="h-6 w-full" />)}
    <Skeleton className="mt-4 h-40 w-full rounded-lg" />
  </div>
)
