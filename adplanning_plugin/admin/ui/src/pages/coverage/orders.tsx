// The orders behind each figure of coverage: filtered, sorted and paged on the server; each leads to its conversion.
import type { Ref } from "react"
import { useApi } from "@/api/query"
import { words } from "@/format/format"
import { useFormat } from "@/shell/session"
import type { Period } from "@/state/period"
import { useTable } from "@/state/table"
import { Button, TextLink } from "@/ui/button"
import { ClearFilters, FilterSelect, SearchBox } from "@/ui/filters"
import { Empty, NoMatch } from "@/ui/states"
import { type Column, DataTable } from "@/ui/table"
import type { CoverageOrder } from "./answers"
import { CauseBadge, CAUSES, isCause } from "./causes"

interface Props {
  period: Period
  cause: string
  q: string
  set: (patch: { cause?: string; q?: string }, options?: { replace?: boolean }) => void
  place: Ref<HTMLDivElement>
}

const LOST = "not_joined"
const CHOICES = [{ value: LOST, label: "Not joined" }, { value: "joined", label: "Joined" }, ...Object.entries(CAUSES).map(([value, { label }]) => ({ value, label }))]
const JOINED_BY: Record<string, string> = {
  request: "The visit that placed it",
  checkout_ref: "The visit that began the checkout",
  token: "The visit that the order carries",
  session: "The store's own visit",
  login: "Login shortly before",
  email: "Email seen shortly before",
  none: "Buyer known from earlier visits",
}

export function Orders({ period, cause, q, set, place }: Props) {
  const format = useFormat()
  const table = useTable("-occurred_at")
  const asked: CoverageOrder["cause"] | typeof LOST | undefined = cause === "joined" || cause === LOST || isCause(cause) ? cause : undefined
  const filters = { ...period.query, cause: asked, q }
  const query = useApi("/coverage/orders", { query: { ...filters, ...table.query }, keep: true })
  const clear = () => set({ cause: LOST, q: "" })
  const filtered = asked !== LOST || q !== ""
  const dash = <span className="text-muted">–</span>
  const columns: Column<CoverageOrder>[] = [
    {
      key: "order", title: "Order", heading: true,
      cell: (row) => <span className="figure"><TextLink to={`/conversions/${row.conversion_id}`}>{row.order_id ?? row.conversion_id}</TextLink></span>,
    },
    { key: "cause", title: "Cause", sort: "cause", cell: (row) => <CauseBadge cause={row.cause} /> },
    { key: "why", title: "Why", cell: (row) => <span className="text-muted">{row.sentence}</span> },
    { key: "consent", title: "Consent", cell: (row) => (row.consent ? <span className="figure">{words(row.consent)}</span> : dash) },
    { key: "joined_by", title: "Joined by", cell: (row) => (row.joined_by ? (JOINED_BY[row.joined_by] ?? words(row.joined_by)) : dash) },
    { key: "channel", title: "Sales channel", extra: true, cell: (row) => words(row.sales_channel) },
    { key: "revenue", title: "Revenue", sort: "value", right: true, cell: (row) => format.money(row.revenue, row.currency) },
    {
      key: "date", title: `Date (${format.zoneShort})`, sort: "occurred_at",
      cell: (row) => <time dateTime={row.occurred_at} className="figure">{format.dateTime(row.occurred_at)}</time>,
    },
  ]
  return (
    <div ref={place} tabIndex={-1} className="scroll-mt-16 outline-none">
      <DataTable
        name="orders"
        columns={columns}
        query={query}
        rows={(data) => data.orders}
        rowKey={(row) => row.conversion_id}
        table={table}
        csv={{ path: "/coverage/orders", query: filters }}
        filters={
          <>
            <SearchBox label="Search by order number" value={q} onChange={(text, how) => set({ q: text }, how)} />
            <FilterSelect label="Cause" value={asked ?? ""} options={CHOICES} onChange={(value) => set({ cause: value })} />
            {filtered ? <ClearFilters onClear={clear} /> : null}
          </>
        }
        empty={
          filtered ? <NoMatch what="orders" clear={clear} /> : (
            <Empty title="No order is missing" action={<Button onClick={() => set({ cause: "" })}>See all orders</Button>}>Every order of this period is joined to a visit.</Empty>
          )
        }
      />
    </div>
  )
}
