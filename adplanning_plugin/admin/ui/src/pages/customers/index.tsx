// Customers: people as the store has them, found by what one knows of them; and the receipts of those who were erased.
import { useApi } from "@/api/query"
import { useFormat, useMay } from "@/shell/session"
import { useTable } from "@/state/table"
import { text, useUrlState } from "@/state/url"
import { Badge } from "@/ui/badge"
import { TextLink } from "@/ui/button"
import { ClearFilters, FilterText, SearchBox } from "@/ui/filters"
import { PageHeader } from "@/ui/page"
import { Empty, NoMatch } from "@/ui/states"
import { type Column, DataTable } from "@/ui/table"
import { Tabs } from "@/ui/tabs"
import type { Customer } from "./answers"
import { Erasures } from "./erasures"

const STATE = { q: text(), person: text(), order_id: text(), tab: text(), open: text() }
const NONE = { q: "", person: "", order_id: "" }
const None = () => <span className="text-muted">–</span>

export default function Customers() {
  const manages = useMay("adplanning:manage")
  const [state, set] = useUrlState(STATE)
  return (
    <>
      <PageHeader title="Customers" description="Who they are, what they bought, how they came, and everything that is held about them." />
      {manages ? (
        <Tabs
          label="Customers"
          value={state.tab || "people"}
          onChange={(tab) => set({ tab: tab === "people" ? "" : tab, open: "" })}
          tabs={[{ key: "people", label: "People", content: <People /> }, { key: "erasures", label: "Erasures", content: <Erasures /> }]}
        />
      ) : (
        <People />
      )}
    </>
  )
}

function People() {
  const format = useFormat()
  const personal = useMay("adplanning:pii")
  const table = useTable("-created_at")
  const [state, set] = useUrlState(STATE)
  const filters = { q: personal ? state.q : "", person_id: state.person, order_id: state.order_id }
  const query = useApi("/customers", { query: { ...filters, ...table.query }, keep: true })
  const filtered = Object.values(filters).some((each) => each !== "")
  const name = (row: Customer) => row.name ?? row.email ?? `Customer ${row.id}`
  const columns: Column<Customer>[] = [
    {
      key: "name", title: "Name", sort: "name", heading: true,
      cell: (row) => (
        <>
          <TextLink to={`/customers/${encodeURIComponent(row.id)}`}>{name(row)}</TextLink>
          {row.erased_at ? <span className="ml-2"><Badge colour="grey">Erased</Badge></span> : null}
        </>
      ),
    },
    ...(personal
      ? ([
          { key: "email", title: "Email", cell: (row) => row.email ?? <None /> },
          { key: "phone", title: "Phone", extra: true, cell: (row) => row.phone ?? <None /> },
          { key: "place", title: "Place", cell: (row) => format.place(row.city, row.country) ?? <None /> },
        ] satisfies Column<Customer>[])
      : ([{ key: "country", title: "Country", cell: (row) => format.place(null, row.country) ?? <None /> }] satisfies Column<Customer>[])),
    { key: "id", title: "Id", sort: "id", extra: true, cell: (row) => <code className="font-mono text-xs">{row.id}</code> },
    { key: "orders", title: "Orders", right: true, cell: (row) => (row.orders ? format.number(row.orders) : <span className="text-muted">0</span>) },
    {
      key: "revenue", title: "Revenue", right: true,
      cell: (row) => (row.revenue.length ? row.revenue.map((each) => <span key={each.currency} className="block">{format.money(each.value, each.currency)}</span>) : <None />),
    },
    { key: "last", title: "Last order", cell: (row) => (row.last_order_at ? <time dateTime={row.last_order_at}>{format.date(row.last_order_at)}</time> : <None />) },
    { key: "created", title: "Customer since", sort: "created_at", cell: (row) => (row.created_at ? <time dateTime={row.created_at}>{format.date(row.created_at)}</time> : <None />) },
  ]
  return (
    <DataTable
      name="customers"
      columns={columns}
      query={query}
      rows={(data) => data.customers}
      rowKey={(row) => row.id}
      table={table}
      csv={{ path: "/customers", query: filters }}
      filters={
        <>
          {personal ? (
            <SearchBox label="Name, email, phone or order" value={state.q} onChange={(q, how) => set({ q }, how)} />
          ) : (
            <>
              <FilterText label="Customer id" value={state.person} onChange={(person, how) => set({ person }, how)} />
              <FilterText label="Order number" value={state.order_id} onChange={(order_id, how) => set({ order_id }, how)} />
            </>
          )}
          {filtered ? <ClearFilters onClear={() => set(NONE)} /> : null}
        </>
      }
      empty={
        filtered ? <NoMatch what="customers" clear={() => set(NONE)} /> : (
          <Empty title="No customers yet">They are read from your store&apos;s own table of customers; <TextLink to="/settings/links">see what is linked</TextLink>.</Empty>
        )
      }
    />
  )
}
