// The words of conversions: types, states, origins, and a sentence for each model of credit.
import { words } from "@/format/format"

export const TYPES = ["purchase", "lead_form_submission", "add_to_cart", "begin_checkout", "page_engagement", "scroll_depth", "time_on_site", "custom"] as const
export const PLATFORMS = ["meta", "google", "generic", "direct"] as const
export const STATUSES = ["confirmed", "unconfirmed", "pending", "cancelled"] as const
export const ORIGINS = ["order", "lead", "tracker", "goal", "manual", "import"] as const
export const CHANNELS = ["online", "offline", "renewal"] as const

const NAMES: Record<string, string> = {
  generic: "Other sites",
  tracker: "Storefront",
  manual: "Entered by hand",
  goal: "Goal met",
}

export const named = (code: string | null | undefined) => (code ? (NAMES[code] ?? words(code)) : words(code))
export const options = (values: readonly string[]) => values.map((value) => ({ value, label: named(value) }))

export const STATUS_MEANS: Record<string, string> = {
  confirmed: "It counts: the store's own records, or a goal, say that it happened.",
  unconfirmed: "It counts, but no order or lead of the store confirms it.",
  pending: "It does not count yet: the order is not paid, or only a browser said so.",
  cancelled: "It does not count: it was cancelled, or is a test.",
}

const MODELS: Record<string, string> = {
  last_non_direct: "The last touch that was not a direct visit gets everything.",
  last_click: "The last touch before the conversion gets everything, also where it was a direct visit.",
  first_click: "The touch that came first gets everything.",
  linear: "Every touch gets the same.",
  time_decay: "The nearer a touch is to the conversion, the more it gets.",
  position_based: "The first and the last touch get most; those between them share the rest.",
}

/** A model as people call it. */
export const modelName = words
export const modelMeans = (model: string) => MODELS[model] ?? "A model that this store has added."

/** Born of the store's own records: their facts are changed there. */
export const mirrors = (origin: string) => origin === "order" || origin === "lead"
