// The models side by side, and where they disagree: places, returns, and the decision that each would lead to.
import { useState } from "react"
import { useCarried } from "@/insight/credit"
import { Explains, report } from "@/insight/explain"
import { useFormat } from "@/shell/session"
import { Badge, Roas } from "@/ui/badge"
import { Button, ButtonLink, TextLink } from "@/ui/button"
import { Kpi, KpiGrid } from "@/ui/kpi"
import { Card } from "@/ui/page"
import { Empty } from "@/ui/states"
import { CsvButton, PlainTable } from "@/ui/table"
import { Explain } from "@/ui/tooltip"
import type { Disagreement, ModelLine, Said } from "./answers"
import { Bump } from "./bump"
import { agreement, DECISIONS, eitherOr } from "./words"

const FIRST = 15
const DRAWN = 10

interface Props {
  found: Disagreement
  named: (model: string) => string
  asked: object
}

const of = (line: ModelLine, model: string): Said | undefined => line.models.find((each) => each.model === model)

export function Disagree({ found, named, asked }: Props) {
  const format = useFormat()
  const lines = found.disagreement
  if (lines.length === 0) return <Nothing />
  const changing = lines.filter((line) => line.decision_changes)
  const pairs = found.agreement.filter((pair) => pair.rank_correlation !== null).sort((a, b) => (a.rank_correlation ?? 0) - (b.rank_correlation ?? 0))
  const worst = pairs[0]
  const drawn = lines.filter((line) => line.models.some((each) => each.rank !== null)).slice(0, DRAWN)
  const widest = [...drawn].sort((a, b) => (b.rank_spread ?? 0) - (a.rank_spread ?? 0))[0]
  return (
    <div className="flex flex-col gap-4">
      <KpiGrid>
        <Kpi title="Decisions at odds" value={`${format.number(found.changing)} of ${format.number(found.decided)}`} explain={<p>{found.decision.meaning}</p>} />
        <Kpi title="Spend behind them" value={format.money(found.changing_spend)} explain="What those lines cost in the period. Here the choice of a model decides, not the data: test before you move it." />
        <Kpi title="Decisions agreed" value={format.number(found.decided - found.changing)} explain="Lines for which every model comes to the same decision: here the choice of a model does not matter." />
        <Kpi title="Moves most" value={widest?.rank_spread ? `${format.number(widest.rank_spread)} ${widest.rank_spread === 1 ? "place" : "places"}` : "–"} foot={widest?.rank_spread ? `${widest.name}: from ${widest.best_rank} to ${widest.worst_rank}` : "All stay where they are"} explain="The line whose place by credited revenue differs most from model to model." />
        <Kpi title="Models furthest apart" value={worst ? format.number(worst.rank_correlation, 2, true) : "–"} foot={worst ? `${named(worst.models[0])} and ${named(worst.models[1]).toLowerCase()}: ${agreement(worst.rank_correlation)}` : "Too few lines to compare"} explain="Spearman's rank correlation of the credited revenue: 1 is the same order, 0 no relation, −1 the opposite." />
      </KpiGrid>
      <Card title={`Places under each model`} description={`The ${drawn.length} that cost the most, by credited revenue. A line that crosses others is one whose place depends on the model.`}>
        <Bump
          label="Places under each model"
          group={found.group_by}
          lines={drawn}
          models={found.models.map((model) => ({ model, label: named(model) }))}
          summary={widest && (widest.rank_spread ?? 0) > 0 ? `${widest.name} moves most: from place ${widest.best_rank} to place ${widest.worst_rank}.` : "Every model puts them in the same order."}
        />
      </Card>
      <Card
        title="What each model would have you do"
        description={found.decision.meaning}
        actions={<CsvButton name={`disagreement by ${found.group_by}`} csv={{ path: "/attribution/disagreement", query: asked }} />}
      >
        <p className="mb-3 text-sm">
          {changing.length === 0
            ? "Whichever model is chosen, the decisions are the same."
            : `${changing.length === 1 ? "One decision depends" : `${format.number(changing.length)} decisions depend`} on the model: ${changing.slice(0, 3).map((line) => line.name).join(", ")}${changing.length > 3 ? " and others" : ""}. An experiment can tell; the models cannot.`}
        </p>
        <Lines
          lines={[...lines].sort((a, b) => Number(b.decision_changes) - Number(a.decision_changes))}
          group={found.group_by}
          measure="roas"
          caption="Decisions by model"
          before={[{ title: "Decision", wide: true }, { title: "Spend", right: true }]}
          cells={(line) => [
            line.decisions.length === 0 ? <span key="d" className="text-muted">Nothing spent</span> : <Badge key="d" colour={line.decision_changes ? "orange" : DECISIONS[line.decisions[0]!].colour}>{line.decision_changes ? `Depends: ${eitherOr(line.decisions).toLowerCase()}` : eitherOr(line.decisions)}</Badge>,
            line.spend === null ? "–" : format.money(line.spend, line.currency),
          ]}
          models={found.models}
          named={named}
          cell={(said) => (
            <>
              <Roas value={said.roas} />
              {said.decision ? <span className="ml-1 text-xs text-muted sm:ml-0 sm:block">{DECISIONS[said.decision].label}</span> : null}
            </>
          )}
        />
      </Card>
      <Card title="How much the models agree" description="Rank correlation of the credited revenue, each model against each: 1 is the same order.">
        <PlainTable
          caption="Rank correlation"
          head={[{ title: "Model" }, ...found.models.map((model) => ({ title: named(model), right: true }))]}
          rows={found.models.map((row) => [
            named(row),
            ...found.models.map((model) => {
              const pair = found.agreement.find((each) => each.models.includes(row) && each.models.includes(model))
              return row === model ? <span key={model} className="text-muted">{format.number(1, 2, true)}</span> : <span key={model} className={(pair?.rank_correlation ?? 1) < 0.7 ? "font-medium text-warn" : undefined}>{format.number(pair?.rank_correlation ?? null, 2, true)}<span className="sr-only"> ({agreement(pair?.rank_correlation ?? null)})</span></span>
            }),
          ])}
        />
      </Card>
    </div>
  )
}

export function Compare({ found, named, asked }: Props) {
  const format = useFormat()
  const lines = found.disagreement
  if (lines.length === 0) return <Nothing />
  const most = Math.max(1e-9, ...lines.flatMap((line) => line.models.map((each) => Number(each.revenue ?? 0))))
  return (
    <Card
      title="Credited revenue under every model"
      description="Each column shares out the same revenue, net of refunds. It is credit: what came before the orders, never what the ads added."
      actions={<CsvButton name={`models by ${found.group_by}`} csv={{ path: "/attribution/disagreement", query: asked }} />}
    >
      <Lines
        lines={lines}
        group={found.group_by}
        measure="revenue"
        caption="Credited revenue by model"
        before={[{ title: "Spend", right: true }]}
        cells={(line) => [line.spend === null ? "–" : format.money(line.spend, line.currency)]}
        models={found.models}
        named={named}
        cell={(said, line) => (
          <span className="inline-block min-w-20">
            {said.revenue === null ? "–" : format.moneyShort(said.revenue, line.currency, true)}
            <span className="ml-1.5 text-xs text-muted">{said.rank === null ? "" : `#${said.rank}`}</span>
            <svg width="80" height="5" aria-hidden="true" className="mt-0.5 ml-auto block">
              <rect width="80" height="5" rx="2" fill="var(--hover)" />
              <rect className="chart-mark" width={Math.max(Number(said.revenue ?? 0) > 0 ? 1.5 : 0, (Math.max(0, Number(said.revenue ?? 0)) / most) * 80)} height="5" rx="2" fill={said.model === found.default_model ? "var(--chart-2)" : "var(--chart-1)"} />
            </svg>
          </span>
        )}
      />
      <p className="mt-3 text-xs text-muted">
        Without a visit to credit: {found.unattributed.map((each, index) => (
          <span key={each.model}>
            {index ? ", " : ""}{named(each.model).toLowerCase()}{" "}
            <Explains of={each.revenue === null ? null : report({ kind: "unattributed", model: each.model, measure: "revenue" })} about={`without a visit by ${named(each.model)}`}>{each.revenue === null ? "–" : format.money(each.revenue)}</Explains>
          </span>
        ))}.
        {found.missing_rates.length > 0 ? ` No exchange rate is stated for ${found.missing_rates.join(", ")}: figures that need one are left out.` : ""}
      </p>
    </Card>
  )
}

interface LinesProps {
  lines: ModelLine[]
  group: Disagreement["group_by"]
  measure: "roas" | "revenue"
  caption: string
  before: { title: string; right?: boolean; wide?: boolean }[]
  cells: (line: ModelLine) => React.ReactNode[]
  models: string[]
  named: (model: string) => string
  cell: (said: Said, line: ModelLine) => React.ReactNode
}

function Lines({ lines, group, measure, caption, before, cells, models, named, cell }: LinesProps) {
  const format = useFormat()
  const carried = useCarried()
  const [all, setAll] = useState(false)
  const shown = all ? lines : lines.slice(0, FIRST)
  return (
    <div className="flex flex-col gap-3">
      <PlainTable
        caption={caption}
        head={[{ title: group.charAt(0).toUpperCase() + group.slice(1) }, ...before, ...models.map((model) => ({ title: named(model), right: true }))]}
        rows={shown.map((line) => [
          <span key="name" className="inline-block min-w-36">{group === "campaign" && line.id ? <TextLink to={`/campaigns/${line.id}`} search={carried}>{line.name}</TextLink> : line.name}</span>,
          ...cells(line),
          ...models.map((model) => {
            const said = of(line, model)
            return said ? <Explains key={model} quiet className="text-right" of={report({ by: group, kind: "touch", ids: [line.id], model, measure })} about={`${line.name} by ${named(model)}`}>{cell(said, line)}</Explains> : "–"
          }),
        ])}
      />
      {lines.length > FIRST ? <div><Button small onClick={() => setAll(!all)}>{all ? `Show the first ${FIRST}` : `Show all ${format.number(lines.length)}`}</Button></div> : null}
    </div>
  )
}

const Nothing = () => (
  <Card>
    <Empty title="Nothing to compare in this period" action={<ButtonLink to="/coverage">See which orders are known</ButtonLink>}>
      No campaign was credited with an order or cost anything. Choose a longer period.
    </Empty>
  </Card>
)

export const Credit = () => (
  <Explain what="credit">
    <p className="mb-2">Credit shares each order out among the visits before it, by the rule of a model. It says which visits came before, never what would have happened without them: it is not incremental revenue.</p>
    <p>Where models disagree about a decision, only an experiment that withholds the ads can settle it.</p>
  </Explain>
)
