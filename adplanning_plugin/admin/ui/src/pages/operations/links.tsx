// Linked data: how each entity is provided, what each column that is not linked switches off, and what to write to link it.
import { useMemo } from "react"
import { useApi } from "@/api/query"
import { words } from "@/format/format"
import { useFormat } from "@/shell/session"
import { choice, useUrlState } from "@/state/url"
import { Badge } from "@/ui/badge"
import { CopyText } from "@/ui/copy"
import { Select } from "@/ui/controls"
import { Card } from "@/ui/page"
import { Async, Empty, Skeleton } from "@/ui/states"
import { Explain } from "@/ui/tooltip"
import type { LinkedEntity } from "./answers"

const SCHEMA = { show: choice(["all", "lacking", "absent"]) }
const STATES = {
  linked: ["green", "Linked", "Read from the store's own tables."],
  owned: ["blue", "Kept here", "The store has no such table, so the plugin keeps these rows itself; they can be imported."],
  absent: ["grey", "Not there", "Neither the store nor the plugin has such rows: what needs them is switched off."],
} as const
const lacks = (each: LinkedEntity) => each.missing.length > 0 || each.warnings.length > 0 || each.state === "absent"

export function LinksSummary() {
  const format = useFormat()
  const [state, set] = useUrlState(SCHEMA)
  const query = useApi("/links", { staleTime: 300_000 })
  const shown = useMemo(() => {
    const all = query.data?.links ?? []
    const wanted = state.show === "lacking" ? all.filter(lacks) : state.show === "absent" ? all.filter((each) => each.state !== "linked") : all
    return [...wanted].sort((a, b) => Number(lacks(b)) - Number(lacks(a)))
  }, [query.data, state.show])
  const missing = query.data?.links.reduce((sum, each) => sum + each.missing.length, 0) ?? 0
  return (
    <Card
      title="Linked data"
      description={query.data ? `${format.number(query.data.links.filter((each) => each.state === "linked").length)} of ${format.number(query.data.links.length)} kinds of data are read from the store's own tables. ${missing === 0 ? "No column is missing." : `${format.number(missing)} optional ${missing === 1 ? "column is" : "columns are"} not linked.`}` : "Where each kind of data comes from."}
      actions={
        <Select
          aria-label="Show"
          value={state.show}
          onChange={(event) => set({ show: event.target.value as "all" })}
          options={[{ value: "all", label: "All" }, { value: "lacking", label: "With something missing" }, { value: "absent", label: "Not of the store" }]}
          className="w-52"
        />
      }
    >
      <Async query={query} skeleton={<Skeleton className="h-[40rem] w-full" />}>
        {() => (shown.length === 0 ? <Empty title="Nothing is missing">Every column that a feature asks for is linked.</Empty> : <ul>{shown.map((each) => <Entity key={each.entity} of={each} />)}</ul>)}
      </Async>
    </Card>
  )
}

function Entity({ of }: { of: LinkedEntity }) {
  const [colour, word, means] = STATES[of.state]
  const written = Object.entries(of.writeback)
  return (
    <li className="border-b border-line py-3 last:border-0">
      <div className="flex flex-wrap items-center gap-x-3 gap-y-1">
        <h3 className="text-sm font-medium">{words(of.entity)}</h3>
        <Badge colour={colour}>{word}</Badge><Explain what={`${word}: ${words(of.entity)}`}>{means}</Explain>
        {of.source ? <code className="min-w-0 font-mono text-xs break-words text-muted">{of.source}</code> : null}
      </div>
      {of.warnings.map((warning) => <p key={warning} className="mt-1 text-sm text-warn">{warning}</p>)}
      {of.missing.map(({ column, effect }) => <Missing key={column} entity={of.entity} state={of.state} column={column} effect={effect} />)}
      <details className="mt-1.5 text-sm">
        <summary className="w-fit cursor-pointer text-muted">{of.columns.length} columns{written.length > 0 ? `, ${written.length} written back` : ""}</summary>
        <p className="mt-1 font-mono text-xs leading-5 break-words text-muted">{of.columns.join(", ") || "None"}</p>
        {written.length > 0 ? (
          <ul className="mt-1 text-xs text-muted">
            {written.map(([column, where]) => <li key={column}><code className="font-mono">{column}</code> is written to <code className="font-mono">{where}</code></li>)}
          </ul>
        ) : null}
      </details>
    </li>
  )
}

/** The sentence begins with the column's own name, which stands beside it already. */
function Missing({ entity, state, column, effect }: { entity: string; state: LinkedEntity["state"]; column: string; effect: string }) {
  const said = effect.replace(`${entity}.${column} is not linked: `, "")
  return (
    <div className="mt-2 rounded-md border border-orange-line bg-orange-bg px-3 py-2 text-sm text-orange-fg">
      <p><span className="font-medium">{words(column)}</span> is not linked: {said}</p>
      <details className="mt-1">
        <summary className="w-fit cursor-pointer underline underline-offset-2">How to fix it</summary>
        <p className="mt-1">
          {state === "linked"
            ? <>Where the store has it, add the column to the link of {words(entity).toLowerCase()} in the store's list of links, then restart:</>
            : <>Link {words(entity).toLowerCase()} to the store's own table with this column in the store's list of links, then restart; or import rows that have it:</>}
        </p>
        <div className="mt-1.5 text-fg"><CopyText text={`Link(entity="${entity}", …, columns={…, "${column}": your_table.c.${column}})`} what={`the line for ${column}`} /></div>
      </details>
    </div>
  )
}
