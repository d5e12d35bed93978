// What figures are read from, grouped as a marketer names it: the server's many sources become Visits, Orders, Meta spend … Pure.
import { words } from "@/format/format"
import type { Day } from "@/state/days"
import type { Source, State } from "./answers"

export type { Source, State }

export interface Group {
  key: string
  title: string
  state: State
  last_at: string | null
  last_day: Day | null
  /** Those that lag; of a group in which nothing does, what was said of it. */
  sources: Source[]
  /** The page on which something can be done about it: the manifest's key, and the tab. */
  page: string
  tab?: string
  /** A list that changes now and then: while all of it is taken in, its age says nothing. */
  quiet?: boolean
}

const ENTITIES: Record<string, string> = {
  "analytics session": "Visits", "analytics event": "Visits", order: "Orders", refund: "Orders", lead: "Leads", "form response": "Leads",
  person: "Customers", "ad campaign": "Ad campaigns", "social interaction": "Social interactions",
}
/** Those whose age says something by itself. */
const SHOWN = new Set(["Visits", "Orders", "Leads"])
const RANK: State[] = ["stale", "late", "fresh", "empty"]
const NAMES: Record<string, string> = { meta: "Meta", google: "Google", ga4: "GA4" }

const titled = (text: string) => text.charAt(0).toUpperCase() + text.slice(1)

function place(source: Source): Pick<Group, "key" | "title" | "page" | "tab" | "quiet"> {
  switch (source.kind) {
    case "events":
      return { key: "visits", title: "Visits", page: source.source === "events" ? "keys" : "operations" }
    case "sweep": {
      const entity = source.title.split(":")[0]?.toLowerCase() ?? ""
      const title = ENTITIES[entity] ?? titled(entity)
      return { key: title.toLowerCase(), title, page: source.state === "empty" ? "links" : "operations", quiet: !SHOWN.has(title) }
    }
    case "conversions":
      return { key: "orders", title: "Orders", page: "operations" }
    case "spend": {
      const platform = source.source.split(":")[1]
      return { key: source.source, title: platform ? `${NAMES[platform] ?? titled(platform)} spend` : "Ad spend", page: "settings", tab: "spend" }
    }
    case "rates":
      return { key: "rates", title: "Exchange rates", page: "settings", tab: "rates" }
    case "credit":
      return { key: "credit", title: "Credit", page: "operations" }
    default:
      return { key: source.source, title: source.title, page: "operations" }
  }
}

const later = (one: string | null, other: string | null) => (one === null ? other : other === null || one > other ? one : other)

/** In the order in which they first come; the worst state counts, and `empty` only where nothing has come at all. */
export function grouped(sources: Source[]): Group[] {
  const groups = new Map<string, Group>()
  for (const source of sources) {
    const at = place(source)
    const known = groups.get(at.key)
    if (!known) {
      groups.set(at.key, { ...at, state: source.state, last_at: source.last_at, last_day: source.last_day, sources: [source] })
      continue
    }
    if (RANK.indexOf(source.state) < RANK.indexOf(known.state)) Object.assign(known, { state: source.state, page: at.page, tab: at.tab })
    known.last_at = later(known.last_at, source.last_at)
    known.last_day = later(known.last_day, source.last_day)
    known.sources.push(source)
  }
  return [...groups.values()].map((group) => ({ ...group, title: alone(group), sources: telling(group) }))
}

/** The newest conversion by itself is not only of orders. */
const alone = (group: Group) => (group.sources.every((each) => each.kind === "conversions") ? "Conversions" : group.title)

function telling(group: Group): Source[] {
  const lagging = group.sources.filter((each) => each.state === "late" || each.state === "stale")
  if (lagging.length > 0) return lagging
  const rates = group.sources.filter((each) => each.kind === "rates" && each.state === "empty")
  if (rates.length > 0) return rates
  return group.sources.filter((each) => each.state === group.state).slice(0, 1)
}

/** The last day that any ad platform has reported: spend of later days is not there yet, which is not the same as none. */
export const lastSpendDay = (sources: Source[]): Day | null =>
  sources.filter((each) => each.kind === "spend").reduce<Day | null>((last, each) => later(last, each.last_day), null)

/** Nothing has ever come in: no order, no spend. */
export const isNewStore = (sources: Source[]): boolean =>
  sources.filter((each) => each.kind === "conversions" || each.kind === "spend").every((each) => each.state === "empty")

const READERS: Record<string, string> = {
  "stream:sessions": "Visits from tracked events",
  "stream:goals": "Goals met by tracked events",
  "stream:attribution.touchpoints": "Visits' sources from tracked events",
  "stream:journeys.progress": "Journeys from tracked events",
  "sweep:attribution.campaigns": "Ad campaigns",
  "sweep:attribution.sessions": "Visits of the store",
  "sweep:tracking.purchases": "Orders",
  "sweep:tracking.refunds": "Refunds",
  "sweep:tracking.leads": "Leads",
  "sweep:tracking.forms": "Form responses",
  "sweep:tracking.people": "Customers",
  "sweep:tracking.goals": "Goals met by the store's events",
}

/** A single source in words: what reads it, where that is known; rows of the store that journeys read are called so. */
export function sourceTitle({ source, kind, title }: Source): string {
  if (kind === "spend" || kind === "sweep" && source.startsWith("sweep:journeys.")) {
    const named = place({ source, kind, title } as Source).title
    return kind === "spend" ? named : `${named}, for journeys`
  }
  return READERS[source] ?? (kind === "sweep" ? words(title.split(":")[0]) : title)
}
