// Every figure of credit opens its explanation: the conversions behind it, each with its touches in and out, and why.
// A page draws <Explained> once; what is open stands in the address. <ExplainDrawer> is one conversion by itself.
import { lazy, type ReactNode, Suspense } from "react"
import { text, useUrlState } from "@/state/url"
import { cn } from "@/ui/cn"
import { conversion, figure } from "./subject"

export { conversion, figure }

/** `explain`: what is open; `because`: the conversion that was opened from a figure's list. */
export const EXPLAIN = { explain: text(), because: text(), explain_model: text(), explain_window: text() }
export const EXPLAINED = { explain: "", because: "", explain_model: "", explain_window: "" } as const

interface ButtonProps {
  /** `figure({…})` or `conversion(id)`. */
  of: string
  /** Said to a screen reader after the figure: "ROAS of Spring Sale". */
  about: string
  className?: string
  children: ReactNode
}

/** A figure that can be asked why it is so. */
export function Explains({ of, about, className, children }: ButtonProps) {
  const [, set] = useUrlState(EXPLAIN)
  return (
    <button
      type="button"
      aria-haspopup="dialog"
      onClick={() => set({ ...EXPLAINED, explain: of })}
      className={cn("min-h-6 rounded underline decoration-line-strong decoration-dotted underline-offset-4 hover:decoration-current", className)}
    >
      {children}
      <span className="sr-only">: why? {about}</span>
    </button>
  )
}

export interface Context {
  /** The page's days, model and window. */
  query: { from_date?: string; to_date?: string; model?: string; window?: string }
}

const Lazy = lazy(() => import("./host"))
const LazyDrawer = lazy(() => import("./drawer"))

/** Draws whatever the address says is to be explained. */
export function Explained(props: Context) {
  const [state] = useUrlState(EXPLAIN)
  if (state.explain === "") return null
  return <Suspense fallback={null}><Lazy {...props} /></Suspense>
}

interface DrawerProps {
  conversionId: string
  /** 30, lifetime; the store's without it. */
  window?: string
  model?: string
  onClose: () => void
}

/** One conversion's explanation; the caller keeps what is open. */
export const ExplainDrawer = (props: DrawerProps) => <Suspense fallback={null}><LazyDrawer {...props} /></Suspense>
