// Every model side by side over the same conversions: where they agree, and which campaign's figure depends on the model.
import { useMemo, useState } from "react"
import { useApi } from "@/api/query"
import { useCarried } from "@/insight/credit"
import { Explains, figure } from "@/insight/explain"
import { useFormat } from "@/shell/session"
import { choice, useUrlState } from "@/state/url"
import { Badge, Roas } from "@/ui/badge"
import { Button, TextLink } from "@/ui/button"
import { Select } from "@/ui/controls"
import { Card } from "@/ui/page"
import { Async, Empty, Skeleton } from "@/ui/states"
import { CsvButton, PlainTable } from "@/ui/table"
import { Explain } from "@/ui/tooltip"
import type { ComparedLine } from "./answers"
import { type Compared, compare } from "./compare"
import { useSpend } from "./spend"
import { useGroups, type ViewProps } from "./summary"
import { lineName } from "./words"

const SCHEMA = { measure: choice(["value", "credit", "roas"]) }
const FIRST = 15

export function Models({ period, credit, model }: ViewProps) {
  const format = useFormat()
  const groups = useGroups()
  const carried = useCarried()
  const [state, set] = useUrlState(SCHEMA)
  const asked = { ...period.query, window: credit.query.window, conversion_type: groups.conversion_type, group_by: groups.by }
  const query = useApi("/attribution/comparison", { query: asked, keep: true })
  const pays = groups.by === "campaign" && groups.money
  const measure = !groups.money || (state.measure === "roas" && !pays) ? (groups.money ? "value" : "credit") : state.measure
  const spend = useSpend(period, credit, pays)
  return (
    <div className="flex flex-col gap-4">
      <Card
        title="The same conversions under every model"
        description={`${format.date(period.from)} – ${format.date(period.to)}. Each column shares out the same total; a small figure says how far it is from ${credit.named(model).toLowerCase()}.`}
        actions={
          <>
            {groups.controls}
            {groups.money ? <Select aria-label="Figure" options={[{ value: "value", label: "Value" }, { value: "credit", label: "Number" }, ...(pays ? [{ value: "roas", label: "ROAS" }] : [])]} value={measure} onChange={(event) => set({ measure: event.target.value as "value" })} className="w-28" /> : null}
            <CsvButton name={`models by ${groups.by}`} csv={{ path: "/attribution/comparison", query: asked }} />
          </>
        }
      >
        <Async query={query} skeleton={<Skeleton className="h-[36rem] w-full" />}>
          {({ comparison, models }) =>
            comparison.length === 0 ? <Empty title={`No ${groups.counted} in this period`}>Choose a longer period, or count something else.</Empty> : (
              <Table lines={comparison} models={models} chosen={model} measure={measure} spend={spend} by={groups.by} type={groups.conversion_type ?? ""} named={credit.named} />
            )
          }
        </Async>
      </Card>
      <Card title="What each model says">
        <dl className="grid gap-x-8 gap-y-3 text-sm sm:grid-cols-2">
          {credit.rules.models.map((each) => (
            <div key={each.model}>
              <dt className="flex items-center gap-2 font-medium">{each.label}{each.is_default ? <Badge colour="green">The store's</Badge> : null}</dt>
              <dd className="text-muted">{credit.means(each.model) || "A model of another plugin."} {GOOD_FOR[each.model] ?? ""}</dd>
            </div>
          ))}
        </dl>
        <p className="mt-4 text-sm text-muted">None of them is the truth: a campaign that looks good under all of them is a safer bet than one that only its favourite model likes. <TextLink to="/settings" search={{ tab: "attribution" }}>Choose the store's model</TextLink> · <TextLink to="/attribution/models" search={carried}>Where the models disagree</TextLink></p>
      </Card>
    </div>
  )
}

const GOOD_FOR: Record<string, string> = {
  last_click: "Shows what closes a sale; direct visits take much of it.",
  first_click: "Shows what makes people find the store.",
  linear: "Fair where many visits lead to an order.",
  time_decay: "For short decisions, where the last days matter most.",
  position_based: "For finding and closing alike.",
  last_non_direct: "What most analytics tools show.",
  data_driven: "Shows which channels converting journeys need; its fit is under Models compared.",
}

interface TableProps {
  lines: ComparedLine[]
  models: string[]
  chosen: string
  measure: "value" | "credit" | "roas"
  spend: Map<string, { spend: number; roas: number | null }>
  by: ReturnType<typeof useGroups>["by"]
  type: string
  named: (model: string) => string
}

function Table({ lines, models, chosen, measure, spend, by, type, named }: TableProps) {
  const format = useFormat()
  const carried = useCarried()
  const [all, setAll] = useState(false)
  const rows = useMemo(() => {
    const cost = (line: ComparedLine) => spend.get(line.key ?? "")?.spend ?? 0
    return compare(measure === "roas" ? lines.filter((line) => cost(line) > 0) : lines, models, chosen, (one, line) =>
      measure === "credit" ? one.conversions : measure === "roas" ? Number(one.net) / cost(line) : Number(one.net))
  }, [lines, models, chosen, measure, spend])
  const write = (value: number, currency: string) => (measure === "value" ? format.money(value, currency) : measure === "roas" ? format.times(value) : format.number(value, 1))
  if (rows.length === 0) return <Empty title="No campaign of these cost anything">Choose a longer period, or compare the value.</Empty>
  const most = rows.filter((row) => row.line.kind === "touch" && row.weighty && row.spread !== null).sort((a, b) => (b.spread ?? 0) - (a.spread ?? 0))[0]
  const shown = all ? rows : rows.slice(0, FIRST)
  return (
    <div className="flex flex-col gap-3">
      {most && (most.spread ?? 0) > 0.1 ? (
        <p className="text-sm">
          <span className="font-medium">{lineName(most.line, by)}</span> depends most on the model: {write(most.low.value, most.line.currency)} by {named(most.low.model).toLowerCase()}, {write(most.high.value, most.line.currency)} by {named(most.high.model).toLowerCase()}.
        </p>
      ) : <p className="text-sm">All models tell much the same story here: whichever is chosen, the conclusions hold.</p>}
      <PlainTable
        caption="Credit by model"
        head={[{ title: by.charAt(0).toUpperCase() + by.slice(1) }, ...models.map((model) => ({ title: named(model), right: true })), { title: "Range" }]}
        rows={shown.map((row) => [
          <span key="name" className="inline-block min-w-36">
            {by === "campaign" && row.line.key && row.line.name !== row.line.key && row.line.kind === "touch" ? <TextLink to={`/campaigns/${row.line.key}`} search={carried}>{lineName(row.line, by)}</TextLink> : lineName(row.line, by)}
          </span>,
          ...row.cells.map((cell) => (
            <span key={cell.model} className={cell.model === chosen ? "font-semibold" : undefined}>
              <Explains of={figure({ by, kind: row.line.kind, currency: row.line.currency, type, model: cell.model, key: row.line.kind === "touch" ? row.line.key : "" })} about={`${lineName(row.line, by)} by ${named(cell.model)}`}>
                {measure === "roas" ? <Roas value={cell.value} /> : write(cell.value, row.line.currency)}
              </Explains>
              {cell.model === chosen || cell.apart === null || Math.abs(cell.apart) < 0.005 ? null : <span className="block text-xs text-muted">{format.change(cell.apart)}</span>}
            </span>
          )),
          <Range key="range" row={row} write={write} named={named} />,
        ])}
      />
      {rows.length > FIRST ? <div><Button small onClick={() => setAll(!all)}>{all ? `Show the first ${FIRST}` : `Show all ${format.number(rows.length)}`}</Button></div> : null}
    </div>
  )
}

/** From the least to the most that any model gives, on the scale of the largest line; the chosen model is the mark. */
function Range({ row, write, named }: { row: Compared; write: (value: number, currency: string) => string; named: (model: string) => string }) {
  const format = useFormat()
  return (
    <span className="inline-flex items-center gap-1.5">
      <svg width="90" height="12" aria-hidden="true" className="block shrink-0">
        <rect width="90" height="2" y="5" rx="1" fill="var(--hover)" />
        <rect className="chart-mark" x={row.from * 86} width={Math.max(4, (row.to - row.from) * 86)} height="8" y="2" rx="3" fill="var(--chart-1)" opacity="0.45" />
        <rect className="chart-mark" x={row.at * 86} width="3" height="12" rx="1" fill="var(--fg)" />
      </svg>
      <Explain what={`the range of ${row.line.name ?? "this line"}`}>
        From {write(row.low.value, row.line.currency)} ({named(row.low.model).toLowerCase()}) to {write(row.high.value, row.line.currency)} ({named(row.high.model).toLowerCase()}).
        {row.spread !== null && row.spread > 0.3 ? ` The models differ by ${format.percent(row.spread, 0)} of the larger: be careful with conclusions.` : ""}
      </Explain>
    </span>
  )
}
