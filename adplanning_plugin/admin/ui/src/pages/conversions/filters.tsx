// The list's filters: the common ones always, the rest when asked for, and what a link from elsewhere narrowed it to.
import { ListFilter, X } from "lucide-react"
import { useState } from "react"
import { type Query, useApi } from "@/api/query"
import { useStore } from "@/shell/session"
import { choice, flag, text, type Values } from "@/state/url"
import { Button } from "@/ui/button"
import { Combobox } from "@/ui/combobox"
import { ClearFilters, FilterSelect, FilterText, SearchBox } from "@/ui/filters"
import type { NamedCampaign } from "./answers"
import { GROUPS, MEASURES } from "./figures"
import { CHANNELS, options, ORIGINS, PLATFORMS, STATUSES, TYPES } from "./vocabulary"

export const STATE = {
  type: text(), platform: text(), status: text(), q: text(),
  origin: text(), channel: text(), campaign: text(), source: text(), min: text(), max: text(), revenue: text(), goal: text(),
  order_id: text(), person_id: text(), visitor_id: text(), session_id: text(), lead_id: text(),
  open: text(), tab: text(), lookback: text(), more: flag(), figures: flag(true),
  chart: choice(GROUPS), measure: choice(MEASURES),
}

export type State = Values<typeof STATE>
type Set = (patch: Partial<State>, options?: { replace?: boolean }) => void

const MORE = ["origin", "channel", "campaign", "source", "min", "max", "revenue", "goal"] as const
const GIVEN = [["order_id", "Order"], ["person_id", "Customer"], ["visitor_id", "Visitor"], ["session_id", "Visit"], ["lead_id", "Lead"]] as const
const EVERY = ["type", "platform", "status", "q", ...MORE, ...GIVEN.map(([key]) => key)] as const
const NONE = Object.fromEntries(EVERY.map((key) => [key, ""])) as Partial<State>

export const isFiltered = (state: State) => EVERY.some((key) => state[key] !== "")
export const clear = (set: Set) => set(NONE)
const amount = (typed: string) => /^\d{1,12}(\.\d{1,4})?$/.test(typed)

/** Only what the API knows: an address may have been typed by hand. */
const known = <const T extends readonly string[]>(values: T, given: string) => (values.includes(given) ? (given as T[number]) : undefined)

export function asked(state: State): Query<"/conversions"> {
  return {
    conversion_type: known(TYPES, state.type),
    platform: known(PLATFORMS, state.platform),
    status: known(STATUSES, state.status),
    origin: known(ORIGINS, state.origin),
    sales_channel: known(CHANNELS, state.channel),
    q: state.q,
    ad_campaign_id: state.campaign,
    source: state.source,
    min_value: amount(state.min) ? state.min : "",
    max_value: amount(state.max) ? state.max : "",
    is_revenue: state.revenue === "yes" ? true : state.revenue === "no" ? false : undefined,
    goal_id: state.goal,
    order_id: state.order_id,
    person_id: state.person_id,
    visitor_id: state.visitor_id,
    session_id: state.session_id,
    lead_id: state.lead_id,
  }
}

export function Filters({ state, set }: { state: State; set: Set }) {
  const { currency } = useStore()
  const used = MORE.filter((key) => state[key] !== "").length
  const open = state.more || used > 0
  return (
    <>
      <SearchBox label="Search conversions" value={state.q} onChange={(q, how) => set({ q }, how)} />
      <FilterSelect label="Type" value={state.type} options={options(TYPES)} onChange={(type) => set({ type })} />
      <FilterSelect label="Platform" value={state.platform} options={options(PLATFORMS)} onChange={(platform) => set({ platform })} />
      <FilterSelect label="Status" value={state.status} options={options(STATUSES)} onChange={(status) => set({ status })} />
      <Button aria-expanded={open} onClick={() => (open ? set({ more: false, ...Object.fromEntries(MORE.map((key) => [key, ""])) }) : set({ more: true }))}>
        <ListFilter className="size-4 text-muted" aria-hidden="true" />{open ? "Fewer filters" : "More filters"}
      </Button>
      {isFiltered(state) ? <ClearFilters onClear={() => clear(set)} /> : null}
      {open ? (
        <div className="col-span-2 grid basis-full grid-cols-2 gap-2 sm:flex sm:flex-wrap">
          <FilterSelect label="Origin" value={state.origin} options={options(ORIGINS)} onChange={(origin) => set({ origin })} />
          <FilterSelect label="Sales channel" value={state.channel} options={options(CHANNELS)} onChange={(channel) => set({ channel })} />
          <FilterSelect label="Revenue" value={state.revenue} options={[{ value: "yes", label: "Revenue only" }, { value: "no", label: "No revenue" }]} onChange={(revenue) => set({ revenue })} />
          <CampaignField label="Campaign" value={state.campaign} onChange={(campaign) => set({ campaign })} className="sm:w-48" />
          <FilterText label="Source" value={state.source} onChange={(source, how) => set({ source }, how)} />
          <GoalFilter value={state.goal} onChange={(goal) => set({ goal })} />
          <FilterText label={`From ${currency}`} value={state.min} valid={amount} inputMode="decimal" onChange={(min, how) => set({ min }, how)} />
          <FilterText label={`To ${currency}`} value={state.max} valid={amount} inputMode="decimal" onChange={(max, how) => set({ max }, how)} />
        </div>
      ) : null}
      {GIVEN.filter(([key]) => state[key] !== "").map(([key, label]) => (
        <Button key={key} small onClick={() => set({ [key]: "" })} aria-label={`Take the filter away: ${label} ${state[key]}`}>
          {label} <span className="max-w-40 truncate font-mono text-xs">{state[key]}</span><X className="size-3.5" aria-hidden="true" />
        </Button>
      ))}
    </>
  )
}

function GoalFilter({ value, onChange }: { value: string; onChange: (goal: string) => void }) {
  const { data } = useApi("/goals", { query: { limit: 200, order: "name" } })
  return <FilterSelect label="Goal" value={value} options={(data?.goals ?? []).map((goal) => ({ value: goal.id, label: goal.name }))} onChange={onChange} />
}

/** One campaign of the store, found by its name. */
export function CampaignField({ id, label, value, onChange, className }: { id?: string; label: string; value: string; onChange: (id: string) => void; className?: string }) {
  const [typed, setTyped] = useState("")
  const { data } = useApi("/ad-campaigns", { query: { q: typed, limit: 50, show: "all", order: "name" } as never, keep: true })
  const found = (data as unknown as { ad_campaigns: NamedCampaign[] } | undefined)?.ad_campaigns ?? []
  return (
    <Combobox
      id={id} label={label} placeholder={label} value={value} onChange={onChange} onSearch={setTyped} className={className}
      options={found.filter((each) => each.ad_campaign_id).map((each) => ({ value: each.ad_campaign_id!, label: each.name ?? each.ad_campaign_id! }))}
    />
  )
}
