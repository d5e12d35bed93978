// A campaign's ad sets, each of which opens to its ads; their figures sum to the campaign's.
import { ChevronRight } from "lucide-react"
import { Fragment, type ReactNode } from "react"
import type { CampaignDetail, Line } from "@/insight/answers"
import { Explains, lineOf, report } from "@/insight/explain"
import { useFormat } from "@/shell/session"
import { list, useUrlState } from "@/state/url"
import { Roas } from "@/ui/badge"
import { Button } from "@/ui/button"
import { cn } from "@/ui/cn"
import { Card } from "@/ui/page"
import { Empty } from "@/ui/states"
import { useNarrow } from "@/ui/table"

const SCHEMA = { sets: list() }
const HEAD = ["Spend", "Revenue", "ROAS", "Orders", "Cost per order", "Clicks", "Click rate", "Platform claims"]
const NONE = "none"

/** Names as people gave them: a platform repeats the names above in those below. */
function shortened(name: string | null, above: string | null): string {
  const text = name ?? ""
  const rest = above && text.startsWith(above) ? text.slice(above.length).replace(/^[\s/|·–-]+/, "") : text
  return rest || text
}

export function AdSets({ of }: { of: CampaignDetail }) {
  const isNarrow = useNarrow()
  const [{ sets }, set] = useUrlState(SCHEMA)
  const keys = of.ad_sets.map((each) => each.id ?? NONE)
  const isOpen = (key: string) => sets.includes(key)
  const turn = (key: string) => set({ sets: isOpen(key) ? sets.filter((each) => each !== key) : [...sets, key] }, { replace: true })
  const all = keys.length > 0 && keys.every(isOpen)
  const rows = of.ad_sets.map((adSet) => {
    const key = adSet.id ?? NONE
    const name = adSet.id ? shortened(adSet.name, of.name) : "Ad set not known"
    return { key, name, adSet, open: isOpen(key), ads: adSet.ads.map((ad) => ({ key: ad.id ?? NONE, ad, name: ad.id ? shortened(ad.name, adSet.id ? adSet.name : of.name) : "Ad not known" })) }
  })
  return (
    <Card
      flush
      title="Ad sets and ads"
      description="They sum to the campaign. Where a visit named no ad set, its credit stands as “not known”."
      actions={rows.length > 0 ? <Button small onClick={() => set({ sets: all ? [] : keys }, { replace: true })}>{all ? "Close all" : "Open all"}</Button> : undefined}
    >
      {rows.length === 0 ? <Empty title="No ad set had spend or credit in this period">Choose a longer period to see earlier ones.</Empty> : isNarrow ? (
        <ul aria-label="Ad sets" className="border-t border-line">
          {rows.map((row) => (
            <li key={row.key} className="border-b border-line px-4 py-3 last:border-0">
              <Opener open={row.open} onClick={() => turn(row.key)}>{row.name}</Opener>
              <Pairs of={row.adSet} by="ad_set" />
              {row.open ? (
                <ul aria-label={`Ads of ${row.name}`} className="mt-3 flex flex-col gap-3 border-l-2 border-line pl-3">
                  {row.ads.map((each) => <li key={each.key}><p className="text-sm">{each.name}</p><Pairs of={each.ad} by="ad" /></li>)}
                </ul>
              ) : null}
            </li>
          ))}
        </ul>
      ) : (
        <div className="overflow-x-auto" tabIndex={0} role="group" aria-label="Table of ad sets and ads">
          <table className="w-full text-left text-sm">
            <caption className="sr-only">Ad sets and ads</caption>
            <thead>
              <tr className="border-y border-line text-muted">
                <th scope="col" className="h-9 pr-3 pl-5 font-medium">Ad set</th>
                {HEAD.map((title) => <th key={title} scope="col" className="h-9 px-3 text-right font-medium whitespace-nowrap last:pr-5">{title}</th>)}
              </tr>
            </thead>
            <tbody>
              {rows.map((row) => (
                <Fragment key={row.key}>
                  <tr className="border-b border-line">
                    <th scope="row" className="h-11 pr-3 pl-5 font-medium"><Opener open={row.open} onClick={() => turn(row.key)}>{row.name}</Opener></th>
                    <Cells of={row.adSet} by="ad_set" />
                  </tr>
                  {row.open ? row.ads.map((each) => (
                    <tr key={each.key} className="border-b border-line bg-hover">
                      <th scope="row" className="h-10 pr-3 pl-12 font-normal">{each.name}</th>
                      <Cells of={each.ad} by="ad" />
                    </tr>
                  )) : null}
                </Fragment>
              ))}
            </tbody>
            <tfoot>
              <tr className="font-medium"><th scope="row" className="h-11 pr-3 pl-5 text-left font-medium">Campaign</th><Cells of={{ ...of, kind: "touch", ad_campaign_id: of.id }} by="campaign" /></tr>
            </tfoot>
          </table>
        </div>
      )}
    </Card>
  )
}

const Opener = ({ open, onClick, children }: { open: boolean; onClick: () => void; children: ReactNode }) => (
  <button type="button" aria-expanded={open} onClick={onClick} className="inline-flex items-start gap-1 rounded text-left font-medium">
    <ChevronRight className={cn("mt-0.5 size-4 shrink-0 text-muted transition-transform", open && "rotate-90")} aria-hidden="true" />
    {children}
  </button>
)

function useFigures() {
  const format = useFormat()
  const why = (line: Line, by: string, measure: string, value: ReactNode, none = false) => (
    <Explains key={measure} quiet of={none ? null : report({ ...lineOf(line, by), kind: "touch", measure })} about={`${measure} of ${line.name ?? "what is not known"}`}>{value}</Explains>
  )
  return (line: Line, by: string): ReactNode[] => [
    format.money(line.spend), why(line, by, "revenue", format.money(line.revenue)), why(line, by, "roas", <Roas value={line.roas} />, line.roas === null),
    why(line, by, "orders", format.number(line.orders)), why(line, by, "cpa", format.money(line.cpa), line.cpa === null), format.number(line.clicks), format.percent(line.ctr, 2), format.number(line.platform_conversions),
  ]
}

function Cells({ of, by }: { of: Line; by: string }) {
  const figures = useFigures()
  return figures(of, by).map((figure, index) => <td key={HEAD[index]} className="figure px-3 py-1.5 text-right last:pr-5">{figure}</td>)
}

function Pairs({ of, by }: { of: Line; by: string }) {
  const figures = useFigures()
  return (
    <dl className="mt-1 flex flex-wrap gap-x-5 gap-y-0.5 text-sm">
      {figures(of, by).map((figure, index) => (
        <div key={HEAD[index]} className="flex gap-1.5"><dt className="text-muted">{HEAD[index]}</dt><dd className="figure">{figure}</dd></div>
      ))}
    </dl>
  )
}
