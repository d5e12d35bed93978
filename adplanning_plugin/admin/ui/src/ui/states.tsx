// The states that a part of a page can be in besides having its data: each looks different and says what to do next.
import type { UseQueryResult } from "@tanstack/react-query"
import { CircleAlert, Inbox, Lock, RotateCw, SearchX } from "lucide-react"
import type { ReactNode } from "react"
import { isProblem, type Problem } from "@/api/problem"
import { Button } from "./button"
import { cn } from "./cn"

function Notice({ icon, title, children, action, role }: { icon: ReactNode; title: string; children?: ReactNode; action?: ReactNode; role?: "alert" }) {
  return (
    <div role={role} className="flex flex-col items-center gap-1.5 px-6 py-12 text-center">
      <span className="mb-1 flex size-9 items-center justify-center rounded-lg bg-hover text-muted shadow-card" aria-hidden="true">{icon}</span>
      <p className="font-medium">{title}</p>
      {children ? <div className="max-w-md text-sm text-muted">{children}</div> : null}
      {action ? <div className="mt-3 flex flex-wrap justify-center gap-2">{action}</div> : null}
    </div>
  )
}

/** Nothing is there yet: says what will put something there, and offers to do it. */
export function Empty({ title, children, action }: { title: string; children?: ReactNode; action?: ReactNode }) {
  return <Notice icon={<Inbox className="size-4" />} title={title} action={action}>{children}</Notice>
}

/** There are rows, but none that match the filters. */
export function NoMatch({ what, clear }: { what: string; clear: () => void }) {
  return (
    <Notice icon={<SearchX className="size-4" />} title={`No ${what} match these filters`} action={<Button onClick={clear}>Clear filters</Button>}>
      Take a filter away, or choose a longer period.
    </Notice>
  )
}

export function NoPermission({ what = "this page", scope }: { what?: string; scope?: string }) {
  return (
    <Notice icon={<Lock className="size-4" />} title={`Your account may not open ${what}`}>
      {scope ? <>It needs the permission <code className="font-mono text-xs">{scope}</code>. </> : null}
      Ask the store's owner for it.
    </Notice>
  )
}

/** A request failed: the server's sentence, its code, and another try. */
export function Failed({ error, retry }: { error: Problem; retry?: () => void }) {
  if (error.status === 403) return <NoPermission what="this" />
  return (
    <Notice
      role="alert"
      icon={<CircleAlert className="size-4 text-bad" />}
      title={error.title}
      action={retry ? <Button onClick={retry}><RotateCw className="size-3.5" aria-hidden="true" />Try again</Button> : null}
    >
      <p>{error.message}</p>
      <p className="mt-1.5 text-xs">
        Code <code className="font-mono">{error.code}</code>
        {error.incident ? <> · incident <code className="font-mono">{error.incident}</code></> : null}
      </p>
    </Notice>
  )
}

/** Figures that could not be read anew are still shown, and said to be old. */
export function Stale({ error, retry }: { error: Problem; retry: () => void }) {
  return (
    <div role="status" className="mb-3 flex flex-wrap items-center gap-x-3 gap-y-1 rounded-md border border-orange-line bg-orange-bg px-3 py-2 text-sm text-orange-fg">
      <span className="flex-1">These figures may be out of date: {error.message}</span>
      <button type="button" className="font-medium underline underline-offset-2" onClick={retry}>Try again</button>
    </div>
  )
}

/** A grey bar as tall as the text it stands for: `className` gives its width and height. */
export const Skeleton = ({ className }: { className?: string }) => <span aria-hidden="true" className={cn("skeleton block", className)} />

interface AsyncProps<T> {
  query: Pick<UseQueryResult<T, Problem>, "data" | "error" | "refetch" | "isFetching" | "isPlaceholderData">
  /** As tall as what it stands for, so that nothing jumps. */
  skeleton: ReactNode
  children: (data: T) => ReactNode
}

/** Draws a query: skeleton, error, stale or data; data that is being replaced is dimmed. */
export function Async<T>({ query, skeleton, children }: AsyncProps<T>) {
  const retry = () => void query.refetch()
  if (query.data === undefined) {
    if (isProblem(query.error)) return <Failed error={query.error} retry={retry} />
    // A key of its own: what is drawn instead of it is something else, which did not move.
    return (
      <div key="skeleton" aria-busy="true">
        <span className="sr-only" role="status">Loading</span>
        {skeleton}
      </div>
    )
  }
  return (
    <div className={cn("transition-opacity", query.isPlaceholderData && "opacity-60")} aria-busy={query.isPlaceholderData || undefined}>
      {isProblem(query.error) ? <Stale error={query.error} retry={retry} /> : null}
      {children(query.data)}
    </div>
  )
}
