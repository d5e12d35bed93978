import { expect, test } from "vitest"
import { asked, askedOf, conversion, figure, lineOf, read, report } from "./subject"

const NONE = { by: "campaign", kind: "", currency: "", model: "", type: "", flags: "", key: "" }

test("what is written in the address is read again, whatever the key holds", () => {
  const of = { by: "source", kind: "touch", currency: "INR", model: "linear", type: "purchase", flags: "click", key: "a:b=c-" }
  expect(read(figure(of))).toEqual({ figure: of })
  expect(read(figure({ ...of, key: null }))).toEqual({ figure: { ...of, key: null } })
  expect(read(figure({ key: "-" }))).toEqual({ figure: { ...NONE, key: "-" } })
  expect(read(conversion("conv_1"))).toEqual({ conversion: "conv_1" })
})

test("a figure of a report names its line again, whatever the ids hold", () => {
  const of = { by: "ad", kind: "touch", only: "paying+new", model: "linear", measure: "roas", currency: "INR", days: "2026-03-01/2026-03-02", ids: ["a/b:c", null, "1%"] }
  expect(read(report(of))).toEqual({ report: of })
  expect(read(report({ kind: "touch", ids: [null] }))).toMatchObject({ report: { ids: [null] } })
  expect(read(report({ kind: "store" }))).toMatchObject({ report: { kind: "store", ids: [] } })
})

test("a line asks for its own orders", () => {
  const line = { kind: "touch" as const, id: "ad1", ad_campaign_id: "c1", ad_set_id: null, ad_id: "ad1" }
  expect(lineOf(line, "ad_set").ids).toEqual(["c1", null])
  expect(lineOf({ ...line, id: "Email" }, "channel").ids).toEqual(["Email"])
  expect(lineOf({ ...line, kind: "renewal" }, "campaign").ids).toEqual([])
  const read_ = read(report({ ...lineOf(line, "ad_set"), only: "new", days: "2026-03-01/2026-03-02" }))
  expect(read_ && "report" in read_ && askedOf(read_.report)).toMatchObject({ key: "c1", ad_set_id: "", new_customers: true, paying: undefined, from_date: "2026-03-01", to_date: "2026-03-02" })
})

test("what nobody wrote explains nothing", () => {
  for (const text of ["", "figure:", "figure:a:b", "conversion:", "report:a:b", "moon:1"]) expect(read(text)).toBeNull()
})

test("a line of visits without a key asks for those alone", () => {
  expect(asked({ ...NONE, kind: "touch", key: null })).toMatchObject({ key: "", no_key: true })
  expect(asked({ ...NONE, key: "c1" })).toMatchObject({ key: "c1", no_key: undefined, basis: undefined, is_revenue: undefined })
  expect(asked({ ...NONE, flags: "revenue,ever" })).toMatchObject({ is_revenue: true, from_date: undefined })
})
