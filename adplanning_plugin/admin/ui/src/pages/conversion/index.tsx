// One conversion at an address of its own, to be sent to others.
import { useNavigate, useParams } from "@tanstack/react-router"
import { useApi } from "@/api/query"
import { words } from "@/format/format"
import { Actions, Mirrored } from "@/pages/conversions/actions"
import { Adjustments, Behind, BodySkeleton, EXPAND, What } from "@/pages/conversions/body"
import { CreditSection } from "@/pages/conversions/credit"
import { useFormat } from "@/shell/session"
import { text, useUrlState } from "@/state/url"
import { ButtonLink, TextLink } from "@/ui/button"
import { Card, PageHeader } from "@/ui/page"
import { Async, Empty } from "@/ui/states"

const SHOWN = { tab: text(), lookback: text() }

export default function Conversion() {
  const { id = "" } = useParams({ strict: false }) as { id?: string }
  const format = useFormat()
  const navigate = useNavigate()
  const [state, set] = useUrlState(SHOWN)
  const query = useApi("/conversions/{conversion_id}", { path: { conversion_id: id }, query: { expand: EXPAND } })
  const parent = <TextLink to="/conversions">Conversions</TextLink>
  const known = query.data?.conversion
  if (query.error?.status === 404) {
    return (
      <>
        <PageHeader title="Conversion not found" parent={parent} />
        <Card>
          <Empty title="There is no such conversion" action={<ButtonLink to="/conversions">All conversions</ButtonLink>}>It was deleted, or belongs to another store.</Empty>
        </Card>
      </>
    )
  }
  return (
    <>
      <PageHeader
        title={known ? `${words(known.conversion_type)} worth ${format.money(known.value, known.currency)}` : "Conversion"}
        description={known ? `${format.dateTime(known.occurred_at)} (${format.zone})` : undefined}
        parent={parent}
        actions={known ? <Actions of={known} onDeleted={() => void navigate({ to: "/conversions" as never })} /> : null}
      />
      <Async query={query} skeleton={<Card><BodySkeleton /></Card>}>
        {({ conversion }) => (
          <div className="grid grid-cols-[minmax(0,1fr)] items-start gap-4 lg:grid-cols-[minmax(0,3fr)_minmax(0,2fr)]">
            <div className="flex flex-col gap-4">
              <Card><CreditSection of={conversion} model={state.tab} lookback={state.lookback} onChange={(patch) => set(patch, { replace: true })} /></Card>
              {conversion.adjustments.length > 0 ? <Card><Adjustments of={conversion} /></Card> : null}
              <Card><div className="grid grid-cols-[minmax(0,1fr)] gap-x-8 gap-y-6 xl:grid-cols-2"><Behind of={conversion} /></div></Card>
            </div>
            <div className="flex flex-col gap-4">
              <Card title="What it is"><What of={conversion} /></Card>
              <Mirrored of={conversion} />
            </div>
          </div>
        )}
      </Async>
    </>
  )
}
