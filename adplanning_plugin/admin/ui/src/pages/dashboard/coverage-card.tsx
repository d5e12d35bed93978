// Coverage, first of all: how many orders the figures below can be traced for, and why not the others.
import { ShareBar } from "@/charts/share"
import { CAUSES, isCause } from "@/pages/coverage/causes"
import { useFormat } from "@/shell/session"
import { ButtonLink } from "@/ui/button"
import { Card } from "@/ui/page"
import type { Coverage } from "./answers"

export function CoverageCard({ coverage, search }: { coverage: Coverage; search: Record<string, unknown> }) {
  const format = useFormat()
  const share = format.percent(coverage.joined_share)
  const lost = coverage.lost.filter((each) => each.orders > 0)
  return (
    <Card
      title="Coverage"
      description="Orders that are joined to a visit. Every figure about campaigns rests on these."
      actions={<ButtonLink to="/coverage" search={search} small>See the orders</ButtonLink>}
    >
      {coverage.orders === 0 ? (
        <p className="text-sm text-muted">There are no orders in this period. Choose a longer one to see earlier orders.</p>
      ) : (
        <div className="grid gap-x-8 gap-y-3 lg:grid-cols-[13rem_minmax(0,1fr)]">
          <div>
            <p className="figure text-2xl font-semibold tracking-tight">{share}</p>
            <p className="text-sm text-muted">{format.percent(coverage.joined_share_online)} of those placed online</p>
          </div>
          <ShareBar
            label="orders by their visits"
            measure="Orders"
            format={(value) => format.number(value)}
            summary={`${format.number(coverage.joined)} of ${format.number(coverage.orders)} orders are joined to a visit.`}
            parts={[
              { key: "joined", label: "Joined", meaning: "A visit is known", value: coverage.joined, colour: "var(--chart-1)" },
              ...lost.map((each, index) => ({
                key: each.cause,
                label: isCause(each.cause) ? CAUSES[each.cause].label : each.cause,
                meaning: each.meaning,
                value: each.orders,
                colour: LOST[index % LOST.length]!,
              })),
            ]}
          />
        </div>
      )}
    </Card>
  )
}

const LOST = ["var(--chart-3)", "var(--chart-5)", "var(--chart-4)", "var(--chart-2)", "var(--line-strong)"]
