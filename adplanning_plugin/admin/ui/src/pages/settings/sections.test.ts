import { expect, it } from "vitest"
import { entryOf, entryProblem, fieldWords, sectionWords, shapeOf, valueOf } from "./sections"

const SHARE = { type: "number", minimum: 0, maximum: 1 }

it("shares are entered in percent and sent as fractions", () => {
  expect(entryOf(0.4, SHARE, "percent")).toBe("40")
  expect(entryOf(0.145, SHARE, "percent")).toBe("14.5")
  expect(valueOf("14.5", SHARE, "percent")).toBe(0.145)
  expect(valueOf("33,3", SHARE, "percent")).toBe(0.333)
})

it("what does not fit the schema is said in the field's own unit", () => {
  expect(entryProblem("101", SHARE, "percent")).toBe("Enter at most 100.")
  expect(entryProblem("", SHARE, "percent")).toBe("Enter a number.")
  expect(entryProblem("0.5", { type: "integer", minimum: 0 })).toBe("Enter a whole number.")
  expect(entryProblem("-1", { type: "integer", minimum: 0 })).toBe("Enter at least 0.")
  expect(entryProblem("24", { type: "integer", minimum: 0, maximum: 720 })).toBeNull()
})

it("a section of another plugin is drawn from its schema", () => {
  const schema = { $ref: "#/$defs/Loyalty", $defs: { Loyalty: { type: "object", description: "Points.", properties: { points_per_rupee: { type: "number" } } } } }
  const all = sectionWords("loyalty", "Loyalty", schema)
  expect([all.title, all.about]).toEqual(["Loyalty", "Points."])
  expect(Object.keys(shapeOf(schema).properties ?? {})).toEqual(["points_per_rupee"])
  expect(fieldWords(all, "points_per_rupee", { type: "number" }).label).toBe("Points per rupee")
})
