// Why a conversion is credited as it is: its touches in time, with what one model gives each, in a window of one's choice.
import { Link } from "@tanstack/react-router"
import { useState } from "react"
import { useApi } from "@/api/query"
import { words } from "@/format/format"
import { ExplainDrawer, Opens } from "@/insight/explain"
import { useFormat } from "@/shell/session"
import { SourceBadge } from "@/ui/badge"
import { Button } from "@/ui/button"
import { Select } from "@/ui/controls"
import { Async, Empty, Skeleton } from "@/ui/states"
import { Tabs } from "@/ui/tabs"
import { Explain } from "@/ui/tooltip"
import type { ConversionDetail, Credit, Share, Touch, Windows } from "./answers"
import { modelMeans, modelName } from "./vocabulary"

interface Props {
  of: ConversionDetail
  model: string
  lookback: string
  onChange: (patch: { tab?: string; lookback?: string }) => void
}

export function CreditSection({ of, model, lookback, onChange }: Props) {
  const query = useApi("/conversions/{conversion_id}/credit", { path: { conversion_id: of.id }, query: { window: lookback }, keep: true })
  const known = useApi("/attribution/models", { staleTime: 300_000 })
  const windows = (known.data as unknown as Windows | undefined)?.windows ?? []
  const [why, setWhy] = useState(false)
  const chosen = lookback || (windows.find((each) => each.is_default)?.window ?? "")
  return (
    <section aria-labelledby="credit">
      <div className="mb-2 flex flex-wrap items-center justify-between gap-2">
        <h2 id="credit" className="flex items-center gap-1 text-base">
          Credit
          <Explain what="credit">Which touches led here, and what share of the value each gets. A model is a rule for sharing; the parts always sum to the whole.</Explain>
        </h2>
        <label className="flex items-center gap-2 text-sm text-muted">
          Looking back
          <Select
            className="w-40"
            aria-label="Lookback window"
            value={chosen}
            onChange={(event) => onChange({ lookback: event.target.value })}
            options={windows.map((each) => ({ value: each.window, label: each.label + (each.is_default ? " (default)" : "") }))}
          />
        </label>
        <Button small onClick={() => setWhy(true)} aria-haspopup="dialog">Why this credit?</Button>
      </div>
      {why ? <ExplainDrawer conversionId={of.id} window={chosen} model={model} onClose={() => setWhy(false)} /> : null}
      <Async query={query} skeleton={<Skeleton className="h-56 w-full rounded-lg" />}>
        {({ credit }) => credit === null || credit.models.length === 0 ? (
          <Empty title={of.status === "pending" || of.status === "cancelled" ? "This does not count, so nobody is credited" : "No credit yet"}>
            {of.status === "pending" || of.status === "cancelled" ? "Credit is worked out once it is confirmed." : "Credit is worked out within minutes after a conversion is confirmed."}
          </Empty>
        ) : (
          <Tabs
            label="Attribution model"
            value={model || credit.default_model}
            onChange={(tab) => onChange({ tab })}
            tabs={credit.models.map((each) => ({
              key: each.model,
              label: modelName(each.model),
              content: <Timeline of={of} credit={credit} model={each.model} shares={each.credit} onWhy={() => setWhy(true)} />,
            }))}
          />
        )}
      </Async>
    </section>
  )
}

function Timeline({ of, credit, model, shares, onWhy }: { of: ConversionDetail; credit: Credit; model: string; shares: Share[]; onWhy: () => void }) {
  const format = useFormat()
  const by = new Map(shares.map((share) => [share.touch_id, share]))
  const none = shares.find((share) => share.unattributed)
  return (
    <>
      <p className="mb-3 text-sm text-muted">
        {modelMeans(model)}{model === credit.default_model ? " This is your store's model." : ""}
      </p>
      {credit.touches.length === 0 ? (
        <p className="mb-3 text-sm">{of.visitor_id ? "No visit of this window came before it." : "No visit is known: it came without consent, or from outside the storefront."}</p>
      ) : null}
      <ol className="flex flex-col" aria-label={`Touches with their credit by ${modelName(model)}`}>
        {credit.touches.map((touch) => (
          <Step key={touch.id} onWhy={onWhy} share={by.get(touch.id)} currency={credit.currency} when={touch.touched_at} title={<TouchTitle touch={touch} />}>
            <TouchFacts touch={touch} />
          </Step>
        ))}
        {none ? (
          <Step onWhy={onWhy} share={none} currency={credit.currency} title="Not attributed">
            <p className="text-xs text-muted">What no touch of this window is given.</p>
          </Step>
        ) : null}
        <li className="relative grid grid-cols-[1rem_minmax(0,1fr)_6.5rem] gap-x-3">
          <Dot last />
          <div className="min-w-0">
            <p className="text-sm font-medium">{words(of.conversion_type)}</p>
            <p className="text-xs text-muted">{format.dateTime(of.occurred_at)} {format.zoneShort}</p>
          </div>
          <p className="figure text-right text-sm font-medium">{format.money(of.value, of.currency)}</p>
        </li>
      </ol>
    </>
  )
}

function Step({ share, currency, title, when, onWhy, children }: { onWhy: () => void; share: Share | undefined; currency: string; title: React.ReactNode; when?: string; children?: React.ReactNode }) {
  const format = useFormat()
  const weight = share?.weight ?? 0
  return (
    <li className="relative grid grid-cols-[1rem_minmax(0,1fr)_6.5rem] gap-x-3 pb-4">
      <Dot on={weight > 0} />
      <div className="min-w-0">
        <div className="text-sm font-medium">{title}</div>
        {when ? <p className="text-xs text-muted">{format.dateTime(when)} {format.zoneShort}</p> : null}
        {children}
        <svg width="100%" height="4" aria-hidden="true" className="mt-1.5 block">
          <rect width="100%" height="4" rx="2" fill="var(--hover)" />
          <rect className="chart-mark" width={`${weight * 100}%`} height="4" rx="2" fill="var(--chart-1)" />
        </svg>
      </div>
      <p className="figure text-right text-sm">
        <Opens quiet about="This share" onOpen={onWhy} className={weight > 0 ? "font-medium" : "text-muted"}>{format.money(share?.value ?? "0", currency)}</Opens>
        <span className="block text-xs text-muted">{format.percent(weight)}</span>
      </p>
    </li>
  )
}

const Dot = ({ on = false, last = false }: { on?: boolean; last?: boolean }) => (
  <span className="relative flex justify-center" aria-hidden="true">
    {last ? null : <span className="absolute top-2 h-full w-px bg-line-strong" />}
    <svg width="10" height="10" className="relative mt-1.5"><circle cx="5" cy="5" r="4" fill={last || on ? "var(--chart-1)" : "var(--card)"} stroke="var(--chart-1)" strokeWidth="1.5" /></svg>
  </span>
)

function TouchTitle({ touch }: { touch: Touch }) {
  const name = touch.campaign_name ?? touch.channel ?? "Direct visit"
  return touch.ad_campaign_id
    ? <Link to={`/campaigns/${touch.ad_campaign_id}` as never} className="text-link underline-offset-2 hover:underline">{name}</Link>
    : name
}

function TouchFacts({ touch }: { touch: Touch }) {
  const direct = touch.source === "(direct)"
  return (
    <div className="mt-0.5 flex flex-wrap items-center gap-x-2 gap-y-0.5 text-xs text-muted">
      {direct ? null : <SourceBadge source={touch.source} />}
      <span>{[touch.channel, direct ? null : touch.medium].filter(Boolean).join(" · ")}</span>
      {touch.landing_path ? <span className="max-w-full truncate">landed on {touch.landing_path}</span> : null}
    </div>
  )
}
