// Why a conversion is credited as it is: its touches with each model's share, what was left out and why, and the rules.
import { useApi } from "@/api/query"
import { words } from "@/format/format"
import { useCarried, useCredit, windowLabel } from "@/insight/credit"
import { By } from "@/insight/by"
import { MethodBadge } from "@/insight/methods"
import { useFormat } from "@/shell/session"
import { Badge, ConversionTypeBadge, SourceBadge } from "@/ui/badge"
import { TextLink } from "@/ui/button"
import { Select } from "@/ui/controls"
import { Facts } from "@/ui/page"
import { Async, Skeleton } from "@/ui/states"
import { Tabs } from "@/ui/tabs"
import type { Decision, ExplainedModel, ExplainedTouch, Explanation, Link } from "./answers"

interface Props {
  id: string
  window: string
  model: string
  onChange: (patch: { window?: string; model?: string }) => void
}

const DIRECT: Record<string, string> = {
  exclude_unless_all: "passed over by linear, time decay and position based, unless every visit is direct",
  include: "counted like any other",
  exclude: "never counted by linear, time decay and position based",
}
const LINKED: Record<string, string> = {
  own_visitor: "The buyer's own browser",
  own_session: "The visit itself",
  person: "The store's own session names the buyer",
  claimed_person: "The store's own session names the person",
}
const KINDS: Record<string, string> = { order: "an order", login: "a login", signed_link: "a signed link", confirmed: "somebody of the store", form: "a form" }
const OUT: Record<string, string> = {
  outside_window: "Outside the window", after_conversion: "After the conversion", excluded_host: "Excluded host", no_consent: "No consent", claimed: "Only claimed",
  revoked: "Link revoked", denied: "Shared identifier", another_person: "Another person's", due: "Due", withdrawn: "No longer counts",
}

export function Body({ id, window, model, onChange }: Props) {
  const query = useApi("/attribution/explain/{conversion_id}", { path: { conversion_id: id }, query: { window }, keep: true })
  return (
    <Async query={query} skeleton={<Skeleton className="h-[34rem] w-full" />}>
      {({ explanation: of }) => {
        const chosen = model || of.rules.settings.default_model
        return (
          <div className="flex flex-col gap-6">
            <Head of={of} window={window} onWindow={(next) => onChange({ window: next })} />
            <section aria-labelledby="explained-shares">
              <h3 id="explained-shares" className="mb-2 text-base">Who gets what</h3>
              <Tabs
                label="Model"
                value={chosen}
                onChange={(next) => onChange({ model: next })}
                tabs={of.models.map((each, place) => ({ key: each.model, label: each.label, content: <Shares of={of} model={each} place={place} /> }))}
              />
            </section>
            <LeftOut of={of} />
            <Links of={of.links} />
          </div>
        )
      }}
    </Async>
  )
}

function Head({ of, window, onWindow }: { of: Explanation; window: string; onWindow: (window: string) => void }) {
  const format = useFormat()
  const { rules } = useCredit()
  const money = (value: string) => format.money(value, of.conversion.currency)
  const shown = window || (rules.windows.find((each) => each.is_default)?.window ?? "")
  return (
    <section aria-label="The conversion">
      {of.state === "computed" ? null : <p role="status" className="mb-3 rounded-md border border-orange-line bg-orange-bg px-3 py-2 text-sm text-orange-fg">{of.state_meaning}</p>}
      <Facts
        of={[
          ["Conversion", <span key="what" className="inline-flex flex-wrap items-center gap-2"><ConversionTypeBadge type={of.conversion.conversion_type} /><TextLink to={`/conversions/${of.conversion.id}`}>{of.conversion.order_id ? `Order ${of.conversion.order_id}` : "Open it"}</TextLink></span>],
          ["Value", `${money(of.conversion.value)}${Number(of.conversion.refunded) ? `, ${money(of.conversion.refunded)} given back` : ""}`],
          ["Happened", `${format.dateTime(of.conversion.occurred_at)} (${format.zone})`],
          ["Visits count", of.window.opens_at ? `after ${format.dateTime(of.window.opens_at)}, until then` : "from whenever, until then"],
          ["Direct visits", DIRECT[of.rules.settings.direct] ?? words(of.rules.settings.direct)],
          ["Rules", <span key="rules">version {of.computed_under ?? of.rules.version} · <TextLink within to="/settings" search={{ tab: "attribution" }}>see them</TextLink></span>],
        ]}
      />
      <label className="mt-3 flex flex-wrap items-center gap-2 text-sm text-muted">
        Looking back
        <Select className="w-40" aria-label="Lookback window" value={shown} onChange={(event) => onWindow(event.target.value)} options={rules.windows.map((each) => ({ value: each.window, label: windowLabel(each.days) }))} />
      </label>
    </section>
  )
}

function Shares({ of, model, place }: { of: Explanation; model: ExplainedModel; place: number }) {
  const format = useFormat()
  const { means } = useCredit()
  const money = (value: string) => format.money(value, of.conversion.currency)
  const passed = new Set(model.passed_over)
  return (
    <>
      {means(model.model) ? <p className="mb-2 text-sm text-muted">{means(model.model)}</p> : null}
      <ol aria-label={`Visits with their share by ${model.label}`} className="flex flex-col divide-y divide-line border-y border-line">
        {of.touches.map((touch) => {
          const share = touch.credit[place]
          return (
            <Row key={touch.id} weight={share?.weight ?? 0} value={money(share?.net ?? "0")}>
              <TouchName of={touch} />
              <p className="text-xs text-muted">{format.dateTime(touch.occurred_at)} · {age(touch.age_hours, format.number)} before · {LINKED[touch.linked_by] ?? linkedBy(touch.link)}</p>
              <Decided of={touch.resolution.decision} />
              {passed.has(touch.id) ? <p className="text-xs text-muted">Direct: this model passes it over.</p> : null}
              {touch.reason === "in_window" ? null : <p className="text-xs text-warn">{touch.meaning}</p>}
            </Row>
          )
        })}
        {model.unattributed.weight > 0 || of.touches.length === 0 ? (
          <Row weight={model.unattributed.weight} value={money(model.unattributed.net)}>
            <span className="text-sm font-medium">Nobody's</span>
            <p className="text-xs text-muted">{model.unattributed.meaning ?? "No visit has a share."}</p>
          </Row>
        ) : null}
        <li className="flex justify-between gap-3 py-2 text-sm font-medium">
          <span>Sum</span>
          <span className="figure">{money(model.sum.net)}{Number(model.sum.refunded) ? <span className="block text-right text-xs font-normal text-muted">{money(model.sum.value)} less {money(model.sum.refunded)}</span> : null}</span>
        </li>
      </ol>
    </>
  )
}

function Row({ weight, value, children }: { weight: number; value: string; children: React.ReactNode }) {
  const format = useFormat()
  return (
    <li className="grid grid-cols-[minmax(0,1fr)_6.5rem] gap-x-3 py-2">
      <div className="min-w-0">
        {children}
        <svg width="100%" height="4" aria-hidden="true" className="mt-1.5 block">
          <rect width="100%" height="4" rx="2" fill="var(--hover)" />
          <rect className="chart-mark" width={`${weight * 100}%`} height="4" rx="2" fill="var(--chart-1)" />
        </svg>
      </div>
      <p className="figure text-right text-sm">
        <span className={weight > 0 ? "font-medium" : "text-muted"}>{value}</span>
        <span className="block text-xs text-muted">{format.percent(weight)}</span>
      </p>
    </li>
  )
}

function TouchName({ of }: { of: ExplainedTouch }) {
  const carried = useCarried()
  const name = of.resolution.campaign_name ?? (of.is_direct ? "Direct visit" : of.channel)
  const campaign = of.resolution.ad_campaign_id
  return (
    <div className="flex flex-wrap items-center gap-x-2 gap-y-0.5 text-sm">
      {campaign ? <TextLink to={`/campaigns/${campaign}`} search={carried}>{name}</TextLink> : <span className="font-medium">{name}</span>}
      {of.is_direct ? null : <SourceBadge source={of.source} />}
      {of.device ? <span className="text-xs text-muted">{[words(of.device), of.browser].filter(Boolean).join(", ")}</span> : null}
      {of.resolution.resolution_method === "not_applicable" || of.resolution.decision ? null : <MethodBadge method={of.resolution.resolution_method} />}
      {of.resolution.confidence !== null && of.resolution.confidence < 1 ? <span className="text-xs text-muted">{Math.round(of.resolution.confidence * 100)} % sure</span> : null}
    </div>
  )
}

const DECIDED: Record<Decision["kind"], string> = {
  suggestion: "The inbox's suggestion, approved", alias: "Its name was given this campaign", ignored: "Its name was said to mean no campaign", manual: "Assigned by hand",
}

/** Who made the visit's campaign what it is, leading to the decision itself. */
function Decided({ of }: { of: Decision | null }) {
  const format = useFormat()
  if (of === null) return null
  const what = DECIDED[of.kind]
  return (
    <p className="text-xs text-muted">
      {of.kind === "manual" ? what : <TextLink to="/attribution/inbox" search={{ view: "decisions", decided: of.id }}>{what}</TextLink>} by <By id={of.by} />, {format.dateTime(of.at)}
    </p>
  )
}

function LeftOut({ of }: { of: Explanation }) {
  const format = useFormat()
  if (of.left_out.length === 0) return null
  const groups = new Map<string, ExplainedTouch[]>()
  for (const touch of of.left_out) groups.set(touch.reason, [...(groups.get(touch.reason) ?? []), touch])
  return (
    <section aria-labelledby="explained-out">
      <h3 id="explained-out" className="mb-1 text-base">Looked at, and left out</h3>
      {of.left_out_count > of.left_out.length ? <p className="mb-2 text-xs text-muted">The {format.number(of.left_out.length)} nearest of {format.number(of.left_out_count)}.</p> : null}
      <div className="flex flex-col gap-2">
        {[...groups].map(([reason, touches]) => (
          <details key={reason} className="rounded-lg border border-line px-3 py-2" open={touches.length <= 3}>
            <summary className="cursor-pointer text-sm"><Badge>{OUT[reason] ?? words(reason)}</Badge> {format.number(touches.length)} {touches.length === 1 ? "visit" : "visits"}</summary>
            <p className="mt-1 text-xs text-muted">{touches[0]!.meaning}</p>
            <ul className="mt-2 flex flex-col gap-2">
              {touches.slice(0, 20).map((touch) => (
                <li key={touch.id}>
                  <TouchName of={touch} />
                  <p className="text-xs text-muted">{format.dateTime(touch.occurred_at)} · {LINKED[touch.linked_by] ?? linkedBy(touch.link)}</p>
                  <Decided of={touch.resolution.decision} />
                </li>
              ))}
              {touches.length > 20 ? <li className="text-xs text-muted">and {format.number(touches.length - 20)} more</li> : null}
            </ul>
          </details>
        ))}
      </div>
    </section>
  )
}

function Links({ of }: { of: Link[] }) {
  const format = useFormat()
  if (of.length === 0) return null
  return (
    <section aria-labelledby="explained-links">
      <h3 id="explained-links" className="mb-1 text-base">What joins the visits to the buyer</h3>
      <ul className="flex flex-col divide-y divide-line border-y border-line">
        {of.slice(0, 20).map((link, index) => (
          <li key={index} className="flex flex-wrap items-baseline justify-between gap-x-3 gap-y-0.5 py-2 text-sm">
            <span>{named(link)} <span className="text-muted">by {KINDS[link.kind] ?? words(link.kind)}, last {format.date(link.last_seen_at)}</span></span>
            {link.counts ? <Badge colour="green">Counts</Badge> : <Badge>{OUT[link.reason] ?? words(link.reason)}</Badge>}
            {link.counts ? null : <span className="basis-full text-xs text-muted">{link.meaning}</span>}
          </li>
        ))}
      </ul>
      {of.length > 20 ? <p className="mt-1 text-xs text-muted">and {format.number(of.length - 20)} more</p> : null}
    </section>
  )
}

const named = ({ identifier }: Link) =>
  identifier.kind === "email" ? `An address (${identifier.hash}…)` : identifier.id ? `${words(identifier.kind)} ${identifier.id}` : identifier.hash ? `${words(identifier.kind)} (${identifier.hash}…)` : `A ${identifier.kind}`

const linkedBy = (link: Link | null) => (link ? `Joined by ${KINDS[link.kind] ?? words(link.kind)}` : "Joined to the buyer")

const age = (hours: number, number: (value: number, decimals?: number) => string) => {
  const [value, unit] = Math.abs(hours) >= 48 ? [hours / 24, "days"] : Math.abs(hours) >= 1 ? [hours, "hours"] : [hours * 60, "minutes"]
  return `${number(Math.abs(value), Math.abs(value) < 10 ? 1 : 0)} ${unit}`
}
