// Models: what each says of the same orders, where the choice of one would change a decision, and the data-driven model's own fit.
import { useApi } from "@/api/query"
import { Freshness } from "@/insight/freshness"
import { useCarried, useCredit, windowLabel } from "@/insight/credit"
import { Explained } from "@/insight/explain"
import { usePeriod } from "@/state/period"
import { choice, text, useUrlState } from "@/state/url"
import { TextLink } from "@/ui/button"
import { Input, Select } from "@/ui/controls"
import { PageHeader } from "@/ui/page"
import { PeriodPicker } from "@/ui/period"
import { Async, Skeleton } from "@/ui/states"
import { Tabs } from "@/ui/tabs"
import type {} from "./answers"
import { Compare, Credit, Disagree } from "./compare"
import { DataDrivenView } from "./fit"

const VIEWS = ["disagreement", "compare", "fit"] as const
const GROUPS = ["campaign", "channel", "platform"] as const
const SCHEMA = { view: choice(VIEWS), by: choice(GROUPS), target: text(), fit: text() }

export default function ModelsPage() {
  const dates = usePeriod("last_90_days")
  const credit = useCredit()
  const carried = useCarried()
  const [state, set] = useUrlState(SCHEMA)
  const given = Number(state.target)
  const target = state.target === "" ? 1 : given
  const isFine = Number.isFinite(target) && target > 0 && target <= 1000
  const asked = { ...dates.period.query, window: credit.query.window, group_by: state.by, ...(isFine && target !== 1 ? { target } : {}) }
  const query = useApi("/attribution/disagreement", { query: asked, keep: true, enabled: state.view !== "fit" })
  const show = (which: "disagreement" | "compare") => (
    <Async query={query} skeleton={<Skeleton className="h-[40rem] w-full rounded-lg" />}>
      {(found) => (which === "compare" ? <Compare found={found} named={credit.named} asked={asked} /> : <Disagree found={found} named={credit.named} asked={asked} />)}
    </Async>
  )
  const windows = credit.rules.windows.map((each) => ({ value: each.is_default ? "" : each.window, label: `Visits within ${windowLabel(each.days)}` }))
  return (
    <>
      <PageHeader
        title="Models compared"
        parent={<TextLink to="/attribution" search={carried}>Attribution</TextLink>}
        description="What each model says of the same orders, where the choice of one would change a decision, and what the data-driven model has learned."
        actions={state.view === "fit" ? undefined : <PeriodPicker {...dates} compare={undefined} />}
      />
      {state.view === "fit" ? null : (
        <div className="mb-3 grid grid-cols-2 items-center gap-2 sm:flex sm:flex-wrap">
          <Select aria-label="Group" value={state.by} options={GROUPS.map((value) => ({ value, label: `By ${value}` }))} onChange={(event) => set({ by: event.target.value as "channel" })} className="w-full sm:w-auto" />
          <Select aria-label="Visits within" value={credit.state.window} options={windows} onChange={(event) => credit.set({ window: event.target.value })} className="w-full sm:w-auto" />
          <label className="flex items-center gap-2 text-sm">
            <span className="whitespace-nowrap text-muted">Target ROAS</span>
            <span className="w-20"><Input aria-invalid={!isFine} inputMode="decimal" placeholder="1" value={state.target} onChange={(event) => set({ target: event.target.value.replace(",", ".") }, { replace: true })} /></span>
          </label>
          <span className="col-span-2 text-sm text-muted">
            {isFine ? "The return that a budget is judged against: 1 pays for the ads alone." : "Write a number above 0, at most 1,000."} <Credit />
          </span>
        </div>
      )}
      <Tabs
        label="Models"
        value={state.view}
        onChange={(view) => set({ view: view as (typeof VIEWS)[number] })}
        tabs={[
          { key: "disagreement", label: "Where they disagree", content: show("disagreement") },
          { key: "compare", label: "Side by side", content: show("compare") },
          { key: "fit", label: "Data-driven", content: <DataDrivenView shown={state.fit} onShow={(fit) => set({ fit })} /> },
        ]}
      />
      <div className="mt-3"><Freshness of={["credit", "conversions", "spend"]} /></div>
      <Explained query={{ ...dates.period.query, window: credit.query.window }} />
    </>
  )
}
