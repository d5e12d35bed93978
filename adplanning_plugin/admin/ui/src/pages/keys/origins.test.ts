import { expect, it } from "vitest"
import { linesOf, originProblem } from "./origins"

it("origins are read by line, comma or space", () => {
  expect(linesOf(" https://a.example \nhttps://b.example, https://c.example\n\n")).toEqual(["https://a.example", "https://b.example", "https://c.example"])
})

it("an origin has a scheme and a host, perhaps a port, and no path", () => {
  expect(originProblem(["https://shop.example", "http://localhost:9000", "https://*.shop.example", "https://shop.example/"])).toBeNull()
  for (const wrong of ["shop.example", "https://shop.example/cart", "ftp://shop.example", "https://me@shop.example", "https://"]) {
    expect(originProblem(["https://ok.example", wrong])).toContain(wrong)
  }
})

it("a star stands for subdomains alone", () => {
  expect(originProblem(["https://*"])).toContain("subdomains")
  expect(originProblem(["https://sh*p.example"])).toContain("subdomains")
})
