import { expect, it } from "vitest"
import type { ComparedLine } from "./answers"
import { compare } from "./compare"

const line = (key: string, first: string, last: string, currency = "INR"): ComparedLine => ({
  key, name: key, kind: "touch", currency, spend: null, spend_currency: null,
  credit: [{ model: "first_click", conversions: 1, value: first, refunded: "0", net: first }, { model: "last_click", conversions: 2, value: last, refunded: "0", net: last }],
})
const value = (credit: ComparedLine["credit"][number]) => Number(credit.net)
const MODELS = ["first_click", "last_click"]

it("says how far each model is from the chosen one", () => {
  const [row] = compare([line("a", "50", "100")], MODELS, "last_click", value)
  expect(row?.cells.map((cell) => cell.apart)).toEqual([-0.5, 0])
  expect([row?.low.model, row?.high.model, row?.spread]).toEqual(["first_click", "last_click", 0.5])
})

it("a chosen model that gives nothing is no measure for the others", () => {
  const [row] = compare([line("a", "50", "0")], MODELS, "last_click", value)
  expect(row?.cells.map((cell) => cell.apart)).toEqual([null, null])
  expect(row?.spread).toBe(1)
})

it("each line has a scale of its own, and says whether it weighs anything beside the others of its currency", () => {
  const rows = compare([line("a", "50", "100"), line("b", "0.5", "0.5"), line("c", "1", "2", "EUR")], MODELS, "first_click", value)
  expect(rows.map((row) => [row.from, row.to, row.at])).toEqual([[0.5, 1, 0.5], [1, 1, 1], [0.5, 1, 0.5]])
  expect(rows.map((row) => row.weighty)).toEqual([true, false, true])
})

it("a line that nothing came to is drawn as nothing, and counts can be compared as well", () => {
  const rows = compare([line("a", "0", "0")], MODELS, "first_click", value)
  expect([rows[0]?.spread, rows[0]?.to]).toEqual([null, 0])
  expect(compare([line("a", "0", "0")], MODELS, "first_click", (credit) => credit.conversions)[0]?.cells.map((cell) => cell.value)).toEqual([1, 2])
})
