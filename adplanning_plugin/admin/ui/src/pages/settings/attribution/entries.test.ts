import { expect, it } from "vitest"
import { hostIn, listOf, listWords, moved, rulesEntry } from "./entries"

it("a host is found in whatever was pasted", () => {
  expect(hostIn(" https://Pay.Example.com:443/return?x=1 ")).toBe("pay.example.com")
  expect(hostIn("*.example.com")).toBe("example.com")
})

it("rules move one place, and never off the list", () => {
  expect(moved(["a", "b", "c"], 2, 1)).toEqual(["a", "c", "b"])
  expect(moved(["a", "b"], 0, -1)).toEqual(["a", "b"])
  expect(moved(["a", "b"], 1, 2)).toEqual(["a", "b"])
})

it("the same rules are the same text, however they were built", () => {
  const rule = { conditions: [{ value: "tiktok", op: "equals" as const, field: "source" as const }], channel: "Creators" }
  expect(rulesEntry([rule])).toBe('[{"channel":"Creators","conditions":[{"field":"source","op":"equals","value":"tiktok"}]}]')
  expect(listWords("rules", rulesEntry([rule]))).toBe("Creators: Source is tiktok")
  expect(listOf("no list")).toEqual([])
})
