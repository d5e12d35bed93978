// What a platform claims beside what this store counts, and the difference divided into causes that sum to it.
import { Download } from "lucide-react"
import { useState } from "react"
import { downloadCsv } from "@/api/csv"
import { isProblem } from "@/api/problem"
import { useApi } from "@/api/query"
import { type Step, Waterfall } from "@/charts/bars"
import type { Formats } from "@/format/format"
import { useFormat } from "@/shell/session"
import { useUrlState } from "@/state/url"
import { Badge } from "@/ui/badge"
import { Button, TextLink } from "@/ui/button"
import { Select } from "@/ui/controls"
import { Drawer } from "@/ui/dialog"
import { Async, Empty, Skeleton } from "@/ui/states"
import { PlainTable } from "@/ui/table"
import { Tabs } from "@/ui/tabs"
import { toast } from "@/ui/toast"
import type { Discrepancy, Part } from "./answers"
import { useCarried, useCredit, windowLabel } from "./credit"
import { answer, signed } from "./explained"
import { RATES_PAGE } from "./rests"
import { CLOSED, platformName, WHY, WhyButton } from "./why"

interface Props {
  query: { from_date: string; to_date: string; model?: string; window?: string }
}

type Measure = "conversions" | "value"

export default function Why({ query: { from_date, to_date, model, window } }: Props) {
  const format = useFormat()
  const [state, set] = useUrlState(WHY)
  const credit = useCredit()
  const [kind, key = ""] = state.why.split(/:(.*)/s)
  const asked = {
    from_date, to_date, model, window, platform_window: state.why_window,
    ...(kind === "campaign" ? { by: "campaign" as const, ad_campaign_id: key } : { by: "platform" as const, platform: kind === "platform" ? key : "" }),
  }
  const query = useApi("/discrepancies", { query: asked, keep: true })
  const line = query.data === undefined ? undefined : kind === "all" ? query.data.total : query.data.discrepancies[0]
  const who = kind === "all" ? "the platforms" : platformName(kind === "platform" ? key : line?.platform)
  const days = `${format.date(from_date)} – ${format.date(to_date)}, ${format.zone}`
  return (
    <Drawer
      open
      onOpenChange={(open) => open || set(CLOSED)}
      title={`Why ${kind === "all" ? "do" : "does"} ${who} say something else?`}
      description={kind === "campaign" && line ? `${line.name} · ${days}` : days}
    >
      <Async query={query} skeleton={<Waiting />}>
        {({ discrepancies, basis }) =>
          line === undefined || (kind === "all" && discrepancies.length === 0) ? (
            <Empty title="There is nothing to compare in these days">Neither a claim of {who} nor an order of its campaigns lies in them. Choose a longer period on the page.</Empty>
          ) : (
            <div className="flex flex-col gap-5">
              <Sides line={line} who={who} />
              <p className="text-sm">{answer(line, state.why_in, writer(format, line, state.why_in))}</p>
              <Gaps line={line} />
              <label className="flex flex-wrap items-center gap-x-2 gap-y-1 text-sm">
                {who.charAt(0).toUpperCase() + who.slice(1)} {kind === "all" ? "claim" : "claims"} an order within
                <Select
                  className="w-44"
                  aria-label="Window of the platform"
                  value={state.why_window}
                  onChange={(event) => set({ why_window: event.target.value }, { replace: true })}
                  options={[{ value: "", label: "its usual window" }, ...credit.rules.windows.map((each) => ({ value: each.window, label: windowLabel(each.days) }))]}
                />
                after a click
              </label>
              <Tabs
                label="Measure"
                value={state.why_in}
                onChange={(measure) => set({ why_in: measure as Measure }, { replace: true })}
                tabs={(["conversions", "value"] as const).map((measure) => ({
                  key: measure,
                  label: measure === "conversions" ? "Conversions" : "Value",
                  content: <Causes line={line} measure={measure} who={who} />,
                }))}
              />
              {kind === "all" ? <Platforms of={discrepancies} /> : null}
              <div className="flex flex-wrap items-center justify-between gap-2 border-t border-line pt-3 text-xs text-muted">
                <span className="max-w-sm">
                  Counted here: orders of {kind === "campaign" ? "this campaign" : "the platform's campaigns"}, by {credit.named(basis.model).toLowerCase()}, visits within {windowLabel(basis.window_days)}, on the day of the order.
                </span>
                <Export query={asked} />
              </div>
            </div>
          )
        }
      </Async>
    </Drawer>
  )
}

/** The two figures, side by side, and what lies between them. */
function Sides({ line, who }: { line: Discrepancy; who: string }) {
  const format = useFormat()
  const sides = [
    { title: line.platform ? `${who} claims` : "The platforms claim", side: line.claimed, sign: false },
    { title: "This store counts", side: line.ours, sign: false },
    { title: "Difference", side: line.difference, sign: true },
  ]
  return (
    <dl className="grid grid-cols-3 gap-2 sm:gap-3">
      {sides.map(({ title, side, sign }) => (
        <div key={title} className="min-w-0 rounded-lg bg-hover px-2 py-2 sm:px-3">
          <dt className="text-xs text-muted">{title}</dt>
          <dd className="figure text-lg font-semibold">{signed(side.conversions, sign, format.number)}</dd>
          <dd className="text-xs break-words text-muted">{signed(side.value, sign, (value) => format.money(value, line.currency))}</dd>
        </div>
      ))}
    </dl>
  )
}

function Gaps({ line }: { line: Discrepancy }) {
  const said = [...line.missing, ...line.notes]
  if (said.length === 0) return null
  const isRate = line.missing.some((sentence) => sentence.includes("exchange rates"))
  return (
    <div role="status" className="rounded-md border border-orange-line bg-orange-bg px-3 py-2 text-sm text-orange-fg">
      {line.missing.length > 0 ? <p className="font-medium">Not all of it can be compared</p> : null}
      {said.map((sentence) => <p key={sentence}>{sentence}</p>)}
      {line.missing.length > 0 ? (
        <p className="flex flex-wrap gap-x-3">
          {isRate ? <TextLink within {...RATES_PAGE}>Add exchange rates</TextLink> : null}
          {line.claimed.conversions === null ? <><TextLink within to="/settings/links">Linked data</TextLink><TextLink within to="/settings" search={{ tab: "spend" }}>Ad spend</TextLink></> : null}
        </p>
      ) : null}
    </div>
  )
}

function Causes({ line, measure, who }: { line: Discrepancy; measure: Measure; who: string }) {
  const format = useFormat()
  const carried = useCarried()
  const write = writer(format, line, measure)
  const number = (value: number | string | null) => (value === null ? null : Number(value))
  const badge = (part: Part) => <Badge colour={part.state === "computed" ? "grey" : "orange"}>{part.state !== "computed" ? "Not known" : part.cause === "not_explained" ? "The rest" : "Computed"}</Badge>
  const action = (part: Part) => part.up_to ? (
    <p className="text-xs text-muted">
      At most {format.number(part.up_to.conversions)} orders, {format.money(part.up_to.value, line.currency)}. <TextLink within to="/coverage" search={carried}>See these orders</TextLink>
    </p>
  ) : null
  const steps: Step[] = [
    { key: "ours", label: "This store counts", value: number(line.ours[measure]), total: true },
    ...line.parts.map((part) => ({ key: part.cause, label: part.title, meaning: part.sentence, value: number(part[measure]), badge: badge(part), action: action(part) })),
    { key: "claimed", label: line.platform ? `${who} claims` : "The platforms claim", value: number(line.claimed[measure]), total: true },
  ]
  return (
    <Waterfall
      label={`the difference in ${measure === "value" ? "value" : "conversions"}`}
      summary={line.difference[measure] === null ? "The difference is not known, because one of the two figures is not." : `The parts sum to the difference of ${signed(line.difference[measure], true, write)} exactly.`}
      measure={measure === "value" ? "Value" : "Conversions"}
      format={(value, step) => signed(value, !step.total, write)}
      steps={steps}
    />
  )
}

const writer = (format: Formats, line: Discrepancy, measure: Measure) => (value: number | string | null) =>
  measure === "value" ? format.money(value, line.currency) : format.number(value)

function Platforms({ of }: { of: Discrepancy[] }) {
  const format = useFormat()
  return (
    <section aria-labelledby="why-platforms">
      <h3 id="why-platforms" className="mb-1 text-base">By platform</h3>
      <PlainTable
        caption="Claims by platform"
        head={[{ title: "Platform" }, { title: "Claims", right: true }, { title: "Counted here", right: true }, { title: "Causes" }]}
        rows={of.map((line) => [
          platformName(line.platform),
          format.number(line.claimed.conversions),
          format.number(line.ours.conversions),
          <WhyButton key="why" of={`platform:${line.platform ?? ""}`} platform={line.platform} />,
        ])}
      />
    </section>
  )
}

function Export({ query }: { query: object }) {
  const [busy, setBusy] = useState(false)
  const run = async () => {
    setBusy(true)
    try {
      await downloadCsv("/discrepancies", query, "discrepancies")
    } catch (error) {
      toast(isProblem(error) ? error.message : "The file could not be made.", { tone: "error" })
    } finally {
      setBusy(false)
    }
  }
  return <Button small busy={busy} onClick={() => void run()}><Download className="size-3.5 text-muted" aria-hidden="true" />Export CSV</Button>
}

const Waiting = () => (
  <div className="flex flex-col gap-3">
    <Skeleton className="h-20 w-full rounded-lg" />
    <Skeleton className="h-8 w-72" />
    {Array.from({ length: 11 }, (_, index) => <Skeleton key={index} className="h-16 w-full" />)}
  </div>
)
