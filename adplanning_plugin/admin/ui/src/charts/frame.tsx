// What every chart has: a sentence that says what it shows, the same figures as a table, and the width that it may take.
import { ChartSpline, Table2 } from "lucide-react"
import { type ReactNode, type RefObject, useEffect, useRef, useState } from "react"
import { IconButton } from "@/ui/button"
import { PlainTable } from "@/ui/table"

export interface ChartTable {
  head: { title: string; right?: boolean }[]
  rows: ReactNode[][]
}

interface Props {
  label: string
  /** "Revenue rose from ₹1.2L to ₹2.8L in 5 weeks; the highest was …" */
  summary: string
  table: ChartTable
  legend?: { label: string; colour: string; dashed?: boolean }[]
  children: ReactNode
}

export function ChartFrame({ label, summary, table, legend, children }: Props) {
  const [asTable, setAsTable] = useState(false)
  return (
    <figure className="m-0" data-measure={table.head[1]?.title}>
      {legend ? (
        <div className="mb-2 flex flex-wrap gap-x-4 gap-y-1 text-xs text-muted">
          {legend.map((each) => (
            <span key={each.label} className="inline-flex items-center gap-1.5">
              <svg width="14" height="8" aria-hidden="true"><line x1="0" x2="14" y1="4" y2="4" stroke={each.colour} strokeWidth="2.5" strokeDasharray={each.dashed ? "3 3" : undefined} /></svg>
              {each.label}
            </span>
          ))}
        </div>
      ) : null}
      {asTable ? <PlainTable caption={label} head={table.head} rows={table.rows} /> : children}
      <div className="mt-2 flex items-start justify-between gap-3">
        <figcaption className="min-w-0 pt-1 text-xs text-muted">{summary}</figcaption>
        <IconButton small className="no-print shrink-0" label={asTable ? `Show ${label} as a chart` : `Show ${label} as a table`} onClick={() => setAsTable(!asTable)}>
          {asTable ? <ChartSpline className="size-4" aria-hidden="true" /> : <Table2 className="size-4" aria-hidden="true" />}
        </IconButton>
      </div>
    </figure>
  )
}

/** The width in pixels of an element, as it is now. */
export function useWidth<T extends Element>(): [RefObject<T | null>, number] {
  const ref = useRef<T>(null)
  const [width, setWidth] = useState(640)
  useEffect(() => {
    const element = ref.current
    if (!element) return
    const watch = new ResizeObserver(([entry]) => entry && setWidth(Math.max(120, Math.round(entry.contentRect.width))))
    watch.observe(element)
    return () => watch.disconnect()
  }, [])
  return [ref, width]
}

export const COLOURS = ["var(--chart-1)", "var(--chart-2)", "var(--chart-3)", "var(--chart-4)", "var(--chart-5)"]
