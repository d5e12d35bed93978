// The conversions behind a figure, the largest part first; their parts sum to it exactly.
import { useState } from "react"
import { useApi } from "@/api/query"
import { useCredit, windowLabel } from "@/insight/credit"
import { useFormat } from "@/shell/session"
import { ConversionTypeBadge } from "@/ui/badge"
import { Button } from "@/ui/button"
import { Async, Empty, Skeleton } from "@/ui/states"
import { CsvButton, PlainTable } from "@/ui/table"
import type { Context } from "."
import type { Part } from "./answers"
import { asked, type Figure } from "./subject"

const PAGE = 25

export function FigureList({ of, query, onOpen }: Context & { of: Figure; onOpen: (id: string) => void }) {
  const format = useFormat()
  const credit = useCredit()
  const [limit, setLimit] = useState(PAGE)
  const wanted = { from_date: query.from_date, to_date: query.to_date, window: query.window, ...asked(of), model: of.model || query.model }
  const found = useApi("/attribution/conversions", { query: { ...wanted, limit: Math.min(limit, 200) }, keep: true })
  return (
    <Async query={found} skeleton={<Skeleton className="h-96 w-full" />}>
      {({ conversions, count, total, model, window_days }) => {
        const sums = Object.entries(total.by_currency)
        if (count === 0) return <Empty title="No conversion is behind this figure">None of this period has a share in it by this model and window.</Empty>
        return (
          <div className="flex flex-col gap-4">
            <dl className="grid grid-cols-2 gap-2 sm:grid-cols-3">
              <Sum title="Credit" value={format.number(total.conversions, 2)} note={`of ${format.number(count)} conversions`} />
              {sums.map(([currency, sum]) => (
                <Sum key={currency} title="Value" value={format.money(sum.net, currency)} note={`${format.money(sum.value, currency)}, ${format.money(sum.refunded, currency)} given back`} />
              ))}
            </dl>
            <p className="text-sm text-muted">
              By {credit.named(model).toLowerCase()}, visits within {windowLabel(window_days)} before the conversion. Open a conversion to see every visit that was looked at.
            </p>
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
              {conversions.length < count && limit < 200 ? <Button small busy={found.isFetching} onClick={() => setLimit(limit * 4)}>Show more</Button> : null}
              {conversions.length < count && limit >= 200 ? <span className="text-xs text-muted">The file has all of them.</span> : null}
              <CsvButton name="conversions behind the figure" csv={{ path: "/attribution/conversions", query: wanted }} />
            </div>
          </div>
        )
      }}
    </Async>
  )
}

const Sum = ({ title, value, note }: { title: string; value: string; note: string }) => (
  <div className="min-w-0 rounded-lg bg-hover px-3 py-2">
    <dt className="text-xs text-muted">{title}</dt>
    <dd className="figure text-lg font-semibold">{value}</dd>
    <dd className="text-xs break-words text-muted">{note}</dd>
  </div>
)

function Name({ of, onOpen }: { of: Part; onOpen: (id: string) => void }) {
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
