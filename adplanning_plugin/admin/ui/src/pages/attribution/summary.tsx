// What brought the conversions, by campaign, channel, source, medium or platform; each line leads to the visits behind it.
import { useState } from "react"
import { useApi } from "@/api/query"
import { BarChart } from "@/charts/bars"
import { type Credit, useCarried } from "@/insight/credit"
import { Explains, figure, report } from "@/insight/explain"
import { useFormat, useStore } from "@/shell/session"
import type { Period } from "@/state/period"
import { choice, useUrlState } from "@/state/url"
import { Roas } from "@/ui/badge"
import { Button, ButtonLink, TextLink } from "@/ui/button"
import { Select } from "@/ui/controls"
import { Kpi, KpiGrid, KpiSkeleton } from "@/ui/kpi"
import { Card } from "@/ui/page"
import { Async, Empty, Skeleton } from "@/ui/states"
import { CsvButton, PlainTable } from "@/ui/table"
import { Explain } from "@/ui/tooltip"
import type { StatsLine } from "./answers"
import { useSpend } from "./spend"
import { BY, BY_OPTIONS, type By, COUNTED, lineName, touchesOf, UNEARNED } from "./words"

const SCHEMA = { by: choice(BY), count: choice(["purchase", "lead_form_submission", "add_to_cart", "begin_checkout", "all"]) }
const FIRST = 25
const CHARTED = 8

export interface ViewProps {
  period: Period
  credit: Credit
  /** The model that is shown, named. */
  model: string
}

/** What orders are worth is called revenue, as on every page. */
const valued = (type: string | undefined) => (type === "purchase" ? "Revenue" : "Value")

/** What is counted, and by what. */
export function useGroups() {
  const [state, set] = useUrlState(SCHEMA)
  const counted = COUNTED.find((each) => each.value === state.count) ?? COUNTED[0]
  const controls = (
    <>
      <Select aria-label="Group" value={state.by} options={BY_OPTIONS} onChange={(event) => set({ by: event.target.value as By })} className="w-36" />
      <Select aria-label="What counts" value={state.count} options={COUNTED} onChange={(event) => set({ count: event.target.value as "all" })} className="w-40" />
    </>
  )
  return { by: state.by, conversion_type: state.count === "all" ? undefined : state.count, counted: counted.label.toLowerCase(), money: state.count === "purchase" || state.count === "all", controls }
}

export function Summary({ period, credit, model }: ViewProps) {
  const format = useFormat()
  const { currency } = useStore()
  const groups = useGroups()
  const asked = { ...period.query, model: credit.query.model, window: credit.query.window, conversion_type: groups.conversion_type, group_by: groups.by }
  const query = useApi("/attribution/stats", { query: asked, keep: true })
  const spend = useSpend(period, credit, groups.by === "campaign" && groups.money)
  const unmatched = useApi("/attribution", { query: { ...period.query, resolution_method: "unresolved", limit: 1 }, keep: true })
  return (
    <Async query={query} skeleton={<><KpiSkeleton count={5} /><Skeleton className="mt-4 h-[40rem] w-full rounded-lg" /></>}>
      {({ stats, total }) => {
        const mine = total.by_currency[currency]
        const others = Object.entries(total.by_currency).filter(([code]) => code !== currency)
        return (
          <div className="flex flex-col gap-4">
            <KpiGrid>
              <Kpi title={groups.counted.charAt(0).toUpperCase() + groups.counted.slice(1)} value={<Explains of={figure({ by: groups.by, type: groups.conversion_type ?? "" })} about={`All ${groups.counted}`}>{format.number(total.conversions, 0)}</Explains>} explain={`All ${groups.counted} of the period, by their own date. Each is shared out among the visits before it.`} />
              <Kpi title={valued(groups.conversion_type)} value={<Explains of={figure({ by: groups.by, type: groups.conversion_type ?? "", currency })} about="Value">{format.money(mine?.net ?? "0")}</Explains>} explain="What the conversions are worth, less what was refunded. Only orders and goals with a value have one." foot={others.length > 0 ? `and ${others.map(([code, each]) => format.money(each.net, code)).join(", ")}` : undefined} />
              <Kpi title="Refunded" value={<Explains of={figure({ by: groups.by, type: groups.conversion_type ?? "", currency })} about="Refunded">{format.money(mine?.refunded ?? "0")}</Explains>} explain="Taken off each visit's share in the same proportion as it was given." />
              <Kpi title="Without a visit" value={<Explains of={figure({ by: groups.by, kind: "unattributed", type: groups.conversion_type ?? "" })} about={`${groups.counted} without a visit`}>{format.percent(total.unattributed_share)}</Explains>} better="down" explain={`The share of ${groups.counted} that no visit within the window can be credited for: nobody was seen before it, or consent was refused.`} to="/coverage" />
              <Kpi
                title="Visits without a match" value={format.number(unmatched.data?.count ?? null)} better="down" to="/attribution" search={{ view: "touches", method: "unresolved" }}
                explain="Visits of the period whose tags name a campaign that is not known. Match them anew after campaigns were added, or assign them by hand."
              />
            </KpiGrid>
            <Card
              title={`What brought the ${groups.counted}`}
              description={`${credit.named(model)}, ${format.date(period.from)} – ${format.date(period.to)}, by the date of the conversion in ${format.zone}`}
              actions={<>{groups.controls}<CsvButton name={`attribution by ${groups.by}`} csv={{ path: "/attribution/stats", query: asked }} /></>}
            >
              {stats.length === 0 ? (
                <Empty title={`No ${groups.counted} in this period`} action={<ButtonLink to="/coverage">See which orders are known</ButtonLink>}>
                  Choose a longer period, or count something else.
                </Empty>
              ) : (
                <Lines stats={stats} by={groups.by} type={groups.conversion_type ?? ""} money={groups.money} counted={groups.counted} spend={spend} />
              )}
            </Card>
          </div>
        )
      }}
    </Async>
  )
}

function Lines({ stats, by, type, money, counted, spend }: { stats: StatsLine[]; by: By; type: string; money: boolean; counted: string; spend: ReturnType<typeof useSpend> }) {
  const format = useFormat()
  const carried = useCarried()
  const of = (line: StatsLine) => figure({ by, kind: line.kind, currency: line.currency, type, key: line.kind === "touch" ? line.key : "" })
  const [all, setAll] = useState(false)
  const store = useStore()
  const currency = stats.some((line) => line.currency === store.currency) ? store.currency : stats[0]!.currency
  const amount = (line: StatsLine) => (money ? Number(line.net) : line.conversions)
  const write = (value: number) => (money ? format.money(value, currency) : format.number(value, 1))
  const sorted = [...stats].sort((a, b) => Number(b.currency === currency) - Number(a.currency === currency) || amount(b) - amount(a))
  const charted = sorted.filter((line) => line.currency === currency && line.kind === "touch").slice(0, CHARTED)
  const whole = new Map<string, number>()
  for (const line of stats) whole.set(line.currency, (whole.get(line.currency) ?? 0) + amount(line))
  const best = charted[0]
  const spends = by === "campaign" && money
  const shown = all ? sorted : sorted.slice(0, FIRST)
  return (
    <div className="flex flex-col gap-5">
      {charted.length > 1 && best ? (
        <BarChart
          label={`${counted} by ${by}`}
          measure={money ? valued(type) : "Credit"}
          format={write}
          summary={`${lineName(best, by)} brought the most: ${write(amount(best))}, ${format.percent(amount(best) / (whole.get(currency) || 1))} of everything.`}
          bars={charted.map((line) => ({ key: line.key ?? "none", label: lineName(line, by), value: amount(line), note: money ? `${format.number(line.conversions, 1)} ${counted}` : "", colour: "var(--chart-1)", open: (written) => <Explains quiet of={of(line)} about={lineName(line, by)}>{written}</Explains> }))}
        />
      ) : null}
      <PlainTable
        caption={`${counted} by ${by}`}
        head={[
          { title: by.charAt(0).toUpperCase() + by.slice(1) }, { title: "Credit", right: true }, ...(money ? [{ title: valued(type), right: true }] : []), { title: "Share", right: true },
          ...(spends ? [{ title: "Ad spend", right: true }, { title: "ROAS", right: true }] : []), { title: "Visits", right: true },
        ]}
        rows={shown.map((line) => {
          const touches = touchesOf(line, by)
          const name = lineName(line, by)
          const cost = spend.get(line.key ?? "")
          return [
            <span key="name" className="inline-flex flex-wrap items-center gap-x-2">
              {by === "campaign" && line.key && line.name && line.name !== line.key ? <TextLink to={`/campaigns/${line.key}`} search={carried}>{name}</TextLink> : <span>{name}</span>}
              {UNEARNED[line.kind] ? <Explain what={name}>{UNEARNED[line.kind]?.[1]} <TextLink to="/coverage" search={carried}>See which orders, and why</TextLink></Explain> : null}
            </span>,
            <Explains key="credit" of={of(line)} about={`Credit of ${name}`}>{format.number(line.conversions, 1)}</Explains>,
            ...(money ? [<Explains key="value" of={of(line)} about={`Value of ${name}`}>{format.money(line.net, line.currency)}</Explains>] : []),
            <Explains key="share" quiet of={of(line)} about={`Share of ${name}`}>{format.percent(amount(line) / (whole.get(line.currency) || 1))}</Explains>,
            ...(spends ? [cost ? format.money(cost.spend) : "–", <Explains key="roas" quiet of={cost && cost.spend > 0 ? report({ kind: "touch", ids: [line.key], measure: "roas" }) : null} about={`ROAS of ${name}`}><Roas value={cost && cost.spend > 0 ? cost.roas : null} /></Explains>] : []),
            touches && line.touches > 0 ? <TextLink key="touches" to="/attribution" search={{ ...carried, view: "touches", converted: "true", ...touches }}>{format.number(line.touches)}<span className="sr-only"> visits of {name}</span></TextLink> : format.number(line.touches),
          ]
        })}
      />
      {stats.length > FIRST ? <div><Button small onClick={() => setAll(!all)}>{all ? `Show the first ${FIRST}` : `Show all ${format.number(stats.length)}`}</Button></div> : null}
      {spends ? (
        <p className="text-xs text-muted">
          Ad spend is that of the campaign on the days of the period, converted to {currency} at each day's rate. ROAS is as in{" "}
          <TextLink to="/roi" search={carried}>ROI</TextLink>: green where more came back than was spent.
        </p>
      ) : null}
    </div>
  )
}
