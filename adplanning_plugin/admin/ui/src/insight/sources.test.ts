import { expect, it } from "vitest"
import { grouped, isNewStore, lastSpendDay, type Source, sourceTitle, type State } from "./sources"

const source = (source: string, kind: string, state: State, more: Partial<Source> = {}): Source => ({
  source, kind, title: more.title ?? source, state, last_at: null, last_day: null, lag_seconds: null, behind: null, detail: "", action: "", ...more,
})

it("many sources become what a marketer names", () => {
  const found = grouped([
    source("events", "events", "empty"),
    source("stream:goals", "events", "fresh", { last_at: "2026-11-20T10:00:00Z" }),
    source("sweep:tracking.purchases", "sweep", "late", { title: "Order: tracking.purchases", detail: "3 wait" }),
    source("conversions", "conversions", "fresh", { last_at: "2026-11-20T09:00:00Z" }),
    source("spend:meta", "spend", "stale", { last_day: "2026-11-17" }),
    source("spend:google", "spend", "fresh", { last_day: "2026-11-20" }),
  ])
  expect(found.map(({ title, state }) => [title, state])).toEqual([
    ["Visits", "fresh"], ["Orders", "late"], ["Meta spend", "stale"], ["Google spend", "fresh"],
  ])
  expect(found[1]?.sources.map((each) => each.detail)).toEqual(["3 wait"])
  expect(found[1]?.last_at).toBe("2026-11-20T09:00:00Z")
})

it("days after the last report of spend are not days without spend", () => {
  expect(lastSpendDay([source("spend:meta", "spend", "stale", { last_day: "2026-11-17" }), source("spend:google", "spend", "fresh", { last_day: "2026-11-20" })])).toBe("2026-11-20")
  expect(lastSpendDay([source("spend", "spend", "empty")])).toBeNull()
})

it("a store is new until an order or spend has come in", () => {
  const none = [source("conversions", "conversions", "empty"), source("spend", "spend", "empty"), source("credit", "credit", "fresh")]
  expect(isNewStore(none)).toBe(true)
  expect(isNewStore([...none, source("spend:meta", "spend", "fresh")])).toBe(false)
})

it("no source is called by its code", () => {
  expect(sourceTitle(source("stream:journeys.progress", "events", "fresh", { title: "Reader journeys.progress of tracked visits" }))).toBe("Journeys from tracked events")
  expect(sourceTitle(source("sweep:journeys.analytics_events", "sweep", "fresh", { title: "Analytics event: journeys.analytics_events" }))).toBe("Visits, for journeys")
  expect(sourceTitle(source("sweep:other.rows", "sweep", "fresh", { title: "Gift card: other.rows" }))).toBe("Gift card")
  expect(sourceTitle(source("spend:google", "spend", "late", { title: "Ad spend of Google" }))).toBe("Google spend")
})

it("conversions by themselves are not called orders", () => {
  expect(grouped([source("conversions", "conversions", "fresh")]).map(({ title }) => title)).toEqual(["Conversions"])
})
