// Badges: a word in a colour; the word carries the meaning, the colour helps to find it.
import type { ReactNode } from "react"
import { words } from "@/format/format"
import { useFormat } from "@/shell/session"
import { cn } from "./cn"

export type Colour = "green" | "blue" | "orange" | "purple" | "red" | "grey"

const COLOURS: Record<Colour, string> = {
  green: "bg-green-bg text-green-fg border-green-line",
  blue: "bg-blue-bg text-blue-fg border-blue-line",
  orange: "bg-orange-bg text-orange-fg border-orange-line",
  purple: "bg-purple-bg text-purple-fg border-purple-line",
  red: "bg-red-bg text-red-fg border-red-line",
  grey: "bg-grey-bg text-grey-fg border-grey-line",
}

export function Badge({ colour = "grey", className, children }: { colour?: Colour; className?: string; children: ReactNode }) {
  return (
    <span
      className={cn(
        "inline-flex h-5 max-w-full items-center truncate rounded border px-1.5 text-xs font-medium whitespace-nowrap",
        COLOURS[colour],
        className,
      )}
    >
      {children}
    </span>
  )
}

const CONVERSION: Record<string, Colour> = {
  purchase: "green",
  lead_form_submission: "blue",
  add_to_cart: "orange",
  begin_checkout: "purple",
}
const PLATFORM: Record<string, Colour> = { meta: "purple", facebook: "purple", fb: "purple", instagram: "purple", ig: "purple", google: "blue", email: "green" }
/** What platforms tag themselves with, as people call them. */
const SOURCES: Record<string, string> = { fb: "Facebook", ig: "Instagram", "(direct)": "Direct" }
const STATUS: Record<string, Colour> = {
  confirmed: "green", active: "green", ok: "green", done: "green", completed: "green", succeeded: "green", running: "blue",
  pending: "orange", unconfirmed: "orange", paused: "orange", warn: "orange", retrying: "orange", waiting: "orange",
  cancelled: "grey", archived: "grey", draft: "grey", failed: "red", fail: "red", dead: "red",
}

export const ConversionTypeBadge = ({ type }: { type: string }) => <Badge colour={CONVERSION[type] ?? "grey"}>{words(type)}</Badge>

/** A source or platform: Google blue, Meta purple, email green. */
export const SourceBadge = ({ source }: { source: string | null | undefined }) => (
  <Badge colour={PLATFORM[source?.toLowerCase() ?? ""] ?? "grey"}>{source ? (SOURCES[source.toLowerCase()] ?? (source.includes(".") ? source : words(source))) : "Direct"}</Badge>
)

export const StatusBadge = ({ status }: { status: string }) => <Badge colour={STATUS[status.toLowerCase()] ?? "grey"}>{words(status.toLowerCase())}</Badge>

/** Return on ad spend: green from 1.0, red below; a dash without spend. */
export function Roas({ value }: { value: number | null | undefined }) {
  const format = useFormat()
  if (value === null || value === undefined) return <span className="text-muted">–</span>
  const good = value >= 1
  return (
    <span className={cn("figure", good ? "text-good" : "text-bad")}>
      {format.times(value)} <span className="sr-only">{good ? "(pays back)" : "(does not pay back)"}</span>
    </span>
  )
}
