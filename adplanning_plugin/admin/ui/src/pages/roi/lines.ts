// The report's lines, filtered and sorted as asked. Pure.
import type { Line, Moved } from "@/insight/answers"

export type RoiLine = Line & Moved

const TEXTS = new Set(["name", "platform"])

export function matching(lines: RoiLine[], platform: string, q: string): RoiLine[] {
  const wanted = q.trim().toLowerCase()
  return lines.filter((line) => (!platform || line.platform === platform) && (!wanted || `${line.name ?? ""} ${line.campaign_name ?? ""} ${line.id ?? ""}`.toLowerCase().includes(wanted)))
}

/** By the column, descending where a minus stands before it; what is not known comes last either way. */
export function ordered(lines: RoiLine[], order: string): RoiLine[] {
  const down = order.startsWith("-")
  const key = order.replace(/^-/, "")
  const value = (line: RoiLine): string | number | null => {
    const found = (line as unknown as Record<string, string | number | null | undefined>)[key]
    if (found === null || found === undefined || found === "") return null
    return TEXTS.has(key) ? String(found).toLowerCase() : Number(found)
  }
  return [...lines].sort((one, other) => {
    const [a, b] = [value(one), value(other)]
    if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1
    const step = typeof a === "string" ? a.localeCompare(String(b)) : a - Number(b)
    return down ? -step : step
  })
}
