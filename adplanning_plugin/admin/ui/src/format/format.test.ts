import { describe, expect, it } from "vitest"
import { formats, words } from "./format"

const khadi = formats({ currency: "INR", zone: "Asia/Kolkata", locale: "en-IN" })
const loom = formats({ currency: "EUR", zone: "Europe/Berlin", locale: "en-IE" })

describe("money", () => {
  it("is grouped as the store's country groups it", () => {
    expect(khadi.money("123456.78")).toBe("₹1,23,456.78")
    expect(loom.money("123456.78")).toBe("€123,456.78")
  })
  it("is exact where a float is not", () => {
    expect(khadi.money("90071992547409.93")).toBe("₹9,00,71,99,25,47,409.93")
  })
  it("names another currency than the store's", () => {
    expect(khadi.money("10.00", "JPY")).toContain("10")
    expect(khadi.money("10.00", "USD")).toBe("$10.00")
  })
  it("of nothing is a dash, of zero is zero", () => {
    expect(khadi.money(null)).toBe("–")
    expect(khadi.money("0.00")).toBe("₹0.00")
  })
})

describe("ratios", () => {
  it("are shares, changes and multiples", () => {
    expect(khadi.percent(0.9134)).toBe("91.3%")
    expect(khadi.change(-0.1075)).toBe("-10.8%")
    expect(khadi.change(0.6471)).toBe("+64.7%")
    expect(khadi.times(1.5977)).toBe("1.60×")
    expect([0.9952, 1, 0.984].map((value) => khadi.times(value))).toEqual(["0.99×", "1.00×", "0.98×"])
  })
})

describe("dates", () => {
  it("are in the store's zone, and a day is that day in every zone", () => {
    expect(khadi.dateTime("2026-11-20T20:04:46Z")).toBe("21 Nov 2026, 01:34")
    expect(khadi.date("2026-11-20")).toBe("20 Nov 2026")
    expect(formats({ currency: "USD", zone: "America/Los_Angeles", locale: "en-US" }).date("2026-11-20")).toBe("Nov 20, 2026")
  })
  it("say how long ago", () => {
    const now = Date.parse("2026-11-21T12:00:00Z")
    expect(khadi.ago("2026-11-21T11:59:50Z", now)).toBe("just now")
    expect(khadi.ago("2026-11-21T10:00:00Z", now)).toBe("2 hours ago")
  })
})

it("codes become words", () => {
  expect(words("lead_form_submission")).toBe("Lead form submission")
  expect(words("last_non_direct")).toBe("Last non-direct")
  expect(words(null)).toBe("–")
})
