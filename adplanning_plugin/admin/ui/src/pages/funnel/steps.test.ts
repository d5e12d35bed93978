import { expect, it } from "vitest"
import { added, changed, choiceOf, down, MOST, nameOf, problemOf, up, without } from "./steps"

const STEPS = ["awareness", "intent", "purchase"]

it("steps are moved, taken away and added", () => {
  expect(up(STEPS, 1)).toEqual(["intent", "awareness", "purchase"])
  expect(up(STEPS, 0)).toEqual(STEPS)
  expect(down(STEPS, 1)).toEqual(["awareness", "purchase", "intent"])
  expect(without(STEPS, 0)).toEqual(["intent", "purchase"])
  expect(without(["a", "b"], 0)).toEqual(["a", "b"])
  expect(added(STEPS)).toEqual([...STEPS, "conversion"])
  expect(added(Array(MOST).fill("purchase"))).toHaveLength(MOST)
})

it("a page is chosen first and named then", () => {
  expect(choiceOf("page:/cart/*")).toBe("page:")
  expect(nameOf("page:/cart/*")).toBe("/cart/*")
  expect(problemOf(changed(STEPS, 0, "page:"))).toContain("Name the page")
  expect(problemOf(changed(STEPS, 0, "page:/cart"))).toBeNull()
})

it("a stage is taken once", () => expect(problemOf(["intent", "intent"])).toContain("only once"))
