import { expect, it } from "vitest"
import { instantIn, localIn } from "./when"

it("a time of the store's zone is an instant, and back", () => {
  expect(localIn("Asia/Kolkata", "2026-11-20T16:04:46Z")).toBe("2026-11-20T21:34")
  expect(instantIn("Asia/Kolkata", "2026-11-20T21:34")).toBe("2026-11-20T16:04:00.000Z")
  expect(instantIn("America/New_York", "2026-07-01T00:30")).toBe("2026-07-01T04:30:00.000Z")
})

it("knows summer time on both sides of its change", () => {
  expect(instantIn("Europe/Berlin", "2026-03-29T01:59")).toBe("2026-03-29T00:59:00.000Z")
  expect(instantIn("Europe/Berlin", "2026-03-29T03:00")).toBe("2026-03-29T01:00:00.000Z")
  expect(instantIn("Europe/Berlin", "2026-10-25T04:00")).toBe("2026-10-25T03:00:00.000Z")
})
