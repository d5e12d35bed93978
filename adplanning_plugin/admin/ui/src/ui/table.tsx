// A list from the server: sorted, paged and filtered there; columns to choose; CSV of exactly what is filtered; cards where
// it is narrow; a skeleton as tall as the rows it stands for.
import { type ColumnDef, getCoreRowModel, useReactTable } from "@tanstack/react-table"
import { ArrowDown, ArrowUp, ChevronLeft, ChevronRight, Columns3, Download } from "lucide-react"
import { type ReactNode, useMemo, useState, useSyncExternalStore } from "react"
import { downloadCsv } from "@/api/csv"
import { isProblem, type Problem } from "@/api/problem"
import type { GetPath } from "@/api/query"
import { useFormat } from "@/shell/session"
import type { TableState } from "@/state/table"
import { Button } from "./button"
import { cn } from "./cn"
import { Menu, MenuCheck, MenuLabel } from "./menu"
import { Async, Skeleton } from "./states"
import { toast } from "./toast"

export interface Column<Row> {
  key: string
  title: string
  cell: (row: Row) => ReactNode
  /** The API's name to sort by; without it the column cannot be sorted. */
  sort?: string
  /** Figures stand right. */
  right?: boolean
  /** Hidden until somebody chooses it. */
  extra?: boolean
  /** Of a card on a narrow screen: its heading. The first column, where none says so. */
  heading?: boolean
}

interface Page {
  count: number
  count_estimated?: boolean
  offset: number
  limit: number
}

interface DataTableProps<Row, Data extends Page> {
  /** What the rows are: "conversions". */
  name: string
  columns: Column<Row>[]
  query: { data: Data | undefined; error: Problem | null; refetch: () => unknown; isFetching: boolean; isPlaceholderData: boolean }
  rows: (data: Data) => Row[]
  rowKey: (row: Row) => string
  table: TableState
  /** A press on a row (or its first cell's button, by key) opens it. */
  onOpen?: (row: Row) => void
  /** Says which row opens, to a screen reader: "Open conversion of 20 Nov". */
  openLabel?: (row: Row) => string
  /** Filters and search, on the left of the bar. */
  filters?: ReactNode
  /** Where there is nothing: `<NoMatch/>` while filtered, else `<Empty/>`. */
  empty: ReactNode
  /** The list's path and its filters without paging: what the CSV has. */
  csv?: { path: GetPath; query: object }
  /** The last line, by column: sums over everything that is filtered, not over the page alone. */
  foot?: (data: Data) => Record<string, ReactNode>
}

const narrow = typeof matchMedia === "function" ? matchMedia("(max-width: 639px)") : null

/** Whether rows become cards. */
export const useNarrow = () =>
  useSyncExternalStore(
    (each) => {
      narrow?.addEventListener("change", each)
      return () => narrow?.removeEventListener("change", each)
    },
    () => narrow?.matches ?? false,
  )

export function DataTable<Row, Data extends Page>(props: DataTableProps<Row, Data>) {
  const { name, columns, query, rows, table, filters, empty, csv } = props
  const hidden = useMemo(() => new Set(table.hidden), [table.hidden])
  // The address lists what differs from the default: a hidden column by its key, a chosen extra one by "+key".
  const visible = columns.filter((column) => (column.extra ? hidden.has(`+${column.key}`) : !hidden.has(column.key)))
  return (
    <section aria-label={name} className="rounded-lg bg-card shadow-card">
      <div className="no-print flex flex-wrap items-start gap-2 border-b border-line px-3 py-2.5 sm:px-4">
        <div className="grid min-w-0 flex-1 basis-full grid-cols-2 gap-2 *:first:col-span-2 sm:flex sm:basis-0 sm:flex-wrap sm:items-center">{filters}</div>
        <Menu trigger={<Button><Columns3 className="size-4 text-muted" aria-hidden="true" />Columns</Button>}>
          <MenuLabel>Columns</MenuLabel>
          {columns.map((column) => {
            const mark = column.extra ? `+${column.key}` : column.key
            return (
              <MenuCheck
                key={column.key}
                checked={visible.includes(column)}
                onChange={() => table.hide(hidden.has(mark) ? table.hidden.filter((each) => each !== mark) : [...table.hidden, mark])}
              >
                {column.title}
              </MenuCheck>
            )
          })}
        </Menu>
        {csv ? <CsvButton name={name} csv={{ ...csv, query: { ...csv.query, order: table.order } }} /> : null}
      </div>
      <Async query={query as never} skeleton={<TableSkeleton columns={visible} rows={table.size} />}>
        {(data: Data) =>
          rows(data).length === 0 && data.offset === 0 ? empty : (
            <>
              <Rows {...props} columns={visible} shown={rows(data)} last={props.foot?.(data)} />
              <Pager page={data} table={table} />
            </>
          )
        }
      </Async>
    </section>
  )
}

type Shown<Row, Data extends Page> = DataTableProps<Row, Data> & { shown: Row[]; last: Record<string, ReactNode> | undefined }

function Rows<Row, Data extends Page>({ columns, shown, ...rest }: Shown<Row, Data>) {
  const isNarrow = useNarrow()
  return isNarrow ? <Cards {...rest} columns={columns} shown={shown} /> : <Grid {...rest} columns={columns} shown={shown} />
}

function Grid<Row, Data extends Page>({ name, columns, shown, rowKey, table, onOpen, openLabel, last }: Shown<Row, Data>) {
  const defined = useMemo<ColumnDef<Row>[]>(
    () => columns.map((column) => ({ id: column.key, header: column.title })),
    [columns],
  )
  const model = useReactTable({
    data: shown,
    columns: defined,
    getCoreRowModel: getCoreRowModel(),
    getRowId: rowKey,
    manualSorting: true,
    manualPagination: true,
    manualFiltering: true,
  })
  return (
    <div className="relative overflow-x-auto" tabIndex={0} role="group" aria-label={`Table of ${name}`}>
      <table className="w-full text-left text-sm">
        <thead>
          <tr className="border-b border-line text-muted">
            {columns.map((column) => <Head key={column.key} column={column} table={table} />)}
          </tr>
        </thead>
        <tbody>
          {model.getRowModel().rows.map((row) => (
            <tr
              key={row.id}
              onClick={onOpen ? (event) => !(event.target as Element).closest("a,button") && !getSelection()?.toString() && onOpen(row.original) : undefined}
              className={cn("border-b border-line last:border-0", onOpen && "cursor-pointer hover:bg-hover")}
            >
              {columns.map((column, index) => {
                // Called, not rendered as a component: a new function each time would build every cell anew.
                const content = column.cell(row.original)
                return (
                  <td key={column.key} className={cn("h-11 px-3 py-1.5 first:pl-4 last:pr-4", column.right && "figure text-right")}>
                    {index === 0 && onOpen ? <Opener row={row.original} onOpen={onOpen} label={openLabel}>{content}</Opener> : content}
                  </td>
                )
              })}
            </tr>
          ))}
        </tbody>
        {last ? (
          <tfoot>
            <tr className="border-t border-line-strong font-medium">
              {columns.map((column) => (
                <td key={column.key} className={cn("h-11 px-3 py-1.5 first:pl-4 last:pr-4", column.right && "figure text-right")}>{last[column.key]}</td>
              ))}
            </tr>
          </tfoot>
        ) : null}
      </table>
    </div>
  )
}

/** The row's press, for the keyboard. */
function Opener<Row>({ row, onOpen, label, children }: { row: Row; onOpen: (row: Row) => void; label: ((row: Row) => string) | undefined; children: ReactNode }) {
  return (
    <button type="button" onClick={() => onOpen(row)} aria-label={label?.(row)} className="max-w-full rounded text-left">
      {children}
    </button>
  )
}

function Head<Row>({ column, table }: { column: Column<Row>; table: TableState }) {
  const sorted = column.sort === undefined ? undefined : table.order === column.sort ? "ascending" : table.order === `-${column.sort}` ? "descending" : "none"
  const Arrow = sorted === "ascending" ? ArrowUp : ArrowDown
  return (
    <th scope="col" aria-sort={sorted} className={cn("h-9 px-3 font-medium whitespace-nowrap first:pl-4 last:pr-4", column.right && "text-right")}>
      {column.sort === undefined ? column.title : (
        <button
          type="button"
          onClick={() => table.sort(sorted === "descending" ? column.sort! : `-${column.sort!}`)}
          className="group inline-flex items-center gap-1 rounded hover:text-fg"
        >
          {column.title}
          <Arrow className={cn("size-3.5", sorted === "none" && "opacity-0 group-hover:opacity-60 group-focus-visible:opacity-60")} aria-hidden="true" />
        </button>
      )}
    </th>
  )
}

function Cards<Row, Data extends Page>({ name, columns, shown, rowKey, onOpen, openLabel, table, last }: Shown<Row, Data>) {
  const heading = columns.find((column) => column.heading) ?? columns[0]
  const sortable = columns.filter((column) => column.sort)
  return (
    <>
      {sortable.length > 0 ? (
        <div className="no-print flex flex-wrap items-center gap-x-3 gap-y-1 border-b border-line px-3 py-2 text-xs text-muted">
          <span>Sort by</span>
          {sortable.map((column) => {
            const down = table.order === `-${column.sort!}`
            const up = table.order === column.sort
            const Arrow = up ? ArrowUp : ArrowDown
            return (
              <button key={column.key} type="button" aria-pressed={down || up} onClick={() => table.sort(down ? column.sort! : `-${column.sort!}`)} className={cn("inline-flex min-h-6 items-center gap-0.5", (down || up) && "font-medium text-fg")}>
                {column.title}
                {down || up ? <Arrow className="size-3" aria-label={up ? "ascending" : "descending"} /> : null}
              </button>
            )
          })}
        </div>
      ) : null}
      <ul aria-label={name}>
        {shown.map((row) => (
          <li key={rowKey(row)} className="border-b border-line px-3 py-3 last:border-0">
            <div className="mb-1.5 flex items-center justify-between gap-3">
              <div className="min-w-0 font-medium">{heading?.cell(row)}</div>
              {onOpen ? <Button small onClick={() => onOpen(row)} aria-label={openLabel?.(row)}>Open</Button> : null}
            </div>
            <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1 text-sm">
              {columns.filter((column) => column !== heading).map((column) => (
                <div key={column.key} className="col-span-2 grid grid-cols-subgrid">
                  <dt className="text-muted">{column.title}</dt>
                  <dd className="min-w-0 text-right *:justify-end">{column.cell(row)}</dd>
                </div>
              ))}
            </dl>
          </li>
        ))}
        {last ? (
          <li className="border-t border-line-strong px-3 py-3">
            <div className="mb-1.5 font-medium">{heading ? last[heading.key] : null}</div>
            <dl className="grid grid-cols-[auto_1fr] gap-x-4 gap-y-1 text-sm">
              {columns.filter((column) => column !== heading && last[column.key] !== undefined).map((column) => (
                <div key={column.key} className="col-span-2 grid grid-cols-subgrid">
                  <dt className="text-muted">{column.title}</dt>
                  <dd className="min-w-0 text-right font-medium">{last[column.key]}</dd>
                </div>
              ))}
            </dl>
          </li>
        ) : null}
      </ul>
    </>
  )
}

function Pager({ page, table }: { page: Page; table: TableState }) {
  const format = useFormat()
  const last = Math.max(1, Math.ceil(page.count / table.size))
  const from = page.count === 0 ? 0 : page.offset + 1
  const to = Math.min(page.offset + table.size, page.count)
  return (
    <nav aria-label="Pages" className="no-print flex flex-wrap items-center justify-between gap-x-4 gap-y-2 border-t border-line px-3 py-2 text-sm text-muted sm:px-4">
      <span aria-live="polite">
        {format.number(from)} – {format.number(to)} of {page.count_estimated ? "about " : ""}{format.number(page.count)}
      </span>
      <span className="flex items-center gap-1">
        <span className="mr-2">Page {format.number(table.page)} of {format.number(last)}</span>
        <Button small disabled={table.page <= 1} onClick={() => table.turn(table.page - 1)}><ChevronLeft className="size-3.5" aria-hidden="true" />Previous</Button>
        <Button small disabled={table.page >= last} onClick={() => table.turn(table.page + 1)}>Next<ChevronRight className="size-3.5" aria-hidden="true" /></Button>
      </span>
    </nav>
  )
}

/** For figures that stand in no list: everything that is filtered, as a file. */
export function CsvButton({ name, csv }: { name: string; csv: { path: string; query: object } }) {
  const [busy, setBusy] = useState(false)
  const run = async () => {
    setBusy(true)
    try {
      await downloadCsv(csv.path, csv.query, name.replaceAll(" ", "-"))
    } catch (error) {
      toast(isProblem(error) ? error.message : "The file could not be made.", { tone: "error" })
    } finally {
      setBusy(false)
    }
  }
  return (
    <Button busy={busy} onClick={() => void run()}>
      {busy ? null : <Download className="size-4 text-muted" aria-hidden="true" />}Export CSV
    </Button>
  )
}

function TableSkeleton<Row>({ columns, rows }: { columns: Column<Row>[]; rows: number }) {
  const isNarrow = useNarrow()
  if (isNarrow) {
    return (
      <div className="flex flex-col">
        {Array.from({ length: Math.min(rows, 6) }, (_, index) => (
          <div key={index} className="border-b border-line px-3 py-3">
            <Skeleton className="mb-3 h-5 w-32" />
            {columns.slice(1).map((column) => <Skeleton key={column.key} className="mb-2 h-4 w-full" />)}
          </div>
        ))}
      </div>
    )
  }
  return (
    <div>
      <div className="h-9 border-b border-line" />
      {Array.from({ length: rows }, (_, index) => (
        <div key={index} className="flex h-11 items-center gap-6 border-b border-line px-4">
          {columns.map((column, place) => <Skeleton key={column.key} className={cn("h-3.5", place === 0 ? "w-32" : "flex-1")} />)}
        </div>
      ))}
      <div className="h-11" />
    </div>
  )
}

/** A small table of figures that the page has whole: breakdowns, credit by touch. No paging; on a narrow screen what is `wide` takes a line of its own. */
export function PlainTable({ caption, head, rows, foot }: { caption: string; head: { title: string; right?: boolean; wide?: boolean }[]; rows: ReactNode[][]; foot?: ReactNode[] }) {
  const side = (index: number) => (head[index]?.right ? "figure text-right" : "")
  const isNarrow = useNarrow()
  if (isNarrow) {
    return (
      <ul aria-label={caption}>
        {[...rows, ...(foot ? [foot] : [])].map((cells, row) => (
          <li key={row} className={cn("border-b border-line py-2 text-sm last:border-0", row === rows.length && "font-medium")}>
            <div className="mb-1 min-w-0">{cells[0]}</div>
            <dl className="grid grid-cols-[repeat(auto-fill,minmax(6rem,1fr))] gap-x-3 gap-y-1.5">
              {cells.slice(1).map((cell, index) => (
                <div key={index} className={cn("min-w-0", head[index + 1]?.wide && "col-span-full")}>
                  <dt className="text-xs text-muted">{head[index + 1]?.title}</dt>
                  <dd className={head[index + 1]?.right ? "figure" : "break-words"}>{cell}</dd>
                </div>
              ))}
            </dl>
          </li>
        ))}
      </ul>
    )
  }
  return (
    <div className="relative overflow-x-auto" tabIndex={0} role="group" aria-label={caption}>
      <table className="w-full text-left text-sm">
        <caption className="sr-only">{caption}</caption>
        <thead>
          <tr className="border-b border-line text-muted">
            {head.map((each) => <th key={each.title} scope="col" className={cn("h-8 pr-4 font-medium whitespace-nowrap last:pr-0", each.right && "text-right")}>{each.title}</th>)}
          </tr>
        </thead>
        <tbody>
          {rows.map((cells, row) => (
            <tr key={row} className="border-b border-line last:border-0">
              {cells.map((cell, index) => <td key={index} className={cn("h-9 py-1 pr-4 last:pr-0", side(index))}>{cell}</td>)}
            </tr>
          ))}
        </tbody>
        {foot ? (
          <tfoot>
            <tr className="border-t border-line-strong font-medium">
              {foot.map((cell, index) => <td key={index} className={cn("h-9 py-1 pr-4 last:pr-0", side(index))}>{cell}</td>)}
            </tr>
          </tfoot>
        ) : null}
      </table>
    </div>
  )
}
