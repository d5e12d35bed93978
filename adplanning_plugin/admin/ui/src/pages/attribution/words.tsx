// What attribution's lists and lines are called, and the lists that their filters offer.
import { words } from "@/format/format"

export const BY = ["campaign", "channel", "source", "medium", "platform"] as const
export type By = (typeof BY)[number]
export const BY_OPTIONS = BY.map((value) => ({ value, label: `By ${value}` }))

export { METHOD_OPTIONS, MethodBadge, methodMeans } from "@/insight/methods"

export const CHANNELS = [
  "Paid Search", "Paid Social", "Paid Shopping", "Paid Video", "Paid Other", "Display", "Cross-network", "Organic Search", "Organic Social",
  "Organic Shopping", "Organic Video", "Email", "SMS", "Affiliates", "Referral", "AI Assistant", "Audio", "Mobile Push Notifications", "Direct", "Unassigned",
].map((value) => ({ value, label: value }))
export const PLATFORMS = ["meta", "google", "generic", "direct"].map((value) => ({ value, label: value === "generic" ? "Other" : words(value) }))
export const COUNTED = [
  { value: "purchase", label: "Orders" },
  { value: "lead_form_submission", label: "Leads" },
  { value: "add_to_cart", label: "Add to cart" },
  { value: "begin_checkout", label: "Begin checkout" },
  { value: "all", label: "All conversions" },
] as const

/** What no visit earned, by kind: its name, and why. */
export const UNEARNED: Record<string, [name: string, why: string]> = {
  unattributed: ["No visit to credit", "Nobody was seen within the window before these."],
  renewal: ["Renewals", "Subscriptions that renewed by themselves: no visit earned them, whatever their buyer looked at before."],
  offline: ["Offline orders", "Placed at a till or by phone: no visit earned them."],
}

/** A line's name where it has none: what is behind it. */
export const lineName = (line: { name: string | null; kind: string }, by: By) =>
  UNEARNED[line.kind]?.[0] ?? line.name ?? (by === "campaign" ? "Visits without a campaign" : "Unknown")

/** What tells the touches behind a line apart in the list; null where the list has no such filter. */
export const touchesOf = (line: { key: string | null; kind: string }, by: By): Record<string, string> | null =>
  line.key === null || line.kind !== "touch" ? null : { [by]: line.key }
