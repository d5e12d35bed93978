import { expect, test } from "vitest"
import { asked, conversion, figure, read } from "./subject"

test("what is written in the address is read again, whatever the key holds", () => {
  const of = { by: "source", kind: "touch", currency: "INR", model: "linear", type: "purchase", key: "a:b=c-" }
  expect(read(figure(of))).toEqual({ figure: of })
  expect(read(figure({ ...of, key: null }))).toEqual({ figure: { ...of, key: null } })
  expect(read(figure({ key: "-" }))).toEqual({ figure: { by: "campaign", kind: "", currency: "", model: "", type: "", key: "-" } })
  expect(read(conversion("conv_1"))).toEqual({ conversion: "conv_1" })
})

test("what nobody wrote explains nothing", () => {
  for (const text of ["", "figure:", "figure:a:b", "conversion:", "moon:1"]) expect(read(text)).toBeNull()
})

test("a line of visits without a key asks for those alone", () => {
  expect(asked({ by: "campaign", kind: "touch", currency: "", model: "", type: "", key: null })).toMatchObject({ key: "", no_key: true })
  expect(asked({ by: "campaign", kind: "", currency: "", model: "", type: "", key: "c1" })).toMatchObject({ key: "c1", no_key: undefined })
})
