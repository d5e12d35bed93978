// The sections of the settings in words: what each field means, what saving does. A section that no word is found for
// (another plugin's) is drawn from its schema alone. Pure.
import { words } from "@/format/format"
import type { JsonSchema, Value } from "./answers"

export interface FieldWords {
  label: string
  help?: string
  /** How it is entered: as the schema says, in percent, from what there is, as a list, or not at all (the rest of two). */
  as?: "percent" | "model" | "window" | "windows" | "hosts" | "rules" | "rest"
  unit?: string
  options?: Record<string, string>
}

export interface SectionWords {
  title: string
  about: string
  /** What happens when it is saved. */
  saving: string
  fields: Record<string, FieldWords>
}

const SECTIONS: Record<string, SectionWords> = {
  attribution: {
    title: "Attribution",
    about: "How the credit for a conversion is shared among the visits before it, and what reports show where nothing else is chosen.",
    saving: "Saving makes a new version of these settings and shares every conversion out anew beside the old credit. Reports go over to it when it is complete; what was tracked stays as it is, and an earlier version can be taken again.",
    fields: {
      default_model: { label: "Model", help: "What every report starts with. Each page can show another one.", as: "model" },
      windows: { label: "Windows to choose from", help: "What the pages offer. Credit is kept for all of them, so one can be offered again at any time.", as: "windows" },
      default_window_days: { label: "Visits count for", help: "How long before a conversion a visit may lie and still earn credit.", as: "window" },
      half_life_hours: { label: "Half-life", unit: "hours", help: "Time decay: a visit that is this much older counts half as much." },
      position_first: { label: "Share of the first visit", as: "percent", help: "Position based: what the visit that began it all earns." },
      position_middle: { label: "Share of the visits between", as: "rest" },
      position_last: { label: "Share of the last visit", as: "percent", help: "Position based: what the last visit before the conversion earns. The visits between share the rest." },
      direct: {
        label: "Direct visits",
        help: "Whether linear, time decay and position based give credit to visits that came from nowhere. The other models have rules of their own.",
        options: {
          exclude_unless_all: "Pass them over, unless there are no others",
          exclude: "Always pass them over",
          include: "Count them like any other",
        },
      },
      exclusion_hosts: { label: "Sites that are no visit", help: "Payment pages and other sites that only lead back, each with everything below it. Links of your own that are tagged count all the same.", as: "hosts" },
      channel_rules: { label: "Your own channels", help: "Read from the top, before the built-in channels: the first rule that holds names the channel. Capitals do not matter.", as: "rules" },
    },
  },
  data_driven: {
    title: "Data-driven credit",
    about: "What the store's own journeys are fitted to every week, and whether a fit is put to use by itself. The fits are under Models compared.",
    saving: "Saving holds for fits that are made from now on. No credit changes until a fit is adopted.",
    fields: {
      weekly: { label: "Fit every week", help: "On Sunday night, over whole days up to the day before." },
      adopt: {
        label: "Put to use by itself",
        help: "A later fit changes what data-driven says of the past as well. Fits that somebody asked for always wait.",
        options: { first: "The first one that the data bear; later ones wait for somebody", every: "Every weekly fit that the data bear", never: "None: somebody adopts them" },
      },
      algorithm: { label: "Model", options: { markov: "Markov chain", shapley: "Shapley value", leave_one_out: "Leave one out" }, help: "The Markov chain looks at the order of visits, the others at which channels were met." },
      order: { label: "Order of the Markov chain", help: "How many visits it remembers, 1 to 3. Orders 2 and 3 need many journeys." },
      level: { label: "Credit goes to", options: { channel: "Channels", platform: "Platforms" } },
      window_days: { label: "Visits count for", help: "How long before a conversion a visit may lie and still belong to the journey.", as: "window" },
      period_days: { label: "Period", unit: "days", help: "How many days up to yesterday are fitted." },
      conversion_type: { label: "A journey ends with" },
      minimum_conversions: { label: "At least", unit: "journeys", help: "With an order, and as many without one. Below that, the answer is that the data are too few." },
      resamples: { label: "Resamples", help: "Draws behind the intervals; 0 leaves them out." },
    },
  },
  privacy: {
    title: "Consent",
    about: "What holds for visitors who were never asked. Who said yes or no is always obeyed.",
    saving: "Saving changes what is stored from now on, within 15 seconds. What was stored before is not touched.",
    fields: {
      unknown_consent: {
        label: "A visitor who was not asked counts as",
        options: {
          denied: "Refused: counted in totals only, nothing is stored in the browser",
          analytics: "Agreed to analytics: visits are joined to orders",
          granted: "Agreed to everything, ads included",
        },
        help: "Where the law asks for consent beforehand, only the first is allowed.",
      },
    },
  },
  revenue: {
    title: "Revenue",
    about: "What of an order counts as revenue in every figure. Refunds are always taken off; unpaid and test orders never count.",
    saving: "Saving values every order anew, in the background. Revenue, ROAS and credit follow within minutes, for the past too.",
    fields: {
      net_of_discount: { label: "Without discounts", help: "Count what was paid, not the price before the discount." },
      net_of_tax: { label: "Without tax", help: "Tax is passed on, not earned." },
      net_of_shipping: { label: "Without shipping", help: "Leave out what the customer paid for delivery." },
      net_of_gift_cards: { label: "Without gift cards", help: "What a gift card paid was revenue when the card was sold." },
    },
  },
  identity: {
    title: "Who is who",
    about: "What makes visits those of one customer, and how many browsers may be one before it is a shared mailbox. An order without a visit of its own takes one of its buyer's.",
    saving: "Saving what forms are worth changes the past too: credit follows within minutes. The limits hold for what is seen from now on.",
    fields: {
      visit_hours_before_order: { label: "Take a visit of up to", unit: "hours before", help: "For an order that names no visit of its own, the latest of its buyer's. 0 switches this off: such orders then count as without a visit." },
      form_email_links: {
        label: "An address in a form",
        help: "Anybody can type any address.",
        options: {
          claimed: "Shown as claimed, until a login or an order confirms it",
          confirmed: "Counts at once, like the address of an order",
        },
      },
      most_visitors_of_email: { label: "An address links at most", unit: "browsers", help: "Beyond that it is a shared mailbox or a till, and links nobody." },
      most_visitors_of_person: { label: "A customer has at most", unit: "browsers", help: "Beyond that it is a shared login, and links nobody." },
      most_addresses_of_visitor: { label: "A browser links at most", unit: "addresses", help: "Beyond that it is a till or a shared computer, and links none of them." },
      most_visitors_together: { label: "Addresses join at most", unit: "browsers", help: "Where they would join more by each other, the one with most of them links nobody." },
    },
  },
}

export function sectionWords(section: string, title: string, schema: JsonSchema): SectionWords {
  const known = SECTIONS[section]
  const shape = shapeOf(schema)
  if (known) return known
  return { title, about: shape.description ?? "", saving: "", fields: {} }
}

/** The object that a schema describes, its reference followed. */
export function shapeOf(schema: JsonSchema): JsonSchema {
  const name = schema.$ref?.replace("#/$defs/", "")
  return (name ? schema.$defs?.[name] : undefined) ?? schema
}

export const fieldWords = (all: SectionWords, name: string, schema: JsonSchema): FieldWords =>
  all.fields[name] ?? { label: words(name), ...(schema.description ? { help: schema.description } : {}) }

export type Entry = string | boolean

/** A value as it stands in its control. */
export function entryOf(value: Value | undefined, schema: JsonSchema, as?: FieldWords["as"]): Entry {
  if (schema.type === "boolean") return value === true
  if (as === "rest") return ""
  if (Array.isArray(value)) return JSON.stringify(value)
  if (value === null || value === undefined) return ""
  return as === "percent" ? String(Number((Number(value) * 100).toFixed(4))) : String(value)
}

/** What is in a control as the API takes it. */
export function valueOf(entry: Entry, schema: JsonSchema, as?: FieldWords["as"]): Value {
  if (typeof entry === "boolean") return entry
  if (as === "rest") return null
  if (schema.type === "array") return JSON.parse(entry || "[]") as Value
  if (schema.type === "number" || schema.type === "integer") {
    const number = Number(entry.replace(",", "."))
    return as === "percent" ? Number((number / 100).toFixed(6)) : number
  }
  return entry
}

/** What is wrong with an entry, in a sentence; null where nothing is. */
export function entryProblem(entry: Entry, schema: JsonSchema, as?: FieldWords["as"]): string | null {
  if (as === "rules" && /""/.test(String(entry))) return "Each rule needs a channel, and each condition a value."
  if (typeof entry === "boolean" || (schema.type !== "number" && schema.type !== "integer")) return null
  const typed = entry.trim().replace(",", ".")
  if (typed === "" || !Number.isFinite(Number(typed))) return "Enter a number."
  const factor = as === "percent" ? 100 : 1
  const number = Number(typed) / factor
  if (schema.type === "integer" && !Number.isInteger(number)) return "Enter a whole number."
  if (schema.minimum !== undefined && number < schema.minimum) return `Enter at least ${schema.minimum * factor}.`
  if (schema.maximum !== undefined && number > schema.maximum) return `Enter at most ${schema.maximum * factor}.`
  return null
}
