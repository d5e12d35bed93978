// Every figure of credit opens its explanation: the conversions behind it, each with its touches in and out, and why.
// A page draws <Explained> once; what is open stands in the address. <ExplainDrawer> is one conversion by itself.
import { lazy, type ReactNode, Suspense } from "react"
import { text, useUrlState } from "@/state/url"
import { cn } from "@/ui/cn"
import { conversion, figure, lineOf, report } from "./subject"

export { conversion, figure, lineOf, report }

/** `explain`: what is open; `because`: the conversion that was opened from a figure's list. */
export const EXPLAIN = { explain: text(), because: text(), explain_model: text(), explain_window: text() }
export const EXPLAINED = { explain: "", because: "", explain_model: "", explain_window: "" } as const

const STYLE = "relative z-10 min-h-6 rounded text-inherit decoration-line-strong decoration-dotted underline-offset-4 hover:underline hover:decoration-current"

interface ButtonProps {
  /** `figure({…})`, `report({…})` or `conversion(id)`; null: there is no figure, and nothing to ask. */
  of: string | null
  /** Said to a screen reader after the figure: "ROAS of Spring Sale". */
  about: string
  /** Underlined only under the pointer, where figure stands beside figure. */
  quiet?: boolean
  className?: string
  children: ReactNode
}

/** A figure that can be asked why it is so. */
export function Explains({ of, ...rest }: ButtonProps) {
  const [, set] = useUrlState(EXPLAIN)
  return of === null ? <>{rest.children}</> : <Opens {...rest} onOpen={() => set({ ...EXPLAINED, explain: of })} />
}

/** The same of a figure whose explanation the page opens by itself. */
export function Opens({ about, quiet = false, className, children, onOpen }: Omit<ButtonProps, "of"> & { onOpen: () => void }) {
  return (
    <button type="button" data-explains aria-haspopup="dialog" onClick={onOpen} className={cn(STYLE, quiet ? "pointer-coarse:underline" : "underline", className)}>
      {children}
      <span className="sr-only">: why? {about}</span>
    </button>
  )
}

export interface Context {
  /** The page's days, model, window, and whose date counts. */
  query: { from_date?: string; to_date?: string; model?: string; window?: string; basis?: "order" | "click" }
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
