// Reconciliation: is everything that credit shares out everything the store sold, and is there enough to share it by?
import { CreditSwitches, useCarried, useCredit } from "@/insight/credit"
import { Explained } from "@/insight/explain"
import { Freshness } from "@/insight/freshness"
import { usePeriod } from "@/state/period"
import { choice, useUrlState } from "@/state/url"
import { TextLink } from "@/ui/button"
import { PageHeader } from "@/ui/page"
import { PeriodPicker } from "@/ui/period"
import { Tabs } from "@/ui/tabs"
import type {} from "./answers"
import { Ledger } from "./ledger"
import { Quality } from "./quality"

const VIEWS = ["reconciliation", "quality"] as const
const SCHEMA = { view: choice(VIEWS) }
const RESTS_ON = ["credit", "conversions", "spend"]

export default function Reconciliation() {
  const dates = usePeriod()
  const credit = useCredit()
  const carried = useCarried()
  const [state, set] = useUrlState(SCHEMA)
  return (
    <>
      <PageHeader
        title="Reconciliation"
        description="Whether credit and the store's orders are the same money, and how much of what credit rests on is known."
        parent={<TextLink to="/attribution" search={carried}>Attribution</TextLink>}
        actions={<PeriodPicker {...dates} compare={undefined} />}
      />
      <div className="mb-3 grid grid-cols-2 items-center gap-2 sm:flex sm:flex-wrap"><CreditSwitches {...credit} dated={false} /></div>
      <Tabs
        label="Reconciliation"
        value={state.view}
        onChange={(view) => set({ view: view as (typeof VIEWS)[number] })}
        tabs={[
          { key: "reconciliation", label: "Reconciliation", content: <Ledger period={dates.period} credit={credit} /> },
          { key: "quality", label: "Quality", content: <Quality period={dates.period} credit={credit} /> },
        ]}
      />
      <div className="mt-3"><Freshness of={RESTS_ON} /></div>
      <Explained query={{ ...dates.period.query, model: credit.query.model, window: credit.query.window }} />
    </>
  )
}
