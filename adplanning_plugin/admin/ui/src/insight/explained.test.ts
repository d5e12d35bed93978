import { expect, it } from "vitest"
import type { Discrepancy, Part } from "./answers"
import { answer, signed } from "./explained"

const part = (title: string, conversions: number | null, cause = title) => ({ cause, title, sentence: "", state: "computed", conversions, value: null, up_to: null }) as Part
const line = (ours: number, claimed: number | null, parts: Part[]) =>
  ({
    ours: { conversions: ours, value: null },
    claimed: { conversions: claimed, value: null },
    difference: { conversions: claimed === null ? null : claimed - ours, value: null },
    parts,
  }) as Discrepancy

it("names the two causes that weigh most, whichever way they go", () => {
  const parts = [part("Refunds", 1), part("Window after the click", -4), part("Views", null), part("Credit of other visits", 8)]
  expect(answer(line(5, 10, parts), "conversions", String)).toBe(
    "The claim is 5 more than what this store counts. What weighs most: credit of other visits (+8) and window after the click (-4).",
  )
})

it("keeps apart what nobody can explain", () => {
  const parts = [part("Refunds", 1), part("Not explained", 9, "not_explained")]
  expect(answer(line(0, 10, parts), "conversions", String)).toMatch(/most: refunds \(\+1\)\. Not explained: \+9\.$/)
  expect(answer(line(0, 9, [parts[1]!]), "conversions", String)).toBe("The claim is 9 more than what this store counts. Not explained: +9.")
})

it("says when the two agree, and when one of them is not known", () => {
  expect(answer(line(5, 5, []), "conversions", String)).toBe("Both say 5.")
  expect(answer(line(5, null, []), "conversions", String)).toContain("not known")
  expect(answer(line(5, 9, []), "value", String)).toContain("not known")
})

it("writes a plus only where it is asked for and there is more", () => {
  expect([signed(3, true, String), signed(3, false, String), signed(0, true, String), signed(-3, true, String)]).toEqual(["+3", "3", "0", "-3"])
})
