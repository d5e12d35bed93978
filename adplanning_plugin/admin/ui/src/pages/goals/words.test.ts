import { expect, it } from "vitest"
import { conditionsInWords, marksLedger, typeLabel } from "./words"

const money = (value: string | number, currency: string) => `${currency} ${value}`

it("says every condition", () => {
  const conditions = {
    event_name: "signup", pathname_pattern: "/products/*", min_seconds: 30, min_scroll: 0, min_value: "500",
    custom: [{ field: "utm_source", operator: "=", value: "google" }, { field: "properties.plan", operator: "in", value: ["a", "b"] }, { field: "referrer", operator: "not_exists" }],
  }
  expect(conditionsInWords({ conditions, currency: "INR" }, money)).toEqual([
    "event is “signup”", "page is /products/*", "at least 30 seconds", "scrolled at least 0 %", "worth at least INR 500",
    "source is “google”", "property “plan” is one of “a”, “b”", "referring address is missing",
  ])
  expect(conditionsInWords({ conditions: {}, currency: "INR" }, money)).toEqual([])
})

it("knows what marks orders and leads, and older names of types", () => {
  expect(marksLedger("purchase", { pathname_pattern: "/x" })).toBe(true)
  expect(marksLedger("lead", {})).toBe(true)
  expect(marksLedger("lead", { event_name: "form" })).toBe(false)
  expect(marksLedger("page_view", {})).toBe(false)
  expect([typeLabel("lead_form"), typeLabel("event"), typeLabel("page_view")]).toEqual(["Lead", "Custom event", "Page viewed"])
})
