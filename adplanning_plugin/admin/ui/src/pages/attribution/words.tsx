// How a visit came to its campaign, in words and colours; and the lists that its filters offer.
import { words } from "@/format/format"
import { Badge, type Colour } from "@/ui/badge"

export const BY = ["campaign", "channel", "source", "medium", "platform"] as const
export type By = (typeof BY)[number]
export const BY_OPTIONS = BY.map((value) => ({ value, label: `By ${value}` }))

const METHODS: Record<string, [Colour, string, string]> = {
  exact_utm_match: ["green", "Matched", "Its tags name the campaign exactly, by its name or its id."],
  fuzzy_name_match: ["blue", "Matched by likeness", "Its tags are very like the name of one campaign, and like no other's."],
  manual: ["purple", "Assigned by hand", "Somebody chose the campaign. It stays, however often visits are matched anew."],
  unresolved: ["orange", "No match", "It has tags of a campaign, but none of the known campaigns is meant by them."],
  pending: ["blue", "Not matched yet", "Its tags have not been looked up yet."],
  not_applicable: ["grey", "No campaign", "It came without a campaign's tags: direct, from a search, or from another site."],
}
export const METHOD_OPTIONS = Object.entries(METHODS).map(([value, [, label]]) => ({ value, label }))
const REASONS: Record<string, string> = {
  unknown_campaign: "No known campaign has this name or id.",
  ambiguous: "Several campaigns are equally like it, so none was taken.",
}

export const MethodBadge = ({ method }: { method: string }) => <Badge colour={METHODS[method]?.[0] ?? "grey"}>{METHODS[method]?.[1] ?? words(method)}</Badge>
export const methodMeans = (method: string, reason: string | null) => (reason && REASONS[reason]) || METHODS[method]?.[2] || ""

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
