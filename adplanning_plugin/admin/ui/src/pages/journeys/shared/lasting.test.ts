import { expect, it } from "vitest"
import { lasting, lastingShort } from "./lasting"

it("names the two units that matter", () => {
  expect(lasting(93_600)).toBe("1 day 2 hours")
  expect(lasting(3600)).toBe("1 hour")
  expect(lasting(20 * 86_400 + 3 * 3600)).toBe("20 days")
  expect(lasting(150)).toBe("2 minutes")
})

it("says so where nothing lasted, or nothing is known", () => {
  expect(lasting(0)).toBe("at once")
  expect(lasting(null)).toBe("–")
  expect(lastingShort(null)).toBe("–")
})

it("is short where there is little room", () => {
  expect([lastingShort(93_600), lastingShort(59), lastingShort(7200)]).toEqual(["1 d", "59 s", "2 h"])
})
