// The campaigns that earned most: what they brought here, and what their platform claims.
import type { ReactNode } from "react"
import { Explains, report } from "@/insight/explain"
import { Claim } from "@/insight/why"
import { CampaignName } from "@/sections/body"
import { useFormat } from "@/shell/session"
import { Roas, SourceBadge } from "@/ui/badge"
import { ButtonLink } from "@/ui/button"
import { Card } from "@/ui/page"
import { Empty } from "@/ui/states"
import { PlainTable } from "@/ui/table"
import type { CampaignLine } from "./answers"

export function Campaigns({ lines, search }: { lines: CampaignLine[]; search: Record<string, unknown> }) {
  const format = useFormat()
  const why = (line: CampaignLine, measure: string, value: ReactNode, none = false) => (
    <Explains key={measure} quiet of={none ? null : report({ kind: "touch", ids: [line.ad_campaign_id], measure })} about={`${measure} of ${line.name ?? ""}`}>{value}</Explains>
  )
  return (
    <Card title="Top campaigns" description="By the revenue that is credited to them" actions={<ButtonLink to="/campaigns" search={search} small>All campaigns</ButtonLink>}>
      {lines.length === 0 ? (
        <Empty title="No campaign cost anything in this period">Connect an ad account, or load spend for the campaigns that you run.</Empty>
      ) : (
        <PlainTable
          caption="Top campaigns by credited revenue"
          head={[{ title: "Campaign" }, { title: "Spend", right: true }, { title: "Revenue", right: true }, { title: "ROAS", right: true }, { title: "Orders", right: true }, { title: "Platform claims", right: true }]}
          rows={lines.map((line) => [
            <span key="name" className="flex min-w-32 flex-col items-start gap-0.5">
              <CampaignName id={line.ad_campaign_id} name={line.name} />
              <SourceBadge source={line.platform} />
            </span>,
            format.money(line.spend),
            why(line, "revenue", format.money(line.revenue)),
            why(line, "roas", <Roas value={line.roas} />, line.roas === null),
            why(line, "orders", format.number(line.orders)),
            line.ad_campaign_id ? <Claim key="claim" conversions={line.platform_conversions} of={`campaign:${line.ad_campaign_id}`} platform={line.platform} about={line.name ?? ""} /> : "–",
          ])}
        />
      )}
    </Card>
  )
}
