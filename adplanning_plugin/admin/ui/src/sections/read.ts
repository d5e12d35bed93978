// Reads a section's data by its shape, so that a domain which registers one is shown without a line written for it. Pure.
import { words } from "@/format/format"
import type { Data } from "./answers"

export type Kind = "money" | "percent" | "times" | "number"

export interface Figure {
  key: string
  title: string
  kind: Kind
  value: number | string | null
  /** Which way is good; neither where that is not for us to say. */
  better: "up" | "down" | "neither"
}

/** Named counts: posts by status, members by tier. */
export interface Counts {
  key: string
  title: string
  parts: { key: string; label: string; value: number }[]
}

export interface Listing {
  key: string
  title: string
  rows: Data[]
}

export interface Reading {
  figures: Figure[]
  counts: Counts[]
  lists: Listing[]
  /** What figures rest on, in words: model, window, currency. */
  said: [name: string, value: string][]
}

const TITLES: Record<string, string> = {
  roas: "ROAS", mer: "MER", ctr: "CTR", cpc: "Cost per click", cpa: "Cost per order", cac: "Cost per new customer", cpl: "Cost per lead",
  spend: "Ad spend", revenue: "Revenue", lead_forms: "Lead forms", attributions: "Touches", converted: "Visits that converted",
  nps: "NPS", clv: "CLV", avg_clv: "Average CLV", add_to_cart: "Add to cart", begin_checkout: "Begin checkout",
}
const MONEY = new Set(["cpc", "cpa", "cac", "cpl"])
const TIMES = new Set(["roas", "mer", "new_customer_roas"])
const PERCENT = /(_rate|_share|_percent|^share|^rate|^ctr|^roi)$/
const DOWN = /^(cpc|cpa|cac|cpl|failed|refunds|churn\w*|high_churn\w*|unsubscribe\w*)$/
const NEITHER = /^(spend|impressions|draft|drafts|scheduled|total|attributions)$/

export const titleOf = (key: string) => TITLES[key] ?? words(key)

export function kindOf(key: string, data: Data): Kind {
  if (`${key}_minor` in data || MONEY.has(key)) return "money"
  if (TIMES.has(key)) return "times"
  return PERCENT.test(key) ? "percent" : "number"
}

const isData = (value: unknown): value is Data => typeof value === "object" && value !== null && !Array.isArray(value)
const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value)
const better = (key: string) => (DOWN.test(key) ? "down" : NEITHER.test(key) ? "neither" : "up") as Figure["better"]

/** Money is a decimal text with its minor units beside it; what is null is a figure only where its kind is known. */
function isFigure(key: string, value: unknown, data: Data): boolean {
  if (key.endsWith("_minor") || key.endsWith("_days") || key === "currency") return false
  return isNumber(value) || `${key}_minor` in data || MONEY.has(key) || (value === null && (TIMES.has(key) || PERCENT.test(key)))
}

export function figuresOf(data: Data, only?: readonly string[]): Figure[] {
  const keys = only ?? Object.keys(data)
  return keys
    .filter((key) => key in data && (isFigure(key, data[key], data) || (only !== undefined && data[key] === null)))
    .map((key) => ({ key, title: titleOf(key), kind: kindOf(key, data), value: data[key] as Figure["value"], better: better(key) }))
}

export function readSection(data: Data): Reading {
  const counts: Counts[] = []
  const lists: Listing[] = []
  const said: [string, string][] = []
  for (const [key, value] of Object.entries(data)) {
    if (Array.isArray(value)) {
      const rows = value.filter(isData)
      if (rows.length > 0) lists.push({ key, title: titleOf(key), rows })
    } else if (isData(value)) {
      const parts = Object.entries(value).filter((entry): entry is [string, number] => isNumber(entry[1]))
      if (parts.length > 0 && key !== "change") {
        counts.push({ key, title: titleOf(key), parts: parts.map(([name, count]) => ({ key: name, label: titleOf(name), value: count })) })
      }
    } else if (typeof value === "string" && !isFigure(key, value, data)) {
      said.push([titleOf(key), key === "currency" ? value : words(value)])
    } else if (key.endsWith("_days") && isNumber(value)) {
      said.push([titleOf(key.slice(0, -5)), value === 0 ? "Lifetime" : `${value} days`])
    }
  }
  return { figures: figuresOf(data), counts, lists, said }
}

/** Relative change; null where there is nothing to compare with. */
export function moved(now: Figure["value"], was: unknown): number | null {
  const [after, before] = [Number(now), Number(was)]
  if (now === null || was === null || was === undefined || !Number.isFinite(before) || before === 0) return null
  // To the same four places as the server writes a change, so that one figure moves alike everywhere.
  return Math.round(((after - before) / Math.abs(before)) * 1e4) / 1e4
}

/** The columns of a list: what its first rows have, without the twins in minor units and bare ids beside names. */
export function columnsOf(rows: Data[]): string[] {
  const keys = [...new Set(rows.slice(0, 20).flatMap((row) => Object.keys(row)))]
  const named = keys.includes("name") || keys.includes("title")
  return keys.filter((key) => {
    if (key.endsWith("_minor") || key === "currency" || key === "kind") return false
    if (named && (key === "id" || key.endsWith("_id"))) return false
    return rows.some((row) => !isData(row[key]) && !Array.isArray(row[key]))
  })
}
