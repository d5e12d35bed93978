import { expect, it } from "vitest"
import { cellsOf, look } from "./rows"

it("quoted cells keep commas, quotes and line breaks", () => {
  expect(cellsOf('day,name\r\n2026-01-01,"Sale, ""big""\nand new"\r\n')).toEqual([["day", "name"], ["2026-01-01", 'Sale, "big"\nand new']])
  expect(cellsOf("\uFEFFa,b\n1,2\n\n")).toEqual([["a", "b"], ["1", "2"]])
})

it("says what a file lacks before it is sent", () => {
  const required = ["day", "rate"]
  expect(look("day,rate\n2026-01-01,84", required, []).problem).toBeNull()
  expect(look("day\n2026-01-01", required, []).problem).toContain("rate is missing")
  expect(look("day;rate\n2026-01-01;84", required, []).problem).toContain("semicolons")
  expect(look("day,rate,moon\n1,2,3", required, []).problem).toContain("no column moon")
  expect(look("day,rate\n", required, []).problem).toContain("no rows")
  expect(look("", required, []).problem).toBe("The file is empty.")
})

it("counts all rows and shows the first three", () => {
  const looked = look(`day,rate\n${Array.from({ length: 12 }, (_, index) => `2026-01-${index + 1},84`).join("\n")}`, ["day", "rate"], [])
  expect([looked.count, looked.rows.length]).toEqual([12, 3])
})
