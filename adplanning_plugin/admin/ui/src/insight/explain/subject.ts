// Which figure or conversion is being explained, as it stands in the address.
import type { Line } from "@/insight/answers"

export interface Figure {
  by: string
  kind: string
  currency: string
  /** A model other than the page's, where several stand side by side. */
  model: string
  type: string
  /** click: of the visits of these days, whenever their conversions came; revenue: only what counts as such; ever: of all days. */
  flags: string
  /** null: of visits that name nothing of the group; "": no single line, but all of the kind. */
  key: string | null
}

/** A figure of ROI, of a campaign or of the dashboard: orders, in the store's own currency. */
export interface Report {
  by: string
  /** A line's; store: all orders; attributed, not_attributed: all lines with and without a visit; campaigns: all that have one; "": all that is credited. */
  kind: string
  /** paying: of campaigns that cost something; new: of first orders; both with a + between. */
  only: string
  model: string
  /** What the figure is: roas, cac, …; says how it follows from its orders. */
  measure: string
  currency: string
  /** Other days than the page's: 2026-03-01/2026-03-01. */
  days: string
  /** The line's campaign, ad set and ad, its channel or its platform. */
  ids: (string | null)[]
}

const NO_KEY = "-"
const coded = (id: string | null) => (id === null ? "" : encodeURIComponent(id))

/** figure:by:kind:currency:model:type:flags:=key; the key comes last, since it may hold anything. */
export const figure = (of: Partial<Figure>) =>
  `figure:${of.by ?? "campaign"}:${of.kind ?? ""}:${of.currency ?? ""}:${of.model ?? ""}:${of.type ?? ""}:${of.flags ?? ""}:${of.key === null ? NO_KEY : `=${of.key ?? ""}`}`

export const report = (of: Partial<Report>) =>
  `report:${of.by ?? "campaign"}:${of.kind ?? ""}:${of.only ?? ""}:${of.model ?? ""}:${of.measure ?? ""}:${of.currency ?? ""}:${of.days ?? ""}:${(of.ids ?? []).map(coded).join("/")}`

export const conversion = (id: string) => `conversion:${id}`

/** A report's line as the part of a figure that names it. */
export function lineOf(line: Pick<Line, "kind" | "id" | "ad_campaign_id" | "ad_set_id" | "ad_id">, by: string): Partial<Report> {
  const ids = [line.ad_campaign_id ?? null, line.ad_set_id ?? null, line.ad_id ?? null]
  const depth = ["campaign", "ad_set", "ad"].indexOf(by) + 1
  return { by, kind: line.kind, ids: line.kind !== "touch" ? [] : depth ? ids.slice(0, depth) : [line.id] }
}

export type Subject = { conversion: string } | { figure: Figure } | { report: Report } | null

export function read(text: string): Subject {
  const [what, rest = ""] = text.split(/:(.*)/s)
  if (what === "conversion" && rest) return { conversion: rest }
  if (what === "report") {
    const parts = rest.split(":")
    if (parts.length !== 8) return null
    const [by, kind, only, model, measure, currency, days, ids] = parts as [string, string, string, string, string, string, string, string]
    return { report: { by, kind, only, model, measure, currency, days, ids: ids === "" && kind !== "touch" ? [] : ids.split("/").map((id) => (id ? decodeURIComponent(id) : null)) } }
  }
  const parts = /^([^:]*):([^:]*):([^:]*):([^:]*):([^:]*):([^:]*):(.*)$/s.exec(rest)
  if (what !== "figure" || !parts) return null
  const [, by, kind, currency, model, type, flags, key] = parts as unknown as string[]
  return { figure: { by: by!, kind: kind!, currency: currency!, model: model!, type: type!, flags: flags!, key: key === NO_KEY ? null : key!.slice(1) } }
}

/** The figure as the request for its conversions. */
export const asked = (of: Figure) => ({
  group_by: of.by as "campaign",
  kind: of.kind as "touch",
  currency: of.currency,
  model: of.model,
  conversion_type: of.type as "purchase",
  basis: of.flags.includes("click") ? ("click" as const) : undefined,
  is_revenue: of.flags.includes("revenue") ? true : undefined,
  key: of.key ?? "",
  no_key: of.key === null ? true : undefined,
  ...(of.flags.includes("ever") ? { from_date: undefined, to_date: undefined } : {}),
})

/** The figure of a report as the request for its orders. */
export const askedOf = (of: Report) => ({
  by: of.by as "campaign",
  kind: of.kind as "touch",
  key: of.ids[0] ?? "",
  ad_set_id: of.ids[1] ?? "",
  ad_id: of.ids[2] ?? "",
  currency: of.currency,
  paying: of.only.includes("paying") ? true : undefined,
  new_customers: of.only.includes("new") ? true : undefined,
  ...(of.days ? { from_date: of.days.split("/")[0]!, to_date: of.days.split("/")[1]! } : {}),
})
