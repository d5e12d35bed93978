// The conversions behind a figure, the largest part first; their parts sum to it exactly.
import { type ReactNode, useState } from "react"
import { useApi } from "@/api/query"
import { useCredit, windowLabel } from "@/insight/credit"
import { useFormat } from "@/shell/session"
import { ConversionTypeBadge } from "@/ui/badge"
import { Button } from "@/ui/button"
import { Async, Empty, Skeleton } from "@/ui/states"
import { CsvButton, PlainTable } from "@/ui/table"
import type { Context } from "."
import type { Part, PartTotal } from "./answers"
import { asked, askedOf, type Figure, type Report } from "./subject"

const PAGE = 25

type Open = (id: string) => void

export function FigureList({ of, query, onOpen }: Context & { of: Figure; onOpen: Open }) {
  const credit = useCredit()
  const [limit, setLimit] = useState(PAGE)
  const wanted = { from_date: query.from_date, to_date: query.to_date, window: query.window, ...asked(of), model: of.model || query.model }
  const found = useApi("/attribution/conversions", { query: { ...wanted, limit: Math.min(limit, 200) }, keep: true })
  return (
    <Async query={found} skeleton={<Skeleton className="h-96 w-full" />}>
      {({ model, window_days, ...parts }) => (
        <Parts
          of={parts} path="/attribution/conversions" wanted={wanted} busy={found.isFetching} limit={limit} onLimit={setLimit} onOpen={onOpen}
          rule={`By ${credit.named(model).toLowerCase()}, visits within ${windowLabel(window_days)} before the conversion.`}
        />
      )}
    </Async>
  )
}

export function ReportList({ of, query, onOpen }: Context & { of: Report; onOpen: Open }) {
  const format = useFormat()
  const credit = useCredit()
  const [limit, setLimit] = useState(PAGE)
  const wanted = { from_date: query.from_date, to_date: query.to_date, window: query.window, basis: query.basis, ...askedOf(of), model: of.model || query.model }
  const found = useApi("/roi/conversions", { query: { ...wanted, limit: Math.min(limit, 200) }, keep: true })
  return (
    <Async query={found} skeleton={<Skeleton className="h-96 w-full" />}>
      {({ line, basis, ...parts }) => {
        const revenue = Number(parts.total.converted ?? 0)
        const [spend, count] = [Number(line.spend ?? 0), parts.total.conversions]
        const money = (value: number) => format.money(value, basis.currency)
        const known = line.spend !== null && spend > 0 && parts.total.converted !== null
        const follows: Record<string, string | false> = {
          roas: known && `${money(revenue)} of revenue ÷ ${money(spend)} of spend = ${format.times(revenue / spend)}`,
          roi: known && `(${money(revenue)} of revenue − ${money(spend)} of spend) ÷ ${money(spend)} = ${format.change((revenue - spend) / spend)}`,
          cac: known && count > 0 && `${money(spend)} of spend ÷ ${format.number(count, 2)} new customers = ${money(spend / count)}`,
          cpa: known && count > 0 && `${money(spend)} of spend ÷ ${format.number(count, 2)} orders = ${money(spend / count)}`,
          margin: line.margin !== null && `${format.money(line.margin, basis.currency)}: the revenue of the orders that carry a cost, less that cost in proportion to the part`,
        }
        const clicks = basis.basis === "click" ? " Counted on the day of the click." : ""
        const rule = of.kind === "store" ? "All paid orders of these days, without tax, shipping and refunds: no rule of credit is in it." : `By ${credit.named(basis.model).toLowerCase()}, visits within ${windowLabel(basis.window_days)} before the order.${clicks}`
        return (
          <Parts
            of={parts} path="/roi/conversions" wanted={wanted} busy={found.isFetching} limit={limit} onLimit={setLimit} onOpen={onOpen} rule={rule} what="orders"
            formula={follows[of.measure] || undefined}
            converted={Object.keys(parts.total.by_currency).some((each) => each !== basis.currency) ? `${parts.total.converted === null ? "Not known: a rate is missing" : money(revenue)}, each day at its rate` : undefined}
          />
        )
      }}
    </Async>
  )
}

interface PartsProps {
  of: { conversions: Part[]; count: number; total: PartTotal }
  path: string
  wanted: object
  what?: string
  rule: string
  /** How a ratio follows from these. */
  formula?: string | undefined
  /** The sum in the store's currency, where it is of others. */
  converted?: string | undefined
  busy: boolean
  limit: number
  onLimit: (limit: number) => void
  onOpen: Open
}

function Parts({ of: { conversions, count, total }, path, wanted, what = "conversions", rule, formula, converted, busy, limit, onLimit, onOpen }: PartsProps) {
  const format = useFormat()
  const sums = Object.entries(total.by_currency)
  if (count === 0) return <Empty title={`No ${what.slice(0, -1)} is behind this figure`}>None of this period has a share in it by this model and window.</Empty>
  return (
    <div className="flex flex-col gap-4">
      <dl className="grid grid-cols-2 gap-2 sm:grid-cols-3">
        <Sum title="Credit" value={format.number(total.conversions, 2)} note={`of ${format.number(count)} ${what}`} />
        {sums.map(([currency, sum]) => (
          <Sum key={currency} title="Value" value={format.money(sum.net, currency)} note={`${format.money(sum.value, currency)}, ${format.money(sum.refunded, currency)} given back`} />
        ))}
        {converted ? <Sum title="Converted" value={converted.split(",")[0]} note={converted.split(",").slice(1).join(",")} /> : null}
      </dl>
      {formula ? <p className="figure rounded-lg border border-line px-3 py-2 text-sm font-medium">{formula}</p> : null}
      <p className="text-sm text-muted">{rule} Open {what === "orders" ? "an order" : "a conversion"} to see every visit that was looked at.</p>
      <PlainTable
        caption="Conversions behind the figure"
        head={[{ title: "Conversion" }, { title: "Share", right: true }, { title: "Value", right: true }]}
        rows={conversions.map((part) => [
          <Name key="name" of={part} onOpen={onOpen} />,
          format.percent(part.weight, part.weight % 0.01 ? 1 : 0),
          <span key="value" title={`of ${format.money(part.conversion_value, part.currency)}`}>{format.money(part.net, part.currency)}</span>,
        ])}
        foot={[`Sum of ${count > conversions.length ? "all " : ""}${format.number(count)}`, format.number(total.conversions, 2), sums.map(([currency, sum]) => format.money(sum.net, currency)).join(", ")]}
      />
      <div className="flex flex-wrap items-center gap-2">
        {conversions.length < count && limit < 200 ? <Button small busy={busy} onClick={() => onLimit(limit * 4)}>Show more</Button> : null}
        {conversions.length < count && limit >= 200 ? <span className="text-xs text-muted">The file has all of them.</span> : null}
        <CsvButton name={`${what} behind the figure`} csv={{ path, query: wanted }} />
      </div>
    </div>
  )
}

const Sum = ({ title, value, note }: { title: string; value: ReactNode; note: string }) => (
  <div className="min-w-0 rounded-lg bg-hover px-3 py-2">
    <dt className="text-xs text-muted">{title}</dt>
    <dd className="figure text-lg font-semibold">{value}</dd>
    <dd className="text-xs break-words text-muted">{note}</dd>
  </div>
)

function Name({ of, onOpen }: { of: Part; onOpen: Open }) {
  const format = useFormat()
  return (
    <span className="flex flex-col items-start gap-0.5 py-0.5">
      <span className="flex flex-wrap items-center gap-2">
        <ConversionTypeBadge type={of.conversion_type} />
        <button type="button" onClick={() => onOpen(of.conversion_id)} className="rounded text-link underline-offset-2 hover:underline">
          {of.order_id ? `Order ${of.order_id}` : format.dateTime(of.occurred_at)}
        </button>
      </span>
      <span className="text-xs text-muted">{format.dateTime(of.occurred_at)}</span>
    </span>
  )
}
