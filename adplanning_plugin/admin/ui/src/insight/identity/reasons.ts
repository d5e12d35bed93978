// Why a browser counts as somebody's, in words. Pure.
import type { Browser, Edge, PersonIdentity } from "./answers"

const KINDS: Record<Edge["kind"], string> = {
  login: "a login",
  order: "an order",
  signed_link: "a link in a message to them",
  confirmed: "somebody here confirmed it",
  form: "an address in a form",
}

export const kindWords = (kind: string): string => KINDS[kind as Edge["kind"]] ?? kind.replaceAll("_", " ")

/** "a login", or "an order with the address ab12cd34…, which another browser of theirs used". */
export function why(browser: Browser, edges: Edge[]): string {
  const way = browser.path.map((id) => edges.find((each) => each.id === id)).filter((each) => each !== undefined)
  if (browser.claimed) return "The customer's address was left in a form here. Anybody can type any address."
  const last = way.at(-1)
  if (!last) return "Linked"
  if (last.identifier.kind === "person") return sentence(kindWords(last.kind))
  const steps = way.filter((each) => each.visitor_id !== browser.id).length
  const through = steps > 2 ? ", by way of other browsers" : ", which another browser of theirs was seen with"
  return sentence(`${kindWords(last.kind)} with the address ${last.identifier.shown ?? "hidden"}${through}`)
}

/** What was taken back and may be restored, by browser, the latest first. */
export function revoked(identity: PersonIdentity): Edge[][] {
  const found = new Map<string, Edge[]>()
  const taken = identity.edges.filter((each) => each.revoked_at).sort((a, b) => (b.revoked_at ?? "").localeCompare(a.revoked_at ?? ""))
  for (const each of taken) found.set(each.visitor_id, [...(found.get(each.visitor_id) ?? []), each])
  return [...found.values()]
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
