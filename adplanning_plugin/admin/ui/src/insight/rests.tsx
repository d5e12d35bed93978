// What figures rest on, in words: the rule of credit, the days' zone, the rates of exchange, how fresh each source is.
import { useFormat } from "@/shell/session"
import { TextLink } from "@/ui/button"
import { type Credit, windowLabel } from "./credit"
import type { Basis } from "./answers"
import { Freshness } from "./freshness"

const RETURNS = ["spend", "credit", "conversions", "rates"]
export const RATES_PAGE = { to: "/settings", search: { tab: "rates" } }

/** A rate is missing, so some money is not known: which, and where to add it. Nothing where all are there. */
export function MissingRates({ basis }: { basis: Pick<Basis, "missing_rates" | "currency"> }) {
  if (basis.missing_rates.length === 0) return null
  return (
    <div role="status" className="rounded-md border border-orange-line bg-orange-bg px-3 py-2 text-sm text-orange-fg">
      The rate from {basis.missing_rates.join(", ")} to {basis.currency} is missing for some of these days. Figures that need it stand as “–” until it is there.{" "}
      <TextLink within {...RATES_PAGE}>Add exchange rates</TextLink>
    </div>
  )
}

/** Last on the page: how the figures above came about. */
export function Rests({ basis, credit }: { basis: Basis; credit: Credit }) {
  const format = useFormat()
  const other = basis.account_zones.filter((zone) => zone !== basis.period.zone)
  const date = basis.basis === "order" ? "on the day of the order" : "on the day of the click that earned it"
  return (
    <div className="flex flex-col gap-1 text-xs text-muted">
      <p>
        Credit: {credit.named(basis.model).toLowerCase()}, visits within {windowLabel(basis.window_days)} before the order, counted {date}. Days are those of {basis.period.zone}
        {other.length > 0 ? `; ad spend keeps the days of its ad account (${other.join(", ")})` : ""}. Amounts are in {basis.currency}, revenue is without tax, shipping and refunds.
      </p>
      {basis.rates.map((rate) => (
        <p key={rate.base}>
          1 {rate.base} = {format.number(rate.rate, 4)} {rate.quote} on {format.date(rate.day)} ({rate.source}); each amount is converted at the rate of its own day. <TextLink within {...RATES_PAGE}>Exchange rates</TextLink>
        </p>
      ))}
      <Freshness of={RETURNS} />
    </div>
  )
}
