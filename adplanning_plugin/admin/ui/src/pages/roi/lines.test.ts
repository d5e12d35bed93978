import { expect, it } from "vitest"
import { matching, ordered, type RoiLine } from "./lines"

const line = (name: string, more: Partial<RoiLine>) => ({ kind: "touch", id: name, name, platform: null, spend: null, roas: null, ...more }) as RoiLine
const LINES = [line("b", { spend: "9.00", platform: "meta" }), line("A", { spend: "10.00", platform: "google" }), line("c", { spend: null })]
const names = (lines: RoiLine[]) => lines.map((each) => each.name).join("")

it("sorts amounts as amounts, and what is not known last either way", () => {
  expect(names(ordered(LINES, "-spend"))).toBe("Abc")
  expect(names(ordered(LINES, "spend"))).toBe("bAc")
})

it("sorts names regardless of case", () => {
  expect(names(ordered(LINES, "name"))).toBe("Abc")
  expect(names(ordered(LINES, "-name"))).toBe("cbA")
})

it("filters by platform and by what is typed", () => {
  expect(names(matching(LINES, "meta", ""))).toBe("b")
  expect(names(matching(LINES, "", " a "))).toBe("A")
})
