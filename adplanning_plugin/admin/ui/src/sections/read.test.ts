import { expect, it } from "vitest"
import { columnsOf, figuresOf, moved, readSection } from "./read"

it("a section that nobody wrote a view for is read by its shape", () => {
  const read = readSection({
    total_scored: 1200, average: "4999.50", average_minor: 499950, currency: "INR", churn_rate: 0.12, window_days: 90, model: "last_click",
    tiers: { platinum: 3, gold: 9 }, recent: [{ id: "e1", name: "Button", status: "running" }], notes: [],
  })
  expect(read.figures.map(({ key, kind }) => [key, kind])).toEqual([["total_scored", "number"], ["average", "money"], ["churn_rate", "percent"]])
  expect(read.counts).toEqual([{ key: "tiers", title: "Tiers", parts: [{ key: "platinum", label: "Platinum", value: 3 }, { key: "gold", label: "Gold", value: 9 }] }])
  expect(read.lists.map(({ key }) => key)).toEqual(["recent"])
  expect(read.said).toEqual([["Currency", "INR"], ["Window", "90 days"], ["Model", "Last click"]])
})

it("what is not known stays a figure of its kind", () => {
  expect(figuresOf({ roas: null, spend: null, spend_minor: null, other: null }).map(({ key, kind, value }) => [key, kind, value])).toEqual([
    ["roas", "times", null], ["spend", "money", null],
  ])
})

it("a change is relative, and none from nothing", () => {
  expect(moved(12, 10)).toBeCloseTo(0.2)
  expect(moved("5.00", "10.00")).toBeCloseTo(-0.5)
  expect([moved(5, 0), moved(5, null), moved(null, 5), moved(5, undefined)]).toEqual([null, null, null, null])
})

it("a list shows names instead of ids, and money once", () => {
  expect(columnsOf([{ id: "1", name: "Brand", spend: "1.00", spend_minor: 100, currency: "INR", parts: {} }])).toEqual(["name", "spend"])
  expect(columnsOf([{ conversion_id: "1", value: 2 }])).toEqual(["conversion_id", "value"])
})
