import { expect, it } from "vitest"
import { addDays, before, isDay, rangeOf, todayIn } from "./days"

it("presets end today and count both ends", () => {
  expect(rangeOf("last_7_days", "2026-03-03")).toEqual({ from: "2026-02-25", to: "2026-03-03" })
  expect(rangeOf("last_month", "2026-03-31")).toEqual({ from: "2026-02-01", to: "2026-02-28" })
  expect(rangeOf("this_year", "2026-03-31").from).toBe("2026-01-01")
})

it("the period before is as long and ends the day before", () => {
  expect(before({ from: "2026-03-01", to: "2026-03-31" })).toEqual({ from: "2026-01-29", to: "2026-02-28" })
})

it("today is the zone's", () => {
  const late = new Date("2026-11-20T20:00:00Z")
  expect(todayIn("Asia/Kolkata", late)).toBe("2026-11-21")
  expect(todayIn("America/New_York", late)).toBe("2026-11-20")
})

it("days cross months, leap years and changes of the clock", () => {
  expect(addDays("2028-02-28", 1)).toBe("2028-02-29")
  expect(addDays("2026-03-29", 1)).toBe("2026-03-30")
})

it("what is no day is none", () => {
  expect(["2026-02-30", "20260230", "", "2026-13-01"].filter(isDay)).toEqual([])
})
