import { expect, it } from "vitest"
import type { PathLine } from "@/pages/journeys/shared/answers"
import { flow } from "./flow"

const line = (path: string[], conversions: number, unconverted: number | null = 0): PathLine => ({
  path, keys: path, conversions, unconverted, journeys: conversions + (unconverted ?? 0), conversion_rate: null, share: null, currency: "INR", value: null, average_value: null,
})

it("what enters a step leaves it", () => {
  const { nodes, ribbons, total } = flow([line(["a", "b"], 3, 1), line(["a"], 2), line(["b", "a"], 1, 4)], 5, 300)
  expect(total).toBe(11)
  for (const node of nodes) {
    const out = ribbons.filter((each) => each.from === node.key).reduce((sum, each) => sum + each.weight, 0)
    const into = ribbons.filter((each) => each.to === node.key).reduce((sum, each) => sum + each.weight, 0)
    if (!node.outcome) expect(out).toBe(node.weight)
    if (node.column > 0) expect(into).toBe(node.weight)
  }
  expect(nodes.filter((node) => node.outcome).map((node) => [node.label, node.weight])).toEqual([["Converted", 6], ["No conversion", 5]])
})

it("long paths end in one more step", () => {
  const { nodes, columns } = flow([line(["a", "b", "c", "d"], 2), line(["a", "b", "x", "y", "z"], 1)], 3, 300)
  expect(columns).toBe(4)
  expect(nodes.find((node) => node.label === "More steps")?.weight).toBe(3)
})

it("nothing is nothing", () => expect(flow([], 4, 300).nodes).toEqual([]))
