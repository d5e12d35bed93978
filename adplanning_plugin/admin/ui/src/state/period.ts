// The page's period: a preset or two days, and whether to compare; in the address, in the store's zone.
import { useMemo } from "react"
import { useStore } from "@/shell/session"
import { before, isDay, isPreset, type Preset, type Range, rangeOf, todayIn } from "./days"
import { choice, text, useUrlState } from "./url"

const SCHEMA = { range: text(), from: text(), to: text(), compare: choice(["previous", "none"]) }

export interface Period extends Range {
  /** null: two days of one's own. */
  preset: Preset | null
  compare: boolean
  previous: Range
  zone: string
  today: string
  /** For queries: `{ from_date, to_date }`. */
  query: { from_date: string; to_date: string }
}

export function usePeriod(fallback: Preset = "last_30_days") {
  const { zone } = useStore()
  const [state, set] = useUrlState(SCHEMA)
  const today = todayIn(zone)
  const period = useMemo<Period>(() => {
    const own = isDay(state.from) && isDay(state.to) && state.from <= state.to
    const preset = own ? null : isPreset(state.range) ? state.range : fallback
    const range = preset ? rangeOf(preset, today) : { from: state.from, to: state.to }
    return {
      ...range,
      preset,
      compare: state.compare === "previous",
      previous: before(range),
      zone,
      today,
      query: { from_date: range.from, to_date: range.to },
    }
  }, [state, today, zone, fallback])
  return {
    period,
    choose: (preset: Preset) => set({ range: preset === fallback ? "" : preset, from: "", to: "" }),
    between: (range: Range) => set({ range: "", from: range.from, to: range.to }),
    compare: (on: boolean) => set({ compare: on ? "previous" : "none" }),
  }
}
