import { expect, test } from "vitest"
import type { Browser, Edge, PersonIdentity } from "./answers"
import { revoked, why } from "./reasons"

const edge = (id: string, visitor_id: string, kind: Edge["kind"], identifier: string, more: Partial<Edge> = {}): Edge => ({
  id, visitor_id, kind, identifier: { kind: identifier, shown: "ab12cd34…" }, strength: "strong", source: "login",
  first_seen_at: "2026-03-01T12:00:00Z", last_seen_at: "2026-03-01T12:00:00Z", revoked_at: null, revoked_by: null,
  revoked_reason: null, denied: false, links: true, version: 1, ...more,
})
const browser = (id: string, path: string[], claimed = false): Browser => ({ id, claimed, path, first_seen_at: null, last_seen_at: null })
const EDGES = [edge("e1", "laptop", "login", "person"), edge("e2", "laptop", "order", "email"), edge("e3", "phone", "order", "email")]

test("a browser's own evidence is named, and that of others where it hangs on theirs", () => {
  expect(why(browser("laptop", ["e1"]), EDGES)).toBe("A login")
  expect(why(browser("phone", ["e1", "e2", "e3"]), EDGES)).toBe("An order with the address ab12cd34…, which another browser of theirs was seen with")
  expect(why(browser("tablet", [], true), EDGES)).toContain("Anybody can type any address")
})

test("what was revoked is put together by browser, the latest first, and what links is left out", () => {
  const at = (id: string, visitor: string, revoked_at: string) => edge(id, visitor, "login", "person", { revoked_at })
  const edges = [at("a", "phone", "2026-03-01T00:00:00Z"), EDGES[0]!, at("b", "tablet", "2026-03-02T00:00:00Z"), at("c", "phone", "2026-03-03T00:00:00Z")]
  const identity: PersonIdentity = { person_id: "7", component_id: null, visitors: [], identifiers: [], edges }
  expect(revoked(identity).map((each) => each.map(({ id }) => id))).toEqual([["c", "a"], ["b"]])
})
