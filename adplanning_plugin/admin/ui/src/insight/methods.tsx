// How a visit came to its campaign, in words and colours.
import { words } from "@/format/format"
import { Badge, type Colour } from "@/ui/badge"

const METHODS = {
  exact_utm_match: ["green", "Matched", "Its tags name the campaign exactly, by its name or its id."],
  fuzzy_name_match: ["blue", "Matched by likeness", "Its tags are very like the name of one campaign, and like no other's."],
  manual: ["purple", "Assigned by hand", "Somebody chose the campaign. It stays, however often visits are matched anew."],
  unresolved: ["orange", "No match", "It has tags of a campaign, but none of the known campaigns is meant by them."],
  not_applicable: ["grey", "No campaign", "It came without a campaign's tags: direct, from a search, or from another site."],
} satisfies Record<string, [Colour, string, string]>
export type Method = keyof typeof METHODS
const known = (method: string): [Colour, string, string] | undefined => (METHODS as Record<string, [Colour, string, string]>)[method]

export const METHOD_OPTIONS = Object.entries(METHODS).map(([value, [, label]]) => ({ value: value as Method, label }))
const REASONS: Record<string, string> = {
  unknown_campaign: "No known campaign has this name or id.",
  ambiguous: "Several campaigns are equally like it, so none was taken.",
  ignored: "Somebody decided in the inbox that its tags mean no campaign.",
  alias: "Somebody decided in the inbox which campaign this name means.",
}

export const MethodBadge = ({ method }: { method: string }) => <Badge colour={known(method)?.[0] ?? "grey"}>{known(method)?.[1] ?? words(method)}</Badge>
export const methodMeans = (method: string, reason: string | null) => (reason && REASONS[reason]) || known(method)?.[2] || ""
