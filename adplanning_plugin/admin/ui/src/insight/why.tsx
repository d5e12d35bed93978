// "Why does Meta say something else?": a button beside each figure of a platform, and the drawer that answers it.
// A page draws <WhyDrawer> once; which difference is open stands in the address.
import { lazy, Suspense } from "react"
import { words } from "@/format/format"
import { useFormat } from "@/shell/session"
import { choice, text, useUrlState } from "@/state/url"

/** campaign:7012, platform:meta, or all. */
export type Subject = `campaign:${string}` | `platform:${string}` | "all"

export const WHY = { why: text(), why_in: choice(["conversions", "value"]), why_window: text() }
export const CLOSED = { why: "", why_in: "conversions", why_window: "" } as const

const NAMES: Record<string, string> = { ga4: "GA4", generic: "Other sources", meta: "Meta", google: "Google" }

/** A platform as it calls itself. */
export const platformName = (platform: string | null | undefined) => (platform ? (NAMES[platform] ?? words(platform)) : "The platform")

interface ButtonProps {
  of: Subject
  /** Who claims: meta, google, ga4. */
  platform?: string | null
  /** Said in full to a screen reader, where several stand below each other: the campaign's name. */
  about?: string
  /** What is written; "Why?" where the figure stands beside it. */
  children?: string
}

export function WhyButton({ of, platform, about, children = "Why?" }: ButtonProps) {
  const [, set] = useUrlState(WHY)
  const who = of === "all" ? "do the platforms say" : `does ${platformName(platform)} say`
  const question = `Why ${who} something else${about ? ` about ${about}` : ""}?`
  return (
    <button
      type="button"
      onClick={() => set({ ...CLOSED, why: of })}
      aria-haspopup="dialog"
      aria-label={children === "Why?" ? question : `${children} ${question}`}
      className="no-print rounded text-left text-xs font-normal text-link underline-offset-2 hover:underline"
    >
      {children}
    </button>
  )
}

/** What the platform claims, and why that is not what this store counts. */
export function Claim({ conversions, ...why }: ButtonProps & { conversions: number | null }) {
  const format = useFormat()
  return (
    <span className="inline-flex items-baseline gap-1.5">
      {format.number(conversions)} <WhyButton {...why} />
    </span>
  )
}

interface DrawerProps {
  /** The page's days, model and window. */
  query: { from_date: string; to_date: string; model?: string; window?: string }
}

const Lazy = lazy(() => import("./why-drawer"))

export function WhyDrawer(props: DrawerProps) {
  const [state] = useUrlState(WHY)
  if (state.why === "") return null
  return (
    <Suspense fallback={null}>
      <Lazy {...props} />
    </Suspense>
  )
}
