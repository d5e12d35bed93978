// Attribution: what brought the conversions. Sums by campaign or channel, every model side by side, and each visit behind them.
import { useFormat } from "@/shell/session"
import { Freshness } from "@/insight/freshness"
import { usePeriod } from "@/state/period"
import { choice, list, text, useUrlState } from "@/state/url"
import { CreditSwitches, useCarried, useCredit, windowLabel } from "@/insight/credit"
import { Explained } from "@/insight/explain"
import { ButtonLink } from "@/ui/button"
import { PageHeader } from "@/ui/page"
import { InboxLink } from "@/pages/inbox/link"
import { PeriodPicker } from "@/ui/period"
import { Tabs } from "@/ui/tabs"
import { Explain } from "@/ui/tooltip"
import type {} from "./answers"
import { Models } from "./models"
import { Progress, ResolveMenu } from "./resolve"
import { Summary } from "./summary"
import { NO_FILTERS, Touches } from "./touches"

const CREDITED = ["credit", "conversions", "spend"]

const VIEWS = ["summary", "models", "touches"] as const
const SCHEMA = {
  view: choice(VIEWS), work: text(), page: text(), order: text(), hidden: list(), open: text(),
  q: text(), platform: text(), channel: text(), source: text(), medium: text(), campaign: text(), visitor: text(), method: text(), converted: text(),
}

export default function Attribution() {
  const format = useFormat()
  const dates = usePeriod()
  const credit = useCredit()
  const carried = useCarried()
  const [state, set] = useUrlState(SCHEMA)
  const model = credit.state.model || credit.rules.models.find((each) => each.is_default)?.model || "last_non_direct"
  const days = credit.rules.windows.find((each) => (credit.state.window ? each.window === credit.state.window : each.is_default))?.days ?? 30
  return (
    <>
      <PageHeader
        title="Attribution"
        description="Which visits are credited with the conversions, and the campaigns that they came from."
        actions={
          <>
            <PeriodPicker {...dates} compare={undefined} />
            <ButtonLink to="/attribution/reconciliation" search={carried}>Reconciliation</ButtonLink>
            <InboxLink />
            <ResolveMenu onWork={(work) => set({ work }, { replace: true })} />
          </>
        }
      />
      <Progress id={state.work} onClose={() => set({ work: "" }, { replace: true })} />
      <div className="mb-3 grid grid-cols-2 items-center gap-2 sm:flex sm:flex-wrap">
        <CreditSwitches {...credit} dated={false} />
        <span className="col-span-2 text-sm text-muted">
          {credit.means(model)} Visits within {windowLabel(days)} before the conversion count.{" "}
          <Explain what="credit">
            <p className="mb-2">Credit shares each conversion out among the visits before it. The shares of a conversion always add up to one, and its value to the last {format.currency} unit.</p>
            <p>It says which visits came before, not what would have happened without them.</p>
          </Explain>
        </span>
      </div>
      <Tabs
        label="Attribution"
        value={state.view}
        onChange={(view) => set({ view: view as (typeof VIEWS)[number], page: "", order: "", hidden: [], open: "", ...NO_FILTERS })}
        tabs={[
          { key: "summary", label: "What brought it", content: <Summary period={dates.period} credit={credit} model={model} /> },
          { key: "models", label: "Models side by side", content: <Models period={dates.period} credit={credit} model={model} /> },
          { key: "touches", label: "Visits", content: <Touches period={dates.period} credit={credit} model={model} /> },
        ]}
      />
      <div className="mt-3"><Freshness of={CREDITED} /></div>
      <Explained query={{ ...dates.period.query, model: credit.query.model, window: credit.query.window }} />
    </>
  )
}
