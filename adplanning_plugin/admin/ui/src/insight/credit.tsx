// Under which rule credit is given: model, window and whose date counts; in the address, the same for every page about returns.
import { useSearch } from "@tanstack/react-router"
import { useApi } from "@/api/query"
import { words } from "@/format/format"
import { choice, text, useUrlState } from "@/state/url"
import { cn } from "@/ui/cn"
import { Select } from "@/ui/controls"
import type { CreditRules } from "./answers"

const SCHEMA = { model: text(), window: text(), basis: choice(["order", "click"]) }
const NONE: CreditRules = { models: [], windows: [] }
const MEANS: Record<string, string> = {
  last_click: "All of it to the last visit before the order.",
  first_click: "All of it to the first visit.",
  linear: "Equal parts to every visit.",
  time_decay: "More to the visits shortly before the order.",
  position_based: "40% to the first, 40% to the last, the rest between them.",
  last_non_direct: "All of it to the last visit that came from somewhere; direct visits are passed over.",
  data_driven: "To each visit as much as its channel's effect, learned from the store's own journeys, with and without an order.",
}

export type Credit = ReturnType<typeof useCredit>

/** `const credit = useCredit()`: `credit.query` for requests, `<CreditSwitches {...credit} />` to change it. */
export function useCredit() {
  const [state, set] = useUrlState(SCHEMA)
  const known = useApi("/attribution/models", { staleTime: 300_000 })
  const rules = (known.data as CreditRules | undefined) ?? NONE
  const named = (model: string) => rules.models.find((each) => each.model === model)?.label ?? words(model)
  return {
    rules,
    state,
    set,
    named,
    means: (model: string) => MEANS[model] ?? "",
    query: { model: state.model, window: state.window, basis: state.basis },
  }
}

export const windowLabel = (days: number) => (days === 0 ? "any time" : days === 1 ? "1 day" : `${days} days`)

/** Lists: the model, how long a visit counts, and, where a page counts by either (`dated`), whose date an order lies on. */
export function CreditSwitches({ rules, state, set, dated = true }: Credit & { dated?: boolean }) {
  const models = rules.models.map((each) => ({ value: each.is_default ? "" : each.model, label: each.label }))
  const windows = rules.windows.map((each) => ({ value: each.is_default ? "" : each.window, label: windowLabel(each.days) }))
  return (
    <>
      <Switch label="Credit by" value={state.model} options={models} onChange={(model) => set({ model })} wide="sm:w-52" />
      <Switch label="Visits within" value={state.window} options={windows} onChange={(window) => set({ window })} wide="sm:w-44" />
      {dated ? (
        <Switch
          label="Date of"
          value={state.basis}
          options={[{ value: "order", label: "the order" }, { value: "click", label: "the click" }]}
          onChange={(basis) => set({ basis: basis as "order" | "click" })}
          wide="sm:w-40"
        />
      ) : null}
    </>
  )
}

/** As wide before its list has come as after: what stands beside it stays where it is. */
function Switch({ label, value, options, onChange, wide }: { label: string; value: string; options: { value: string; label: string }[]; onChange: (value: string) => void; wide: string }) {
  // While the rules are on their way, or where the address names one that there is not, the list shows what is asked for.
  const known = options.some((each) => each.value === value)
  const shown = known ? options : [{ value, label: value ? words(value) : "…" }, ...options]
  return (
    <Select
      aria-label={label}
      value={value}
      onChange={(event) => onChange(event.target.value)}
      options={shown.map((each) => ({ value: each.value, label: `${label} ${each.label.charAt(0).toLowerCase()}${each.label.slice(1)}` }))}
      className={cn("min-w-0 grow basis-36 sm:grow-0 sm:basis-auto", wide)}
    />
  )
}

const CARRIED = ["range", "from", "to", "compare", "model", "window", "basis"]

/** What a link to another page about returns takes along: the period, the comparison and the rule of credit. */
export function useCarried(): Record<string, unknown> {
  const search = useSearch({ strict: false }) as Record<string, unknown>
  return Object.fromEntries(CARRIED.filter((key) => search[key] !== undefined).map((key) => [key, search[key]]))
}
