// A page's outline: its header, its cards, and lists of facts.
import { type ReactNode, useEffect, useRef } from "react"
import { takeFocusTarget, takeHeadingFocus } from "@/state/focus"
import { cn } from "./cn"

interface PageHeaderProps {
  title: string
  /** One sentence on what the page answers. */
  description?: ReactNode
  /** Buttons on the right: at most one of them primary. */
  actions?: ReactNode
  /** What the page belongs to: `<TextLink to="/conversions">Conversions</TextLink>`. */
  parent?: ReactNode
}

export function PageHeader({ title, description, actions, parent }: PageHeaderProps) {
  const heading = useRef<HTMLHeadingElement>(null)
  useEffect(() => {
    const back = takeFocusTarget()
    if (takeHeadingFocus() || back) (back ?? heading.current)?.focus({ preventScroll: true })
  }, [])
  useEffect(() => {
    document.title = `${title} · Ad planning`
  }, [title])
  return (
    <header className="mb-4 flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
      <div className="min-w-0 flex-1 basis-80">
        {parent ? <p className="mb-0.5 text-sm text-muted">{parent} <span aria-hidden="true">/</span></p> : null}
        <h1 ref={heading} tabIndex={-1} className="text-xl tracking-tight outline-none">{title}</h1>
        {description ? <p className="mt-0.5 max-w-3xl text-sm text-muted">{description}</p> : null}
      </div>
      {actions ? <div className="print-kept flex flex-wrap items-center gap-2">{actions}</div> : null}
    </header>
  )
}

interface CardProps {
  title?: string
  description?: ReactNode
  actions?: ReactNode
  /** Without padding: for tables that reach to the card's edges. */
  flush?: boolean
  className?: string
  children: ReactNode
}

/** A white box; with a title it is a section of the page. */
export function Card({ title, description, actions, flush = false, className, children }: CardProps) {
  const head = title ? (
    <div className="flex flex-wrap items-start justify-between gap-x-4 gap-y-2 px-4 pt-3 pb-2 sm:px-5 sm:pt-4">
      <div className="min-w-0 flex-1 basis-60">
        <h2 className="text-base">{title}</h2>
        {description ? <p className="text-sm text-muted">{description}</p> : null}
      </div>
      {actions ? <div className="no-print flex flex-wrap items-center gap-2">{actions}</div> : null}
    </div>
  ) : null
  return (
    <section aria-label={title} className={cn("rounded-lg bg-card shadow-card", className)}>
      {head}
      <div className={flush ? undefined : cn("px-4 pb-4 sm:px-5 sm:pb-5", !head && "pt-4 sm:pt-5")}>{children}</div>
    </section>
  )
}

/** Names and values, as on a detail page: `<Facts of={[["Order", "52700"], …]} />`; rows whose value is null are left out. */
export function Facts({ of, className }: { of: [name: string, value: ReactNode][]; className?: string }) {
  const shown = of.filter(([, value]) => value !== null && value !== undefined && value !== "")
  return (
    <dl className={cn("grid grid-cols-[minmax(7rem,auto)_1fr] gap-x-6 text-sm", className)}>
      {shown.map(([name, value]) => (
        <div key={name} className="col-span-2 grid grid-cols-subgrid border-b border-line py-2 last:border-0">
          <dt className="text-muted">{name}</dt>
          <dd className="min-w-0 text-right sm:text-left">{value}</dd>
        </div>
      ))}
    </dl>
  )
}
