// A headline figure: its name, its value, how it moved against the period before, and its course.
import { ArrowDownRight, ArrowUpRight, Minus } from "lucide-react"
import { Children, type ReactNode } from "react"
import { Link } from "@tanstack/react-router"
import { Sparkline } from "@/charts/line"
import { useFormat } from "@/shell/session"
import { cn } from "./cn"
import { Skeleton } from "./states"
import { Explain } from "./tooltip"

interface KpiProps {
  title: string
  value: ReactNode
  /** Relative: 0.12 is 12 % more; "waiting" while the period before is being read. */
  change?: number | "waiting" | null | undefined
  /** Which way is good: spend and cost go the other way. */
  better?: "up" | "down" | "neither"
  /** What it was before, written out. */
  before?: string | undefined
  spark?: (number | null)[] | undefined
  /** How it is counted. */
  explain?: ReactNode
  /** The page that breaks it down. */
  to?: string
  search?: Record<string, unknown>
  /** Beneath the figure: what can be done with it. */
  foot?: ReactNode
}

export function Kpi({ title, value, change, better = "up", before, spark, explain, to, search, foot }: KpiProps) {
  return (
    <div data-figure={title} className="relative flex min-w-0 flex-col gap-1 rounded-lg bg-card px-4 py-3 shadow-card has-[a:hover]:bg-hover">
      <div className="flex min-h-6 items-center gap-1 text-sm text-muted">
        {to ? <Link to={to as never} search={search as never} className="after:absolute after:inset-0 after:rounded-lg hover:text-fg">{title}</Link> : <span>{title}</span>}
        {explain ? <span className="relative z-10"><Explain what={title}>{explain}</Explain></span> : null}
        {spark ? <span className="ml-auto hidden pl-2 sm:block"><Sparkline values={spark} width={64} height={22} /></span> : null}
      </div>
      <span className="figure text-lg font-semibold tracking-tight sm:text-xl">{value}</span>
      {change === undefined ? null : <div className="min-h-9 text-xs sm:min-h-[1.125rem]">{change === "waiting" ? <Skeleton className="h-[1.125rem] w-24" /> : <Change value={change} better={better} before={before} />}</div>}
      {foot ? <div className="relative z-10 text-xs text-muted">{foot}</div> : null}
    </div>
  )
}

/** An arrow, a percentage, and the word for it: never colour alone. */
export function Change({ value, better = "up", before }: { value: number | null; better?: "up" | "down" | "neither"; before?: string | undefined }) {
  const format = useFormat()
  if (value === null) return <span className="text-xs text-muted">{before ? `Before: ${before}` : "Nothing to compare with"}</span>
  const Icon = value > 0 ? ArrowUpRight : value < 0 ? ArrowDownRight : Minus
  const good = better === "neither" || value === 0 ? null : value > 0 === (better === "up")
  return (
    <span className="flex flex-wrap items-center gap-x-1.5 text-xs text-muted">
      <span className={cn("inline-flex items-center gap-0.5 font-medium", good === true && "text-good", good === false && "text-bad")}>
        <Icon className="size-3.5" aria-hidden="true" />
        {format.change(value)}
        {good === null ? null : <span className="sr-only">{good ? ", better" : ", worse"}</span>}
      </span>
      {before ? <span className="basis-full sm:basis-auto">from {before}</span> : null}
    </span>
  )
}

/** Tiles side by side that fill their row: up to five; `six`: two, three or six, for as many headline figures. */
export const KpiGrid = ({ children, six = false }: { children: ReactNode; six?: boolean }) => {
  const count = Children.toArray(children).length
  const wide = six ? "xl:grid-cols-6" : count === 4 ? "md:grid-cols-4" : count === 3 ? "" : "xl:grid-cols-5"
  return <div className={cn("grid gap-3", six ? "grid-cols-2" : "grid-cols-[repeat(auto-fill,minmax(min(9.5rem,100%),1fr))]", "md:grid-cols-3", wide)}>{children}</div>
}

/** As tall as a tile with its change. */
export const KpiSkeleton = ({ count, six = false }: { count: number; six?: boolean }) => (
  <KpiGrid six={six}>
    {Array.from({ length: count }, (_, index) => (
      <div key={index} className="flex flex-col gap-1 rounded-lg bg-card px-4 py-3 shadow-card">
        <Skeleton className="h-6 w-20" />
        <Skeleton className="h-7 w-28" />
        <Skeleton className="h-9 w-24 sm:h-[1.125rem]" />
      </div>
    ))}
  </KpiGrid>
)
