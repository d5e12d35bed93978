// Credit beside the order ledger: the totals, the days that differ first, and each order that stands apart, with why.
import { useState } from "react"
import { useApi } from "@/api/query"
import { type Credit, windowLabel } from "@/insight/credit"
import { conversion, Explains, report } from "@/insight/explain"
import { useFormat } from "@/shell/session"
import type { Period } from "@/state/period"
import { useTable } from "@/state/table"
import { text, useUrlState } from "@/state/url"
import { Badge } from "@/ui/badge"
import { Button, TextLink } from "@/ui/button"
import { ClearFilters, FilterSelect, SearchBox } from "@/ui/filters"
import { Kpi, KpiGrid, KpiSkeleton } from "@/ui/kpi"
import { Card } from "@/ui/page"
import { Async, Empty, NoMatch, Skeleton } from "@/ui/states"
import { type Column, CsvButton, DataTable, PlainTable } from "@/ui/table"
import type { OrderApart, Reconciled, Total } from "./answers"

export interface ViewProps {
  period: Period
  credit: Credit
}

const FIRST = 31

export function Ledger({ period, credit }: ViewProps) {
  const format = useFormat()
  const asked = { ...period.query, model: credit.query.model, window: credit.query.window }
  const query = useApi("/attribution/reconciliation", { query: asked, keep: true })
  return (
    <div className="flex flex-col gap-4">
      <Async query={query} skeleton={<><KpiSkeleton count={5} /><Skeleton className="mt-4 h-96 w-full rounded-lg" /></>}>
        {({ reconciliation, totals, model, window_days, rule_version }) =>
          totals.length === 0 ? <Card><Empty title="No orders in this period">Paid orders appear here by themselves. Choose a longer period to see earlier ones.</Empty></Card> : (
            <div className="flex flex-col gap-4">
              {totals.map((total) => <Totals key={total.currency} of={total} />)}
              <Card
                title="By day"
                description={`${credit.named(model)}, visits within ${windowLabel(window_days)}, rules version ${rule_version}. Days that differ come first.`}
                actions={<CsvButton name="reconciliation" csv={{ path: "/attribution/reconciliation", query: asked }} />}
              >
                <Days of={reconciliation} several={totals.length > 1} />
              </Card>
            </div>
          )
        }
      </Async>
      <Orders query={asked} zone={format.zoneShort} />
    </div>
  )
}

function Totals({ of }: { of: Total }) {
  const format = useFormat()
  const money = (value: string) => format.money(value, of.currency)
  const given = (back: string) => (Number(back) ? `after ${money(back)} given back` : undefined)
  return (
    <section aria-label={`Total in ${of.currency}`}>
      <p role="status" className={of.reconciles ? "mb-2 text-sm text-good" : "mb-2 text-sm text-warn"}>
        {of.reconciles
          ? `${format.number(of.orders)} orders in ${of.currency}: every one is credited, to the last unit.`
          : `${format.number(of.days_apart)} of ${format.number(of.days)} days in ${of.currency} differ. The orders below say why; most of them settle by themselves within minutes.`}
      </p>
      <KpiGrid>
        <Kpi title="Order ledger" value={money(of.ledger_net)} explain="The store's own orders as they are now: paid, no test, by the revenue basis of the settings, less refunds." foot={given(of.ledger_refunds)} />
        <Kpi title="Attributed" value={<Explains of={report({ kind: "attributed", currency: of.currency })} about="Attributed">{money(of.attributed_net)}</Explains>} explain="What visits are credited for." foot={given(of.attributed_refunds)} />
        <Kpi title="Not attributed" value={<Explains of={report({ kind: "not_attributed", currency: of.currency })} about="Not attributed">{money(of.unattributed_net)}</Explains>} explain={`What no visit is credited for. Of it ${money(of.renewal_net)} are renewals and ${money(of.offline_net)} offline orders.`} foot={given(of.unattributed_refunds)} to="/coverage" />
        <Kpi title="Difference" value={money(of.difference_net)} explain="Ledger less attributed less not attributed: orders that were not read yet, or changed since." />
        <Kpi title="Orders" value={format.number(of.orders)} foot={of.orders === of.credited_orders ? "all of them credited" : `${format.number(of.credited_orders)} credited`} />
      </KpiGrid>
    </section>
  )
}

function Days({ of, several }: { of: Reconciled[]; several: boolean }) {
  const format = useFormat()
  const [all, setAll] = useState(false)
  const sorted = [...of].sort((a, b) => Number(a.reconciles) - Number(b.reconciles))
  const shown = all ? sorted : sorted.slice(0, FIRST)
  return (
    <div className="flex flex-col gap-3">
      <PlainTable
        caption="Credit and ledger by day"
        head={[
          { title: "Day" }, { title: "Orders", right: true }, { title: "Ledger, gross", right: true }, { title: "Refunds", right: true }, { title: "Ledger, net", right: true },
          { title: "Attributed", right: true }, { title: "Not attributed", right: true }, { title: "Difference", right: true },
        ]}
        rows={shown.map((line) => {
          const money = (value: string) => format.money(value, line.currency)
          return [
            <span key="day" className="inline-flex flex-wrap items-center gap-2">
              <time dateTime={line.day}>{format.date(line.day)}</time>{several ? <Badge>{line.currency}</Badge> : null}{line.reconciles ? null : <Badge colour="orange">Differs</Badge>}
            </span>,
            line.orders === line.credited_orders ? format.number(line.orders) : `${format.number(line.credited_orders)} of ${format.number(line.orders)}`,
            money(line.ledger_gross),
            money(line.ledger_refunds),
            money(line.ledger_net),
            ...(["attributed", "not_attributed"] as const).map((kind) => (
              <Explains key={kind} quiet of={report({ kind, currency: line.currency, days: `${line.day}/${line.day}` })} about={`${kind === "attributed" ? "Attributed" : "Not attributed"} of ${format.date(line.day)}`}>
                {money(kind === "attributed" ? line.attributed_net : line.unattributed_net)}
              </Explains>
            )),
            <span key="difference" className={line.reconciles ? "text-muted" : "font-medium text-warn"}>{money(line.difference_net)}</span>,
          ]
        })}
      />
      {of.length > FIRST ? <div><Button small onClick={() => setAll(!all)}>{all ? `Show the first ${FIRST}` : `Show all ${format.number(of.length)} lines`}</Button></div> : null}
    </div>
  )
}

const CAUSES: Record<string, string> = {
  no_conversion: "Not read yet", conversion_deleted: "Conversion deleted", order_gone: "Order gone", not_revenue: "No revenue any more", currency_differs: "Other currency",
  day_differs: "Other day", value_changed: "Changed since", not_credited: "No credit yet", credit_due: "Credit is due",
}
const OPTIONS = Object.entries(CAUSES).map(([value, label]) => ({ value, label }))
const FILTERS = { cause: text(), q: text() }

function Orders({ query: asked, zone }: { query: object; zone: string }) {
  const format = useFormat()
  const table = useTable("-placed_at", 10)
  const [state, set] = useUrlState(FILTERS)
  const filters = { ...asked, cause: state.cause as "no_conversion", q: state.q }
  const query = useApi("/attribution/reconciliation/orders", { query: { ...filters, ...table.query }, keep: true })
  const money = (value: string | null, currency: string | null) => (value === null ? <span className="text-muted">–</span> : format.money(value, currency ?? undefined))
  const columns: Column<OrderApart>[] = [
    { key: "order", title: "Order", heading: true, cell: (row) => (row.conversion_id ? <TextLink to={`/conversions/${row.conversion_id}`}>{row.order_id}</TextLink> : row.order_id) },
    { key: "placed", title: `Placed (${zone})`, sort: "placed_at", cell: (row) => <time dateTime={row.placed_at} className="figure">{format.dateTime(row.placed_at)}</time> },
    { key: "cause", title: "Why", sort: "cause", cell: (row) => <span className="flex max-w-72 flex-col items-start gap-0.5"><Badge colour="orange">{CAUSES[row.cause] ?? row.cause}</Badge><span className="text-xs text-muted">{row.meaning}</span></span> },
    { key: "gross", title: "Ledger", sort: "gross", right: true, cell: (row) => money(row.gross, row.currency) },
    { key: "refunds", title: "Refunds", right: true, extra: true, cell: (row) => money(row.refunds, row.currency) },
    { key: "counted", title: "Counted", right: true, cell: (row) => money(row.counted_gross, row.counted_currency) },
    { key: "credited", title: "Credited", right: true, cell: (row) => (row.conversion_id && row.credited_gross !== null
      ? <Explains of={conversion(row.conversion_id)} about={`Credit of order ${row.order_id}`}>{money(row.credited_gross, row.counted_currency)}</Explains>
      : money(row.credited_gross, row.counted_currency)) },
  ]
  const filtered = state.cause !== "" || state.q !== ""
  return (
    <section aria-labelledby="orders-apart">
      <h2 id="orders-apart" className="mb-2 text-base">Orders that stand apart</h2>
      <DataTable
        name="orders apart"
        columns={columns}
        query={query}
        rows={(data) => data.orders}
        rowKey={(row) => row.order_id}
        table={table}
        csv={{ path: "/attribution/reconciliation/orders", query: filters }}
        filters={
          <>
            <SearchBox label="Search by order number" value={state.q} onChange={(q, how) => set({ q }, how)} />
            <FilterSelect label="Why" value={state.cause} options={OPTIONS} onChange={(cause) => set({ cause })} />
            {filtered ? <ClearFilters onClear={() => set({ q: "", cause: "" })} /> : null}
          </>
        }
        empty={filtered ? <NoMatch what="orders" clear={() => set({ q: "", cause: "" })} /> : <Empty title="Every order reconciles">What the store sold in this period is what credit shares out, order by order.</Empty>}
      />
    </section>
  )
}
