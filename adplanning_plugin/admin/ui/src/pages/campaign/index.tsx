// One campaign: its figures and their course, its credit under every model, its ad sets and ads, its touches and its orders.
import { useParams } from "@tanstack/react-router"
import { isProblem } from "@/api/problem"
import { useApi } from "@/api/query"
import { words } from "@/format/format"
import type { CampaignDetail } from "@/insight/answers"
import { CreditSwitches, useCarried, useCredit } from "@/insight/credit"
import { Explained } from "@/insight/explain"
import { MissingRates, Rests } from "@/insight/rests"
import { WhyDrawer } from "@/insight/why"
import { useFormat } from "@/shell/session"
import { usePeriod } from "@/state/period"
import { SourceBadge, StatusBadge } from "@/ui/badge"
import { Button, ButtonLink, TextLink } from "@/ui/button"
import { KpiSkeleton } from "@/ui/kpi"
import { Card, Facts, PageHeader } from "@/ui/page"
import { PeriodPicker } from "@/ui/period"
import { Async, Empty, Skeleton } from "@/ui/states"
import { AdSets } from "./ad-sets"
import { Course, Figures, Models } from "./figures"
import { Behind } from "./lists"
import { Sections } from "./sections"

export default function CampaignPage() {
  const { id } = useParams({ strict: false }) as { id: string }
  const format = useFormat()
  const dates = usePeriod()
  const credit = useCredit()
  const carried = useCarried()
  const { period } = dates
  const asked = { ...period.query, ...credit.query }
  const path = { ad_campaign_id: id }
  const query = useApi("/ad-campaigns/{ad_campaign_id}", { path, query: asked, keep: true })
  const before = { ...credit.query, from_date: period.previous.from, to_date: period.previous.to }
  const earlier = useApi("/ad-campaigns/{ad_campaign_id}", { path, query: before, keep: true, enabled: period.compare && query.data !== undefined })
  const found = query.data?.ad_campaign
  const isMissing = isProblem(query.error) && query.error.status === 404
  return (
    <>
      <PageHeader
        title={found?.name ?? (isMissing ? "No such campaign" : "Campaign")}
        parent={<TextLink to="/campaigns" search={carried}>Campaigns</TextLink>}
        description={found ? <Account of={found} /> : undefined}
        actions={<><CreditSwitches {...credit} /><PeriodPicker {...dates} /></>}
      />
      {isMissing ? (
        <Card>
          <Empty title="There is no campaign at this address" action={<ButtonLink to="/campaigns">See all campaigns</ButtonLink>}>
            Neither an ad account, nor spend, nor a visit names it. It may belong to another store.
          </Empty>
        </Card>
      ) : (
        <Async query={query} skeleton={<Waiting />}>
          {({ ad_campaign }) => (
            <div className="flex flex-col gap-4">
              <MissingRates basis={ad_campaign.basis} />
              <Figures of={ad_campaign} compare={period.compare} />
              {isQuiet(ad_campaign) ? (
                <Card>
                  <Empty
                    title="Nothing was spent or earned in this period"
                    action={<><Button onClick={() => dates.choose("last_90_days")}>Last 90 days</Button><Button onClick={() => dates.choose("this_year")}>This year</Button></>}
                  >
                    Its days outside {format.date(period.from)} – {format.date(period.to)} may have figures.
                  </Empty>
                </Card>
              ) : (
                <>
                  <div className="grid grid-cols-[minmax(0,1fr)] gap-4 xl:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
                    <Course of={ad_campaign} earlier={period.compare ? earlier.data?.ad_campaign.days : undefined} />
                    <Models of={ad_campaign} credit={credit} />
                  </div>
                  <AdSets of={ad_campaign} />
                </>
              )}
              <Behind id={id} period={period.query} credit={credit} />
              <Sections of={ad_campaign.sections} />
              <About of={ad_campaign} />
              <Rests basis={ad_campaign.basis} credit={credit} />
            </div>
          )}
        </Async>
      )}
      <Explained query={{ ...period.query, ...credit.query }} />
      <WhyDrawer query={{ ...period.query, model: credit.query.model, window: credit.query.window }} />
    </>
  )
}

const isQuiet = (of: CampaignDetail) => Number(of.spend) === 0 && Number(of.revenue) === 0 && of.orders === 0 && !of.clicks && of.spend !== null

/** Whose it is, and which days and money its account keeps. */
function Account({ of }: { of: CampaignDetail }) {
  const format = useFormat()
  const keeps = [
    of.account_zone && of.account_zone !== format.zone ? `counts its days in ${of.account_zone}` : "",
    of.account_currency && of.account_currency !== format.currency ? `bills in ${of.account_currency}` : "",
  ].filter(Boolean)
  return (
    <span className="flex flex-wrap items-center gap-x-2 gap-y-1">
      {of.platform ? <SourceBadge source={of.platform} /> : null}
      {of.status ? <StatusBadge status={of.status} /> : null}
      <span>
        {of.account_name ?? (of.source === "typed" ? "Known by the spend that was put in" : of.source === "seen" ? "Known by its visits alone: no account is linked" : "")}
        {keeps.length > 0 ? `; the account ${keeps.join(" and ")}. Here everything is in ${format.zone} and ${format.currency}.` : ""}
      </span>
    </span>
  )
}

function About({ of }: { of: CampaignDetail }) {
  const format = useFormat()
  return (
    <Card title="About this campaign">
      <Facts
        className="xl:w-2/3"
        of={[
          ["Ad account", of.account_name],
          ["Account's days", of.account_zone ? `${of.account_zone}${of.account_zone === format.zone ? " (as the store)" : ` (the store: ${format.zone})`}` : "Not linked: ad_account.zone says which days it counts"],
          ["Account's money", of.account_currency ? `${of.account_currency}${of.account_currency === format.currency ? " (as the store)" : `, converted to ${format.currency} at each day's rate`}` : null],
          ["Objective", of.objective ? words(of.objective.toLowerCase()) : null],
          ["Started", of.created_at ? `${format.date(of.created_at)} (${format.zoneShort})` : null],
          ["Id here", <code key="id" className="font-mono text-xs">{of.id}</code>],
          ["Id on the platform", of.platform_id ? <code key="platform" className="font-mono text-xs">{of.platform_id}</code> : null],
        ]}
      />
    </Card>
  )
}

const Waiting = () => (
  <div className="flex flex-col gap-4">
    <KpiSkeleton count={10} />
    <div className="grid grid-cols-[minmax(0,1fr)] gap-4 xl:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
      <Skeleton className="h-96 rounded-lg" />
      <Skeleton className="h-96 rounded-lg" />
    </div>
    <Skeleton className="h-60 rounded-lg" />
    <Skeleton className="h-96 rounded-lg" />
  </div>
)
