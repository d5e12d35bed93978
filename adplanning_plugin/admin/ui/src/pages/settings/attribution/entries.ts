// The lists among the attribution settings, as one control holds them: text, so that a form can tell what changed. Pure.
import { words } from "@/format/format"

export type Field = "source" | "medium" | "campaign" | "referrer_host" | "click_id"
export type Op = "equals" | "contains" | "starts_with"

export interface Condition {
  field: Field
  op: Op
  value: string
}

export interface ChannelRule {
  channel: string
  conditions: Condition[]
}

/** In the order in which the API has them. */
export const WINDOWS = [1, 3, 7, 14, 28, 30, 90, 0]
export const FIELDS: Record<Field, string> = { source: "Source", medium: "Medium", campaign: "Campaign", referrer_host: "Referring site", click_id: "Click id" }
export const OPS: Record<Op, string> = { equals: "is", contains: "contains", starts_with: "begins with" }

export const listOf = <T,>(entry: string): T[] => {
  try {
    const list: unknown = JSON.parse(entry || "[]")
    return Array.isArray(list) ? (list as T[]) : []
  } catch {
    return []
  }
}

export const windowWords = (days: number) => (days === 0 ? "Lifetime" : days === 1 ? "1 day" : `${days} days`)

/** Keys in the order of the API's answer, so that the same rules are the same text. */
export const rulesEntry = (rules: ChannelRule[]) =>
  JSON.stringify(rules.map(({ channel, conditions }) => ({ channel, conditions: conditions.map(({ field, op, value }) => ({ field, op, value })) })))

/** The host in what somebody pasted: an address, with or without its beginning and its path. */
export const hostIn = (typed: string) => typed.trim().toLowerCase().replace(/^[a-z][a-z0-9+.-]*:\/\//, "").replace(/[/?#:].*$/, "").replace(/^\*?\.|\.$/g, "")

export const moved = <T,>(list: T[], from: number, to: number): T[] => {
  const rest = list.filter((_, place) => place !== from)
  return to < 0 || to >= list.length ? list : [...rest.slice(0, to), list[from] as T, ...rest.slice(to)]
}

/** A list in a sentence, for where both versions of it are shown. */
export function listWords(kind: "windows" | "hosts" | "rules", entry: string): string {
  if (kind === "windows") return listOf<number>(entry).map(windowWords).join(", ") || "–"
  if (kind === "hosts") return listOf<string>(entry).join(", ") || "–"
  const rules = listOf<ChannelRule>(entry).map(({ channel, conditions }) => `${channel}: ${conditions.map((each) => `${FIELDS[each.field] ?? words(each.field)} ${OPS[each.op]} ${each.value}`).join(" and ")}`)
  return rules.join("; ") || "–"
}
