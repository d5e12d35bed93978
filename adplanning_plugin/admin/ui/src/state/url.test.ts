import { expect, it } from "vitest"
import { changed, choice, flag, integer, list, parseSearch, readState, stringifySearch, text } from "./url"

const SCHEMA = { q: text(), page: integer(1), order: text("-occurred_at"), status: choice(["", "paid"]), on: flag(), hidden: list(), open: text() }

it("reads defaults from an empty address, and writes none into it", () => {
  const state = readState(SCHEMA, {})
  expect(state).toEqual({ q: "", page: 1, order: "-occurred_at", status: "", on: false, hidden: [], open: "" })
  expect(stringifySearch(changed(SCHEMA, {}, state))).toBe("")
})

it("comes back as it was written", () => {
  const search = changed(SCHEMA, {}, { q: "a&b=c ₹ 12", status: "paid", on: true, hidden: ["x", "y"] })
  const again = readState(SCHEMA, parseSearch(stringifySearch(search)))
  expect(again).toMatchObject({ q: "a&b=c ₹ 12", status: "paid", on: true, hidden: ["x", "y"] })
})

it("what somebody typed into the address cannot be anything else than the field's", () => {
  expect(readState(SCHEMA, { page: "-3", status: "lost", on: "yes" })).toMatchObject({ page: 1, status: "", on: false })
  expect(readState(SCHEMA, { page: "2e3x" }).page).toBe(1)
})

it("a filter leads back to the first page; a drawer does not", () => {
  expect(changed(SCHEMA, { page: "4" }, { q: "shawl" })).toEqual({ q: "shawl" })
  expect(changed(SCHEMA, { page: "4" }, { open: "conv_1" })).toEqual({ page: "4", open: "conv_1" })
  expect(changed(SCHEMA, { page: "4", other: "1" }, { page: 5 })).toEqual({ page: "5", other: "1" })
})
